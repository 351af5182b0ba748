/** RFC 959: access, parameters, service commands, the form of commands and of replies. Transfers: rfc959-transfer.test.ts. */
import { describe, expect, test } from 'vitest';
import { inner, startServer, useServer } from './harness.js';

const ftp = useServer({
  files: { 'a.txt': 'hello\n', 'dir/b.txt': 'b', 'empty/': '', 'say "hi"/': '', 'other/c.txt': 'c' },
  users: [{ name: 'second' }],
});

describe('RFC 959 4.1.1: access control', () => {
  test('RFC 959 4.1.1: USER and PASS log in, whatever comes before them is refused with 530', async () => {
    const client = await ftp().connect();
    expect(await client.code('PWD')).toBe(530);
    expect(await client.code('USER user')).toBe(331);
    expect(await client.code('PWD')).toBe(530);
    expect(await client.code('PASS secret')).toBe(230);
    expect(await client.code('PWD')).toBe(257);
  });

  test('RFC 959 4.1.1: PASS must follow USER', async () => {
    const client = await ftp().connect();
    expect(await client.code('PASS secret')).toBe(503);
    await client.login();
    expect(await client.code('PASS secret')).toBe(503);
  });

  test('RFC 959 4.1.1: a wrong password and an unknown user get the same 530', async () => {
    const client = await ftp().connect();
    const known = [await client.command('USER user'), await client.command('PASS wrong')];
    const unknown = [await client.command('USER nobody'), await client.command('PASS wrong')];
    expect(known).toEqual(unknown);
    expect(known.map(({ code }) => code)).toEqual([331, 530]);
  });

  test('RFC 959 4.1.1: USER may come again: the old login is gone, the parameters stay', async () => {
    const client = await ftp().enter();
    expect(await client.code('USER second')).toBe(331);
    expect(await client.code('PWD')).toBe(530);
    expect(await client.code('PASS secret')).toBe(230);
    expect((await client.command('STAT')).lines.join()).toContain('TYPE I');
  });

  test('RFC 959 4.1.1: what the old user began to rename, the new one cannot go on with', async () => {
    const client = await ftp().enter();
    await client.ok('RNFR a.txt');
    await client.login('second');
    expect(await client.code('RNTO stolen')).toBe(503);
    expect(ftp().read('a.txt').toString()).toBe('hello\n');
  });

  test('RFC 959 4.1.1: ACCT is never needed', async () => {
    expect(await (await ftp().enter()).code('ACCT x')).toBe(202);
  });

  test('RFC 959 4.1.1: CWD and CDUP change the directory, one that does not exist is 550', async () => {
    const client = await ftp().enter();
    expect(await client.code('CWD dir')).toBe(250);
    expect((await client.command('PWD')).text).toContain('"/dir"');
    expect(await client.code('CWD nowhere')).toBe(550);
    expect(await client.code('CWD b.txt')).toBe(550);
    expect((await client.command('PWD')).text).toContain('"/dir"');
    expect([200, 250]).toContain(await client.code('CDUP'));
    expect((await client.command('PWD')).text).toContain('"/"');
    // The root has no parent: it stays.
    expect([200, 250]).toContain(await client.code('CDUP'));
    expect((await client.command('PWD')).text).toContain('"/"');
  });

  test('RFC 959 4.1.1: SMNT is refused with 502', async () => {
    expect(await (await ftp().enter()).code('SMNT /x')).toBe(502);
  });

  test('RFC 959 4.1.1: REIN goes back to the greeting: login and parameters are gone', async () => {
    const client = await ftp().enter();
    await client.ok('CWD dir', 'REST 3', 'RNFR b.txt');
    expect(await client.code('REIN')).toBe(220);
    expect(await client.code('PWD')).toBe(530);
    await client.login();
    expect((await client.command('PWD')).text).toContain('"/"');
    expect((await client.command('STAT')).lines.join()).toContain('TYPE A');
    expect(await client.code('RNTO x')).toBe(503);
  });

  test('RFC 959 4.1.1: QUIT is answered 221, then the connection closes', async () => {
    const client = await ftp().enter();
    client.send('QUIT');
    expect((await client.closed()).map(({ code }) => code)).toEqual([221]);
  });

  test('RFC 959 4.1.1: QUIT works before the login', async () => {
    const client = await ftp().connect();
    client.send('QUIT');
    expect((await client.closed()).map(({ code }) => code)).toEqual([221]);
  });
});

