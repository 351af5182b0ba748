/** Rows 1 and 26: what cannot be told apart, neither by text nor by time nor by work. */
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { hash } from '@node-rs/argon2';
import { expect, onTestFinished, test } from 'vitest';
import { parseRange } from '../../src/protocol/ranges.js';
import { fileUsers } from '../../src/server/users/file.js';
import { argon2Hasher } from '../../src/server/users/hash.js';
import { memoryUsers } from '../../src/server/users/memory.js';
import type { UserStore } from '../../src/server/users/types.js';
import { folder, PASSWORD, STRANGER, sink, target, USER, VICTIM } from './kit.js';
import { sextet } from './wire.js';

const DELAY = 300;

test('threat 1: levelled 425: closed, silent, talking and lying ports look alike in words and time', async () => {
  // The timeouts of connect and handshake are the long ones of the default: what is levelled must not wait for them.
  const served = await target({
    tls: true,
    threads: 1,
    limits: { levelDelay: DELAY },
    fxp: { mode: 'listed', peers: [parseRange(`${VICTIM}/32`)] },
  });
  writeFileSync(join(served.home, 'cargo'), 'rope and tar');
  const silent = await sink();
  const mail = await sink(VICTIM, 0, '220 mail.example.org ESMTP\r\n');
  const alert = await sink(VICTIM, 0, '\x15\x03\x01\x00\x02\x02\x28');
  const rude = createServer((socket) => socket.resetAndDestroy());
  onTestFinished(() => void rude.close());
  const rudePort = await new Promise<number>((resolve) => {
    rude.listen(0, VICTIM, () => {
      const address = rude.address();
      resolve(address !== null && typeof address === 'object' ? address.port : 0);
    });
  });
  const closed = await target({ listen: { host: VICTIM, port: 0 } });
  await closed.server.close();
  const ports = [closed.port, silent.port, mail.port, alert.port, rudePort];
  const seen = await Promise.all(
    ports.flatMap((port) =>
      ['OFF', 'ON'].map(async (sscn) => {
        const wire = await served.secured();
        await wire.must(200, `SSCN ${sscn}`);
        await wire.must(200, `PORT ${sextet(VICTIM, port)}`);
        const begun = performance.now();
        const { text } = await wire.send('RETR cargo');
        return { text, ms: performance.now() - begun };
      }),
    ),
  );
  expect(new Set(seen.map(({ text }) => text))).toEqual(
    new Set(['425 The data connection could not be opened.']),
  );
  for (const { ms } of seen) expect(ms).toBeGreaterThanOrEqual(DELAY - 1);
  // 10 s is what the handshake may take where nothing is levelled.
  for (const { ms } of seen) expect(ms).toBeLessThan(9_000);
  const failures = served.events.flatMap((one) =>
    one.event === 'transfer' ? [one.transfer.failure?.stage] : [],
  );
  expect(new Set(failures)).toEqual(new Set(['connect', 'handshake']));
});

/** Counts what a store is asked. */
function counting(users: UserStore): UserStore & { asked: number } {
  const counted = {
    asked: 0,
    login: (name: string, password: string, address: string) => {
      counted.asked += 1;
      return users.login(name, password, address);
    },
  };
  return counted;
}

test('threat 26: enumeration: a name that exists and one that does not have the same replies and the same work', async () => {
  const home = folder();
  const users = counting(
    memoryUsers([
      { name: USER, password: PASSWORD, home },
      { name: 'shore', password: PASSWORD, home, allowFrom: ['192.0.2.1'] },
    ]),
  );
  const served = await target({ users, limits: { loginAttempts: 0, loginFailuresPerMinute: 0 } });
  const wire = await served.open();
  const seen = new Set<string>();
  const tries = [
    [USER, 'wrong'],
    ['nobody-of-that-name', 'wrong'],
    ['nobody-of-that-name', PASSWORD],
    ['shore', PASSWORD],
    ['root', ''],
    ["x' or 1=1 --", PASSWORD],
    ['*)(uid=*', PASSWORD],
    ['../../etc/passwd', PASSWORD],
    ['__proto__', PASSWORD],
    ['constructor', PASSWORD],
  ] as const;
  for (const [name, password] of tries) {
    const first = await wire.send(`USER ${name}`);
    const second = await wire.send(`PASS ${password}`);
    seen.add(`${first.text} / ${second.text}`);
  }
  expect([...seen]).toEqual(['331 Send the password. / 530 Login incorrect.']);
  expect(users.asked).toBe(tries.length);
});

