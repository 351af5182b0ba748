/** Rows 11 to 13, 16, 17, 19, 20, 40 and 44: what reaches the control connection, and what it never says. */
import { createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { PASSWORD, STRANGER, sink, type Target, target, USER } from './kit.js';
import { dial, drain, sextet, shake, Wire } from './wire.js';

test('threat 11: plaintext injection around AUTH: what came behind AUTH is dropped and the state is new', async () => {
  const served = await target({ tls: { required: false } });
  const wire = await served.login();
  await wire.must(257, 'MKD hold');
  await wire.must(250, 'CWD hold');
  await wire.must(350, 'REST 7');
  wire.write('AUTH TLS\r\nUSER mallory\r\nPASS x\r\nDELE a\r\nNO');
  expect((await wire.next()).code).toBe(234);
  await wire.upgrade();
  // Neither a reply to what was injected nor the half line before this command.
  expect((await wire.send('NOOP')).code).toBe(200);
  expect(wire.unread).toBe(0);
  for (const line of ['PWD', 'TYPE I', 'PASS x']) {
    expect((await wire.send(line)).code, line).toBe(line.startsWith('PASS') ? 503 : 530);
  }
  await wire.login(USER, PASSWORD);
  expect((await wire.send('PWD')).text).toContain('"/"');
  expect(served.events.some((one) => one.event === 'login' && one.session.user === 'mallory')).toBe(false);
  expect(served.events.filter((one) => one.event === 'dropped')).toHaveLength(1);
});

test('threat 11: plaintext injection around AUTH: octets of TLS itself in the same segment are no commands', async () => {
  const served = await target({ tls: true });
  const wire = await served.open();
  wire.write('AUTH TLS\r\n\x16\x03\x01USER x\r\nPASS y\r\n');
  expect((await wire.next()).code).toBe(234);
  wire.write('USER x\r\nPASS y\r\n');
  await wire.closed;
  expect(wire.unread).toBe(0);
  await served.event('close');
  expect(served.events.filter(({ event }) => event === 'error' || event === 'login')).toEqual([]);
});

test('threat 11: a handshake that fails is the client’s fault, not one of this server', async () => {
  const served = await target({ tls: true });
  const garbage = await served.open();
  await garbage.must(234, 'AUTH TLS');
  garbage.write('GET / HTTP/1.1\r\n\r\n');
  await garbage.closed;
  const away = await served.open();
  await away.must(234, 'AUTH TLS');
  away.close();
  await expect.poll(() => served.server.sessions).toBe(0);
  expect(served.events.filter(({ event }) => event === 'error')).toEqual([]);
  expect(served.events.filter(({ event }) => event === 'close')).toHaveLength(2);
});

const REFUSED_ALPN = [['http/1.1'], ['h2', 'http/1.1'], ['smtp']];
const TAKEN_ALPN = [['ftp'], ['http/1.1', 'ftp'], undefined];

test.each(REFUSED_ALPN)(
  'threat 12: ALPACA: ALPN %s is refused on the control connection',
  async (...names) => {
    const served = await target({ tls: true });
    const wire = await served.open();
    await wire.must(234, 'AUTH TLS');
    await expect(wire.upgrade({ ALPNProtocols: names.flat() })).rejects.toThrow(/alert|closed|reset/i);
  },
);

test('threat 12: ALPACA: ALPN of FTP, or none, is taken; on data connections too', async () => {
  const served = await target({ tls: true, threads: 1 });
  for (const names of TAKEN_ALPN) {
    const wire = await served.open();
    await wire.secure(names ? { ALPNProtocols: names } : {});
    await wire.login(USER, PASSWORD);
    await wire.protect();
    const raw = await wire.dataTo(await wire.passive(), '127.0.0.1');
    wire.write('NLST\r\n');
    const data = await shake(raw, names ? { ALPNProtocols: [...names, 'ftp-data'] } : {});
    expect((await wire.next()).code).toBe(150);
    await drain(data);
    expect((await wire.next()).code).toBe(226);
  }
});

test('threat 12: ALPACA: a browser on a data connection is refused', async () => {
  const served = await target({ tls: true, threads: 1 });
  const wire = await served.secured();
  const raw = await wire.dataTo(await wire.passive(), '127.0.0.1');
  wire.write('NLST\r\n');
  await expect(shake(raw, { ALPNProtocols: ['http/1.1'] })).rejects.toThrow(/alert|closed|reset/i);
  expect([(await wire.next()).code, (await wire.next()).code]).toEqual([150, 425]);
});

const HTTP = [
  'GET / HTTP/1.1\r\nHost: ftp.example.org\r\n\r\n',
  'HEAD / HTTP/1.0\r\n\r\n',
  'OPTIONS * HTTP/1.1\r\n\r\n',
  'CONNECT ftp.example.org:21 HTTP/1.1\r\n\r\n',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n\r\nUSER deckhand\r\nPASS sheet-bend-3\r\nDELE a\r\n',
  'PUT /<script>alert(1)</script> HTTP/1.1\r\n\r\nUSER deckhand\r\n',
];

test.each(HTTP)(
  'threat 12, 13: cross-protocol: %j is closed, nothing of it is echoed or run',
  async (request) => {
    const served = await target({ tls: { required: false } });
    for (const tls of [false, true]) {
      const wire = await served.open();
      if (tls) await wire.secure();
      wire.heard = '';
      wire.write(request);
      await wire.closed;
      expect(wire.heard).toBe('421 This is an FTP server.\r\n');
    }
    expect(served.events.filter(({ event }) => event === 'login')).toEqual([]);
  },
);

test('threat 13: HTML form on the port: a body without the request line in front ends after five lines', async () => {
  const served = await target();
  const wire = await served.open();
  wire.write(
    'Host: x\r\nAccept: */*\r\nContent-Disposition: form-data\r\n--b\r\nX-Y: z\r\nUSER deckhand\r\nPASS sheet-bend-3\r\n',
  );
  await wire.closed;
  expect(wire.heard).toMatch(/(500 [^\r]*\r\n){4}421 Too many unknown commands\.\r\n$/);
  expect(served.events.filter(({ event }) => event === 'login')).toEqual([]);
});

test('threat 13: other protocols: binary noise and another’s ClientHello before the login end after five lines', async () => {
  const served = await target();
  const wire = await served.open();
  wire.write(Buffer.concat(Array.from({ length: 9 }, () => Buffer.from([0x16, 3, 1, 0, 65, 1, 0, 0, 10]))));
  await wire.closed;
  expect(wire.heard).toMatch(/(500 [^\r]*\r\n){4}421 Too many unknown commands\.\r\n$/);
});

test('threat 16: CCC: the control connection stays protected', async () => {
  const served = await target({ tls: { required: false } });
  const wire = await served.secured();
  expect((await wire.send('CCC')).code).toBe(534);
  expect((await wire.send('PWD')).code).toBe(257);
  // REIN would end TLS as well (RFC 4217 13).
  expect((await wire.send('REIN')).code).toBe(502);
  const clear = await served.login();
  expect((await clear.send('CCC')).code).toBe(533);
});

test('threat 17: ClientHello smuggling: as TLS client the server offers no session, name or text of anybody', async () => {
  const served = await target({ tls: true, threads: 1 });
  const wire = await served.secured('127.0.0.1');
  await wire.must(200, 'SSCN ON');
  const hellos: Buffer[] = [];
  for (let round = 0; round < 2; round++) {
    const listener = createServer();
    onTestFinished(() => void listener.close());
    const port = await new Promise<number>((resolve) => {
      listener.listen(0, '127.0.0.1', () => {
        const address = listener.address();
        resolve(address !== null && typeof address === 'object' ? address.port : 0);
      });
    });
    const hello = new Promise<Buffer>((resolve) => {
      listener.once('connection', (socket) =>
        socket.once('data', (octets: Buffer) => {
          socket.destroy();
          resolve(octets);
        }),
      );
    });
    await wire.must(200, `PORT ${sextet('127.0.0.1', port)}`);
    wire.write(`STOR ${USER}-name-of-the-attacker\r\n`);
    hellos.push(await hello);
    expect([(await wire.next()).code, (await wire.next()).code]).toEqual([150, 425]);
  }
  for (const hello of hellos) {
    expect(hello[0]).toBe(0x16);
    const text = hello.toString('latin1');
    expect(text).not.toContain('attacker');
    expect(text).not.toContain(USER);
    expect(extensionsOf(hello)).not.toContain(0);
    // RFC 8446 4.2.11: pre_shared_key.
    expect(extensionsOf(hello)).not.toContain(41);
  }
});

/** Numbers of the extensions of a ClientHello (RFC 8446 4.1.2). */
function extensionsOf(hello: Buffer): number[] {
  let at = 5 + 4 + 2 + 32;
  at += 1 + hello[at]!;
  at += 2 + hello.readUInt16BE(at);
  at += 1 + hello[at]!;
  const end = at + 2 + hello.readUInt16BE(at);
  const found: number[] = [];
  for (at += 2; at < end; at += 4 + hello.readUInt16BE(at + 2)) found.push(hello.readUInt16BE(at));
  return found;
}

test('threat 19: parsing: Telnet commands, lone LF, trailing quotes and octets over 127 break nothing', async () => {
  const served = await target();
  const wire = await served.login();
  const IAC = 255;
  for (const [octets, code] of [
    [[IAC, 244, IAC, 242, ...Buffer.from('NOOP\r\n')], 200],
    [[...Buffer.from('NO'), IAC, 252, 6, ...Buffer.from('OP\r\n')], 200],
    [[...Buffer.from('NOOP\n')], 200],
    [[...Buffer.from('noop\r\r\n')], 500],
    [[...Buffer.from('XCRC "\r\n')], 550],
    [[...Buffer.from('XCRC """\r\n')], 550],
    [[...Buffer.from('XCRC "" 1 2\r\n')], 553],
    [[...Buffer.from('MFF =;\r\n')], 501],
    [[0xe9, 0xf1, 0xdf, 13, 10], 500],
    [[...Buffer.from('CWD '), 0xe9, 0xf1, 0xdf, 0xb5, 13, 10], 550],
    [[...Buffer.from('CWD '), IAC, IAC, 13, 10], 550],
  ] as const) {
    wire.write(Buffer.from(octets));
    expect.soft((await wire.next()).code, Buffer.from(octets).toString('latin1')).toBe(code);
  }
  expect((await wire.send('NOOP')).code).toBe(200);
  expect(wire.unread).toBe(0);
});

test('threat 20: long line split: 500, closed, and no part of it becomes a command', async () => {
  const served = await target();
  const wire = await served.login();
  await wire.must(257, 'MKD a');
  wire.heard = '';
  wire.write(`CWD ${'x'.repeat(4092)}${' '.repeat(1024)}\r\nRMD a\r\nRMD a\r\n`);
  await wire.closed;
  expect(wire.heard).toMatch(/^500 [^\r]*\r\n$/);
  const next = await served.login();
  expect((await next.send('CWD a')).code).toBe(250);
  // Without any end, and in pieces.
  const endless = await served.open();
  endless.write('A'.repeat(4000));
  endless.write('A'.repeat(97));
  await endless.closed;
  expect(endless.heard).toMatch(/500 [^\r]*\r\n$/);
});

test('threat 20: the longest line that is allowed is a command', async () => {
  const served = await target();
  const wire = await served.login();
  expect((await wire.send(`NOOP ${'x'.repeat(4091)}`)).code).toBe(200);
});

test('threat 40: NUL truncation: a NUL anywhere is 500, and no login', async () => {
  const served = await target({ user: { anonymous: false } });
  const wire = await served.open();
  expect((await wire.send(`USER ${USER}\0x`)).code).toBe(500);
  expect((await wire.send(`PASS ${PASSWORD}`)).code).toBe(503);
  await wire.must(331, `USER ${USER}`);
  expect((await wire.send(`PASS ${PASSWORD}\0`)).code).toBe(500);
  await wire.must(230, `PASS ${PASSWORD}`);
  for (const line of ['\0NOOP', 'NOOP\0', 'NO\0OP', 'DELE a\0.txt', 'CWD /\0']) {
    expect((await wire.send(line)).code, JSON.stringify(line)).toBe(500);
  }
});

async function repliesTo(served: Target, octets: string): Promise<string[]> {
  const wire = await served.login();
  wire.heard = '';
  const verbs = [
    'USER',
    'CWD',
    'RETR',
    'STOR',
    'DELE',
    'RNFR',
    'SIZE',
    'MLST',
    'SITE',
    'OPTS',
    'HELP',
    'HOST',
  ];
  verbs.push(
    'XYZZY',
    'PORT',
    'EPRT',
    'EPSV',
    'TYPE',
    'MODE',
    'STRU',
    'AUTH',
    'PROT',
    'LANG',
    'CLNT',
    'PRET',
    'XCRC',
  );
  for (const verb of verbs) await wire.send(`${verb} ${octets}`);
  return wire.heard.split('\r\n');
}

test('threat 44: NAT and ALG abuse: no reply repeats what the client said', async () => {
  const served = await target();
  const mark = '227 Entering Passive Mode (10,0,0,1,0,22)';
  for (const line of await repliesTo(served, mark)) {
    expect(line).not.toContain('10,0,0,1');
    expect(line).not.toContain('Entering Passive');
  }
  // A directory of that name is shown where the RFC wants it, never at the start of a line.
  const wire = await served.login();
  await wire.must(257, `MKD ${mark}`);
  await wire.must(250, `CWD ${mark}`);
  wire.heard = '';
  for (const line of ['PWD', 'MLST', 'STAT /', 'MKD 227 (1,1,1,1,1,1)']) await wire.send(line);
  const showing = wire.heard.split('\r\n').filter((line) => line.includes('227 '));
  expect(showing.length).toBeGreaterThan(3);
  for (const line of showing) {
    expect(line).not.toMatch(/^227/);
    // 257, MLST, lines of STAT.
    expect(line).toMatch(/^(257 "| [A-Za-z]|[-d]rw)/);
  }
});

test('threat 44: a stranger’s reverse name is never asked for', async () => {
  // Row 39 as well: what an attacker writes into its PTR record reaches nothing here.
  const served = await target();
  const own = await sink(STRANGER);
  await served.login(STRANGER);
  const { session } = await served.event('login');
  expect(session.address).toBe(STRANGER);
  expect(own.connections).toBe(0);
  expect(JSON.stringify(served.events)).not.toMatch(/localhost|in-addr/);
});

test('the wire of these tests itself: an unanswered connection is noticed', async () => {
  const mute = await sink('127.0.0.1');
  const wire = new Wire(await dial({ host: mute.host, port: mute.port }));
  wire.close();
  await expect(wire.next()).rejects.toThrow(/ended/);
});
