/** RFC 2228 and RFC 4217: AUTH, PBSZ, PROT, CCC, and data connections under TLS. TLS client roles: fxp-tls.test.ts. */
import tls from 'node:tls';
import { describe, expect, test } from 'vitest';
import { issueCertificate } from '../peers/certs.js';
import { download, type Way } from './control-client.js';
import { HOST, inner, useServer } from './harness.js';

const files = { 'a.txt': 'hello\n', big: Buffer.alloc(3_000_000, 'x'), 'dir/b': 'b' };
const optional = useServer({ tls: 'optional', files });
const required = useServer({ tls: 'required', files });
const strict = useServer({ tls: { dataSessionReuse: 'required' }, files });
const without = useServer({ tls: { dataSessionReuse: 'off' }, files });
const implicit = useServer({ tls: 'required', implicitTls: true, files });
const plain = useServer();

describe('RFC 2228 3: commands', () => {
  test('RFC 2228 3: AUTH: an unknown mechanism is 504, none is 501, a server without TLS says 502', async () => {
    const client = await optional().connect();
    for (const [line, code] of [
      ['AUTH KERBEROS_V4', 504],
      ['AUTH SSL', 504],
      ['AUTH', 501],
    ] as const) {
      expect([line, await client.code(line)]).toEqual([line, code]);
    }
    expect(await (await plain().connect()).code('AUTH TLS')).toBe(502);
  });

  test('RFC 2228 3: PBSZ and PROT come after AUTH, PROT after PBSZ: 503', async () => {
    const client = await optional().connect();
    expect(await client.code('PBSZ 0')).toBe(503);
    expect(await client.code('PROT P')).toBe(503);
    await client.command('AUTH TLS');
    await client.handshake();
    expect(await client.code('PROT P')).toBe(503);
    expect(await client.code('PBSZ 0')).toBe(200);
    expect(await client.code('PROT P')).toBe(200);
  });

  const levels: [string, number][] = [
    ['PROT P', 200],
    ['PROT p', 200],
    ['PROT C', 200],
    ['PROT S', 536],
    ['PROT E', 536],
    ['PROT X', 504],
    ['PROT', 501],
    ['PBSZ x', 501],
    ['PBSZ -1', 501],
    ['PBSZ', 501],
  ];
  test('RFC 2228 3: PROT: C and P; S and E are not of TLS (536), others unknown (504)', async () => {
    const client = await (await optional().connect()).secure();
    const got: [string, number][] = [];
    for (const [line] of levels) got.push([line, await client.code(line)]);
    expect(got).toEqual(levels);
  });

  test('RFC 2228 3: CCC is refused: 533 in clear, 534 under TLS', async () => {
    const client = await optional().connect();
    expect(await client.code('CCC')).toBe(533);
    await client.secure();
    expect(await client.code('CCC')).toBe(534);
    expect(await client.inStep()).toBe(true);
  });

  test('RFC 2228 3: ADAT, MIC, CONF and ENC belong to other mechanisms', async () => {
    const client = await (await optional().connect()).secure();
    expect(await client.code('ADAT eA==')).toBe(503);
    for (const verb of ['MIC', 'CONF', 'ENC'])
      expect([500, 502, 503, 534, 537]).toContain(await client.code(`${verb} eA==`));
  });
});

