import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import { describe, expect, test } from 'vitest';
import { pinOf } from '../../src/net/tls.js';
import { serverContext, serveTls } from '../../src/net/tls-server.js';
import type { FtpError } from '../../src/protocol/errors.js';
import { selfSigned } from '../../src/server/certificate.js';
import {
  asClient,
  cleanups,
  connected,
  context,
  listener,
  material,
  secured,
  serve,
  startTls,
  turns,
  until,
} from './control-bench.js';

describe('TLS', () => {
  test.each([
    ['TLSv1.2', 'ECDHE-ECDSA-AES128-GCM-SHA256'],
    ['TLSv1.3', 'TLS_AES_128_GCM_SHA256'],
  ] as const)('%s: facts, octets in, octets out', async (version, cipher) => {
    const options = { maxVersion: version, servername: 'ftp.example.org', ALPNProtocols: ['x', 'ftp'] };
    const { control, secure, facts, served } = await secured(options);
    expect(facts).toEqual({
      contextId: expect.stringMatching(/^[0-9a-f]{32}$/),
      protocol: version,
      cipher,
      alpn: 'ftp',
      servername: 'ftp.example.org',
      pin: undefined,
      dropped: 0,
    });
    expect(control.tls).toBe(facts);
    secure.write('USER x\r\n');
    await until(() => expect(served.received).toBe('USER x\r\n'));
    control.write(Buffer.from('331 pw\r\n'));
    expect(String((await once(secure, 'data'))[0])).toBe('331 pw\r\n');
    control.end();
    await once(secure, 'end');
    expect(await served.over).toBeUndefined();
  });

  test('no ALPN, no SNI: nothing is claimed', async () => {
    expect((await secured()).facts).toMatchObject({ alpn: undefined, servername: undefined });
  });

  test('a certificate of the client is shown by its pin', async () => {
    const own = await selfSigned(['client']);
    const { facts } = await secured({ cert: own.cert, key: own.key }, { requestCert: true });
    expect(facts.pin).toBe(pinOf(new X509Certificate(own.cert)));
    expect((await secured({}, { requestCert: true })).facts.pin).toBeUndefined();
  });

  test('implicit: from the first octet', async () => {
    const facts = new Promise((resolve) => {
      void listener((control) => {
        serve(control);
        resolve(startTls(control));
      }).then(async ({ port }) => asClient(net.connect(port, '127.0.0.1')));
    });
    expect(await facts).toMatchObject({ protocol: 'TLSv1.3', dropped: 0 });
  });

  test('replies of the turn leave in clear before the handshake', async () => {
    const { control, client } = await connected();
    control.write(Buffer.from('234 go\r\n'));
    const handshake = startTls(control);
    expect(String((await once(client, 'data'))[0])).toBe('234 go\r\n');
    expect(await asClient(client)).toBeInstanceOf(tls.TLSSocket);
    await handshake;
  });

  test('threats.md row 11: octets behind AUTH are thrown away and counted', async () => {
    const all = await connected();
    all.control.pause();
    all.client.write('AUTH TLS\r\nUSER x\r\n');
    await turns();
    const handshake = startTls(all.control);
    const secure = (await asClient(all.client)) as tls.TLSSocket;
    all.control.resume();
    expect((await handshake).dropped).toBe(18);
    secure.write('NOOP\r\n');
    await until(() => expect(all.received).toBe('NOOP\r\n'));
  });

  test('paused before the handshake: paused behind it', async () => {
    const all = await connected();
    const handshake = startTls(all.control);
    all.control.pause();
    const secure = (await asClient(all.client)) as tls.TLSSocket;
    secure.write('NOOP\r\n');
    await handshake;
    await turns();
    expect(all.received).toBe('');
    all.control.resume();
    await until(() => expect(all.received).toBe('NOOP\r\n'));
  });

  test.each([
    ['HTTP', 'GET / HTTP/1.1\r\n\r\n'],
    ['FTP in clear', 'USER x\r\nPASS y\r\n'],
    ['noise', '\x16\x03\x01\xff\xff\xff\xff\xff'],
  ])('%s instead of a handshake: over, and never a command', async (_name, octets) => {
    const all = await connected();
    const handshake = startTls(all.control);
    all.client.end(Buffer.from(octets, 'latin1'));
    await expect(handshake).rejects.toMatchObject({ kind: 'tls' });
    expect((await all.over)?.message).toMatch(/handshake/);
    expect(all.received).toBe('');
  });

  test.each([
    ['resets', (client: net.Socket) => void client.resetAndDestroy()],
    ['closes', (client: net.Socket) => void client.end()],
  ])('a client that %s in the handshake', async (_name, leave) => {
    const all = await connected();
    const handshake = startTls(all.control);
    leave(all.client);
    await expect(handshake).rejects.toMatchObject({ kind: 'tls' });
    await all.over;
  });

  test('a client that says nothing is not waited for', async () => {
    const all = await connected();
    await expect(startTls(all.control, { timeout: 20 })).rejects.toMatchObject({ kind: 'timeout' });
    expect((await all.over)?.message).toMatch(/no TLS handshake within 0.02 s/);
    await until(() => expect(all.client.destroyed || all.client.readableEnded).toBe(true));
  });

  test('once only', async () => {
    const { control } = await secured();
    await expect(startTls(control)).rejects.toMatchObject({ kind: 'usage' });
  });

  test('not on a connection that is over', async () => {
    const { control, client, over } = await connected();
    client.destroy();
    await over;
    await expect(startTls(control)).rejects.toMatchObject({ kind: 'closed' });
  });

  test('ended in the handshake: nothing is left waiting', async () => {
    const all = await connected();
    const handshake = startTls(all.control);
    all.control.end();
    await expect(handshake).rejects.toMatchObject({ kind: 'closed' });
    await all.over;
  });

  test('a record that was tampered with ends it', async () => {
    const { client, served } = await secured();
    client.write(Buffer.from(`1703030020${'00'.repeat(32)}`, 'hex'));
    expect((await served.over)?.message).toMatch(/ERR_SSL/);
    expect(served.received).toBe('');
  });

  test('a reset is told', async () => {
    const { client, secure, served } = await secured();
    secure.write('NOOP\r\n');
    await until(() => expect(served.received).toBe('NOOP\r\n'));
    client.resetAndDestroy();
    expect((await served.over)?.message).toMatch(/ECONNRESET/);
  });
});

