/** Secrets stay out of every output; TLS rules of servers are named, and gone round only where that was asked for. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { backend } from '../../src/cli/engine-backend.js';
import { run } from '../../src/cli/program.js';
import type { EngineEvent, Summary } from '../../src/engine/events.js';
import { testIo } from '../cli/harness.js';
import { requirePeer } from '../peers/peer.js';
import { startGridftp } from '../peers/real/gridftp.js';
import { startInetutils } from '../peers/real/inetutils.js';
import { startProftpd } from '../peers/real/proftpd.js';
import { startPureftpd } from '../peers/real/pureftpd.js';
import { startPyftpdlib } from '../peers/real/pyftpdlib.js';
import { startVsftpd } from '../peers/real/vsftpd.js';
import { startDrftpd } from '../peers/scripted/drftpd.js';
import { startGlftpd } from '../peers/scripted/glftpd.js';
import { startIis } from '../peers/scripted/iis.js';
import { startIoftpd } from '../peers/scripted/ioftpd.js';
import { startRaiden } from '../peers/scripted/raiden.js';
import { startOrdinary } from '../peers/scripted/server.js';
import { startWzdftpd } from '../peers/scripted/wzdftpd.js';
import { type AnyPeer, during, look, noise, plant } from './bench.js';
import { url } from './command.js';

const REAL = {
  proftpd: startProftpd,
  pureftpd: startPureftpd,
  vsftpd: startVsftpd,
  pyftpdlib: startPyftpdlib,
  inetutils: startInetutils,
  gridftp: startGridftp,
} as const;
const SCRIPTED = {
  glftpd: startGlftpd,
  wzdftpd: startWzdftpd,
  drftpd: startDrftpd,
  raiden: startRaiden,
  ioftpd: startIoftpd,
  iis: startIis,
} as const;

/** Runs a command line against the real engine. */
async function command(
  argv: string[],
): Promise<{ code: number; out: string; err: string; summary: Summary }> {
  const io = await testIo(argv);
  const code = await run({ io, backend: async () => backend });
  const events = io.stdout.text.split('\n').filter((line) => line.startsWith('{"event"'));
  return {
    code,
    out: io.stdout.text,
    err: io.stderr.text,
    summary: JSON.parse(events.at(-1) ?? '{}') as Summary,
  };
}

const WRONG = 'not-the-word-9';
const withPassword = (peer: AnyPeer, password: string): AnyPeer => ({ ...peer, password });

/** Listing, copy and a refused login, told in full: the dialogue is there, the secrets are not. */
async function tellsNoSecret(peer: AnyPeer): Promise<void> {
  plant(peer, { 'tree/f': 'x' });
  const target = `${peer.path === '/' ? '' : `${peer.path}/`}tree`;
  const there = url(peer, 'tree');
  const home = (await testIo([])).home;
  const shown = await command(['ls', there, '-v', '--timeout', '10s']);
  const logged = await command(['copy', there, join(home, 'got'), '-v', '--json', '--timeout', '10s']);
  const refused = await command(['ls', url(withPassword(peer, WRONG), 'tree'), '-v', '--timeout', '10s']);
  expect([shown.code, logged.code, refused.code]).toEqual([0, 0, 4]);
  for (const { out, err } of [shown, logged, refused]) {
    expect(`${out}${err}`).toContain('PASS ****');
    expect(`${out}${err}`).not.toContain(peer.password);
    expect(`${out}${err}`).not.toContain(WRONG);
  }
  expect(logged.out).toContain(`${peer.host}:${peer.port}:`);
  expect(logged.out).toContain(target);
}

describe('passwords', () => {
  for (const [name, start] of Object.entries(REAL)) {
    const reason = requirePeer(name as keyof typeof REAL);
    it.skipIf(reason)(`stay out of all output with ${name} ${reason ?? ''}`, async () => {
      await tellsNoSecret(await during<AnyPeer>(start()));
    });
  }

  it.each(Object.entries(SCRIPTED))('stay out of all output with %s', async (_name, start) => {
    await tellsNoSecret(await during<AnyPeer>(start()));
  });

  it('stay out where the server repeats them', async () => {
    const badPassword = `530 PASS ${WRONG} is not the password of rigger`;
    const peer = await during(startOrdinary({ dialect: { badPassword } }));
    const refused = await command(['ls', url(withPassword(peer, WRONG), ''), '-v', '--json']);
    expect(refused.code).toBe(4);
    expect(refused.err + refused.out).toContain('530 PASS **** is not the password');
    expect(refused.err + refused.out).not.toContain(WRONG);
  });
});

const absent = requirePeer('proftpd') ?? requirePeer('pureftpd') ?? requirePeer('vsftpd');

describe.skipIf(absent)(`TLS rules ${absent ?? ''}`, () => {
  it('a server that wants resumed sessions is named, with its setting and exit code 3', async () => {
    const [a, b] = await Promise.all([
      during(startProftpd()),
      during(startVsftpd({ variant: 'reuse-required' })),
    ]);
    plant(a, { 'tree/f': noise(10_000), 'tree/g': '' });
    const pair = [url(a, 'tree', 'ftps'), url(b, 'copy', 'ftps'), '--json', '-v'];
    const refused = await command(['copy', ...pair]);
    expect(refused.code).toBe(3);
    expect(refused.err).toContain('no FXP route');
    expect(refused.err).toContain('vsftpd: `require_ssl_reuse=NO` would allow it.');
    expect(refused.out + refused.err).not.toMatch(/> PROT C/);
    expect(look(join(b.home))).toEqual({ copy: 'dir' });

    const relayed = await command(['copy', ...pair, '--relay', 'fallback']);
    expect(relayed.code).toBe(0);
    expect(relayed.summary).toMatchObject({ files: 2, failed: 0, route: { kind: 'relay' } });
    expect(relayed.summary).toMatchObject({ security: 'encrypted', clientBytes: 10_000 });
    const warning = relayed.out.split('\n').find((line) => line.includes('"warning"'));
    const told = JSON.parse(warning ?? '{}') as Extract<EngineEvent, { event: 'warning' }>;
    expect(told.message).toMatch(/^relaying through this client: no FXP route/);
    expect(told.advice).toContain('require_ssl_reuse');
    expect(look(join(b.home, 'copy'))).toEqual(look(join(a.home, 'tree')));
  });

  it('`--security clear` on an ftps pair is allowed, and called clear', async () => {
    const [a, b] = await Promise.all([during(startVsftpd()), during(startPureftpd())]);
    plant(a, { 'tree/f': noise(10_000) });
    const pair = [url(a, 'tree', 'ftps'), url(b, 'copy', 'ftps')];
    const done = await command(['copy', ...pair, '--json', '--security', 'clear']);
    expect(done.code).toBe(0);
    expect(done.summary).toMatchObject({ files: 1, security: 'clear', route: { kind: 'fxp' } });
    const shown = await command(['copy', ...pair, '--security', 'clear', '--on-exists', 'overwrite']);
    expect(shown.out).toContain('fxp, clear');
  });

  it('a floor that the pair cannot reach is refused before anything is sent', async () => {
    const [a, b] = await Promise.all([during(startProftpd()), during(startProftpd())]);
    plant(a, { 'tree/f': 'x' });
    const pair = [url(a, 'tree', 'ftps'), url(b, 'copy', 'ftps')];
    const refused = await command(['copy', ...pair, '--json', '-v', '--security', 'verified']);
    expect(refused.code).toBe(3);
    expect(refused.err).toContain('the floor is verified');
    expect(refused.out + refused.err).not.toMatch(/> (STOR|RETR)/);
  });
});
