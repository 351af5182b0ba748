/** What a data peer must prove: keys, certificates, roles and versions of TLS, at both ends of TCP (docs/dcpa.md 12, 13). */
import { existsSync } from 'node:fs';
import type net from 'node:net';
import { join } from 'node:path';
import type tls from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { ServerEvent } from '../../src/server/events.js';
import { issueCertificate } from '../peers/certs.js';
import { dcpa, outcome, pinnedServer } from './dcpa-kit.js';
import {
  begin,
  closeDataPeers,
  connectTo,
  expiredIdentity,
  freshIdentity,
  listenAt,
  type PeerHow,
  pinOfPem,
  received,
  type Shown,
} from './dcpa-peer.js';
import type { ControlClient, TestServer } from './harness.js';
import { epsvPort } from './strict-replies.js';

const PEER = '127.0.0.4';
const BODY = Buffer.alloc(100_000, 'what only the peer may have ');
const own = freshIdentity();
const other = freshIdentity();

interface Case {
  kind: 'passive' | 'active';
  /** TLS role of the server. */
  ours: 'client' | 'server';
  version: 'TLSv1.2' | 'TLSv1.3';
}
const CASES: Case[] = (['passive', 'active'] as const).flatMap((kind) =>
  (['client', 'server'] as const).flatMap((ours) =>
    (['TLSv1.2', 'TLSv1.3'] as const).map((version) => ({ kind, ours, version })),
  ),
);

type Refused = Extract<ServerEvent, { event: 'peer-refused' }>;
type Moved = Extract<ServerEvent, { event: 'transfer' }>;
const isRefused = (e: ServerEvent): e is Refused => e.event === 'peer-refused';
const isMoved = (e: ServerEvent): e is Moved => e.event === 'transfer';

let server: TestServer;
let six: TestServer;
let expired: Required<Shown>;
beforeAll(async () => {
  // `optional` is for clients that are not pinned: under the key of a login a cut is 426 all the same.
  const tls = { ...issueCertificate('127.0.0.2'), closeNotify: 'optional' } as const;
  server = await pinnedServer('127.0.0.2', { threads: 1, tls, files: { body: BODY } });
  six = await pinnedServer('::1', { files: { body: BODY } });
  expired = await expiredIdentity();
});
afterEach(() => {
  closeDataPeers();
  for (const one of [server, six]) {
    one.hangUp();
    one.events.length = 0;
  }
});
afterAll(() => Promise.all([server.close(), six.close()]));

/** The data connection of a peer, TLS begun; the command is sent. */
async function attempt(
  client: ControlClient,
  line: string,
  { kind, ours, version }: Case,
  shown: Shown & Partial<PeerHow>,
) {
  const how: PeerHow = { role: ours === 'client' ? 'server' : 'client', version, ...shown };
  const from = client.host.includes(':') ? '::1' : PEER;
  if (kind === 'passive') {
    const port = epsvPort(await client.ok('EPSV'));
    client.send(line);
    return over(await connectTo(client.host, port, from), how);
  }
  const { port, connection } = await listenAt(from);
  await client.ok(`EPRT |${from.includes(':') ? 2 : 1}|${from}|${port}|`);
  client.send(line);
  return over(await connection, how);
}

/** The TCP connection below a peer's TLS. */
const below = new WeakMap<tls.TLSSocket, net.Socket>();

function over(raw: net.Socket, how: PeerHow): tls.TLSSocket {
  const peer = begin(raw, how);
  below.set(peer, raw);
  return peer;
}

/** The handshake of the peer is done. */
const secured = (peer: tls.TLSSocket): Promise<void> =>
  new Promise((resolve) => {
    peer.once('secure', () => resolve());
  });

