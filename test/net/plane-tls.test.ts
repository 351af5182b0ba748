/** TLS on data connections: sessions, roles, certificates, the end of the stream (RFC 4217 7, 10; RFC 8446 6.1). */
import net from 'node:net';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import type { DataTls, TlsMaterial } from '../../src/net/plane/types.js';
import { serverContext, serveTls } from '../../src/net/tls-server.js';
import {
  AS_CLIENT,
  AS_SERVER,
  begin,
  CLIENT,
  closePeers,
  dialIn,
  drain,
  ended,
  FOREIGN,
  Folder,
  material,
  type Order,
  order,
  PEER,
  pair,
  peerCertificate,
  secure,
  serverCertificate,
  type Version,
} from './plane/peer.js';
import { PLANES, usePlane } from './plane/planes.js';

const VERSIONS: readonly Version[] = ['TLSv1.2', 'TLSv1.3'];
const CONTENT = Buffer.alloc(700_001, 'octets under TLS ');
/** Keys of tickets are those of the control connections. */
const keys = material();

const folder = new Folder();
folder.write('source', CONTENT);
afterAll(() => folder.remove());
afterEach(() => closePeers());

/** A session as a control connection gives it to its client. */
async function controlSession(version: Version, sessionContext: string, keys: TlsMaterial): Promise<Buffer> {
  const context = serverContext(keys);
  const server = net.createServer((socket) => {
    const served = serveTls(socket, { context, sessionContext, alpn: ['ftp'] });
    served.on('error', () => {});
    served.once('secure', () => served.write('220 ready\r\n'));
  });
  await new Promise<void>((resolve) => server.listen(0, CLIENT, resolve));
  const client = secure(await dialIn((server.address() as net.AddressInfo).port), 'server', {
    maxVersion: version,
  });
  const session = new Promise<Buffer>((resolve) => client.once('session', resolve));
  client.resume();
  const made = await session;
  client.destroy();
  server.close();
  return made;
}