describe('RFC 959 4.1.2: parameters', () => {
  const cases: [string, number][] = [
    ['TYPE A', 200],
    ['TYPE a', 200],
    ['TYPE A N', 200],
    ['TYPE A C', 504],
    ['TYPE E', 504],
    ['TYPE E N', 504],
    ['TYPE I', 200],
    ['TYPE i', 200],
    ['TYPE L 8', 200],
    ['TYPE L 36', 504],
    ['TYPE', 501],
    ['TYPE X', 501],
    ['TYPE A X', 501],
    ['TYPE L', 501],
    ['TYPE IMAGE', 501],
    ['STRU F', 200],
    ['STRU f', 200],
    ['STRU R', 504],
    ['STRU P', 504],
    ['STRU', 501],
    ['STRU X', 501],
    ['MODE S', 200],
    ['MODE s', 200],
    ['MODE B', 504],
    ['MODE C', 504],
    ['MODE', 501],
    ['MODE X', 501],
  ];
  test('RFC 959 4.1.2: TYPE, STRU and MODE: what is known, what is not done (504), what is no parameter (501)', async () => {
    const client = await ftp().enter();
    const got: [string, number][] = [];
    for (const [line] of cases) got.push([line, await client.code(line)]);
    expect(got).toEqual(cases);
  });

  test('RFC 959 4.1.2: the defaults are TYPE A N, STRU F, MODE S', async () => {
    const client = await (await ftp().connect()).login();
    expect((await client.command('STAT')).lines.join()).toMatch(/TYPE A; STRU F; MODE S/);
  });

  const ports: [string, number][] = [
    ['PORT 127,0,0,1,200,10', 200],
    ['PORT', 501],
    ['PORT 127,0,0,1,200', 501],
    ['PORT 127,0,0,1,200,10,1', 501],
    ['PORT 256,0,0,1,200,10', 501],
    ['PORT 127,0,0,1,256,10', 501],
    ['PORT 127,0,0,1,-1,10', 501],
    ['PORT 127.0.0.1.200.10', 501],
    ['PORT 127,0,0,1, 200,10', 501],
    ['PORT a,b,c,d,e,f', 501],
  ];
  test('RFC 959 4.1.2: PORT wants six numbers of one octet', async () => {
    const client = await ftp().enter();
    const got: [string, number][] = [];
    for (const [line] of ports) got.push([line, await client.code(line)]);
    expect(got).toEqual(ports);
  });

  test('RFC 959 4.1.2: PASV names the address of the control connection', async () => {
    const reply = await (await ftp().enter()).command('PASV');
    expect(reply.code).toBe(227);
    expect(reply.text).toMatch(/\(127,0,0,1,\d{1,3},\d{1,3}\)/);
  });
});

