/** Rows 28, 29, 32, 33, 36, 41 and 42: what a session may cost, ABOR in every state, and what logs never hold. */
import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { PASSWORD, STRANGER, type Target, target, USER } from './kit.js';
import { dial, drain, Wire } from './wire.js';

/** A connection that is turned away instead of greeted. */
async function turnedAway(served: Target, from = '127.0.0.1'): Promise<string> {
  const { octets } = await drain(await dial({ host: served.host, port: served.port, from }));
  return octets.toString('latin1');
}

describe('threat 28: exhaustion', () => {
  test('threat 28: connections in all and per address have a cap, places come back', async () => {
    const served = await target({ limits: { connections: 5, connectionsPerAddress: 3 } });
    const mine = [await served.open(), await served.open(), await served.open()];
    expect(await turnedAway(served)).toMatch(/^421 [^\r]*\r\n$/);
    const others = [await served.open(STRANGER), await served.open(STRANGER)];
    expect(await turnedAway(served, STRANGER)).toMatch(/^421 /);
    mine[0]!.close();
    await served.event('close');
    expect(await served.open()).toBeInstanceOf(Wire);
    expect(others).toHaveLength(2);
    expect(served.events.filter(({ event }) => event === 'refused')).toHaveLength(2);
  });

  test('threat 28: logins per user have a cap, places come back with QUIT, USER and a broken connection', async () => {
    const served = await target({ user: { maxLogins: 1 } });
    const ends: ((wire: Wire) => Promise<unknown>)[] = [
      (wire) => wire.must(221, 'QUIT').then(() => wire.closed),
      (wire) => wire.must(331, 'USER nobody'),
      async (wire) => wire.socket.resetAndDestroy(),
    ];
    for (const end of ends) {
      const first = await served.login();
      const second = await served.open();
      await second.must(331, `USER ${USER}`);
      expect((await second.send(`PASS ${PASSWORD}`)).code).toBe(421);
      const closes = served.events.filter(({ event }) => event === 'close').length;
      await end(first);
      if (end !== ends[1]) {
        await expect
          .poll(() => served.events.filter(({ event }) => event === 'close').length)
          .toBeGreaterThan(closes);
      }
    }
    await served.login();
  });

  test('threat 28: slow loris: no login in time is 421', async () => {
    const served = await target({ limits: { loginTimeout: 200 } });
    const wire = await served.open();
    wire.write('US');
    expect((await wire.next()).code).toBe(421);
    await wire.closed;
  });

  test('threat 28: slow loris: commands before the login do not keep the connection', async () => {
    const served = await target({ limits: { loginTimeout: 200 } });
    const wire = await served.open();
    const codes: number[] = [];
    for (;;) {
      const reply = await wire.send('NOOP').catch(() => undefined);
      if (reply) codes.push(reply.code);
      if (!reply || reply.code === 421) break;
    }
    expect(codes.at(-1)).toBe(421);
    expect(codes.length).toBeGreaterThan(1);
  });

  test('threat 28: slow loris: a TLS handshake that stops is given up, on control, implicit and data connections', async () => {
    const served = await target({
      tls: true,
      threads: 1,
      limits: { handshakeTimeout: 200 },
      listen: [
        { host: '127.0.0.9', port: 0 },
        { host: '127.0.0.9', port: 0, implicitTls: true },
      ],
    });
    const [explicit, implicit] = served.server.addresses;
    const wire = await Wire.open({ ...explicit! });
    await wire.must(234, 'AUTH TLS');
    wire.write(Buffer.from([0x16, 3, 1]));
    await wire.closed;
    const mute = await drain(await dial({ ...implicit! }));
    expect(mute.octets).toHaveLength(0);
    const other = await Wire.open({ ...explicit! });
    await (await other.secure()).login(USER, PASSWORD);
    await other.protect();
    const data = await other.dataTo(await other.passive());
    const ended = drain(data);
    data.write(Buffer.from([0x16]));
    await other.must(150, 'NLST');
    expect((await other.next()).code).toBe(425);
    await ended;
    expect((await other.send('NOOP')).code).toBe(200);
  });

  test('threat 28: an idle session ends with 421; one that transfers is not idle', async () => {
    const served = await target({ limits: { idleTimeout: 300 } });
    const idle = await served.login();
    const busy = await served.login();
    const data = await busy.dataTo(await busy.passive(), '127.0.0.1');
    await busy.must(150, 'STOR cargo');
    expect((await idle.next()).code).toBe(421);
    await idle.closed;
    data.end('rope');
    expect((await busy.next()).code).toBe(226);
  });

  test('threat 28: half-open data connections: no peer is 425, no octet is 426, and the session goes on', async () => {
    const served = await target({ threads: 1, limits: { dataTimeout: 200, stallTimeout: 300 } });
    writeFileSync(join(served.home, 'cargo'), Buffer.alloc(30_000_000));
    const wire = await served.login();
    await wire.passive();
    expect((await wire.send('RETR cargo')).code).toBe(425);
    const silent = await wire.dataTo(await wire.passive(), '127.0.0.1');
    await wire.must(150, 'STOR new');
    expect((await wire.next()).code).toBe(426);
    silent.destroy();
    // A reader that does not read.
    const deaf = await wire.dataTo(await wire.passive(), '127.0.0.1');
    deaf.pause();
    await wire.must(150, 'RETR cargo');
    expect((await wire.next()).code).toBe(426);
    deaf.destroy();
    expect((await wire.send('NOOP')).code).toBe(200);
  });

  test('threat 28: PASV without a transfer: the port is given back after its time', async () => {
    const served = await target({ threads: 1, limits: { dataTimeout: 200 } });
    const wire = await served.login();
    const port = await wire.passive();
    const early = await drain(await wire.dataTo(port, '127.0.0.1'));
    expect(early.octets).toHaveLength(0);
    await expect(wire.dataTo(port, '127.0.0.1')).rejects.toThrow(/ECONNREFUSED/);
    expect((await wire.send('NLST')).code).toBe(425);
  });

  test('threat 28: one pending endpoint per session, and 425 when no port is left', async () => {
    const served = await target({ passive: { ports: { from: 45_600, to: 45_603 } } });
    const wire = await served.login();
    for (let i = 0; i < 20; i++) await wire.passive();
    const others = await Promise.all(Array.from({ length: 3 }, () => served.login()));
    for (const other of others) await other.passive();
    const last = await served.login();
    expect((await last.send('PASV')).code).toBe(425);
    expect((await last.send('EPSV')).code).toBe(425);
    wire.close();
    await served.event('close');
    await expect.poll(async () => (await last.send('PASV')).code).toBe(227);
  });
});

