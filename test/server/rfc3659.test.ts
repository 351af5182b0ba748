/** RFC 3659: MDTM, SIZE, REST in stream mode, TVFS, MLST and MLSD. */
import { mkdirSync, symlinkSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { inner, useServer } from './harness.js';

const ftp = useServer({
  files: {
    'a.txt': 'hello\n',
    'dir/b.txt': 'b',
    'dir/sub/c': 'c',
    ten: '0123456789',
    'empty/': '',
    ' lead ; x=y': 's',
  },
  users: [{ name: 'reader', rights: [{ path: '/', rights: ['read', 'list'] }] }],
});
beforeAll(() => {
  utimesSync(join(ftp().root, 'a.txt'), 1_000_000_000, 1_000_000_000);
  mkdirSync(join(ftp().root, 'links'));
  symlinkSync('../a.txt', join(ftp().root, 'links/good'));
});

/** Facts of a line, names in lower case, and the path. */
function parse(line: string): { facts: Map<string, string>; path: string } {
  const [, list = '', path = ''] = /^((?:[A-Za-z.]+=[^;]*;)*) (.+)$/.exec(line) ?? [];
  if (path === '') throw new Error(`no MLSx entry: ${line}`);
  const facts = list
    .split(';')
    .slice(0, -1)
    .map((fact): [string, string] => [
      fact.split('=', 1)[0]!.toLowerCase(),
      fact.slice(fact.indexOf('=') + 1),
    ]);
  return { facts: new Map(facts), path };
}

describe('RFC 3659 2: common', () => {
  test('RFC 3659 2.2: a path is everything behind the first blank', async () => {
    const client = await ftp().enter();
    expect((await client.command('SIZE  lead ; x=y')).text).toBe('1');
    expect((await client.command('MLST  lead ; x=y')).lines[1]).toMatch(/; \/ lead ; x=y$/);
  });

  test('RFC 3659 2.3: times are UTC, fourteen digits', async () => {
    const client = await ftp().enter();
    expect((await client.command('MDTM a.txt')).text).toBe('20010909014640');
    expect(parse((await client.command('MLST a.txt')).lines[1]!.slice(1)).facts.get('modify')).toBe(
      '20010909014640',
    );
  });
});

describe('RFC 3659 3: MDTM', () => {
  test('RFC 3659 3.2: errors: no file 550, a directory 550, no argument 501', async () => {
    const client = await ftp().enter();
    for (const [line, code] of [
      ['MDTM none', 550],
      ['MDTM dir', 550],
      ['MDTM', 501],
    ] as const) {
      expect([line, await client.code(line)]).toEqual([line, code]);
    }
    expect(inner(await client.command('FEAT'))).toContain(' MDTM');
  });
});

describe('RFC 3659 4: SIZE', () => {
  test('RFC 3659 4.1: SIZE is the number of octets that RETR sends', async () => {
    const client = await ftp().enter();
    expect((await client.command('SIZE ten')).text).toBe('10');
    expect((await client.transfer('RETR ten')).octets.length).toBe(10);
  });

  test('RFC 3659 4.2: SIZE in TYPE A would need the whole file to be read: 550', async () => {
    const client = await ftp().enter();
    await client.ok('TYPE A');
    expect(await client.code('SIZE ten')).toBe(550);
  });

  test('RFC 3659 4.2: errors: no file 550, a directory 550, no argument 501', async () => {
    const client = await ftp().enter();
    for (const [line, code] of [
      ['SIZE none', 550],
      ['SIZE dir', 550],
      ['SIZE', 501],
    ] as const) {
      expect([line, await client.code(line)]).toEqual([line, code]);
    }
    expect(inner(await client.command('FEAT'))).toContain(' SIZE');
  });
});

describe('RFC 3659 5: REST in stream mode', () => {
  test('RFC 3659 5.4: FEAT lists REST STREAM', async () => {
    expect(inner(await (await ftp().enter()).command('FEAT'))).toContain(' REST STREAM');
  });

  const syntax: [string, number][] = [
    ['REST 0', 350],
    ['REST 3', 350],
    ['REST 9007199254740991', 350],
    ['REST 9007199254740992', 501],
    ['REST', 501],
    ['REST -1', 501],
    ['REST 1.5', 501],
    ['REST 0x10', 501],
    ['REST 1 2', 501],
    ['REST mark', 501],
  ];
  test('RFC 3659 5.3: REST wants a number of octets', async () => {
    const client = await ftp().enter();
    const got: [string, number][] = [];
    for (const [line] of syntax) got.push([line, await client.code(line)]);
    expect(got).toEqual(syntax);
  });

  test.each([0, 1, 9, 10])('RFC 3659 5.3: RETR from octet %i', async (offset) => {
    const client = await ftp().enter();
    const link = await client.data();
    await client.ok(`REST ${offset}`);
    const { final, octets } = await client.over(link, 'RETR ten');
    expect([final.code, octets.toString()]).toEqual([226, '0123456789'.slice(offset)]);
  });

  test('RFC 3659 5.3: STOR from an octet goes on with the file', async () => {
    ftp().put('part', 'abcdef');
    const client = await ftp().enter();
    const link = await client.data();
    await client.ok('REST 6');
    expect((await client.over(link, 'STOR part', { body: 'ghi' })).final.code).toBe(226);
    expect(ftp().read('part').toString()).toBe('abcdefghi');
  });

  test('RFC 3659 5.3: STOR from an octet inside the file replaces what is behind it', async () => {
    ftp().put('part', 'abcdef');
    const client = await ftp().enter();
    await client.ok('REST 2');
    expect((await client.transfer('STOR part', { body: 'CDEFGH' })).final.code).toBe(226);
    expect(ftp().read('part').toString()).toBe('abCDEFGH');
  });

  test('RFC 3659 5.3: APPE behind REST goes on from that octet', async () => {
    ftp().put('part', 'abcdef');
    const client = await ftp().enter();
    await client.ok('REST 6');
    expect((await client.transfer('APPE part', { body: 'ghi' })).final.code).toBe(226);
    expect(ftp().read('part').toString()).toBe('abcdefghi');
  });

  test('RFC 3659 5.3: PASV may come between REST and the transfer', async () => {
    const client = await ftp().enter();
    await client.ok('REST 4');
    expect((await client.transfer('RETR ten')).octets.toString()).toBe('456789');
  });

  const uses: [string, string[]][] = [
    ['a transfer', ['RETR ten']],
    ['a refused transfer', ['RETR none']],
    ['a transfer without data connection', ['RETR ten']],
    ['REST 0', ['REST 0']],
    ['LIST', ['LIST']],
    ['REIN', ['REIN', 'USER user', 'PASS secret', 'TYPE I']],
  ];
  test.each(uses)('RFC 3659 5.3: REST is over behind %s', async (name, lines) => {
    const client = await ftp().enter();
    await client.ok('REST 4');
    for (const line of lines) {
      if (/^(RETR|LIST)/.test(line) && !name.includes('without')) await client.transfer(line);
      else await client.command(line);
    }
    expect((await client.transfer('RETR ten')).octets.toString()).toBe('0123456789');
  });

  test('RFC 3659 5.3: a start beyond the end is 554 at the transfer', async () => {
    const client = await ftp().enter();
    await client.ok('REST 11');
    expect((await client.transfer('RETR ten')).final.code).toBe(554);
    await client.ok('REST 11');
    expect((await client.transfer('STOR ten', { body: 'x' })).final.code).toBe(554);
    expect(ftp().read('ten').toString()).toBe('0123456789');
  });

  test('RFC 3659 5.3: no restart in TYPE A, whichever came first', async () => {
    const client = await ftp().enter();
    await client.ok('REST 3', 'TYPE A');
    expect((await client.transfer('RETR ten')).final.code).toBe(554);
    expect((await client.transfer('RETR ten')).octets.toString()).toBe('0123456789');
    await client.ok('REST 3');
    expect((await client.transfer('STOR ten', { body: 'x' })).final.code).toBe(554);
    expect(ftp().read('ten').toString()).toBe('0123456789');
  });
});

describe('RFC 3659 6: TVFS', () => {
  test('RFC 3659 6: FEAT lists TVFS', async () => {
    expect(inner(await (await ftp().enter()).command('FEAT'))).toContain(' TVFS');
  });

  test('RFC 3659 6.1: every command takes paths of several components, from the root or from the directory', async () => {
    const client = await ftp().enter();
    await client.ok('CWD dir');
    for (const path of [
      'sub/c',
      './sub/c',
      '/dir/sub/c',
      '../dir/sub/c',
      'sub/../sub/c',
      '//dir//sub//c',
      '/../../dir/sub/c',
    ]) {
      expect([path, (await client.command(`SIZE ${path}`)).text]).toEqual([path, '1']);
      expect((await client.transfer(`RETR ${path}`)).octets.toString()).toBe('c');
    }
    for (const path of ['/', '..', '../..', '/./']) {
      await client.ok('CWD /dir', `CWD ${path}`);
      expect([path, (await client.command('PWD')).text.startsWith('"/"')]).toEqual([path, true]);
    }
  });
});

describe('RFC 3659 7: MLST and MLSD', () => {
  test('RFC 3659 7.2: MLST: one entry on the control connection, behind one blank, with its full path', async () => {
    const client = await ftp().enter();
    const reply = await client.command('MLST dir/b.txt');
    expect([reply.code, reply.lines.length]).toEqual([250, 3]);
    const { facts, path } = parse(reply.lines[1]!.replace(/^ /, ''));
    expect(path).toBe('/dir/b.txt');
    expect([facts.get('type'), facts.get('size')]).toEqual(['file', '1']);
  });

  test('RFC 3659 7.2: MLST without an argument is about the current directory', async () => {
    const client = await ftp().enter();
    const reply = await client.ok('CWD dir', 'MLST');
    const { facts, path } = parse(reply.lines[1]!.slice(1));
    expect(path).toBe('/dir');
    expect(['dir', 'cdir']).toContain(facts.get('type'));
  });

  test('RFC 3659 7.2.1: errors: MLST of nothing 550; MLSD of nothing 550, of a file 501', async () => {
    const client = await ftp().enter();
    expect(await client.code('MLST none')).toBe(550);
    expect((await client.transfer('MLSD none')).final.code).toBe(550);
    const file = await client.transfer('MLSD a.txt');
    expect([file.opening, file.final.code]).toEqual([undefined, 501]);
  });

  test('RFC 3659 7.2: MLSD: 150, an entry a line, CR LF, names without a path, 226', async () => {
    const client = await ftp().enter();
    for (const argument of ['', ' .', ' /', ' dir/..']) {
      const { opening, final, octets } = await client.transfer(`MLSD${argument}`);
      expect([opening?.code, final.code]).toEqual([150, 226]);
      const lines = octets.toString().split('\r\n');
      expect(lines.pop()).toBe('');
      const entries = lines.map(parse);
      for (const { path } of entries) expect(path).not.toContain('/');
      const names = entries.map(({ path }) => path);
      for (const name of ['a.txt', 'dir', 'ten', 'empty', ' lead ; x=y']) expect(names).toContain(name);
    }
  });

  test('RFC 3659 7.5.1: type: file and dir; nothing else without its own type', async () => {
    const client = await ftp().enter();
    const entries = (await client.transfer('MLSD')).octets.toString().split('\r\n').slice(0, -1).map(parse);
    const types = new Map(entries.map(({ facts, path }) => [path, facts.get('type')]));
    expect([types.get('a.txt'), types.get('dir')]).toEqual(['file', 'dir']);
  });

  test('RFC 3659 7.5.2: unique: the same for the same file, another one for another', async () => {
    const client = await ftp().enter();
    const unique = async (path: string) =>
      parse((await client.command(`MLST ${path}`)).lines[1]!.slice(1)).facts.get('unique');
    const [own, other, linked] = [await unique('a.txt'), await unique('ten'), await unique('links/good')];
    expect(own).toBeTruthy();
    expect(other).not.toBe(own);
    expect(linked).toBe(own);
    const listed = (await client.transfer('MLSD')).octets.toString().split('\r\n').slice(0, -1).map(parse);
    expect(listed.find(({ path }) => path === 'a.txt')?.facts.get('unique')).toBe(own);
  });

  test('RFC 3659 7.5.5: perm tells what the account may do', async () => {
    const perm = async (user: string, path: string) => {
      const client = await ftp().enter(user);
      return parse((await client.command(`MLST ${path}`)).lines[1]!.slice(1)).facts.get('perm');
    };
    expect([...(await perm('user', 'a.txt'))!].sort().join('')).toBe('adfrw');
    expect([...(await perm('user', 'dir'))!].sort().join('')).toBe('cdeflmp');
    expect(await perm('reader', 'a.txt')).toBe('r');
    expect([...(await perm('reader', 'dir'))!].sort().join('')).toBe('el');
  });

  test('RFC 3659 7.5.7: size is that of SIZE in TYPE I', async () => {
    const client = await ftp().enter();
    const { facts } = parse((await client.command('MLST ten')).lines[1]!.slice(1));
    expect(facts.get('size')).toBe((await client.command('SIZE ten')).text);
  });

  test('RFC 3659 7.8: FEAT lists MLST with its facts, those in use with an asterisk; MLSD has no line', async () => {
    const client = await ftp().enter();
    const line = inner(await client.command('FEAT')).find((one) => one.startsWith(' MLST '))!;
    expect(line).toMatch(/^ MLST ([A-Za-z.]+\*?;)+$/);
    for (const fact of ['Type', 'Size', 'Modify', 'Perm', 'Unique']) expect(line).toContain(`${fact}*;`);
    expect(inner(await client.command('FEAT')).some((one) => one.startsWith(' MLSD'))).toBe(false);
  });

  test('RFC 3659 7.9: OPTS MLST chooses facts: the reply names those in use, unknown ones are left out', async () => {
    const client = await ftp().enter();
    expect((await client.command('OPTS MLST size;nosuch;TYPE;')).lines).toEqual(['200 MLST OPTS Type;Size;']);
    expect((await client.command('MLST ten')).lines[1]).toBe(' Type=file;Size=10; /ten');
    const line = inner(await client.command('FEAT')).find((one) => one.startsWith(' MLST '));
    expect(line).toMatch(/^ MLST Type\*;Size\*;Modify;/);
    const listed = (await client.transfer('MLSD dir')).octets.toString();
    expect(listed.split('\r\n').sort()).toEqual(['', 'Type=dir; sub', 'Type=file;Size=1; b.txt']);
  });

  test('RFC 3659 7.9: OPTS MLST with no facts, or none that are known: names only', async () => {
    const client = await ftp().enter();
    for (const line of ['OPTS MLST', 'OPTS MLST ', 'OPTS mlst nosuch;']) {
      expect((await client.command(line)).lines).toEqual(['200 MLST OPTS']);
      expect((await client.command('MLST ten')).lines[1]).toBe('  /ten');
      expect((await client.transfer('MLSD empty')).octets.toString()).toBe('');
    }
    expect((await client.transfer('MLSD dir')).octets.toString().split('\r\n').sort()).toEqual([
      '',
      ' b.txt',
      ' sub',
    ]);
  });

  test('RFC 3659 7.9: OPTS MLST is the session’s own, and REIN takes it back', async () => {
    const client = await ftp().enter();
    await client.ok('OPTS MLST type;', 'REIN');
    await client.login();
    expect((await client.command('MLST ten')).lines[1]).toContain('Size=10;');
  });
});
