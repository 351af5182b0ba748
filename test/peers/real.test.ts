import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { issueCertificate, testAuthority } from './certs.js';
import { Dialogue, parsePassive } from './dialogue.js';
import { processesOf } from './host.js';
import { type Peer, type PeerName, requirePeer } from './peer.js';
import { startGridftp } from './real/gridftp.js';
import { startInetutils } from './real/inetutils.js';
import { startProftpd } from './real/proftpd.js';
import { startPureftpd } from './real/pureftpd.js';
import { startPyftpdlib } from './real/pyftpdlib.js';
import { startVsftpd } from './real/vsftpd.js';

const started: Peer[] = [];
const dialogues: Dialogue[] = [];

async function begin(starting: Promise<Peer>): Promise<Peer> {
  const peer = await starting;
  started.push(peer);
  return peer;
}

async function enter(peer: Peer): Promise<Dialogue> {
  const dialogue = await Dialogue.open(peer);
  dialogues.push(dialogue);
  return dialogue;
}

afterEach(async () => {
  for (const dialogue of dialogues.splice(0)) dialogue.close();
  for (const peer of started.splice(0)) await peer.stop();
});

const STARTERS: Record<PeerName, () => Promise<Peer>> = {
  proftpd: startProftpd,
  pureftpd: startPureftpd,
  vsftpd: startVsftpd,
  pyftpdlib: startPyftpdlib,
  inetutils: startInetutils,
  gridftp: startGridftp,
};

const because = (reason: string | undefined): string => (reason === undefined ? '' : ` (skipped: ${reason})`);

/** Sends the content of `name` from one server to the other, the destination listening. */
async function fxp(source: Peer, sink: Peer, name: string): Promise<{ sent: string; stored: string }> {
  const from = await enter(source);
  const to = await enter(sink);
  const { numbers } = parsePassive(await to.must('227', 'PASV'));
  await from.must('200', `PORT ${numbers}`);
  to.send(`STOR ${name}`);
  from.send(`RETR ${name}`);
  const opened = Promise.all([from.reply(), to.reply()]);
  await opened;
  const [sent, stored] = await Promise.all([from.reply(), to.reply()]);
  return { sent, stored };
}

for (const [name, start] of Object.entries(STARTERS) as [PeerName, () => Promise<Peer>][]) {
  const missing = requirePeer(name);
  describe.skipIf(missing)(`${name}${because(missing)}`, () => {
    it('serves a file both ways, byte for byte, and shows it in its folder', async () => {
      const peer = await begin(start());
      const session = await enter(peer);
      const content = randomBytes(300_000);
      expect(await session.must('257', 'PWD')).toContain(`"${peer.path}"`);
      expect(await session.store('up.bin', content)).toMatch(/^226/);
      expect(readFileSync(join(peer.home, 'up.bin')).equals(content)).toBe(true);
      writeFileSync(join(peer.home, 'down.bin'), content.subarray(7));
      peer.own();
      expect((await session.retrieve('down.bin')).equals(content.subarray(7))).toBe(true);
      expect((await session.retrieveActive('down.bin')).equals(content.subarray(7))).toBe(true);
      await session.must('250', 'DELE down.bin');
      expect(existsSync(join(peer.home, 'down.bin'))).toBe(false);
    });

    it('refuses a wrong password', async () => {
      const peer = await begin(start());
      const session = await Dialogue.open({ host: peer.host, port: peer.port });
      dialogues.push(session);
      await session.must('331', `USER ${peer.user}`);
      expect(await session.command('PASS wrong')).toMatch(/^530/);
    });

    it('has an address of its own and leaves nothing behind', async () => {
      const peer = await begin(start());
      const other = await begin(start());
      expect(other.host).not.toBe(peer.host);
      await enter(peer);
      await peer.stop();
      expect(processesOf(peer.pid)).toEqual([]);
      expect(existsSync(peer.home)).toBe(false);
      await expect(Dialogue.open({ host: peer.host, port: peer.port })).rejects.toThrow('ended');
    });

    it('falls silent when frozen and goes on when thawed', async () => {
      const peer = await begin(start());
      const session = await enter(peer);
      peer.freeze();
      const states = processesOf(peer.pid).map((pid) => readFileSync(`/proc/${pid}/stat`, 'latin1'));
      expect(states.length).toBeGreaterThan(0);
      for (const state of states) expect(state).toMatch(/\) T /);
      const answer = session.command('NOOP');
      peer.thaw();
      expect(await answer).toMatch(/^2/);
    });
  });
}

