/** Rows 21, 22, 27, 30, 34, 35, 37: paths, links, rights, numbers and quotas. */
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { PASSWORD, type Target, target, USER } from './kit.js';
import { drain } from './wire.js';

const SECRET = 'the keel is rotten';

/** Every verb that takes a path, and the codes by which it may refuse one. */
const VERBS: Record<string, (path: string) => string> = {
  CWD: (path) => `CWD ${path}`,
  MKD: (path) => `MKD ${path}`,
  RMD: (path) => `RMD ${path}`,
  DELE: (path) => `DELE ${path}`,
  RNFR: (path) => `RNFR ${path}`,
  SIZE: (path) => `SIZE ${path}`,
  MDTM: (path) => `MDTM ${path}`,
  MLST: (path) => `MLST ${path}`,
  STAT: (path) => `STAT ${path}`,
  MFMT: (path) => `MFMT 20240101000000 ${path}`,
  MFF: (path) => `MFF Modify=20240101000000; ${path}`,
  HASH: (path) => `HASH ${path}`,
  XMD5: (path) => `XMD5 "${path.replaceAll('"', '""')}"`,
  AVBL: (path) => `AVBL ${path}`,
  PRET: (path) => `PRET RETR ${path}`,
  CHMOD: (path) => `SITE CHMOD 777 ${path}`,
  UTIME: (path) => `SITE UTIME 20240101000000 ${path}`,
};

/** A home beside a secret that no session may reach, change or see. */
async function besideSecret(
  options: Parameters<typeof target>[0] = {},
): Promise<Target & { outside: string }> {
  const served = await target({ threads: 1, ...options });
  const outside = join(served.home, '..', 'outside');
  mkdirSync(outside);
  writeFileSync(join(outside, 'secret'), SECRET);
  writeFileSync(join(served.home, '..', 'secret'), SECRET);
  return { ...served, outside };
}

function expectUntouched({ outside }: { outside: string }): void {
  expect(readdirSync(outside)).toEqual(['secret']);
  for (const file of [join(outside, 'secret'), join(outside, '..', 'secret')]) {
    expect(readFileSync(file, 'utf8')).toBe(SECRET);
    expect(statSync(file).mode & 0o777).not.toBe(0o777);
    expect(statSync(file).mtime.getUTCFullYear()).toBeGreaterThan(2024);
  }
  expect(readdirSync(join(outside, '..')).sort()).toEqual(['home', 'outside', 'secret']);
}

/** About two hundred ways out. */
function* climbs(): Generator<string> {
  const ups = [
    '..',
    '.. ',
    '...',
    '..\\',
    '..%2f',
    '%2e%2e',
    '..;',
    '~',
    '~root',
    '\\..',
    '..\xa0',
    '.\u2024',
    '‥',
    '．．',
  ];
  // Overlong UTF-8 of `.` and `/` (RFC 3629 3).
  const overlong = ['\xc0\xae\xc0\xae', '\xe0\x80\xae', '..\xc0\xaf', '..\xe0\x80\xaf', '..\xf0\x80\x80\xaf'];
  for (const up of [...ups, ...overlong]) {
    for (const depth of [1, 3]) {
      for (const tail of ['secret', 'outside/secret']) {
        yield `${`${up}/`.repeat(depth)}${tail}`;
        yield `/${`${up}/`.repeat(depth)}${tail}`;
      }
    }
  }
  yield* [
    '/etc/passwd',
    '//etc/passwd',
    '/./../etc/passwd',
    '/hold/../../secret',
    'hold/./../../outside/secret',
  ];
  yield* ['C:\\secret', 'C:/secret', '\\\\host\\share', 'file:///etc/passwd', '|id', ';id', '`id`', '$(id)'];
  yield* ['/proc/self/environ', '/dev/zero', 'secret::$DATA', 'con', 'x'.repeat(300), 'x/'.repeat(600)];
}

