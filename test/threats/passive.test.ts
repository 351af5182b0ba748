/** Rows 5 to 7, 14, 15 and 49: who gets the data of a passive port, and how its end is believed. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ConnectionOptions } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { parseRange } from '../../src/protocol/ranges.js';
import { STRANGER, type Target, target } from './kit.js';
import { dial, drain, sextet, shake, type Wire } from './wire.js';

const CARGO = Buffer.alloc(300_000, 'cargo ');

function loaded(served: Target): Target {
  writeFileSync(join(served.home, 'cargo'), CARGO);
  return served;
}

describe.each([
  ['no configuration at all', {}],
  [
    'FXP listed',
    { fxp: { mode: 'listed' as const, peers: [parseRange('192.0.2.0/24')], requireTls: false } },
  ],
  ['in the thread of the control connection', { threads: 0 }],
])('%s', (_name, options) => {
  test('threat 5, 6: PASV theft: a stranger gets no octet and the client still succeeds', async () => {
    const served = loaded(await target({ threads: 1, ...options }));
    const wire = await served.login();
    const port = await wire.passive();
    // Before the transfer command, and more of them than may be held.
    const thieves = await Promise.all(Array.from({ length: 12 }, () => wire.dataTo(port, STRANGER)));
    const stolen = thieves.map((thief) => drain(thief));
    wire.write('RETR cargo\r\n');
    const late = drain(await wire.dataTo(port, STRANGER));
    const own = drain(await wire.dataTo(port, '127.0.0.1'));
    expect((await wire.next()).code).toBe(150);
    expect((await own).octets.equals(CARGO)).toBe(true);
    expect((await wire.next()).code).toBe(226);
    for (const { octets } of await Promise.all([...stolen, late])) expect(octets).toHaveLength(0);
    await served.event('peer-refused', ({ door, peer }) => door === 'accept' && peer === STRANGER);
  });

  test('threat 5: PASV theft: what a stranger sends is not stored', async () => {
    const served = await target({ threads: 1, ...options });
    const wire = await served.login();
    const port = await wire.passive();
    const early = await wire.dataTo(port, STRANGER);
    early.end('forged');
    wire.write('STOR cargo\r\n');
    const late = await wire.dataTo(port, STRANGER);
    late.end('forged too');
    const own = await wire.dataTo(port, '127.0.0.1');
    expect((await wire.next()).code).toBe(150);
    own.end('mine');
    expect((await wire.next()).code).toBe(226);
    expect(readFileSync(join(served.home, 'cargo'), 'latin1')).toBe('mine');
  });
});

test('threat 5: PASV theft: ports are random and used once', async () => {
  const served = await target();
  const wire = await served.login();
  const ports: number[] = [];
  for (let i = 0; i < 64; i++) ports.push(await wire.passive());
  const steps = new Set(ports.slice(1).map((port, i) => port - ports[i]!));
  expect(new Set(ports).size).toBeGreaterThan(60);
  expect(steps.size).toBeGreaterThan(55);
  expect(Math.max(...ports) - Math.min(...ports)).toBeGreaterThan(4_000);
  // Every one but the last is closed again.
  await expect(dial({ host: served.host, port: ports[0]! })).rejects.toThrow(/ECONNREFUSED/);
});

test('threat 7: unsolicited reply injection: strangers on a passive port write nothing to the control connection', async () => {
  const served = loaded(await target({ threads: 1 }));
  const wire = await served.login();
  const port = await wire.passive();
  const before = wire.heard;
  for (let i = 0; i < 20; i++) {
    const stranger = await wire.dataTo(port, STRANGER);
    stranger.write('\r\n227 Entering Passive Mode (127,0,0,5,1,1).\r\n');
    await drain(stranger);
  }
  await wire.must(200, 'NOOP');
  expect(wire.heard.slice(before.length)).toMatch(/^200 [^\r\n]*\r\n$/);
  expect(wire.unread).toBe(0);
});

async function privateRetrieve(wire: Wire, options: ConnectionOptions) {
  const raw = await wire.dataTo(await wire.passive(), '127.0.0.1');
  wire.write('RETR cargo\r\n');
  const data = await shake(raw, options).catch(() => undefined);
  const received = data && drain(data);
  const reused = data?.isSessionReused();
  const first = await wire.next();
  return {
    octets: (await received)?.octets ?? Buffer.alloc(0),
    final: first.code === 150 ? await wire.next() : first,
    reused,
  };
}

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('%s', (version) => {
  test('threat 14: data channel hijack under TLS: another session’s ticket, or none, does not do when reuse is required', async () => {
    const served = loaded(await target({ tls: { dataSessionReuse: 'required' }, threads: 1 }));
    const range = { minVersion: version, maxVersion: version } as const;
    const log = async (): Promise<Wire> => {
      const wire = await (await served.open()).secure(range);
      return (await wire.login('deckhand', 'sheet-bend-3')).protect();
    };
    const [wire, other] = [await log(), await log()];
    for (const wrong of [undefined, other.session]) {
      const { final, octets } = await privateRetrieve(wire, { ...range, session: wrong });
      expect(final.code).toBe(522);
      expect(octets).toHaveLength(0);
    }
    const right = await privateRetrieve(wire, { ...range, session: wire.session });
    expect(right.final.code).toBe(226);
    expect(right.reused).toBe(true);
    expect(right.octets.equals(CARGO)).toBe(true);
  });
});

test('threat 14: data channel hijack under TLS: a stranger with TLS of its own is dropped, the client is served', async () => {
  const served = loaded(await target({ tls: true, threads: 1 }));
  const wire = await served.secured();
  const port = await wire.passive();
  const stranger = wire.dataTo(port, STRANGER).then((raw) => shake(raw));
  await expect(stranger).rejects.toThrow();
  wire.write('RETR cargo\r\n');
  const own = drain(await shake(await wire.dataTo(port, '127.0.0.1'), {}));
  expect((await wire.next()).code).toBe(150);
  expect((await own).octets.equals(CARGO)).toBe(true);
});

/** STOR under TLS whose connection is cut without close_notify. */
async function cutUpload(served: Target): Promise<number> {
  const wire = await served.secured();
  const raw = await wire.dataTo(await wire.passive(), '127.0.0.1');
  wire.write('STOR cargo\r\n');
  const data = await shake(raw);
  expect((await wire.next()).code).toBe(150);
  data.write('half of it', () => raw.end());
  return (await wire.next()).code;
}