test('threat 29: unbounded memory: a client that does not read its replies is cut off', async () => {
  const served = await target();
  const wire = await served.login();
  wire.socket.pause();
  const line = Buffer.from('HELP\r\n'.repeat(2_000));
  let sent = 0;
  const full = (): boolean => wire.socket.destroyed;
  while (!full() && sent < 50_000) {
    sent += 2_000;
    if (!wire.socket.write(line)) {
      await Promise.race([
        new Promise((resolve) => wire.socket.once('drain', resolve)),
        served.event('close'),
      ]);
    }
    if (served.events.some(({ event }) => event === 'close')) break;
  }
  const { why } = await served.event('close');
  expect(why).toMatch(/does not read/);
});

test('threat 29: unbounded memory: STAT of a large directory is bounded, MLSD streams it', async () => {
  const served = await target({ threads: 1 });
  for (let i = 0; i < 10_050; i++) writeFileSync(join(served.home, `f${i}`), '');
  const wire = await served.login();
  expect((await wire.send('STAT /')).code).toBe(450);
  const data = await wire.dataTo(await wire.passive(), '127.0.0.1');
  const received = drain(data);
  await wire.must(150, 'MLSD');
  expect((await wire.next()).code).toBe(226);
  expect((await received).octets.toString().split('\r\n')).toHaveLength(10_051);
});