/** A TCP connection that, from `hold` on, keeps what the peer writes until its end and sends it then in one piece. */
async function gathering(port: number): Promise<{ socket: net.Socket; hold: () => void }> {
  let held: Buffer[] | undefined;
  const proxy = net.createServer({ allowHalfOpen: true }, (near) => {
    proxy.close();
    const far = net.connect({ port, host: CLIENT, allowHalfOpen: true });
    near.on('error', () => {});
    far.on('error', () => {});
    near.on('data', (chunk: Buffer) => {
      if (held) held.push(chunk);
      else far.write(chunk);
    });
    near.on('end', () => far.end(Buffer.concat(held ?? [])));
    far.pipe(near);
    far.on('close', () => near.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, CLIENT, resolve));
  const socket = await dialIn((proxy.address() as net.AddressInfo).port);
  return {
    socket,
    hold: () => {
      held = [];
    },
  };
}

/** A TCP connection that carries what the peer writes up to `keep` octets, then ends; counts them. */
async function cutting(port: number, keep: number): Promise<{ socket: net.Socket; carried: () => number }> {
  let carried = 0;
  const proxy = net.createServer({ allowHalfOpen: true }, (near) => {
    proxy.close();
    const far = net.connect({ port, host: CLIENT, allowHalfOpen: true });
    near.on('error', () => {});
    far.on('error', () => {});
    near.on('data', (chunk: Buffer) => {
      const rest = keep - carried;
      carried += chunk.length;
      if (rest > 0) far.write(chunk.subarray(0, rest));
      if (carried >= keep && rest > 0) far.end();
    });
    near.on('end', () => far.end());
    far.pipe(near);
    far.on('close', () => near.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, CLIENT, resolve));
  return { socket: await dialIn((proxy.address() as net.AddressInfo).port), carried: () => carried };
}

describe.each(PLANES)('%s plane', (_name, make) => {
  const plane = usePlane(make, (plane) => {
    plane.setTls(keys);
  });

  const upload = (tls: Partial<DataTls> = {}, more: Partial<Order> = {}): Order =>
    order('receive', folder.file('target'), { tls: { ...AS_SERVER, ...tls }, ...more });
  const download = (tls: Partial<DataTls> = {}): Order =>
    order('send', folder.file('source'), { tls: { ...AS_SERVER, ...tls } });

  describe.each(VERSIONS)('%s', (version) => {
    const only = { minVersion: version, maxVersion: version };

    test('a session of the control connection is resumed, one of another session is not', async () => {
      const own = await controlSession(version, 'mine', keys);
      const others = await controlSession(version, 'theirs', keys);
      for (const [resumption, session, resumed] of [
        ['offered', own, true],
        ['required', own, true],
        ['offered', others, false],
        ['offered', undefined, false],
        ['off', own, false],
      ] as const) {
        const { socket, finished, opened } = await pair(
          plane,
          'passive',
          download({ resumption, sessionContext: 'mine' }),
        );
        const peer = secure(socket, 'server', { ...only, ...(session ? { session } : {}) });
        expect((await drain(peer)).equals(CONTENT)).toBe(true);
        peer.end();
        expect((await opened).tls).toMatchObject({ resumed, protocol: version });
        expect((await finished).failure).toBeUndefined();
      }
    });

    test.each(['none', 'of another client'] as const)(
      'resumption required, session %s: refused',
      async (which) => {
        const others = await controlSession(version, 'theirs', keys);
        const given = upload({ resumption: 'required', sessionContext: 'mine' });
        const { socket, finished } = await pair(plane, 'passive', given);
        const peer = secure(socket, 'server', { ...only, ...(which === 'none' ? {} : { session: others }) });
        peer.write('injected');
        await ended(peer);
        expect(await finished).toMatchObject({
          bytes: 0,
          failure: { stage: 'refused', code: 'NOT_RESUMED' },
        });
        expect((await finished).remains).toBeUndefined();
      },
    );

    test('the same ticket serves many data connections', async () => {
      const session = await controlSession(version, 'mine', keys);
      for (let i = 0; i < 5; i++) {
        const given = upload({ resumption: 'required', sessionContext: 'mine' });
        const { socket, finished } = await pair(plane, 'passive', given);
        secure(socket, 'server', { ...only, session })
          .resume()
          .end('again');
        expect((await finished).failure).toBeUndefined();
      }
    });

    test('as TLS client our certificate is shown when asked for, and no session is resumed', async () => {
      const { socket, finished, opened } = await pair(plane, 'active', { ...download(), tls: AS_CLIENT });
      const peer = secure(socket, 'client', only);
      expect((await drain(peer)).equals(CONTENT)).toBe(true);
      expect(peer.getPeerX509Certificate()?.fingerprint256).toBe(serverCertificate.fingerprint);
      peer.end();
      expect((await opened).tls).toMatchObject({
        resumed: false,
        pin: expect.stringMatching(/^[0-9a-f]{64}$/),
      });
      expect((await finished).failure).toBeUndefined();
    });

    test('our close_notify ends what we send', async () => {
      const { socket, finished } = await pair(plane, 'passive', download());
      const records: { type: number; length: number }[] = [];
      let rest = Buffer.alloc(0);
      socket.on('data', (chunk: Buffer) => {
        rest = Buffer.concat([rest, chunk]);
        while (rest.length >= 5 && rest.length >= 5 + rest.readUInt16BE(3)) {
          records.push({ type: rest[0]!, length: rest.readUInt16BE(3) });
          rest = rest.subarray(5 + rest.readUInt16BE(3));
        }
      });
      const tap = tapped(socket);
      const peer = secure(tap, 'server', only);
      await drain(peer);
      peer.end();
      expect((await finished).failure).toBeUndefined();
      expect(rest).toHaveLength(0);
      // RFC 8446 5.2: under 1.3 an alert looks like data: two octets, a type and a tag.
      expect(records.at(-1)).toEqual(
        version === 'TLSv1.2' ? { type: 21, length: 26 } : { type: 23, length: 19 },
      );
    });

    test('a late close_notify of the peer is not answered with RST', async () => {
      const { socket, finished } = await pair(plane, 'passive', download());
      const errors: Error[] = [];
      const peer = secure(socket, 'server', only);
      peer.on('error', (error) => errors.push(error));
      expect((await drain(peer)).equals(CONTENT)).toBe(true);
      expect((await finished).failure).toBeUndefined();
      peer.end();
      await new Promise((resolve) => peer.once('close', resolve));
      expect(errors).toEqual([]);
    });

    test.each([
      ['FIN without close_notify', -1],
      ['close_notify cut in the middle', 10],
      ['a record cut in the middle', 3_000],
    ])('%s: truncated', async (_how, missing) => {
      const carry = async (keep: number, slow: boolean, closeNotify: DataTls['closeNotify'] = 'required') => {
        const endpoint = await plane.passive({ host: CLIENT, peer: PEER, lifetime: 10_000 }, () => {});
        const given = upload({ closeNotify });
        given.file = { path: folder.file('cut'), slow };
        const { finished } = begin(endpoint, given);
        const { socket, carried } = await cutting(endpoint.port, keep);
        const peer = secure(socket, 'server', only);
        peer.resume();
        // FIN below TLS, once everything is out.
        if (missing < 0) peer.write(CONTENT, () => socket.end());
        else peer.end(CONTENT);
        return { result: await finished, carried: carried() };
      };
      const whole = missing < 0 ? Number.POSITIVE_INFINITY : (await carry(1e9, false)).carried;
      for (const slow of [false, true]) {
        const { result } = await carry(whole - missing, slow);
        expect(result.failure).toMatchObject({ stage: 'truncated', code: 'NO_CLOSE_NOTIFY' });
        expect(result.remains).toBeDefined();
      }
      if (missing > 10) return;
      expect((await carry(whole - missing, false, 'optional')).result).toMatchObject({
        bytes: CONTENT.length,
      });
    });

    test('close_notify is seen that comes in one piece with more than the disk takes at once', async () => {
      // A buffer is full and given to the disk; what is left in the same piece comes while reading is stopped.
      for (const size of [50_000, 60_000, 64_000]) {
        const endpoint = await plane.passive({ host: CLIENT, peer: PEER, lifetime: 10_000 }, () => {});
        const { finished, opened } = begin(endpoint, {
          ...upload(),
          file: { path: folder.file('one-piece'), slow: true },
        });
        const { socket, hold } = await gathering(endpoint.port);
        const peer = secure(socket, 'server', only);
        peer.resume();
        await opened;
        hold();
        peer.end(CONTENT.subarray(0, size));
        expect(await finished).toMatchObject({ bytes: size });
        expect((await finished).failure).toBeUndefined();
      }
    });

    test('RST in the middle is a broken transfer', async () => {
      const { socket, finished, opened } = await pair(plane, 'passive', upload());
      const peer = secure(socket, 'server', only);
      peer.write('some');
      await opened;
      socket.resetAndDestroy();
      // Where our tickets meet the RST first, the system tells it to them and shows the reader an end without close_notify.
      expect((await finished).failure?.stage).toMatch(/^(transfer|truncated)$/);
    });

    test('octets that are no TLS in the middle are a broken transfer', async () => {
      const { socket, finished, opened } = await pair(plane, 'passive', upload());
      const tap = tapped(socket);
      secure(tap, 'server', only).write('some');
      await opened;
      socket.write(Buffer.concat([Buffer.from([23, 3, 3, 0, 64]), Buffer.alloc(64)]));
      expect((await finished).failure?.stage).toBe('transfer');
    });
  });

  describe('foreign peers', () => {
    test.each([
      ['with', true],
      ['without', false],
    ])(
      'an upload %s certificate: TLS 1.2, no ticket, whatever resumption is asked of clients',
      async (_, shown) => {
        const given = upload({ resumption: 'required' });
        const { socket, finished, opened } = await pair(plane, 'passive', given, FOREIGN);
        const { cert, key } = peerCertificate;
        const peer = secure(socket, 'server', shown ? { cert, key } : {});
        await new Promise((resolve) => peer.once('secureConnect', resolve));
        // RFC 5077 3.3: a ticket would have come before the end of the handshake.
        expect(peer.getTLSTicket()).toBeUndefined();
        peer.end(CONTENT);
        const { failure, bytes, peer: seen } = await finished;
        expect({ failure, bytes }).toEqual({ failure: undefined, bytes: CONTENT.length });
        expect(seen?.tls).toEqual((await opened).tls);
        expect(seen?.tls?.protocol).toBe('TLSv1.2');
        expect(seen?.tls?.pin).toEqual(shown ? expect.stringMatching(/^[0-9a-f]{64}$/) : undefined);
      },
    );

    test('an upload while TLS 1.3 is the least: a failure that says what to do', async () => {
      plane.setTls({ ...keys, minVersion: 'TLSv1.3' });
      const { socket, finished } = await pair(plane, 'passive', upload(), FOREIGN);
      secure(socket, 'server').end(CONTENT);
      const { failure } = await finished;
      plane.setTls(keys);
      expect(failure).toMatchObject({ stage: 'handshake', code: 'TLS_VERSION' });
      expect(failure?.message).toMatch(/CPSV, SSCN/);
    });

    test('a download may use TLS 1.3 and is not bound to the session of a client', async () => {
      const given = download({ resumption: 'required', sessionContext: 'mine' });
      const session = await controlSession('TLSv1.3', 'mine', keys);
      const { socket, finished, opened } = await pair(plane, 'passive', given, FOREIGN);
      const peer = secure(socket, 'server', { session });
      expect((await drain(peer)).equals(CONTENT)).toBe(true);
      peer.end();
      expect((await opened).tls).toMatchObject({ protocol: 'TLSv1.3', resumed: false });
      expect((await finished).failure).toBeUndefined();
    });
  });

  describe('handshakes that fail', () => {
    async function failing(
      given: Order,
      act: (socket: net.Socket) => void,
      role: 'passive' | 'active' = 'passive',
    ) {
      const { socket, finished } = await pair(plane, role, given);
      act(socket);
      const result = await finished;
      expect(result).toMatchObject({ bytes: 0, failure: { stage: 'handshake' } });
      expect(result.remains).toBeUndefined();
      return result.failure!;
    }

    test('protocols offered without ours get the alert of RFC 7301 3.2; ours are fine', async () => {
      let alert: Promise<unknown> | undefined;
      await failing(upload(), (socket) => {
        const peer = secure(socket, 'server', { ALPNProtocols: ['http/1.1'] });
        alert = new Promise((resolve) => peer.once('error', resolve));
      });
      expect(await alert).toMatchObject({ code: 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL' });
      const { socket, finished } = await pair(plane, 'passive', upload());
      const peer = secure(socket, 'server', { ALPNProtocols: ['x', 'ftp-data'] });
      peer.resume().end('fine');
      expect((await finished).failure).toBeUndefined();
      expect(peer.alpnProtocol).toBe('ftp-data');
    });

    test('no TLS at all, a silent peer, a peer that goes', async () => {
      const plain = await failing(upload(), (socket) => socket.write('USER x\r\nPASS y\r\n'));
      expect(plain.code).toMatch(/^ERR_SSL_/);
      const timeouts = { connect: 5000, handshake: 40, stall: 5000 };
      const silent = await failing(upload({}, { timeouts }), () => {});
      expect(silent.code).toBe('ETIMEDOUT');
      expect((await failing(upload(), (socket) => socket.end())).code).toBe('ECONNRESET');
    });

    test('a peer that is no TLS server either, when we are the client', async () => {
      const given = { ...upload(), tls: AS_CLIENT };
      await failing(given, (socket) => socket.write('150 Opening\r\n'), 'active');
      await failing(given, (socket) => socket.end(), 'active');
    });

    test('an old version is refused', async () => {
      await failing(upload(), (socket) => {
        secure(socket, 'server', { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' });
      });
    });
  });
});

/** The same connection as a stream of Node's, so that both TLS and the test see its octets. */
function tapped(socket: net.Socket): net.Socket {
  return new Proxy(socket, {
    getPrototypeOf: () => Object.getPrototypeOf(net.Socket.prototype) as object,
    get: (target, name) => {
      const value = Reflect.get(target, name) as unknown;
      return typeof value === 'function' ? (value as () => unknown).bind(target) : value;
    },
  });
}