describe.each(CASES)('$kind, TLS $ours, $version', (given) => {
  async function enter(pin: string, more = ''): Promise<ControlClient> {
    const client = await server.enterTls();
    await dcpa(client, `Peer=sha-256:${pin};Role=${given.ours}${more}`);
    return client;
  }

  test('the right key has the file, and gives one', async () => {
    const client = await enter(own.pin);
    const { self } = await dcpa(client);
    const got = await attempt(client, 'RETR body', given, own);
    const octets = received(got);
    expect((await outcome(client)).map(({ code }) => code)).toEqual([150, 226]);
    expect((await octets).equals(BODY)).toBe(true);
    expect(
      pinOfPem(
        `-----BEGIN CERTIFICATE-----\n${got.getPeerX509Certificate()!.raw.toString('base64')}\n-----END CERTIFICATE-----`,
      ),
    ).toBe(self);
    const put = await attempt(client, 'STOR in', given, own);
    put.end(BODY);
    expect((await outcome(client)).map(({ code }) => code)).toEqual([150, 226]);
    expect(server.read('in').equals(BODY)).toBe(true);
    const { transfer } = server.events.filter(isMoved).at(-1)!;
    expect(transfer).toMatchObject({ security: 'verified', peer: { tls: { pin: own.pin, resumed: false } } });
    expect(transfer.peer!.tls!.protocol).toBe(given.version);
  });

  test.each(['expired and for servers only', 'signed by an authority'])(
    'a certificate that is %s: the key counts',
    async (kind) => {
      const shown = kind.startsWith('expired') ? expired : issueCertificate('127.0.0.99');
      const client = await enter(pinOfPem(shown.cert));
      const { cert, key } = shown;
      (await attempt(client, 'STOR in', given, { cert, key })).end('fine');
      expect((await outcome(client)).map(({ code }) => code)).toEqual([150, 226]);
    },
  );

  const wrong: [string, Shown][] = [['another key', other]];
  if (given.ours === 'server') wrong.push(['no certificate', {}]);
  test.each(wrong)('%s: no octet either way, nothing is made', async (_, { cert, key }) => {
    const shown = cert && key ? { cert, key } : {};
    for (const line of ['RETR body', 'STOR never']) {
      const client = await enter(own.pin);
      const peer = await attempt(client, line, given, shown);
      const octets = received(peer);
      if (line.startsWith('STOR')) peer.write(BODY);
      if (given.kind === 'active') {
        const [only, ...more] = await outcome(client);
        expect([only!.code, only!.text, more]).toEqual([425, 'Data connection not authenticated.', []]);
      } else {
        const { why } = await server.event(isRefused);
        expect(why).toMatch(/is not pinned|no certificate/);
        server.events.length = 0;
        client.send('ABOR');
        expect(await client.codes(2)).toEqual([426, 226]);
      }
      expect(await octets).toHaveLength(0);
      expect(await dcpa(client)).toMatchObject({ last: 'failed', bytes: 0 });
    }
    expect(existsSync(join(server.root, 'never'))).toBe(false);
    // A failure on the passive side has no peer: nobody was the one.
    expect(server.events.filter(isMoved).every(({ transfer }) => transfer.security === undefined)).toBe(true);
  });

  test('an existing file is not truncated by somebody who does not prove the key', async () => {
    server.put('old', 'as it was');
    const client = await enter(own.pin);
    (await attempt(client, 'STOR old', given, { cert: other.cert, key: other.key })).write('new');
    if (given.kind === 'passive') {
      await server.event(isRefused);
      client.send('ABOR');
    }
    expect((await outcome(client)).at(-1)!.code).toBe(given.kind === 'passive' ? 426 : 425);
    expect(server.read('old').toString()).toBe('as it was');
  });

  test('listings between pinned transfers go to the client by the ordinary rules', async () => {
    const client = await enter(own.pin);
    for (const name of ['one', 'two']) {
      (await attempt(client, `STOR ${name}`, given, own)).end(name);
      expect((await outcome(client)).at(-1)!.code).toBe(226);
      expect((await client.transfer('NLST')).octets.toString()).toContain(`${name}\r\n`);
    }
  });

  test('REST, APPE, STOU and MODE Z are as without a pin', async () => {
    const client = await enter(own.pin);
    await client.ok('REST 99990');
    const octets = received(await attempt(client, 'RETR body', given, own));
    expect((await outcome(client)).at(-1)!.code).toBe(226);
    expect(await octets).toEqual(BODY.subarray(99_990));
    server.put('log', 'a');
    (await attempt(client, 'APPE log', given, own)).end('b');
    expect((await outcome(client)).at(-1)!.code).toBe(226);
    expect(server.read('log').toString()).toBe('ab');
    (await attempt(client, 'STOU', given, own)).end('unique');
    const [opening, final] = await outcome(client);
    expect(final!.code).toBe(226);
    expect(server.read(/FILE: (\S+)/.exec(opening!.text)![1]!).toString()).toBe('unique');
  });

  test('an empty file; a cut without close_notify is 426 and the part stays', async () => {
    const client = await enter(own.pin);
    const none = await attempt(client, 'STOR empty', given, own);
    await secured(none);
    none.end();
    expect((await outcome(client)).map(({ code }) => code)).toEqual([150, 226]);
    expect(server.read('empty')).toHaveLength(0);
    const peer = await attempt(client, 'STOR part', given, own);
    peer.write('half');
    expect((await client.read()).code).toBe(150);
    below.get(peer)!.end();
    expect((await client.read()).code).toBe(426);
    expect(server.read('part').toString()).toBe('half');
  });
});

test.each(CASES)('IPv6: $kind, TLS $ours, $version', async (given) => {
  const client = await six.enterTls();
  await dcpa(client, `Peer=sha-256:${own.pin};Role=${given.ours}`);
  const octets = received(await attempt(client, 'RETR body', given, own));
  expect((await outcome(client)).map(({ code }) => code)).toEqual([150, 226]);
  expect((await octets).equals(BODY)).toBe(true);
});
