/** Rows 30 to 37: patterns, quotas, numbers, and what each verb may do to whose files. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { target } from './kit.js';
import { drain, type Wire } from './wire.js';

const SECRET = 'the keel is rotten';

test('threat 30: glob and recursion: patterns are names, -R is refused', async () => {
  const served = await target();
  writeFileSync(join(served.home, 'cargo'), 'rope');
  mkdirSync(join(served.home, 'a'));
  const wire = await served.login();
  const list = async (line: string): Promise<string | number> => {
    const data = await wire.dataTo(await wire.passive(), '127.0.0.1');
    const received = drain(data);
    const { code } = await wire.send(line);
    if (code !== 150) {
      data.destroy();
      return code;
    }
    await wire.next();
    return (await received).octets.toString();
  };
  const braces = `{a,b}${'{a,b}'.repeat(400)}`;
  for (const pattern of ['*', '*/../*/../*/../*', '[a-z]*', '{cargo,a}', braces, '~', '?????', '**/**/**']) {
    for (const verb of ['NLST', 'LIST', 'MLSD', 'STAT']) {
      const given =
        verb === 'STAT' ? (await wire.send(`STAT ${pattern}`)).code : await list(`${verb} ${pattern}`);
      expect.soft(given, `${verb} ${pattern.slice(0, 30)}`).toSatisfy((code) => code === 550 || code === 553);
    }
  }
  for (const line of ['LIST -R', 'LIST -lR', 'NLST -R /', 'LIST -alR a']) {
    expect.soft(await list(line), line).toBe(504);
  }
  expect((await wire.send('STAT -R')).code).toBe(504);
  expect(
    String(await list('NLST'))
      .trim()
      .split('\r\n')
      .sort(),
  ).toEqual(['a', 'cargo']);
});

test('threat 34: quota races: parallel STOR, APPE and REST never store more than the quota', async () => {
  const QUOTA = 1_000_000;
  const served = await target({ threads: 1, user: { quota: { bytes: QUOTA } } });
  const wires = await Promise.all(Array.from({ length: 6 }, () => served.login()));
  const codes = await Promise.all(
    wires.map((wire, i) => wire.store(`part${i}`, Buffer.alloc(400_000, i)).then(({ code }) => code)),
  );
  expect(codes.filter((code) => code === 226).length).toBeLessThanOrEqual(2);
  expect(codes.filter((code) => code === 552).length).toBeGreaterThanOrEqual(4);
  const held = (): number =>
    readdirSync(served.home).reduce((sum, name) => sum + statSync(join(served.home, name)).size, 0);
  expect(held()).toBeLessThanOrEqual(QUOTA);
  const [wire] = wires;
  for (let i = 0; i < 8; i++) {
    await wire!.store('part0', Buffer.alloc(200_000), 'APPE');
    await wire!.must(350, 'REST 1');
    await wire!.store('part1', Buffer.alloc(600_000));
  }
  expect(held()).toBeLessThanOrEqual(QUOTA);
  // What is removed is free again.
  for (const name of readdirSync(served.home)) await wire!.must(250, `DELE ${name}`);
  expect((await wire!.store('whole', Buffer.alloc(900_000))).code).toBe(226);
});

test('threat 35: numbers: REST, RANG and ALLO take whole numbers that can be counted, and no file gets a hole', async () => {
  const served = await target({ threads: 1 });
  const wire = await served.login();
  expect((await wire.store('cargo', '0123456789')).code).toBe(226);
  for (const number of [
    '-1',
    '+1',
    '1.5',
    '1e3',
    '0x10',
    ' 1',
    '1 ',
    '9007199254740992',
    '9'.repeat(30),
    'NaN',
    '١',
  ]) {
    expect.soft((await wire.send(`REST ${number}`)).code, `REST ${number}`).toBe(501);
    expect.soft((await wire.send(`RANG ${number} 5`)).code, `RANG ${number}`).toBe(501);
    expect.soft((await wire.send(`ALLO ${number}`)).code, `ALLO ${number}`).toBe(501);
  }
  // Octal is no octal.
  await wire.must(350, 'REST 010');
  expect((await wire.retrieve('cargo')).octets).toHaveLength(0);
  for (const offset of ['11', '9007199254740991']) {
    await wire.must(350, `REST ${offset}`);
    expect((await wire.store('cargo', 'x')).code, `STOR after REST ${offset}`).toBe(554);
    await wire.must(350, `REST ${offset}`);
    await wire.passive();
    expect((await wire.send('RETR cargo')).code, `RETR after REST ${offset}`).toBe(554);
    await wire.must(350, `REST ${offset}`);
    expect((await wire.store('new', 'x')).code, `STOR of a new file after REST ${offset}`).toBe(554);
  }
  expect((await wire.send('RANG 5 4')).code).toBe(501);
  expect((await wire.send('ALLO 9007199254740991')).code).toBe(452);
  expect(readFileSync(join(served.home, 'cargo'), 'utf8')).toBe('0123456789');
  expect(existsSync(join(served.home, 'new'))).toBe(false);
});

/** Which of read, write, delete, list a command needs. */
const NEEDS: [line: string, right: 'read' | 'write' | 'delete' | 'list'][] = [
  ['SIZE cargo', 'read'],
  ['MDTM cargo', 'read'],
  ['HASH cargo', 'read'],
  ['XCRC cargo', 'read'],
  ['PRET RETR cargo', 'read'],
  ['MLST cargo', 'list'],
  ['STAT cargo', 'list'],
  ['MKD new', 'write'],
  ['MFMT 20240101000000 cargo', 'write'],
  ['MFCT 20240101000000 cargo', 'write'],
  ['MFF Modify=20240101000000; cargo', 'write'],
  ['SITE CHMOD 600 cargo', 'write'],
  ['SITE UTIME 20240101000000 cargo', 'write'],
  ['DELE cargo', 'delete'],
  ['RMD hold', 'delete'],
  ['RNFR cargo', 'delete'],
];