const names = ['proftpd', 'pureftpd', 'vsftpd', 'pyftpdlib'] as const;
const pair = names.map(requirePeer).find((reason) => reason !== undefined);
describe.skipIf(pair)(`server to server${because(pair)}`, () => {
  it('moves a file between ProFTPD and Pure-FTPd, both ways', async () => {
    const proftpd = await begin(startProftpd());
    const pureftpd = await begin(startPureftpd());
    const content = randomBytes(2_000_000);
    for (const [source, sink] of [
      [proftpd, pureftpd],
      [pureftpd, proftpd],
    ] as const) {
      const name = `from-${source.name}.bin`;
      writeFileSync(join(source.home, name), content);
      const { sent, stored } = await fxp(source, sink, name);
      expect([sent.slice(0, 3), stored.slice(0, 3)]).toEqual(['226', '226']);
      expect(readFileSync(join(sink.home, name)).equals(content)).toBe(true);
    }
  });

  it('is refused by the strict variants', async () => {
    for (const peer of [
      await begin(startProftpd({ variant: 'strict' })),
      await begin(startPureftpd({ variant: 'strict' })),
      await begin(startVsftpd({ variant: 'strict' })),
      await begin(startPyftpdlib({ variant: 'strict' })),
    ]) {
      const session = await enter(peer);
      expect([peer.name, await session.command('PORT 127,0,0,99,200,1')]).toEqual([
        peer.name,
        expect.stringMatching(/^50[01] /),
      ]);
      expect(peer.caps.foreignPort).toBe(false);
    }
  });
});

const TLS_STARTERS = {
  proftpd: startProftpd,
  pureftpd: startPureftpd,
  vsftpd: startVsftpd,
  pyftpdlib: startPyftpdlib,
};

for (const [name, start] of Object.entries(TLS_STARTERS) as [PeerName, () => Promise<Peer>][]) {
  const missing = requirePeer(name);
  it.skipIf(missing)(`${name} offers AUTH TLS with its own certificate${because(missing)}`, async () => {
    const peer = await begin(start());
    const session = await Dialogue.open({ host: peer.host, port: peer.port });
    dialogues.push(session);
    const secured = await session.secure(peer.host, testAuthority().cert);
    expect(secured.authorized).toBe(true);
    expect(secured.getPeerCertificate().fingerprint256).toBe(issueCertificate(peer.host).fingerprint);
  });
}

/** Uploads under PROT P on a TLS session of its own, not resumed from the control connection; the final reply. */
async function storeWithoutReuse(peer: Peer): Promise<string> {
  const session = await Dialogue.open({ host: peer.host, port: peer.port });
  dialogues.push(session);
  await session.secure(peer.host, testAuthority().cert);
  await session.login(peer.user, peer.password);
  await session.must('200', 'PBSZ 0');
  await session.must('200', 'PROT P');
  const socket = await session.passive();
  session.send('STOR secret.bin');
  const data = connectTls({ socket, rejectUnauthorized: false });
  data.on('error', () => {});
  data.once('secureConnect', () => data.end('secret'));
  data.resume();
  const first = await session.reply();
  return first.startsWith('1') ? session.reply() : first;
}

const reuse = requirePeer('proftpd') ?? requirePeer('vsftpd');
describe.skipIf(reuse)(`TLS session reuse${because(reuse)}`, () => {
  it('is asked for by the reuse-required variants only', async () => {
    for (const start of [startProftpd, startVsftpd]) {
      expect(await storeWithoutReuse(await begin(start()))).toMatch(/^226/);
      const strict = await begin(start({ variant: 'reuse-required' }));
      expect(await storeWithoutReuse(strict)).toMatch(/^(425|522)/);
      expect(strict.caps.reuseRequired).toBe(true);
    }
  });
});