describe('RFC 4217 4: AUTH TLS', () => {
  test('RFC 4217 4: 234, then the handshake; TLS-C is the same', async () => {
    for (const mechanism of ['TLS', 'tls', 'TLS-C']) {
      const client = await optional().connect();
      expect(await client.code(`AUTH ${mechanism}`)).toBe(234);
      await client.handshake();
      expect(await client.inStep()).toBe(true);
    }
  });

  test('RFC 4217 4: AUTH under TLS is refused, and changes nothing', async () => {
    const client = await required().enterTls();
    expect([503, 534]).toContain(await client.code('AUTH TLS'));
    expect((await client.transfer('RETR a.txt')).octets.toString()).toBe('hello\n');
  });

  test('RFC 4217 4: AUTH takes login and parameters back', async () => {
    const client = await optional().enter();
    await client.ok('CWD dir', 'REST 3');
    await client.secure();
    expect(await client.code('PWD')).toBe(530);
    await client.login();
    expect((await client.command('PWD')).text).toContain('"/"');
    expect((await client.command('STAT')).lines.join()).toContain('TYPE A');
  });

  test('RFC 4217 4: a password in clear is refused where TLS is required', async () => {
    const client = await required().connect();
    expect([530, 534]).toContain(await client.code('USER user'));
    expect(await client.code('PASS secret')).toBe(503);
  });

  test('RFC 4217 4: what was sent behind AUTH in clear is dropped', async () => {
    const client = await optional().connect();
    client.raw('AUTH TLS\r\nUSER user\r\n');
    expect((await client.read()).code).toBe(234);
    await client.handshake();
    expect(await client.code('PASS secret')).toBe(503);
  });

  test('RFC 4217 4: commands that come with the end of the handshake are taken, after the state was reset', async () => {
    const client = await optional().connect();
    await client.ok('USER second', 'AUTH TLS');
    const secured = client.handshake();
    client.send('PASS none', 'USER user', 'PASS secret', 'PWD');
    await secured;
    expect(await client.codes(4)).toEqual([503, 331, 230, 257]);
  });

  test('RFC 4217 4: a handshake that fails ends the connection', async () => {
    const client = await optional().connect();
    await client.ok('AUTH TLS');
    client.raw('this is no TLS record at all, only text\r\n');
    expect(await client.closed()).toEqual([]);
  });

  test('RFC 4217 6: FEAT names AUTH TLS, PBSZ and PROT', async () => {
    const lines = inner(await (await optional().connect()).command('FEAT'));
    expect(lines).toEqual(expect.arrayContaining([' AUTH TLS', ' PBSZ', ' PROT']));
  });
});