test('threat 21: path traversal: no path leads out of the home, for any verb', async () => {
  const served = await besideSecret();
  writeFileSync(join(served.home, 'inside'), 'x');
  mkdirSync(join(served.home, 'hold'));
  const wire = await served.login();
  const paths = [...climbs()];
  expect(paths.length).toBeGreaterThan(150);
  let expected = 0;
  const lines: string[] = [];
  for (const path of paths) {
    for (const make of Object.values(VERBS)) lines.push(make(path), 'CWD /');
    lines.push('RNFR inside', `RNTO ${path}`, `RNFR ${path}`, 'RNTO inside');
  }
  // Names are octets: what is no UTF-8 goes as it is.
  const answered = new Promise<void>((resolve) => {
    const take = (): void => {
      void wire.next().then(({ code }) => {
        expect(code, lines[expected]).not.toBe(451);
        expected += 1;
        if (expected === lines.length) resolve();
        else take();
      });
    };
    take();
  });
  wire.write(Buffer.from(lines.map((line) => `${line}\r\n`).join(''), 'latin1'));
  await answered;
  expect(wire.heard).not.toContain(SECRET);
  expectUntouched(served);
  expect(served.events.filter(({ event }) => event === 'error')).toEqual([]);
});

test('threat 21: path traversal: RETR, STOR, APPE and listings stay inside as well', async () => {
  const served = await besideSecret();
  const wire = await served.login();
  const paths = ['../secret', '/../secret', '/../../../../etc/passwd', '..\\secret', '../outside/secret'];
  for (const path of paths) {
    for (const verb of ['RETR', 'LIST', 'NLST', 'MLSD']) {
      await wire.passive();
      const { code } = await wire.send(`${verb} ${path}`);
      expect(code, `${verb} ${path}`).toBe(550);
    }
  }
  for (const path of paths) {
    for (const verb of ['STOR', 'APPE']) await wire.store(path, 'overwritten', verb);
  }
  expectUntouched(served);
});

test('threat 22: symlink escape: links out of the home are not followed by any verb', async () => {
  const served = await besideSecret();
  symlinkSync(served.outside, join(served.home, 'door'));
  symlinkSync(join(served.outside, 'secret'), join(served.home, 'window'));
  symlinkSync(join(served.outside, 'new'), join(served.home, 'dangling'));
  symlinkSync('loop', join(served.home, 'loop'));
  const wire = await served.login();
  for (const path of ['door/secret', 'window', 'door', 'door/new', 'dangling', 'loop', 'loop/x']) {
    for (const [verb, make] of Object.entries(VERBS)) {
      // Of a link itself it is told what it is; its removal takes the link.
      if (['MLST', 'STAT', 'RNFR', 'DELE', 'RMD'].includes(verb) && !path.includes('/')) continue;
      const { code, text } = await wire.send(make(path));
      expect.soft(code, `${verb} ${path}: ${text}`).toBeGreaterThanOrEqual(500);
    }
    await wire.passive();
    expect.soft((await wire.send(`RETR ${path}`)).code, path).toBe(550);
    expect.soft((await wire.store(path, 'overwritten')).code, path).toBeGreaterThanOrEqual(500);
    expect.soft((await wire.store(path, 'overwritten', 'APPE')).code, path).toBeGreaterThanOrEqual(500);
  }
  await wire.must(250, 'DELE window');
  await wire.must(250, 'DELE door');
  expectUntouched(served);
});