describe('threat 32: MODE Z', () => {
  test('threat 32: MODE Z bomb: off by default', async () => {
    const wire = await (await target()).login();
    expect((await wire.send('MODE Z')).code).toBe(504);
    expect((await wire.send('FEAT')).text).not.toContain('MODE Z');
  });

  test('threat 32: MODE Z bomb: output is bounded by ratio and by quota, and no upload hangs', async () => {
    const served = await target({ threads: 1, modeZ: true, user: { quota: { bytes: 5_000_000 } } });
    const wire = await served.login();
    await wire.must(200, 'MODE Z');
    const zeros = deflateSync(Buffer.alloc(100_000_000));
    expect((await wire.store('bomb', zeros)).code).toBe(426);
    // Within the ratio, beyond the quota.
    const noise = Buffer.from(
      Array.from({ length: 60_000 }, (_, i) => `${i * 7919} `)
        .join('')
        .repeat(20),
    );
    expect((await wire.store('large', deflateSync(noise))).code).toBe(552);
    const held = readdirSync(served.home).reduce(
      (sum, name) => sum + statSync(join(served.home, name)).size,
      0,
    );
    expect(held).toBeLessThanOrEqual(5_000_000);
    for (const name of readdirSync(served.home)) await wire.must(250, `DELE ${name}`);
    // Cut, garbage, and octets behind the end.
    const whole = deflateSync(Buffer.from('rope and tar'));
    expect((await wire.store('cut', whole.subarray(0, -4))).code).toBe(426);
    expect((await wire.store('garbage', 'rope and tar')).code).toBe(426);
    expect([226, 426]).toContain(
      (await wire.store('behind', Buffer.concat([whole, Buffer.alloc(100_000, 1)]))).code,
    );
    expect((await wire.store('right', whole)).code).toBe(226);
    expect(readFileSync(join(served.home, 'right'), 'utf8')).toBe('rope and tar');
  });
});

describe('threat 33: digests', () => {
  test('threat 33: SIZE in ASCII and HASH of huge files cost nothing', async () => {
    const served = await target({ threads: 1, limits: { digestBytes: 1_000 } });
    writeFileSync(join(served.home, 'huge'), '');
    truncateSync(join(served.home, 'huge'), 2 ** 40);
    const wire = await served.login();
    for (const line of ['HASH huge', 'XCRC huge', 'XSHA512 huge'])
      expect((await wire.send(line)).code, line).toBe(556);
    await wire.must(200, 'TYPE A');
    expect((await wire.send('SIZE huge')).code).toBe(550);
  });

  test('threat 33: 100 digests at once: two are computed, the others 450, all can be aborted', async () => {
    const served = await target({ threads: 1 });
    writeFileSync(join(served.home, 'huge'), '');
    truncateSync(join(served.home, 'huge'), 2 ** 40);
    const wires = await Promise.all(Array.from({ length: 100 }, () => served.login()));
    const replies = wires.map((wire) => wire.send('HASH huge'));
    const busy = replies.map((reply, i) => reply.then(({ code }) => ({ code, i })));
    const first = new Set<number>();
    await Promise.all(
      busy.map((one) =>
        Promise.race([one.then(({ code, i }) => code === 450 && first.add(i)), idle(replies)]),
      ),
    );
    expect(first.size).toBe(98);
    for (const [i, wire] of wires.entries()) {
      if (first.has(i)) continue;
      wire.write('ABOR\r\n');
      expect((await replies[i]!).code).toBe(426);
      expect((await wire.next()).code).toBe(226);
    }
    expect((await wires[0]!.send('XCRC missing')).code).toBe(550);
  });
});

/** All but two have come. */
function idle(replies: readonly Promise<unknown>[]): Promise<void> {
  let left = replies.length - 2;
  return new Promise((resolve) => {
    for (const reply of replies) void reply.then(() => --left === 0 && resolve());
  });
}

