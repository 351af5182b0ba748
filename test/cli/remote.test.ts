import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { connectFiles } from '../../src/cli/remote-files.js';
import { type ScriptedPeer, startOrdinary } from '../peers/scripted/server.js';
import { runCli, type TestIo } from './harness.js';

const CONTENT = Buffer.from('one\ntwo\n');

/** A server with a small tree, and a runner whose commands share one home. */
async function rig(): Promise<{
  peer: ScriptedPeer;
  url: (path: string, scheme?: string) => string;
  jackstay: typeof runCli;
}> {
  const peer = await startOrdinary({
    files: { 'dir/one': CONTENT, 'dir/sub/two': Buffer.alloc(5), top: Buffer.alloc(2) },
  });
  onTestFinished(() => peer.stop());
  let io: TestIo | undefined;
  const url = (path: string, scheme = 'ftps'): string =>
    `${scheme}://${peer.user}:${peer.password}@${peer.host}:${peer.port}/${path}`;
  const jackstay: typeof runCli = async (argv) => {
    const run = await runCli(argv, { connect: connectFiles }, io ? { dirs: io.dirs } : {});
    io ??= run.io;
    return run;
  };
  return { peer, url, jackstay };
}

describe('commands on a server', () => {
  it('list, print, make, rename, sum up and remove', async () => {
    const { peer, url, jackstay } = await rig();
    expect(await jackstay(['ls', url('')])).toMatchObject({
      code: 0,
      out: 'dir/\ntop\n',
      err: `${peer.host}:${peer.port}: first contact, its key is remembered: sha256 ${peer.pin}\n`,
    });
    expect((await jackstay(['ls', url('')])).err).toBe('');
    expect((await jackstay(['site', 'test', url('')])).out).toContain(
      `\nkey      sha256 ${peer.pin} (as last time)\n`,
    );
    expect((await jackstay(['ls', '-R', url('dir', 'ftp')])).out.split('\n').sort()).toEqual([
      '',
      'one',
      'sub/',
      'sub/two',
    ]);
    expect(await jackstay(['cat', url('dir/one'), url('dir/one')])).toMatchObject({
      code: 0,
      out: 'one\ntwo\none\ntwo\n',
    });
    expect((await jackstay(['du', '--bytes', url('')])).out).toBe('15  3 files, 2 directories  .\n');
    expect((await jackstay(['mkdir', '-p', url('new/deep')])).code).toBe(0);
    expect((await jackstay(['mkdir', url('new')])).code).toBe(1);
    expect((await jackstay(['mv', url('dir/one'), 'new/deep/'])).code).toBe(0);
    expect(await readFile(join(peer.home, 'new/deep/one'))).toEqual(CONTENT);
    expect((await jackstay(['rm', url('dir')])).code).toBe(1);
    expect((await jackstay(['rm', '-r', url('dir'), url('top')])).code).toBe(0);
    expect([existsSync(join(peer.home, 'dir')), existsSync(join(peer.home, 'top'))]).toEqual([false, false]);
  });

  it('a missing file is told with command, reply and code 1', async () => {
    const { url, jackstay } = await rig();
    const { code, err } = await jackstay(['cat', url('none')]);
    expect(code).toBe(1);
    expect(err).toMatch(/^jackstay: .*RETR none.* 550 /m);
  });

  it('a wrong password gives 4, and neither it nor the dialogue shows it', async () => {
    const { peer, jackstay } = await rig();
    const { code, err } = await jackstay([
      'ls',
      '-v',
      `ftps://${peer.user}:wrong-secret@${peer.host}:${peer.port}/`,
    ]);
    expect(code).toBe(4);
    expect(err).toContain('PASS');
    expect(err).not.toContain('wrong-secret');
  });

  it('the dialogue never shows the right password either', async () => {
    const { peer, url, jackstay } = await rig();
    const { code, err } = await jackstay(['ls', '-v', url('')]);
    expect(code).toBe(0);
    expect(err).toMatch(/^\S+#1 > USER /m);
    expect(err).not.toContain(peer.password);
  });

  it('a certificate is remembered; another key is refused with 4', async () => {
    const { peer, url, jackstay } = await rig();
    const first = await jackstay(['ls', url('')]);
    const file = join(first.io.dirs.state, 'trust.json');
    const trust = JSON.parse(await readFile(file, 'utf8')) as { keys: Record<string, { pin: string }> };
    expect(Object.keys(trust.keys)).toEqual([`${peer.host}:${peer.port}`]);
    const { pin } = Object.values(trust.keys)[0]!;
    expect((await jackstay(['ls', url(''), '--pin', pin])).code).toBe(0);
    expect((await jackstay(['ls', url(''), '--pin', pin.replace(/./g, '0')])).code).toBe(4);
  });

  it('nobody listening gives 5', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    const { code } = await runCli(['ls', `ftp://127.0.0.1:${port}/`], { connect: connectFiles });
    expect(code).toBe(5);
  });
});