describe('what is refused in the handshake', () => {
  /** Codes on both ends. */
  async function refused(options: tls.ConnectionOptions): Promise<[client: string, server: string]> {
    const all = await connected();
    const handshake = startTls(all.control).then(
      () => 'done',
      (error: FtpError) => error.message,
    );
    const client = await asClient(all.client, options);
    return [typeof client === 'string' ? client : 'done', await handshake];
  }

  test('threats.md row 12: other protocols (ALPACA, RFC 7301 3.2)', async () => {
    const [client, server] = await refused({ ALPNProtocols: ['http/1.1', 'h2'] });
    expect(client).toBe('ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL');
    expect(server).toMatch(/NO_APPLICATION_PROTOCOL/);
  });

  test('TLS 1.1', async () => {
    const [client] = await refused({
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    });
    expect(client).toBe('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
  });

  test.each(['AES128-GCM-SHA256', 'ECDHE-ECDSA-AES128-SHA256', 'DHE-RSA-AES128-GCM-SHA256'])(
    'without forward secrecy or AEAD, or with DHE: %s',
    async (ciphers) => {
      const [client] = await refused({ maxVersion: 'TLSv1.2', ciphers });
      expect(client).toMatch(/HANDSHAKE_FAILURE/);
    },
  );

  test('TLS 1.2 where 1.3 is the least', async () => {
    const all = await connected();
    const strict = serverContext({ ...material, minVersion: 'TLSv1.3' });
    const handshake = all.control.startTls({ context: strict, timeout: 10_000 }).catch(() => undefined);
    expect(await asClient(all.client, { maxVersion: 'TLSv1.2' })).toBe(
      'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
    );
    await handshake;
  });

  test('renegotiation by the client (TLS 1.2)', async () => {
    const { secure } = await secured({ maxVersion: 'TLSv1.2' });
    const outcome = await new Promise<Error | null | string>((resolve) => {
      secure.on('close', () => resolve('closed'));
      secure.on('error', resolve);
      secure.renegotiate({ rejectUnauthorized: false }, resolve);
    });
    expect(String(outcome)).toMatch(/no.renegotiation|closed/i);
  });
});

describe('sessions', () => {
  /** A bare TLS server whose connections are made under the contexts given, one after the other. */
  async function resumes(version: tls.SecureVersion, first: string, second: string): Promise<boolean> {
    const contexts = [first, second];
    const server = net.createServer((socket) => {
      const secure = serveTls(socket, { context, sessionContext: contexts.shift()!, alpn: ['ftp'] });
      secure.on('secure', () => secure.write('x'));
      secure.on('error', () => {});
      secure.on('end', () => secure.end());
    });
    cleanups.push(() => server.close());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as net.AddressInfo;
    const visit = async (session?: Buffer): Promise<{ session: Buffer; reused: boolean }> => {
      const client = tls.connect({
        port,
        host: '127.0.0.1',
        rejectUnauthorized: false,
        maxVersion: version,
        ...(session ? { session } : {}),
      });
      let given = session;
      client.on('session', (made) => {
        given = made;
      });
      await once(client, 'data');
      const reused = client.isSessionReused();
      client.end();
      await once(client, 'close');
      return { session: given!, reused };
    };
    const { session } = await visit();
    return (await visit(session)).reused;
  }

  test.each(['TLSv1.2', 'TLSv1.3'] as const)('%s: resumed under the same context only', async (version) => {
    expect(await resumes(version, 'a'.repeat(32), 'a'.repeat(32))).toBe(true);
    expect(await resumes(version, 'a'.repeat(32), 'b'.repeat(32))).toBe(false);
  });

  test('every control connection has a context of its own', async () => {
    const [one, two] = [await secured(), await secured()];
    expect(one.facts.contextId).not.toBe(two.facts.contextId);
  });
});