describe('threat 36: ABOR', () => {
  test('threat 36: ABOR races: every point of a transfer ends with 426 or 226 and 226, then NOOP', async () => {
    const served = await target({ threads: 1 });
    writeFileSync(join(served.home, 'cargo'), Buffer.alloc(20_000_000, 'rope'));
    const wire = await served.login();
    const abort = async (point: string): Promise<number[]> => {
      wire.write('ABOR\r\nNOOP\r\n');
      const codes: number[] = [];
      for (;;) {
        const { code } = await wire.next();
        codes.push(code);
        if (code === 200) return codes;
        expect(codes.length, point).toBeLessThan(5);
      }
    };
    expect(await abort('idle')).toEqual([226, 200]);
    await wire.passive();
    expect(await abort('after PASV')).toEqual([226, 200]);
    expect((await wire.send('RETR cargo')).code).toBe(425);
    for (const verb of ['RETR cargo', 'STOR up', 'APPE up', 'STOU', 'MLSD']) {
      await wire.passive();
      wire.write(`${verb}\r\n`);
      expect(await abort(`${verb} without a peer`)).toEqual([426, 226, 200]);
      const data = await wire.dataTo(await wire.passive(), '127.0.0.1');
      wire.write(`${verb}\r\n`);
      const quick = await abort(`${verb} at once`);
      expect(quick.slice(-2), verb).toEqual([226, 200]);
      data.destroy();
    }
    for (let kept = 0; kept < 2; kept++) {
      const data = await wire.dataTo(await wire.passive(), '127.0.0.1');
      if (kept === 0) data.pause();
      await wire.must(150, 'RETR cargo');
      const codes = await abort('in the middle of RETR');
      expect(codes.slice(-2)).toEqual([226, 200]);
      data.destroy();
      const up = await wire.dataTo(await wire.passive(), '127.0.0.1');
      await wire.must(150, 'STOR up');
      up.write('half of it');
      expect(await abort('in the middle of STOR')).toEqual([426, 226, 200]);
      up.destroy();
    }
    await wire.must(350, 'RNFR cargo');
    expect(await abort('after RNFR')).toEqual([226, 200]);
    await wire.must(350, 'REST 5');
    expect(await abort('after REST')).toEqual([226, 200]);
    // Telnet Synch in front, and nothing but ABOR and CR.
    wire.write(Buffer.from([255, 244, 255, 242]));
    expect((await wire.send('ABOR')).code).toBe(226);
    expect(await (await served.login()).retrieve('cargo').then(({ octets }) => octets.length)).toBe(
      20_000_000,
    );
  });

  test('threat 36: ABOR races: a hundred of them, at moments nobody chose', async () => {
    const served = await target({ threads: 1 });
    writeFileSync(join(served.home, 'cargo'), Buffer.alloc(300_000, 'rope'));
    const wire = await served.login();
    for (let round = 0; round < 100; round++) {
      const data = await wire.dataTo(await wire.passive(), '127.0.0.1');
      const received = drain(data);
      wire.write(round % 2 === 0 ? 'RETR cargo\r\n' : 'STOR up\r\n');
      if (round % 2 === 1) data.write('x'.repeat(round * 50));
      for (let turn = 0; turn < round % 9; turn++) await new Promise((resolve) => setImmediate(resolve));
      wire.write('ABOR\r\n');
      const codes: number[] = [];
      // 226 of ABOR is the last; that of a transfer which was quicker comes before it.
      do codes.push((await wire.next()).code);
      while (
        !(codes.at(-1) === 226 && (codes.includes(426) || codes.filter((code) => code === 226).length === 2))
      );
      data.destroy();
      await received;
    }
    expect((await wire.send('NOOP')).code).toBe(200);
    expect(wire.unread).toBe(0);
    // EPSV ALL outlives it (ProFTPD issue 2255).
    await wire.must(200, 'EPSV ALL');
    await wire.must(226, 'ABOR');
    expect((await wire.send('PASV')).code).toBe(503);
  });
});