test('threat 26: enumeration: argon2id runs once for every login that fails, whoever it names', async () => {
  const path = join(folder(), 'users.toml');
  const hasher = argon2Hasher();
  const cheap = await hash(PASSWORD, { memoryCost: 8_192, timeCost: 1, parallelism: 1 });
  writeFileSync(
    path,
    ['deckhand', 'shore'].map((name) => `[users.${name}]\npassword = "${cheap}"\nhome = "."\n`).join('') +
      'allow-from = ["192.0.2.1"]\n',
    { mode: 0o600 },
  );
  const costs: string[] = [];
  const users = await fileUsers(path, {
    hasher: {
      hash: hasher.hash,
      verify: (hashed, password) => {
        costs.push(hashed.split('$').slice(1, 4).join(' '));
        return hasher.verify(hashed, password);
      },
    },
  });
  const served = await target({ users, limits: { loginAttempts: 0, loginFailuresPerMinute: 0 } });
  const wire = await served.open();
  const names = [USER, 'nobody-of-that-name', 'root', 'admin2'];
  for (const name of names) {
    await wire.must(331, `USER ${name}`);
    await wire.must(530, 'PASS wrong');
  }
  // A right password from a wrong address costs no less.
  await wire.must(331, 'USER shore');
  await wire.must(530, `PASS ${PASSWORD}`);
  expect(costs).toHaveLength(names.length + 1);
  expect(new Set(costs).size, costs.join('; ')).toBe(1);
});

test('threat 26: brute force: the third wrong password of a session ends it', async () => {
  const served = await target();
  const wire = await served.open();
  const codes: number[] = [];
  for (let i = 0; i < 3; i++) {
    codes.push((await wire.send(`USER ${USER}`)).code);
    codes.push((await wire.send(`PASS wrong${i}`)).code);
  }
  expect(codes).toEqual([331, 530, 331, 530, 331, 421]);
  await wire.closed;
});

test('threat 26: brute force: an address that guessed too often waits, and others do not', async () => {
  const served = await target({ limits: { loginFailuresPerMinute: 4 } });
  const codes: number[] = [];
  for (let round = 0; round < 3; round++) {
    const wire = await served.open(STRANGER);
    for (let i = 0; i < 2; i++) {
      await wire.must(331, 'USER bosun');
      codes.push((await wire.send('PASS wrong')).code);
      if (codes.at(-1) === 421) break;
    }
  }
  expect(codes).toEqual([530, 530, 530, 530, 421]);
  // The right password is not even tried.
  const wire = await served.open(STRANGER);
  await wire.must(331, `USER ${USER}`);
  expect((await wire.send(`PASS ${PASSWORD}`)).code).toBe(421);
  await served.login('127.0.0.7');
});

test('threat 26: brute force: guesses at once count like guesses in a row', async () => {
  const served = await target({ limits: { loginFailuresPerMinute: 4 } });
  const wires = await Promise.all(Array.from({ length: 12 }, () => served.open(STRANGER)));
  await Promise.all(
    wires.map(async (wire) => {
      await wire.must(331, `USER ${USER}`);
      await wire.send('PASS wrong');
    }),
  );
  const late = await served.open(STRANGER);
  await late.must(331, `USER ${USER}`);
  expect((await late.send(`PASS ${PASSWORD}`)).code).toBe(421);
});

test('threat 26: brute force: passwords sent ahead are tried one after the other', async () => {
  const served = await target();
  const wire = await served.open();
  wire.write(Array.from({ length: 200 }, (_, i) => `USER ${USER}\r\nPASS guess${i}\r\n`).join(''));
  await wire.closed;
  expect(served.events.filter(({ event }) => event === 'login')).toHaveLength(3);
  expect(wire.heard.trim().split('\r\n').at(-1)).toBe('421 Too many wrong passwords.');
});