test('threat 15: TLS truncation: an upload that ends without close_notify is 426 and takes no file’s place', async () => {
  const served = await target({ tls: true, threads: 1 });
  writeFileSync(join(served.home, 'cargo'), 'the whole of it');
  expect(await cutUpload(served)).toBe(426);
  expect(readFileSync(join(served.home, 'cargo'), 'latin1')).toBe('the whole of it');
  expect(readdirSync(served.home)).toEqual(['cargo']);
  const lax = await target({ tls: { closeNotify: 'optional' }, threads: 1 });
  expect(await cutUpload(lax)).toBe(226);
});

test('threat 49: stale endpoint: each transfer has its own, and REST does not outlive its command', async () => {
  const served = loaded(await target({ threads: 1 }));
  const wire = await served.login();
  const port = await wire.passive();
  const first = drain(await wire.dataTo(port, '127.0.0.1'));
  await wire.must(350, 'REST 299990');
  await wire.must(150, 'RETR cargo');
  expect((await first).octets).toHaveLength(10);
  expect((await wire.next()).code).toBe(226);
  // The port is gone with its transfer, and so is what PORT had noted.
  await expect(wire.dataTo(port, '127.0.0.1')).rejects.toThrow(/ECONNREFUSED/);
  expect((await wire.send('RETR cargo')).code).toBe(425);
  expect((await wire.retrieve('cargo')).octets).toHaveLength(CARGO.length);
  // Used up by a command that failed as well.
  await wire.must(350, 'REST 299990');
  expect((await wire.send('RETR missing')).code).toBe(425);
  expect((await wire.retrieve('cargo')).octets).toHaveLength(CARGO.length);
});

test('threat 49: stale endpoint: a second connection to the port never joins the transfer or the next one', async () => {
  const served = loaded(await target({ threads: 1 }));
  const wire = await served.login();
  for (let round = 0; round < 20; round++) {
    const port = await wire.passive();
    const all = await Promise.all([wire.dataTo(port, '127.0.0.1'), wire.dataTo(port, '127.0.0.1')]);
    const received = all.map((data) => drain(data));
    await wire.must(150, 'RETR cargo');
    expect((await wire.next()).code).toBe(226);
    const sizes = (await Promise.all(received)).map(({ octets }) => octets.length).sort((a, b) => a - b);
    expect(sizes).toEqual([0, CARGO.length]);
  }
});

test('threat 49: stale endpoint: a new PASV, PORT or USER gives the old one up', async () => {
  const served = loaded(await target());
  const wire = await served.login();
  const renew = ['PASV', 'EPSV', `PORT ${sextet('127.0.0.1', 5000)}`, 'USER deckhand'];
  for (const line of renew) {
    const port = await wire.passive();
    const held = drain(await wire.dataTo(port, '127.0.0.1'));
    await wire.send(line);
    expect((await held).octets, line).toHaveLength(0);
    await expect(wire.dataTo(port, '127.0.0.1'), line).rejects.toThrow(/ECONNREFUSED/);
  }
});