test('threat 22: symlink escape: a directory swapped for a link in the middle of it all leads nowhere', async () => {
  const served = await besideSecret();
  const [real, link, name] = ['real', 'link', 'box'].map((one) => join(served.home, one));
  mkdirSync(real!);
  writeFileSync(join(real!, 'secret'), 'harmless');
  symlinkSync(served.outside, link!);
  renameSync(real!, name!);
  const wire = await served.login();
  let over = false;
  const swapping = (async () => {
    while (!over) {
      renameSync(name!, real!);
      renameSync(link!, name!);
      await setImmediate();
      renameSync(name!, link!);
      renameSync(real!, name!);
      await setImmediate();
    }
  })();
  const seen = new Set<string>();
  for (let i = 0; i < 60; i++) {
    const data = await wire.dataTo(await wire.passive(), '127.0.0.1');
    const received = drain(data);
    const { code } = await wire.send('RETR box/secret');
    if (code === 150) await wire.next();
    else data.destroy();
    seen.add((await received).octets.toString());
    await wire.store('box/new', 'x');
    for (const line of ['DELE box/secret2', 'MKD box/dir', 'SITE CHMOD 777 box/secret', 'RMD box/dir']) {
      await wire.send(line);
    }
  }
  over = true;
  await swapping;
  expect(seen.has('harmless')).toBe(true);
  expect([...seen].filter((octets) => octets !== '' && octets !== 'harmless')).toEqual([]);
  expectUntouched(served);
});

describe('threat 27: anonymous', () => {
  test('threat 27: anonymous uploads: nothing is written, changed or sent to a foreign peer', async () => {
    const served = await target({
      user: { name: 'anonymous', anonymous: true },
      fxp: { mode: 'open', requireTls: false },
    });
    writeFileSync(join(served.home, 'cargo'), 'rope');
    mkdirSync(join(served.home, 'incoming'));
    const wire = await served.open();
    await wire.login('anonymous', 'guest@example.org');
    for (const line of [
      'DELE cargo',
      'MKD x',
      'RMD incoming',
      'RNFR cargo',
      'MFMT 20240101000000 cargo',
      'MFF Modify=20240101000000; cargo',
      'SITE CHMOD 777 cargo',
      'SITE UTIME 20240101000000 cargo',
    ]) {
      expect.soft((await wire.send(line)).code, line).toBe(550);
    }
    expect((await wire.send('SITE PSWD a b')).code).toBe(502);
    for (const verb of ['STOR', 'APPE', 'STOU']) {
      expect.soft((await wire.store('incoming/x', 'warez', verb)).code, verb).toBe(553);
    }
    expect((await wire.send('PORT 203,0,113,9,200,10')).code).toBe(504);
    expect((await wire.send('CPSV')).code).toBe(502);
    expect(readdirSync(served.home).sort()).toEqual(['cargo', 'incoming']);
    expect(readdirSync(join(served.home, 'incoming'))).toEqual([]);
    expect((await wire.retrieve('cargo')).octets.toString()).toBe('rope');
  });
});

test('regression (ftp-srv): a STOR that fails leaves what was there', async () => {
  const served = await target({ threads: 1 });
  writeFileSync(join(served.home, 'cargo'), 'the old one');
  const wire = await served.login();
  const data = await wire.dataTo(await wire.passive(), '127.0.0.1');
  await wire.must(150, 'STOR cargo');
  data.write('half', () => data.resetAndDestroy());
  expect((await wire.next()).code).toBe(426);
  expect(readFileSync(join(served.home, 'cargo'), 'utf8')).toBe('the old one');
  expect(readdirSync(served.home)).toEqual(['cargo']);
  unlinkSync(join(served.home, 'cargo'));
});

test('regression (pyftpdlib #150, ProFTPD 2256): RNTO out of the home, and RNFR that outlives a failure', async () => {
  const served = await besideSecret();
  writeFileSync(join(served.home, 'cargo'), 'rope');
  const wire = await served.login();
  await wire.must(350, 'RNFR cargo');
  await wire.send('RNTO ../outside/stolen');
  expectUntouched(served);
  expect((await wire.send('RNTO cargo')).code).toBe(503);
  await wire.must(350, 'RNFR cargo');
  await wire.must(331, `USER ${USER}`);
  await wire.must(230, `PASS ${PASSWORD}`);
  expect((await wire.send('RNTO cargo')).code).toBe(503);
});
