/** Wrong password, wrong certificate, nobody there: the words of the command line, its exit code, and what was not sent. */
import { connect, createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { backend } from '../../src/cli/engine-backend.js';
import { memoryTrust } from '../../src/client/trust.js';
import type { SiteSettings } from '../../src/protocol/site.js';
import { runCli, temporaryFolder } from '../cli/harness.js';
import { allocateHost, freePort } from '../peers/host.js';
import { requirePeer } from '../peers/peer.js';
import { startProftpd } from '../peers/real/proftpd.js';
import { type ScriptedPeer, startOrdinary } from '../peers/scripted/server.js';
import { type AnyPeer, at, attempt, expectClear, folder, local, siteOf, up } from './helper.js';

const WRONG = 'not-the-password';

const url = (peer: AnyPeer, change: { password?: string; scheme?: string; path?: string } = {}): string => {
  const { password = peer.password, scheme = 'ftp', path = 'f' } = change;
  return `${scheme}://${peer.user}:${password}@${peer.host}:${peer.port}${peer.path}${path}`;
};

/** Two ordinary servers, the first with a file. */
async function pair(): Promise<{ a: ScriptedPeer; b: ScriptedPeer }> {
  return { a: await up(startOrdinary({ files: { f: 'x' } })), b: await up(startOrdinary()) };
}

describe('a wrong password', () => {
  it('gives 4, names the server, its reply and what to check, and never the password', async () => {
    const { a, b } = await pair();
    const { code, out, err } = await runCli(['copy', url(a, { password: WRONG }), url(b)], backend);
    expect(code).toBe(4);
    expect(err).toContain(`${a.host}:${a.port}`);
    expect(err).toContain('530 Login incorrect.');
    expect(err).toContain('Check user and password.');
    expect(out + err).not.toContain(WRONG);
  });

  it('is not tried again: the account might be locked', async () => {
    const { a, b } = await pair();
    const site = siteOf(a, 'A', { password: WRONG });
    const run = await attempt(at(site, '/f'), at(siteOf(b, 'B'), '/f'), { maxAttempts: 4 });
    expectClear(run, 'A', /530 Login incorrect/);
    expect(run.error).toMatchObject({ kind: 'login', retry: 'never', facts: { command: 'USER rigger' } });
    expect(a.commands().filter((line) => line.startsWith('PASS'))).toHaveLength(1);
  });

  it.each(['ls', 'cat', 'du'])('gives 4 for %s, too', async (verb) => {
    const { a } = await pair();
    const { code, err } = await runCli([verb, url(a, { password: WRONG })], backend);
    expect([code, err]).toEqual([4, expect.stringContaining('530 Login incorrect.')]);
  });

  const missing = requirePeer('proftpd');
  it.skipIf(missing)(`at a real server${missing ? ` (skipped: ${missing})` : ''}`, async () => {
    const peer = await up(startProftpd());
    const site = siteOf(peer, 'A', { password: WRONG });
    const run = await attempt(at(site, 'f'), local(`${await folder()}/f`));
    expectClear(run, 'A', /530/);
    expect(run.error?.kind).toBe('login');
  });
});

describe('a wrong certificate', () => {
  const secure = (peer: ScriptedPeer, change: Partial<SiteSettings>): SiteSettings =>
    siteOf(peer, 'A', { tls: 'explicit', ...change });

  it('another key than the pinned one: 4, both keys are told, and no name or password is sent', async () => {
    const { a, b } = await pair();
    const pin = 'ab'.repeat(32);
    const words = ['copy', url(a, { scheme: 'ftps' }), url(b, { scheme: 'ftps' }), '--pin', pin];
    const { code, err } = await runCli(words, backend);
    expect(code).toBe(4);
    expect(err).toContain(a.pin);
    expect(err).toContain(pin);
    expect(a.log()).toBe('AUTH TLS');
  });

  it('a key that changed since the first use is an alarm', async () => {
    const { a, b } = await pair();
    const trust = memoryTrust();
    const to = at(siteOf(b, 'B', { tls: 'explicit', insecure: true }), '/f');
    await trust.set(a.host, a.port, { pin: 'cd'.repeat(32), since: Date.UTC(2020, 1, 1) });
    const run = await attempt(at(secure(a, {}), '/f'), to, { trust });
    expectClear(run, 'A', /CERTIFICATE CHANGED/, a.pin, 'cd'.repeat(32), '2020-02-01');
    expect(run.error).toMatchObject({ kind: 'tls', retry: 'never', facts: { site: 'A' } });
    expect(a.log()).toBe('AUTH TLS');
    expect((await trust.get(a.host, a.port))?.pin).toBe('cd'.repeat(32));
  });

  it('the command line remembers the first key between two runs, and refuses another one with 4', async () => {
    const first = await startOrdinary({ files: { f: 'x' }, tls: 'explicit' });
    const state = await temporaryFolder();
    const words = ['ls', url(first, { scheme: 'ftps', path: '' })];
    const once = await runCli(words, backend, { dirs: { config: state, state } });
    expect(once.code).toBe(0);
    const { host, port } = first;
    await first.stop();
    // Another server, with another key, takes the same place.
    const other = await up(startOrdinary({ files: { f: 'x' } }));
    const proxy = createServer((socket) => {
      socket.on('error', () => {});
      const inner = connect(other.port, other.host);
      inner.on('error', () => {});
      socket.pipe(inner).pipe(socket);
    });
    await new Promise<void>((resolve) => proxy.listen(port, host, resolve));
    try {
      const again = await runCli(words, backend, { dirs: { config: state, state } });
      expect(again.code).toBe(4);
      expect(again.err).toContain('THE CERTIFICATE CHANGED');
      expect(again.err).toContain('--pin');
      expect(other.log()).toBe('AUTH TLS');
    } finally {
      await new Promise((resolve) => proxy.close(resolve));
    }
  });

  it('a server without TLS where TLS is asked for: 4, and nothing more is sent', async () => {
    const a = await up(startOrdinary({ tls: 'none' }));
    const { code, err } = await runCli(['ls', url(a, { scheme: 'ftps' })], backend);
    expect(code).toBe(4);
    expect(err).toContain('does not offer TLS');
    expect(err).toContain('ftp://');
    expect(a.log()).toBe('AUTH TLS');
  });
});

describe('nobody there', () => {
  it('a closed port gives 5 and says what to check', async () => {
    const host = allocateHost();
    const port = await freePort(host);
    const { b } = await pair();
    const gone = { host, port, user: 'u', password: 'pw-7', home: '', path: '/', stop: async () => {} };
    const { code, err } = await runCli(['copy', url(gone), url(b)], backend);
    expect(code).toBe(5);
    expect(err).toContain(`${host} port ${port}`);
    expect(err).toContain('Nothing listens there');
  });

  it('a server that speaks another protocol gives 5 and shows what it said', async () => {
    const host = allocateHost();
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.write('SSH-2.0-OpenSSH_9.6\r\n');
    });
    const port = await new Promise<number>((resolve) => {
      server.listen(0, host, () => resolve((server.address() as { port: number }).port));
    });
    try {
      const words = ['ls', `ftp://u:p@${host}:${port}/`, '--timeout', '1s'];
      const { code, err } = await runCli(words, backend);
      expect(code).toBe(5);
      expect(err).toContain('SSH-2.0-OpenSSH_9.6');
      expect(err).toContain('may be no FTP server');
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });
});
