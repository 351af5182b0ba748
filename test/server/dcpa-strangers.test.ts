/** Those who are not the peer: first at the port, many, silent, with an old session; and hosts that are aimed at (docs/dcpa.md 13, 14). */
import type net from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { ServerEvent } from '../../src/server/events.js';
import { dcpa, outcome, pinnedServer } from './dcpa-kit.js';
import { begin, closeDataPeers, connectTo, freshIdentity, listenAt, received } from './dcpa-peer.js';
import type { ControlClient, TestServer } from './harness.js';
import { epsvPort } from './strict-replies.js';

const HOST = '127.0.0.2';
const PEER = '127.0.0.4';
const STRANGER = '127.0.0.5';
const own = freshIdentity();
const other = freshIdentity();
const SECRET = 'for the peer only';

type Refused = Extract<ServerEvent, { event: 'peer-refused' }>;
const isRefused = (e: ServerEvent): e is Refused => e.event === 'peer-refused';

let server: TestServer;
let bounded: TestServer;
beforeAll(async () => {
  server = await pinnedServer(HOST, { threads: 1, files: { f: SECRET } });
  const limits = { foreignFailuresPerMinute: 2, levelDelay: 50, dataTimeout: 500 };
  bounded = await pinnedServer(HOST, { files: { f: SECRET }, options: { limits } });
});
afterEach(() => {
  closeDataPeers();
  for (const one of [server, bounded]) {
    one.hangUp();
    one.events.length = 0;
  }
});
afterAll(() => Promise.all([server.close(), bounded.close()]));

async function enter(more = '', at = server): Promise<ControlClient> {
  const client = await at.enterTls();
  await dcpa(client, `Peer=sha-256:${own.pin}${more}`);
  return client;
}

const passive = async (client: ControlClient): Promise<number> => epsvPort(await client.ok('EPSV'));

/** The right peer comes, and is served. */
async function served(
  client: ControlClient,
  port: number,
  role: 'client' | 'server' = 'server',
): Promise<void> {
  const octets = received(begin(await connectTo(HOST, port, PEER), { ...own, role }));
  expect((await outcome(client)).map(({ code }) => code)).toEqual([150, 226]);
  expect((await octets).toString()).toBe(SECRET);
}

const told = (): string[] => server.events.filter(isRefused).map(({ peer }) => peer);

test.each(['before the command', 'after it'])('silent and wrong strangers come first, %s', async (when) => {
  const client = await enter();
  const port = await passive(client);
  if (when === 'after it') client.send('RETR f');
  const silent = await Promise.all([1, 2, 3].map(() => connectTo(HOST, port, STRANGER)));
  const wrong = begin(await connectTo(HOST, port, STRANGER), {
    role: 'server',
    cert: other.cert,
    key: other.key,
  });
  const gone = Promise.all([...silent, wrong].map((one) => received(one)));
  if (when !== 'after it') client.send('RETR f');
  await served(client, port);
  const [hello] = await gone;
  // A ClientHello is what any TLS client shows.
  expect(hello![0]).toBe(0x16);
  expect((await gone).map(String).join()).not.toContain(SECRET);
  expect(told()).toEqual([STRANGER, STRANGER, STRANGER, STRANGER]);
  expect(server.events.filter(isRefused).map(({ why }) => why)).toContain(
    `the peer proved the key sha-256:${other.pin}, which is not pinned`,
  );
});

test('more strangers than there are places: those that fail make room', async () => {
  const client = await enter(';Role=server');
  const port = await passive(client);
  const many = await Promise.all(Array.from({ length: 12 }, () => connectTo(HOST, port, STRANGER)));
  const octets = Promise.all(many.map((one) => received(one)));
  client.send('RETR f');
  const right = served(client, port, 'client');
  for (const one of many) one.write('GET / HTTP/1.1\r\n\r\n');
  await right;
  // TLS server here: who is no TLS client hears nothing at all.
  expect((await octets).every(({ length }) => length === 0)).toBe(true);
  expect(told()).toHaveLength(12);
});

test('From: nobody else takes part', async () => {
  const client = await enter(`;From=${PEER}`);
  const port = await passive(client);
  client.send('RETR f');
  expect(await received((await connectTo(HOST, port, STRANGER)).resume())).toHaveLength(0);
  // The address of the client is that of a stranger here.
  expect(await received((await connectTo(HOST, port, '127.0.0.1')).resume())).toHaveLength(0);
  await served(client, port);
  expect(told()).toEqual([STRANGER, '127.0.0.1']);
});