describe('RFC 959 4.1.3: service', () => {
  test('RFC 959 4.1.3: MKD, RMD, DELE', async () => {
    const client = await ftp().enter();
    expect(await client.code('MKD new')).toBe(257);
    expect(await client.code('MKD new')).toBe(550);
    ftp().put('new/file', 'x');
    expect(await client.code('RMD new')).toBe(550);
    expect(await client.code('DELE new')).toBe(550);
    expect(await client.code('DELE new/file')).toBe(250);
    expect(await client.code('DELE new/file')).toBe(550);
    expect(await client.code('RMD new')).toBe(250);
    expect(await client.code('RMD new')).toBe(550);
    expect(await client.code('RMD a.txt')).toBe(550);
    expect(await client.code('RMD /')).toBe(550);
  });

  test('RFC 959 4.1.3: RNFR and RNTO rename', async () => {
    ftp().put('old', 'kept');
    const client = await ftp().enter();
    expect(await client.code('RNFR old')).toBe(350);
    expect(await client.code('RNTO dir/new')).toBe(250);
    expect(ftp().read('dir/new').toString()).toBe('kept');
    expect(await client.code('RNFR old')).toBe(550);
  });

  test('RFC 959 4.1.3: RNTO without RNFR is 503, and one RNFR serves one RNTO', async () => {
    ftp().put('one', '1');
    const client = await ftp().enter();
    expect(await client.code('RNTO x')).toBe(503);
    await client.ok('RNFR one', 'RNTO two');
    expect(await client.code('RNTO three')).toBe(503);
    await client.ok('RNFR two');
    expect(await client.code('RNTO nowhere/x')).toBe(553);
    expect(await client.code('RNTO x')).toBe(503);
    expect(ftp().read('two').toString()).toBe('1');
  });

  test('RFC 959 4.1.3: RNTO must follow RNFR at once', async () => {
    ftp().put('first', '1');
    const client = await ftp().enter();
    for (const between of ['CWD dir', 'PASV', 'TYPE I', 'SIZE first', 'DELE none', 'XYZ', 'RNFR none']) {
      await client.ok('CWD /', 'RNFR first');
      await client.command(between);
      expect([between, await client.code('RNTO /moved')]).toEqual([between, 503]);
    }
    // NOOP and STAT change nothing: a client that keeps its connection alive must not lose its rename by it.
    await client.ok('CWD /', 'RNFR first', 'NOOP', 'STAT', 'RNTO moved');
  });

  test('RFC 959 4.1.3: PWD shows the directory', async () => {
    const client = await ftp().enter();
    expect((await client.ok('CWD dir', 'PWD')).text).toMatch(/^"\/dir"/);
  });

  test('RFC 959 4.1.3: ALLO says whether there is room', async () => {
    const client = await ftp().enter();
    expect(await client.code('ALLO 1000')).toBe(200);
    expect(await client.code('ALLO 1000 R 80')).toBe(200);
    expect(await client.code('ALLO 9007199254740991')).toBe(452);
    expect(await client.code('ALLO')).toBe(501);
    expect(await client.code('ALLO much')).toBe(501);
    expect(await client.code('ALLO -1')).toBe(501);
  });

  test('RFC 959 4.1.3: SYST begins with a system name of the assigned numbers', async () => {
    const reply = await (await ftp().connect()).command('SYST');
    expect([reply.code, reply.text]).toEqual([215, expect.stringMatching(/^UNIX /)]);
  });

  test('RFC 959 4.1.3: NOOP does nothing', async () => {
    expect(await (await ftp().connect()).code('NOOP')).toBe(200);
  });

  test('RFC 959 4.1.3: STAT tells the state, with a directory its entries (212), with a file that one (213)', async () => {
    const client = await ftp().enter();
    expect((await client.command('STAT')).code).toBe(211);
    const directory = await client.command('STAT /other');
    expect([directory.code, inner(directory)]).toEqual([212, [expect.stringMatching(/^-.* c\.txt$/)]]);
    const file = await client.command('STAT /other/c.txt');
    expect([file.code, inner(file)]).toEqual([213, [expect.stringMatching(/^-.* c\.txt$/)]]);
    expect([450, 550]).toContain(await client.code('STAT nothing'));
    expect(await (await ftp().connect()).code('STAT /')).toBe(530);
  });

  test('RFC 959 4.1.3: SITE has subcommands; one that is not there is refused', async () => {
    const client = await ftp().enter();
    expect(await client.code('SITE HELP')).toBe(214);
    expect([500, 501, 502, 504]).toContain(await client.code('SITE NOSUCH'));
    expect(await client.code('SITE')).toBe(501);
    expect([500, 501, 502, 504]).toContain(await client.code('SITE EXEC /bin/ls'));
  });
});

