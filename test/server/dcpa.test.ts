/** The command DCPA: what it answers, what clears it, which role wins (docs/dcpa.md 5 to 11). */
import { createHash, X509Certificate } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { issueCertificate } from '../peers/certs.js';
import { dcpa, pinnedServer } from './dcpa-kit.js';
import type { TestServer } from './harness.js';
import { inner, startServer } from './harness.js';

const HOST = '127.0.0.2';
const PEER = `Peer=sha-256:${'a'.repeat(64)}`;

let server: TestServer;
let clear: TestServer;
let off: TestServer;
beforeAll(async () => {
  const guest = { name: 'guest', anonymous: true };
  server = await pinnedServer(HOST, { users: [guest, { name: 'other' }], files: { f: 'content' } });
  clear = await startServer({ tls: 'optional', files: { f: 'content' } });
  off = await startServer({ tls: 'optional', options: { fxp: { mode: 'off' } } });
});
afterEach(() => {
  for (const one of [server, clear, off]) one.hangUp();
});
afterAll(() => Promise.all([server, clear, off].map((one) => one.close())));

describe('DCPA', () => {
  test('FEAT names it where TLS and FXP are possible', async () => {
    const features = inner(await (await server.enterTls()).command('FEAT'));
    expect(features).toContain(' DCPA sha-256;session;host');
    expect(inner(await (await off.enterTls()).command('FEAT')).join()).not.toContain('DCPA');
  });

  test('a query changes nothing; facts replace themselves only', async () => {
    const client = await server.enterTls();
    expect((await client.command('DCPA')).text).toBe('DCPA OFF');
    const { self, ...first } = await dcpa(client, 'Self=session');
    expect(self).toMatch(/^[0-9a-f]{64}$/);
    expect(first).toEqual({ on: true, scope: 'session', peers: 0, role: 'auto' });
    expect(await dcpa(client, `${PEER};Role=server;`)).toMatchObject({ self, peers: 1, role: 'server' });
    expect(await dcpa(client, 'Role=client')).toMatchObject({ self, peers: 1, role: 'client' });
    expect(await dcpa(client, `${PEER},sha-256:${'b'.repeat(64)}`)).toMatchObject({
      peers: 2,
      role: 'client',
    });
    expect(await dcpa(client)).toMatchObject({ self, peers: 2, role: 'client' });
    expect((await client.command('DCPA OFF')).text).toBe('DCPA OFF');
    // The key of the login stays.
    expect(await dcpa(client, 'Self=session')).toMatchObject({ self, peers: 0, role: 'auto' });
  });

  test('Self=host is the certificate of the control connection, also after a reload', async () => {
    const { cert, key } = issueCertificate(HOST);
    const client = await server.enterTls();
    const spki = new X509Certificate(cert).publicKey.export({ type: 'spki', format: 'der' });
    const pin = createHash('sha256').update(spki).digest('hex');
    expect(await dcpa(client, 'Self=host')).toMatchObject({ self: pin, scope: 'host' });
    server.server.reload({ tls: issueCertificate('127.0.0.9') });
    expect((await dcpa(client, 'Self=host')).self).toBe(pin);
    server.server.reload({ tls: { cert, key } });
  });

  test('a fact that is not understood makes all of it fail', async () => {
    const client = await server.enterTls();
    const before = await dcpa(client, `Self=session;${PEER}`);
    const cases: [string, number][] = [
      ['Self=both', 501],
      ['Role=client;Nonsense=1', 501],
      ['Role=client;Role=server', 501],
      ['Role=client;Peer=sha-256:abc', 501],
      [`Role=client;Peer=sha-512:${'a'.repeat(128)}`, 504],
      ['Role=client;From=example.org', 501],
    ];
    for (const [facts, code] of cases)
      expect([facts, await client.code(`DCPA ${facts}`)]).toEqual([facts, code]);
    expect(await dcpa(client)).toEqual(before);
  });

  test('not before the login, not without TLS, not where FXP is off', async () => {
    const early = await server.connect();
    await early.secure();
    expect(await early.code('DCPA')).toBe(530);
    expect(await (await clear.enter()).code('DCPA Self=session')).toBe(503);
    expect(await (await off.enterTls()).code('DCPA Self=session')).toBe(534);
    expect(await (await server.enterTls('guest')).code('DCPA')).toBe(534);
  });

  test('USER clears it and the next login has another key; CCC and a second AUTH are refused', async () => {
    const client = await server.enterTls();
    const { self } = await dcpa(client, `Self=session;${PEER}`);
    expect(await client.code('CCC')).toBe(534);
    expect(await client.code('AUTH TLS')).toBe(534);
    expect(await client.code('REIN')).toBe(502);
    expect(await dcpa(client)).toMatchObject({ self, peers: 1 });
    await client.login('other');
    expect((await client.command('DCPA')).text).toBe('DCPA OFF');
    expect((await dcpa(client, 'Self=session')).self).not.toBe(self);
    expect((await dcpa(await server.enterTls(), 'Self=session')).self).not.toBe(self);
  });

  test('the last word on the role counts', async () => {
    const client = await server.enterTls();
    const roles: string[] = [];
    const said = async (): Promise<void> => {
      const state = await dcpa(client);
      roles.push(state.on ? state.role : 'off');
    };
    await client.ok('SSCN ON');
    await dcpa(client, PEER);
    await said();
    for (const line of ['SSCN ON', 'DCPA Role=server', 'SSCN OFF', 'DCPA Role=auto', `DCPA ${PEER}`]) {
      await client.ok(line);
      await said();
    }
    expect(roles).toEqual(['auto', 'client', 'server', 'server', 'auto', 'auto']);
  });

  test('without PROT P a pinned transfer is 521, the endpoint stays, listings go on', async () => {
    const client = await clear.enterTls();
    await dcpa(client, PEER);
    const link = await client.data('EPSV');
    await client.ok('PROT C');
    expect(await client.code('RETR f')).toBe(521);
    client.protectedData = false;
    expect((await client.over(link, 'NLST')).octets.toString()).toContain('f\r\n');
    await client.ok('DCPA OFF');
    expect((await client.transfer('RETR f')).octets.toString()).toBe('content');
    expect(await dcpa(client)).toEqual({ self: '', on: false, last: 'ok', bytes: 7 });
    expect(await client.code('RETR none')).toBe(425);
    expect(await dcpa(client)).toMatchObject({ last: 'failed', bytes: 0 });
  });

  test('under a pin a foreign PORT is noted; aimed as TLS client it needs a listed address', async () => {
    const open = await startServer({ tls: 'required', host: HOST });
    try {
      const client = await open.enterTls();
      expect(await client.code('PORT 192,0,2,1,200,10')).toBe(504);
      await dcpa(client, PEER);
      expect(await client.code('PORT 192,0,2,1,200,10')).toBe(200);
      expect(await client.code('PORT 192,0,2,1,3,10')).toBe(504);
      expect(await client.code('PORT 127,0,0,7,200,10')).toBe(504);
      expect(await client.code('EPRT |2|fe80::1|5000|')).toBe(504);
      await dcpa(client, 'Role=client');
      expect(await client.code('PORT 192,0,2,1,200,10')).toBe(504);
      await client.ok('DCPA OFF');
      expect(await client.code('PORT 192,0,2,1,200,10')).toBe(504);
    } finally {
      await open.close();
    }
  });
});