test.each(['read', 'write', 'delete', 'list'] as const)(
  'threat 37: secondary verbs: without the right to %s nothing does it',
  async (missing) => {
    const rights = (['read', 'write', 'delete', 'list'] as const).filter((right) => right !== missing);
    const served = await target({ user: { rights: [{ path: '/', rights }] } });
    writeFileSync(join(served.home, 'cargo'), 'rope');
    mkdirSync(join(served.home, 'hold'));
    const wire = await served.login();
    for (const [line, needs] of NEEDS) {
      if (needs === missing) expect.soft((await wire.send(line)).code, line).toBe(550);
    }
    await wire.passive();
    if (missing === 'read') expect((await wire.send('RETR cargo')).code).toBe(550);
    if (missing === 'list') {
      for (const verb of ['LIST', 'NLST', 'MLSD']) expect((await wire.send(verb)).code).toBe(550);
    }
    if (missing === 'write') {
      for (const verb of ['STOR', 'APPE', 'STOU']) expect((await wire.store('x', 'x', verb)).code).toBe(553);
      await wire.must(350, 'RNFR cargo');
      expect((await wire.send('RNTO other')).code).toBe(553);
    }
    // To overwrite is to delete.
    if (missing === 'delete') {
      expect((await wire.store('cargo', 'x')).code).toBe(553);
      expect((await wire.store('x', 'x')).code).toBe(226);
    }
    expect(readFileSync(join(served.home, 'cargo'), 'utf8')).toBe('rope');
  },
);

test('threat 37: secondary verbs: no copying, no execution, no change of owner', async () => {
  const served = await target();
  writeFileSync(join(served.home, 'cargo'), 'rope');
  const wire = await served.login();
  for (const line of [
    'SITE CPFR cargo',
    'SITE CPTO x',
    'SITE EXEC id',
    'SITE CHOWN root cargo',
    'SITE SYMLINK a b',
  ]) {
    expect.soft((await wire.send(line)).code, line).toBe(504);
  }
  expect((await wire.send('MFF UNIX.owner=0; cargo')).code).toBe(504);
  expect((await wire.send('MFF UNIX.mode=4755; cargo')).code).toBe(504);
  expect((await wire.send('SITE CHMOD 4755 cargo')).code).toBe(501);
  expect(statSync(join(served.home, 'cargo')).mode & 0o7000).toBe(0);
});

test('threat 37: rights by path hold for every spelling of the path', async () => {
  const served = await target({
    user: {
      rights: [
        { path: '/', rights: ['read', 'write', 'delete', 'list'] },
        { path: '/locked', rights: [] },
      ],
    },
  });
  mkdirSync(join(served.home, 'locked'));
  mkdirSync(join(served.home, 'open'));
  writeFileSync(join(served.home, 'locked', 'log'), SECRET);
  const wire = await served.login();
  for (const path of [
    'locked/log',
    '/locked/log',
    '//locked//log',
    'open/../locked/log',
    './locked/./log',
    '/open/../locked/log',
  ]) {
    await wire.passive();
    expect.soft((await wire.send(`RETR ${path}`)).code, path).toBe(550);
    expect.soft((await wire.send(`DELE ${path}`)).code, path).toBe(550);
    expect.soft((await wire.send(`RNFR ${path}`)).code, path).toBe(550);
  }
  // A rename above it would carry it to where the rights are others.
  for (const line of ['RNFR locked', 'RMD locked']) expect.soft((await wire.send(line)).code, line).toBe(550);
  await moveAround(wire);
  expect(readFileSync(join(served.home, 'locked', 'log'), 'utf8')).toBe(SECRET);
});

/** The parent of a locked directory, moved and back. */
async function moveAround(wire: Wire): Promise<void> {
  await wire.must(350, 'RNFR open');
  expect((await wire.send('RNTO locked/open')).code).toBe(553);
  await wire.must(350, 'RNFR open');
  expect((await wire.send('RNTO locked')).code).toBe(553);
}

test('threat 37: a rename neither leaves rules behind nor gains a right', async () => {
  const served = await target({
    user: {
      rights: [
        { path: '/', rights: ['read', 'write', 'delete', 'list'] },
        { path: '/ship/locked', rights: [] },
        { path: '/incoming', rights: ['write', 'delete', 'list'] },
      ],
    },
  });
  mkdirSync(join(served.home, 'ship', 'locked'), { recursive: true });
  mkdirSync(join(served.home, 'incoming'));
  writeFileSync(join(served.home, 'ship', 'locked', 'log'), SECRET);
  writeFileSync(join(served.home, 'incoming', 'log'), SECRET);
  writeFileSync(join(served.home, 'cargo'), 'rope');
  const wire = await served.login();
  for (const [from, to] of [
    ['ship', 'boat'],
    ['incoming/log', 'log'],
    ['incoming', 'outgoing'],
  ]) {
    await wire.must(350, `RNFR ${from}`);
    expect.soft((await wire.send(`RNTO ${to}`)).code, `${from} to ${to}`).toBe(553);
  }
  await wire.must(350, 'RNFR cargo');
  await wire.must(250, 'RNTO incoming/cargo');
  expect(readdirSync(served.home).sort()).toEqual(['incoming', 'ship']);
});