describe('RFC 959 4.2 and 5.3: replies and commands', () => {
  test('RFC 959 4.2: a multi-line reply ends with its own code; no line inside looks like an end', async () => {
    ftp().put('many/226 x', '');
    ftp().put('many/226-y', '');
    const client = await ftp().enter();
    for (const line of ['FEAT', 'HELP', 'SITE HELP', 'STAT', 'STAT many', 'MLST many/226 x', 'SITE WHO']) {
      const reply = await client.command(line);
      expect([line, reply.lines.length > 2]).toEqual([line, true]);
      expect(reply.lines[0]).toMatch(new RegExp(`^${reply.code}-`));
      expect(reply.lines.at(-1)).toMatch(new RegExp(`^${reply.code} `));
      for (const one of inner(reply)) expect(one).not.toMatch(/^\d/);
    }
    expect(await client.inStep()).toBe(true);
  });

  test('RFC 959 5.3: verbs in upper, lower and mixed case are the same', async () => {
    const client = await ftp().connect();
    client.send('user user', 'PaSs secret', 'pwd', 'Cwd dir', 'type i');
    expect(await client.codes(5)).toEqual([331, 230, 257, 250, 200]);
  });

  test('RFC 959 5.3: an argument begins behind one blank; those that follow, also the last, belong to it', async () => {
    const client = await ftp().enter();
    expect(await client.code('MKD  two blanks ')).toBe(257);
    expect((await client.ok('CWD  two blanks ', 'PWD')).text).toContain('"/ two blanks "');
    expect(await client.code('CWD / two blanks')).toBe(550);
  });

  test('RFC 959 5.3: an argument where none belongs, or none where one belongs, is 501', async () => {
    const client = await ftp().enter();
    for (const line of ['PWD x', 'CDUP x', 'SYST x', 'PASV x', 'REIN x', 'QUIT x', 'FEAT x']) {
      expect([line, await client.code(line)]).toEqual([line, 501]);
    }
    for (const verb of [
      'USER',
      'CWD',
      'RETR',
      'STOR',
      'APPE',
      'DELE',
      'RNFR',
      'MKD',
      'RMD',
      'REST',
      'SITE',
      'ACCT',
    ]) {
      expect([verb, await client.code(verb)]).toEqual([verb, 501]);
      expect([verb, await client.code(`${verb} `)]).toEqual([verb, 501]);
    }
  });

  test('RFC 959 4.2.1: an unknown verb is 500', async () => {
    const client = await ftp().enter();
    for (const line of ['XYZZY', 'NOOPS', 'RE TR', '123', '', ' ', 'é']) {
      expect([line, await client.code(line)]).toEqual([line, 500]);
    }
    expect(await client.inStep()).toBe(true);
  });

  test('RFC 959 5.4: 421 and the end when the server stops', async () => {
    const other = await startServer();
    const client = await other.connect();
    const closed = client.closed();
    const stopped = other.server.close();
    expect((await closed).map(({ code }) => code)).toEqual([421]);
    await stopped;
    await other.close();
  });
});

describe('RFC 959 appendix II: directories', () => {
  test('RFC 959 appendix II: 257 shows the path in quotes, with each quote inside doubled', async () => {
    const client = await ftp().enter();
    expect((await client.ok('CWD say "hi"', 'PWD')).text).toMatch(/^"\/say ""hi"""/);
    expect((await client.command('MKD in "it"')).text).toMatch(/^"\/say ""hi""\/in ""it"""/);
  });

  test('RFC 959 appendix II: the path that MKD told works for CWD from anywhere', async () => {
    const client = await ftp().enter();
    await client.ok('CWD dir');
    const told = /^"(.*)"/.exec((await client.ok('MKD deep')).text)?.[1];
    await client.ok('CWD /other', `CWD ${told}`);
    expect((await client.command('PWD')).text).toContain('"/dir/deep"');
  });
});