test.each(['TLSv1.2', 'TLSv1.3'] as const)('a session of before is not resumed, %s', async (version) => {
  const client = await enter(';Role=server');
  const sessions: Buffer[] = [];
  for (let i = 0; i < 2; i++) {
    const port = await passive(client);
    client.send('RETR f');
    const raw = await connectTo(HOST, port, PEER);
    const peer = begin(raw, { ...own, role: 'client', version, session: sessions.at(-1) });
    peer.on('session', (session: Buffer) => sessions.push(session));
    const octets = received(peer);
    expect((await outcome(client)).at(-1)!.code).toBe(226);
    expect((await octets).toString()).toBe(SECRET);
    expect(peer.isSessionReused()).toBe(false);
  }
  expect(sessions.length).toBeGreaterThan(0);
  // Nor is one of the control connection, which another data connection of its client may resume.
  const port = await passive(client);
  client.send('RETR f');
  const peer = begin(await connectTo(HOST, port, PEER), { role: 'client', session: await client.session() });
  await received(peer);
  expect((await server.event(isRefused)).why).toMatch(/no certificate/);
});

test('nobody proves a key in time: 522 where somebody came, 425 where nobody did', async () => {
  const client = await enter('', bounded);
  const port = await passive(client);
  client.send('RETR f');
  const peer = begin(await connectTo(HOST, port, PEER), { role: 'server', cert: other.cert, key: other.key });
  await received(peer);
  await bounded.event(isRefused);
  expect((await outcome(client)).map(({ code }) => code)).toEqual([522]);
  await passive(client);
  expect(await client.code('RETR f')).toBe(425);
});

/** What an active endpoint finds at the other end. */
const TARGETS: [string, (socket: net.Socket) => void][] = [
  ['a mail server that waits', () => {}],
  ['one that greets', (socket) => socket.write('220 mail.example ESMTP\r\n')],
  ['one that closes', (socket) => socket.end()],
  ['one that resets', (socket) => socket.resetAndDestroy()],
];

test('a host that is aimed at gets no octet, and every answer is that of a closed port', async () => {
  const quick = await pinnedServer(HOST, { files: { f: SECRET }, options: { limits: { levelDelay: 200 } } });
  try {
    const client = await enter('', quick);
    const answers = new Map<string, string[]>();
    const closed = await listenAt(PEER);
    closed.close();
    for (const line of ['RETR f', 'STOR new']) {
      await client.ok(`EPRT |1|${PEER}|${closed.port}|`);
      client.send(line);
      answers.set(
        `closed ${line}`,
        (await outcome(client)).map(({ lines }) => lines.join()),
      );
      for (const [name, act] of TARGETS) {
        const { port, connection } = await listenAt(PEER);
        await client.ok(`EPRT |1|${PEER}|${port}|`);
        client.send(line);
        const socket = await connection;
        const octets = received(socket);
        act(socket);
        answers.set(
          `${name} ${line}`,
          (await outcome(client)).map(({ lines }) => lines.join()),
        );
        expect(await octets).toHaveLength(0);
      }
    }
    expect([...new Set([...answers.values()].map((lines) => lines.join(' / ')))]).toEqual([
      '425 Data connection not authenticated.',
    ]);
    expect(answers.size).toBe(10);
  } finally {
    await quick.close();
  }
});

test('ABOR and STAT do not tell a closed port from a silent one', async () => {
  const slow = await pinnedServer(HOST, {
    files: { f: SECRET },
    options: { limits: { levelDelay: 60_000 } },
  });
  try {
    const client = await enter('', slow);
    const closed = await listenAt(PEER);
    closed.close();
    const silent = await listenAt(PEER);
    const said: string[] = [];
    for (const { port } of [closed, silent]) {
      await client.ok(`EPRT |1|${PEER}|${port}|`);
      client.send('RETR f');
      if (port === silent.port) await silent.connection;
      else await slow.event((e): e is ServerEvent => e.event === 'transfer');
      client.send('STAT');
      const status = await client.read();
      client.send('ABOR');
      const [first, second] = [await client.read(), await client.read()];
      said.push([status, first, second].map(({ lines }) => lines.join()).join(' / '));
    }
    expect(said[0]).toBe(
      '213 Status: 0 bytes transferred / 426 Transfer aborted. / 226 Nothing is being transferred.',
    );
    expect(said[1]).toBe(said[0]);
  } finally {
    await slow.close();
  }
});

test('a user whose foreign connections fail too often gets the same answer without a connection', async () => {
  const client = await enter('', bounded);
  const closed = await listenAt(PEER);
  closed.close();
  const failing = async (port: number): Promise<string> => {
    await client.ok(`EPRT |1|${PEER}|${port}|`);
    return (await client.command('RETR f')).lines.join();
  };
  const answers = [await failing(closed.port), await failing(closed.port)];
  expect(bounded.events.filter(isRefused)).toHaveLength(0);
  const open = await listenAt(PEER);
  let connected = false;
  void open.connection.then(() => {
    connected = true;
  });
  answers.push(await failing(open.port));
  expect([...new Set(answers)]).toEqual(['425 Data connection not authenticated.']);
  expect(await bounded.event(isRefused)).toMatchObject({
    door: 'transfer',
    why: expect.stringMatching(/too many/),
  });
  expect(connected).toBe(false);
});
