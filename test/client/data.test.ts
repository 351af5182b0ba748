/** Data connections with real servers: passive and active, clear and under TLS, also where sessions must be resumed. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Connection } from '../../src/client/connection.js';
import { list, stat } from '../../src/client/list.js';
import { SitePool } from '../../src/client/pool.js';
import { retrieve, store } from '../../src/client/transfer.js';
import { joinPath } from '../../src/protocol/paths.js';
import type { SiteSettings } from '../../src/protocol/site.js';
import { type Peer, type PeerName, requirePeer } from '../peers/peer.js';
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
import type { ScriptedPeer } from '../peers/scripted/server.js';
import { startWzdftpd } from '../peers/scripted/wzdftpd.js';

type AnyPeer = Peer | ScriptedPeer;

const REAL: Record<PeerName, { start: () => Promise<Peer>; quirk: string; tls: boolean }> = {
  proftpd: { start: () => startProftpd({ variant: 'reuse-required' }), quirk: 'ProFTPD', tls: true },
  vsftpd: { start: () => startVsftpd({ variant: 'reuse-required' }), quirk: 'vsftpd', tls: true },
  pureftpd: { start: () => startPureftpd(), quirk: 'Pure-FTPd', tls: true },
  pyftpdlib: { start: () => startPyftpdlib(), quirk: 'pyftpdlib', tls: true },
  inetutils: { start: () => startInetutils(), quirk: 'inetutils ftpd', tls: false },
  gridftp: { start: () => startGridftp(), quirk: 'GridFTP', tls: false },
};

/** One session, for `work`; every session is ended afterwards. */
async function using<T>(
  peer: AnyPeer,
  change: Partial<SiteSettings>,
  work: (connection: Connection, pool: SitePool) => Promise<T>,
): Promise<T> {
  const { host, port, user, password } = peer;
  const pool = new SitePool({ name: 'S', host, port, user, password, ...change }, { commandTimeout: 10_000 });
  try {
    const connection = await pool.lease();
    const result = await work(connection, pool);
    pool.release(connection);
    return result;
  } finally {
    await pool.close();
  }
}

async function put(connection: Connection, path: string, content: Buffer) {
  return store(connection, path, Readable.from([content]));
}

async function get(connection: Connection, path: string, offset = 0) {
  const sink = new PassThrough();
  const content = buffer(sink);
  content.catch(() => {});
  const result = await retrieve(connection, path, sink, { offset });
  return { content: await content, result };
}

/** Names that `ls`, shells and listings trip over. */
const ODD = [
  'a b',
  ' lead',
  "it's",
  'q"q',
  'star*',
  '[x]',
  '-dash',
  'ünï',
  '~tilde',
  '{a,b}',
  'semi;colon',
  'a -> b',
];

for (const [name, { start, quirk, tls }] of Object.entries(REAL) as [PeerName, (typeof REAL)[PeerName]][]) {
  const missing = requirePeer(name);
  describe.skipIf(missing)(`${name}${missing ? ` (skipped: ${missing})` : ''}`, () => {
    let peer: Peer;
    const content = randomBytes(300_000);
    beforeAll(async () => {
      if (missing) return;
      peer = await start();
      mkdirSync(join(peer.home, 'odd'));
      for (const odd of ODD) writeFileSync(join(peer.home, 'odd', odd), odd);
      mkdirSync(join(peer.home, 'empty dir'));
      peer.own();
    });
    afterAll(async () => peer?.stop());

    const ways: [string, Partial<SiteSettings>][] = [
      ['passive', {}],
      // Globus dials from another address than its own, and is turned away.
      ...(name === 'gridftp'
        ? []
        : ([['active', { dataMode: 'active' }]] satisfies [string, Partial<SiteSettings>][])),
      ...(tls
        ? ([
            ['passive, TLS', { tls: 'explicit', insecure: true }],
            ['active, TLS', { tls: 'explicit', insecure: true, dataMode: 'active' }],
          ] satisfies [string, Partial<SiteSettings>][])
        : []),
    ];

    it.each(ways)(
      '%s: stores, retrieves, resumes and lists, several times in one session',
      async (way, site) => {
        await using(peer, site, async (connection) => {
          expect(connection.facts.quirk.name).toBe(quirk);
          const file = way.replaceAll(/\W/g, '');
          const path = joinPath(connection.facts.home, file);
          // More data connections than a server hands out tickets at once.
          for (let round = 0; round < 3; round++) {
            const sent = await put(connection, path, content);
            expect(sent).toMatchObject({ bytes: content.length, protected: site.tls !== undefined });
            const { content: whole } = await get(connection, path);
            expect(whole.equals(content)).toBe(true);
            const names = (await list(connection, connection.facts.home)).map((entry) => entry.name);
            expect(names).toContain(file);
          }
          const { content: tail } = await get(connection, path, 299_000);
          expect(tail.equals(content.subarray(299_000))).toBe(true);
          expect(readFileSync(join(peer.home, file)).equals(content)).toBe(true);
          expect(connection.session.idle).toBe(true);
        });
      },
    );

    it('lists names that ls trips over, and finds each by itself', async () => {
      await using(peer, {}, async (connection) => {
        const home = connection.facts.home;
        const wanted = connection.facts.behaviour.asciiNames ? ODD.filter((odd) => odd !== 'ünï') : ODD;
        const found = await list(connection, joinPath(home, 'odd'));
        expect(found.map((entry) => entry.name).sort()).toEqual(expect.arrayContaining([...wanted].sort()));
        for (const odd of wanted) {
          const entry = await stat(connection, joinPath(home, `odd/${odd}`));
          expect(entry, odd).toMatchObject({ type: 'file', size: Buffer.byteLength(odd) });
        }
        expect(await list(connection, joinPath(home, 'empty dir'))).toEqual([]);
        expect(await stat(connection, joinPath(home, 'none'))).toBeUndefined();
      });
    });

    it('tells a refused transfer in the words of the server, and goes on', async () => {
      await using(peer, {}, async (connection) => {
        const path = joinPath(connection.facts.home, 'none');
        await expect(get(connection, path)).rejects.toMatchObject({
          facts: { site: 'S', command: expect.stringContaining('RETR'), reply: { code: expect.any(Number) } },
        });
        expect((await connection.session.request('PWD')).code).toBe(257);
      });
    });
  });
}

const SCRIPTED: [string, () => Promise<ScriptedPeer>, boolean][] = [
  ['glFTPd', startGlftpd, true],
  ['wzdftpd', startWzdftpd, false],
  ['drftpd', startDrftpd, false],
  ['RaidenFTPd', startRaiden, true],
  ['ioFTPD', startIoftpd, false],
  ['Microsoft IIS', startIis, false],
];

describe('servers that cannot be had', () => {
  it.each(SCRIPTED)(
    '%s is recognised, in clear and under TLS, and its queue is known',
    async (quirk, start, queues) => {
      const peer = await start();
      try {
        for (const site of [{}, { tls: 'explicit', insecure: true } as const]) {
          await using(peer, site, async (connection) => {
            expect([connection.facts.quirk.name, connection.facts.queues]).toEqual([quirk, queues]);
            const up = 'tls' in site ? '/up-tls' : '/up';
            await put(connection, up, Buffer.from('content'));
            expect((await get(connection, up)).content.toString()).toBe('content');
            expect((await list(connection, '/')).map((entry) => entry.name)).toContain(up.slice(1));
          });
        }
      } finally {
        await peer.stop();
      }
    },
  );
});
