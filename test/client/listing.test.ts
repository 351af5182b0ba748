/** Listings of real servers, several on one session: in turn where they need a data connection, their commands in one segment. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { list } from '../../src/client/list.js';
import { SitePool } from '../../src/client/pool.js';
import { makeDirectory } from '../../src/client/verbs.js';
import type { Peer } from '../peers/peer.js';
import { startJackstay } from '../peers/real/jackstay.js';
import { startProftpd } from '../peers/real/proftpd.js';
import { startPureftpd } from '../peers/real/pureftpd.js';
import { startPyftpdlib } from '../peers/real/pyftpdlib.js';
import { startVsftpd } from '../peers/real/vsftpd.js';

const SERVERS: Record<string, () => Promise<Peer>> = {
  proftpd: () => startProftpd({ variant: 'reuse-required' }),
  vsftpd: () => startVsftpd({ variant: 'reuse-required' }),
  pureftpd: () => startPureftpd(),
  pyftpdlib: () => startPyftpdlib(),
  jackstay: () => startJackstay(),
};
const TOGETHER = new Set(['proftpd', 'vsftpd', 'pureftpd']);
const DIRECTORIES = ['one', 'two', 'with blanks', '-dash'];

const cases = Object.entries(SERVERS).flatMap(([name, start]) =>
  (['none', 'explicit'] as const).map((tls) => ({ name, start, tls })),
);

/** A server with directories of 1, 2, 3 and 4 files, and a pool for it that writes down what is said. */
async function ground({ start, tls }: (typeof cases)[number]) {
  const peer = await start();
  onTestFinished(() => peer.stop());
  DIRECTORIES.forEach((name, n) => {
    mkdirSync(join(peer.home, name));
    for (let i = 0; i <= n; i++) writeFileSync(join(peer.home, name, `f${i}`), 'x');
  });
  peer.own();
  const said: string[] = [];
  const { host, port, user, password } = peer;
  const site = { name: 'S', host, port, user, password, tls, insecure: true };
  const onDialogue = (_site: string, _n: number, direction: string, text: string): void =>
    void said.push(`${direction} ${text}`);
  const pool = new SitePool(site, { commandTimeout: 10_000, onDialogue });
  onTestFinished(() => pool.close());
  return { pool, said };
}

describe.each(cases)('$name, TLS $tls', (one) => {
  it('many on one session, asked for in the same turn', async () => {
    const { pool } = await ground(one);
    const connection = await pool.lease();
    for (let round = 0; round < 3; round++) {
      const found = await Promise.all(DIRECTORIES.map((name) => list(connection, `/${name}`)));
      expect(found.map((entries) => entries.length)).toEqual([1, 2, 3, 4]);
    }
    // MKD of what is there asks by CWD, while a listing stands in another directory.
    const [made, entries] = await Promise.all([
      makeDirectory(connection, '/one'),
      list(connection, '/with blanks'),
      makeDirectory(connection, '/two'),
    ]);
    expect(made).toBe(false);
    expect(entries.map(({ name }) => name).toSorted()).toEqual(['f0', 'f1', 'f2']);
    expect(connection.session.idle).toBe(true);
  });

  it('what is refused leaves the session in order', async () => {
    const { pool } = await ground(one);
    const connection = await pool.lease();
    await list(connection, '/one');
    // vsftpd shows an empty directory instead.
    const none = await list(connection, '/none').catch((error: unknown) => error);
    if (one.name === 'vsftpd') expect(none).toEqual([]);
    else expect(none).toMatchObject({ kind: 'refused' });
    expect(await list(connection, '/two')).toHaveLength(2);
    expect(connection.session.idle).toBe(true);
  });

  it('one round trip less where the server is known to queue', async () => {
    const { pool, said } = await ground(one);
    const connection = await pool.lease();
    await list(connection, '/one');
    said.length = 0;
    await list(connection, '/two');
    const [first, second] = said;
    const together = /^> (PASV|EPSV)$/.test(first ?? '') && /^> (MLSD|LIST)/.test(second ?? '');
    if (TOGETHER.has(one.name)) expect(together).toBe(true);
    else if (one.name === 'pyftpdlib') expect(together).toBe(false);
  });
});