describe('RFC 4217 7 to 15: data connections', () => {
  test('RFC 4217 9: PBSZ: the size is 0 whatever was asked for', async () => {
    const client = await (await optional().connect()).secure();
    expect(await client.command('PBSZ 1000')).toMatchObject({ code: 200, text: 'PBSZ=0' });
  });

  test('RFC 4217 9: PROT C where protection is required: 534 and nothing changes', async () => {
    const client = await required().enterTls();
    expect(await client.code('PROT C')).toBe(534);
    expect((await client.transfer('RETR a.txt')).octets.toString()).toBe('hello\n');
  });

  test('RFC 4217 10: without PROT P a transfer is refused where protection is required', async () => {
    const client = await required().connect();
    await client.command('AUTH TLS');
    await client.handshake();
    await client.login();
    const { opening, final } = await client.transfer('RETR a.txt');
    expect([opening, final.code]).toEqual([undefined, 521]);
  });

  test('RFC 4217 9: PROT C under TLS: the data connection is clear; PROT may change between transfers', async () => {
    const client = await optional().enterTls();
    for (const level of ['C', 'P', 'C']) {
      await client.ok(`PROT ${level}`);
      client.protectedData = level === 'P';
      expect((await client.transfer('RETR a.txt')).octets.toString()).toBe('hello\n');
    }
  });

  const WAYS: Way[] = ['PASV', 'EPSV', 'PORT', 'EPRT'];
  test.each(WAYS)('RFC 4217 7: over %s the client is the TLS client, for files and listings', async (way) => {
    const client = await required().enterTls();
    const down = await client.transfer('RETR big', { way });
    expect([down.final.code, down.octets.length, down.clean]).toEqual([226, 3_000_000, true]);
    expect((await client.transfer('STOR up', { way, body: 'octets' })).final.code).toBe(226);
    expect(required().read('up').toString()).toBe('octets');
    for (const verb of ['LIST', 'NLST', 'MLSD']) {
      expect((await client.transfer(`${verb} dir`, { way })).octets.toString()).toMatch(/b\r\n$/);
    }
  });

  test('RFC 4217 7: a client that begins the data handshake when it has the 150 is served', async () => {
    const client = await required().enterTls();
    for (const way of ['EPSV', 'PORT'] as const) {
      const link = await client.data(way);
      client.send('RETR a.txt');
      expect((await client.read()).code).toBe(150);
      const data = await client.secureData(await link.socket);
      expect((await download(data)).toString()).toBe(required().read('a.txt').toString());
      expect((await client.read()).code).toBe(226);
      link.close();
    }
  });

  test('RFC 4217 10: a clear data connection under PROT P: not an octet, 425 or 522', async () => {
    const client = await required().enterTls();
    const { final, octets } = await client.transfer('RETR a.txt', {
      role: 'none',
      body: 'no handshake at all',
    });
    expect(octets.length).toBe(0);
    expect([425, 522]).toContain(final.code);
    expect(await client.inStep()).toBe(true);
  });

  test('RFC 4217 10: an upload that ends without close_notify is 426', async () => {
    const client = await required().enterTls();
    const cut = await client.transfer('STOR cut', { body: 'half', cut: true });
    expect([cut.opening?.code, cut.final.code]).toEqual([150, 426]);
    expect(await client.inStep()).toBe(true);
  });

  test('RFC 4217 10.2: data connections resume the session of the control connection', async () => {
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const client = await required().connect();
      await client.secure({ minVersion: version, maxVersion: version });
      await client.login();
      expect([version, (await client.transfer('RETR a.txt')).resumed]).toEqual([version, true]);
    }
  });

  test('RFC 4217 15.2: a data connection without that session is 522 where it is required', async () => {
    const client = await strict().enterTls();
    const fresh = await client.transfer('RETR a.txt', { resume: false });
    expect([fresh.final.code, fresh.octets.length]).toEqual([522, 0]);
    const resumed = await client.transfer('RETR a.txt');
    expect([resumed.final.code, resumed.resumed]).toEqual([226, true]);
  });

  test('RFC 4217 15.2: the session of another control connection does not count', async () => {
    const other = await strict().enterTls();
    const stolen = await other.session();
    const client = await strict().enterTls();
    const link = await client.data();
    client.send('RETR a.txt');
    const socket = tls.connect({ socket: await link.socket, session: stolen, rejectUnauthorized: false });
    socket.on('error', () => {});
    expect(await client.codes(2)).toEqual([150, 522]);
    socket.destroy();
  });

  test('RFC 4217 10.2: with resumption off, sessions are not resumed and nothing is missed', async () => {
    const client = await without().enterTls();
    const { final, resumed } = await client.transfer('RETR a.txt');
    expect([final.code, resumed]).toEqual([226, false]);
  });

  test('RFC 4217 15.1: control and data connections show the same certificate', async () => {
    const client = await required().enterTls();
    const wanted = (client.socket as tls.TLSSocket).getPeerCertificate().fingerprint256;
    const link = await client.data();
    client.send('RETR a.txt');
    const data = await client.secureData(await link.socket, { resume: false });
    expect(data.getPeerCertificate().fingerprint256).toBe(wanted);
    expect(wanted).toBe(issueCertificate(HOST).fingerprint);
    data.resume();
    expect(await client.codes(2)).toEqual([150, 226]);
  });

  test('RFC 4217 14: ABOR in the middle of a transfer under TLS: 426, 226', async () => {
    const client = await required().enterTls();
    const link = await client.data();
    client.send('STOR part');
    const data = await client.secureData(await link.socket);
    expect((await client.read()).code).toBe(150);
    data.write('some');
    client.send('ABOR');
    expect(await client.codes(2)).toEqual([426, 226]);
    expect(await client.inStep()).toBe(true);
  });

  test('RFC 4217 14: ABOR in the middle of the TLS handshake: 426, 226', async () => {
    const client = await required().enterTls();
    const link = await client.data();
    client.send('RETR a.txt');
    const socket = await link.socket;
    // The first octets of a handshake record, and no more.
    socket.write(Buffer.from([22, 3, 1, 2, 0]));
    expect((await client.read()).code).toBe(150);
    client.send('ABOR');
    const codes: number[] = [];
    while (codes.at(-1) !== 226) codes.push((await client.read()).code);
    // The 150 may have left already.
    expect(codes.filter((code) => code !== 150)).toEqual([426, 226]);
    expect((await client.transfer('RETR a.txt')).final.code).toBe(226);
  });
});

describe('RFC 4217 13: the rest of the session', () => {
  test('RFC 4217 13: REIN under TLS would end it: refused, and the session goes on', async () => {
    const client = await required().enterTls();
    expect(await client.code('REIN')).toBe(502);
    expect((await client.transfer('RETR a.txt')).final.code).toBe(226);
  });

  test('QUIT under TLS: 221, then the end', async () => {
    const client = await required().enterTls();
    client.send('QUIT');
    expect((await client.closed()).map(({ code }) => code)).toEqual([221]);
  });

  test('implicit TLS: from the first octet, data connections private from the start', async () => {
    const client = await implicit().dial();
    await client.handshake();
    expect((await client.read()).code).toBe(220);
    await client.login();
    await client.ok('TYPE I');
    client.protectedData = true;
    expect((await client.transfer('RETR a.txt')).octets.toString()).toBe('hello\n');
    expect([503, 534]).toContain(await client.code('AUTH TLS'));
  });
});
