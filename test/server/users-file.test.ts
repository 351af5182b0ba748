import { readFileSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { FtpError } from '../../src/protocol/errors.js';
import { keysAt } from '../../src/server/toml/read.js';
import { type FileUsersOptions, fileUsers } from '../../src/server/users/file.js';
import { type Argon2, argon2Hasher, dummyHash } from '../../src/server/users/hash.js';
import { usersSchema } from '../../src/server/users/schema.js';

/** Shape of a real hash; the stand-in below takes `right:<hash>` for its password. */
const PHC = dummyHash();
const OTHER = dummyHash();

/** Counts instead of computing: what matters is that the work is done, not how long it takes. */
function countingArgon2(): Argon2 & { checked: string[] } {
  const checked: string[] = [];
  return {
    checked,
    hash: async (password) => `${PHC.slice(0, -4)}${Buffer.from(password).toString('base64').slice(0, 4)}`,
    verify: async (hash, password) => {
      checked.push(hash);
      return password === `right:${hash}`;
    },
  };
}

async function usersFile(text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'jackstay-users-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'users.toml');
  await writeFile(file, text, { mode: 0o600 });
  return file;
}

async function storeOf(text: string, options: FileUsersOptions = {}) {
  const argon2 = countingArgon2();
  const file = await usersFile(text);
  const users = await fileUsers(file, { hasher: argon2Hasher({ argon2 }), ...options });
  return { users, file, argon2 };
}

/** As an editor does it: the file is another one afterwards. */
async function replace(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

const ALICE = `[users.alice]\npassword = "${PHC}"\nhome = "alice"\n`;

describe('login', () => {
  it('gives the account when the password is right', async () => {
    const { users, file } = await storeOf(ALICE);
    expect(await users.login('alice', `right:${PHC}`, '192.0.2.1')).toEqual({
      name: 'alice',
      groups: [],
      anonymous: false,
      mounts: [{ path: '/', storage: { kind: 'disk', root: join(file, '..', 'alice'), links: 'inside' } }],
      rights: [],
      rate: { up: 0, down: 0 },
      maxLogins: 0,
      allowFrom: [],
      fxp: {},
    });
    expect(users.names()).toEqual(['alice']);
  });

  it('threat 26: does one verification for a wrong password and for an unknown, disabled or excluded user', async () => {
    const text = `${ALICE}[users.off]\npassword = "${OTHER}"\nhome = "x"\ndisabled = true
[users.far]\npassword = "${OTHER}"\nhome = "x"\nallow-from = ["192.0.2.0/24"]\n`;
    const { users, argon2 } = await storeOf(text);
    for (const [name, password] of [
      ['alice', 'wrong'],
      ['nobody', 'wrong'],
      ['off', `right:${OTHER}`],
      ['far', `right:${OTHER}`],
      ['anonymous', 'me@example'],
    ] as const) {
      const before = argon2.checked.length;
      expect(await users.login(name, password, '198.51.100.1'), name).toBeUndefined();
      expect(argon2.checked.length - before, name).toBe(1);
      expect(argon2.checked.at(-1)!.split('$')[3], name).toBe(PHC.split('$')[3]);
    }
    expect(await users.login('far', `right:${OTHER}`, '192.0.2.9')).toBeDefined();
  });

  it('does not compute the same right password again for five minutes, a wrong one always', async () => {
    let now = 0;
    const { users, argon2, file } = await storeOf(ALICE, { verified: { now: () => now } });
    const login = (password: string) => users.login('alice', password, '::1');
    for (let i = 0; i < 3; i++) expect(await login(`right:${PHC}`)).toBeDefined();
    expect(argon2.checked.length).toBe(1);
    for (let i = 0; i < 3; i++) expect(await login('wrong')).toBeUndefined();
    expect(argon2.checked.length).toBe(4);
    now = 300_000;
    expect(await login(`right:${PHC}`)).toBeDefined();
    expect(argon2.checked.length).toBe(5);
    await replace(file, ALICE.replace(PHC, OTHER));
    expect(await login(`right:${PHC}`)).toBeUndefined();
    expect(argon2.checked.length).toBe(6);
  });

  it('threat 40: refuses NUL and other control characters in name and password', async () => {
    const { users, argon2 } = await storeOf(`${ALICE}[anonymous]\nenabled = true\nhome = "pub"\n`);
    for (const name of ['alice\0', 'anonymous\0', 'ali\nce', '../alice', '', 'a'.repeat(65)]) {
      expect(await users.login(name, `right:${PHC}`, '::1'), JSON.stringify(name)).toBeUndefined();
    }
    for (const tail of ['\0', '\n', '\u007f', 'x'.repeat(1100)])
      expect(await users.login('alice', `right:${PHC}${tail}`, '::1')).toBeUndefined();
    expect(argon2.checked).toEqual([]);
    for (const name of ['constructor', '__proto__', 'toString'])
      expect(await users.login(name, 'x', '::1')).toBeUndefined();
  });

  it('threat 27: anonymous reads and lists only, without FXP, when switched on', async () => {
    const { users, argon2 } = await storeOf('[anonymous]\nenabled = true\nhome = "pub"\n');
    for (const name of ['anonymous', 'ftp']) {
      expect(await users.login(name, 'me@example', '::1')).toMatchObject({
        name: 'anonymous',
        anonymous: true,
        rights: [{ path: '/', rights: ['read', 'list'] }],
        fxp: { mode: 'off' },
      });
    }
    expect(argon2.checked).toEqual([]);
    expect(await users.changePassword('anonymous', 'a', 'b')).toBe(false);
  });

  it('says busy, retry later, when more wait than may', async () => {
    let open = (): void => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const argon2: Argon2 = { hash: async () => PHC, verify: () => gate.then(() => true) };
    const { users } = await storeOf(ALICE, { hasher: argon2Hasher({ argon2, atOnce: 2, waiting: 3 }) });
    const logins = ['a', 'b', 'c', 'd', 'e', 'f'].map((password) => users.login('alice', password, '::1'));
    const settled = Promise.allSettled(logins);
    await expect(logins[5]).rejects.toMatchObject({ kind: 'local', retry: 'later' });
    open();
    expect((await settled).map(({ status }) => status)).toEqual([...Array(5).fill('fulfilled'), 'rejected']);
    expect(await users.login('alice', 'g', '::1')).toBeDefined();
  });
});

it('real Argon2id: right, wrong, and a password of any characters', async () => {
  const hasher = argon2Hasher();
  for (const password of ['correct horse', 'Größe 密码 \u{1f511}', '"\\$']) {
    const hash = await hasher.hash(password);
    expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(await hasher.verify(hash, password)).toBe(true);
    expect(await hasher.verify(hash, `${password} `)).toBe(false);
  }
  expect(await hasher.verify(dummyHash(), 'x')).toBe(false);
  expect(await hasher.verify('$argon2id$broken', 'x')).toBe(false);
});

describe('a change of the file', () => {
  it('is seen at the next login', async () => {
    const { users, file } = await storeOf(ALICE);
    await replace(file, `${ALICE}[users.bob]\npassword = "${OTHER}"\nhome = "/srv/bob"\n`);
    expect(await users.login('bob', `right:${OTHER}`, '::1')).toMatchObject({ name: 'bob' });
    await replace(file, '');
    expect(await users.login('bob', `right:${OTHER}`, '::1')).toBeUndefined();
  });

  it('that breaks it keeps the users from before, and is told once', async () => {
    const problems: FtpError[] = [];
    const { users, file } = await storeOf(ALICE, { onProblem: (error) => problems.push(error) });
    await replace(file, `${ALICE}hone = "x"\n`);
    for (let i = 0; i < 3; i++) expect(await users.login('alice', `right:${PHC}`, '::1')).toBeDefined();
    expect(problems.map(({ message }) => message)).toEqual([expect.stringContaining('did you mean home?')]);
    await rm(file);
    expect(await users.login('alice', `right:${PHC}`, '::1')).toBeDefined();
    expect(problems.length).toBe(2);
    await expect(users.reload()).rejects.toMatchObject({ kind: 'local' });
  });
});

it('threat 42: a file that others may read is refused', async () => {
  const file = await usersFile(ALICE);
  for (const mode of [0o644, 0o620, 0o602]) {
    await chmod(file, mode);
    await expect(fileUsers(file)).rejects.toMatchObject({
      kind: 'usage',
      facts: { advice: expect.stringContaining(`chmod 600 ${file}`) },
    });
  }
  await chmod(file, 0o640);
  await expect(fileUsers(file)).resolves.toBeDefined();
});

describe('SITE PSWD', () => {
  it('changes the hash and nothing else', async () => {
    const text = `# ours\n\n[users.alice] # the first\npassword = "${PHC}" # made in May\nhome = "alice"\n\n# the end\n`;
    const { users, file } = await storeOf(text);
    expect(await users.changePassword('alice', 'wrong', 'next')).toBe(false);
    expect(await readFile(file, 'utf8')).toBe(text);
    expect(await users.changePassword('alice', `right:${PHC}`, 'next')).toBe(true);
    const after = await readFile(file, 'utf8');
    const hash = /password = "(.*?)"/.exec(after)![1]!;
    expect(hash).not.toBe(PHC);
    expect(after).toBe(text.replace(PHC, hash));
    expect(await users.login('alice', `right:${PHC}`, '::1')).toBeUndefined();
    expect(await users.login('alice', `right:${hash}`, '::1')).toBeDefined();
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it('refuses a password that cannot be sent again', async () => {
    const { users } = await storeOf(ALICE);
    await expect(users.changePassword('alice', `right:${PHC}`, 'a\nb')).rejects.toMatchObject({
      kind: 'usage',
    });
    await expect(users.changePassword('alice', `right:${PHC}`, '')).rejects.toMatchObject({ kind: 'usage' });
  });
});

describe('faults', () => {
  it('are all named at once, with line, value and advice, without the password', async () => {
    const text = `[defaults]
max-login = 5
[groups.staff]
quota = { bytes = "10 GoB" }
fxp = { mode = "sometimes", peers = ["192.0.2.0/33", "peer.example"] }

[users.bob]
password = "hunter2"
home = "/srv/bob"
rights = "rx"
groups = ["staf"]
allow-from = ["10.1.2.300"]

[users."a/b"]
password = "${PHC}"
home = "x"
[anonymous]
enabled = true
`;
    const error = await fileUsers(await usersFile(text)).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(FtpError);
    const { message } = error as FtpError;
    expect(message).not.toContain('hunter2');
    const lines = message.split('\n').slice(1);
    const parts = [
      'line 2: [defaults] max-login = 5: there is no such key; did you mean max-logins?',
      'line 4: [groups.staff.quota] bytes = "10 GoB": must be a size',
      'line 5: [groups.staff.fxp] mode = "sometimes": must be off, verified, listed or open',
      'line 5: [groups.staff.fxp] peers = ["192.0.2.0/33","peer.example"]:',
      'line 8: [users.bob] password: must be an Argon2id hash',
      'line 10: [users.bob] rights = "rx": must be letters out of "rwdl"',
      'line 12: [users.bob] allow-from = ["10.1.2.300"]:',
      'line 14: [users] a/b: the name must not hold slashes',
      'line 17: [anonymous] home: is missing: anonymous needs a directory of its own',
    ];
    expect(lines.map((line, i) => line.slice(2, 2 + parts[i]!.length))).toEqual(parts);
  });

  it.each([
    ['users = 5', 'must be a table'],
    ['[users.x]\n[users.x]', 'is not TOML: line 2'],
    ['password = "secret', 'is not TOML: line 1'],
    [
      `[users.a]\npassword = "$argon2id$v=19$m=9999999,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$${'A'.repeat(43)}"\nhome = "x"`,
      'Argon2id hash',
    ],
    [`[users.ftp]\npassword = "${PHC}"\nhome = "x"`, '[anonymous] enabled = true'],
    [
      `[groups.a]\n[users.x]\ngroups = ["a"]\npassword = "${PHC}"`,
      '[users.x] home: is missing, here and in every',
    ],
    [`[groups.staff]\n[users.x]\ngroups = ["staf"]\npassword = "${PHC}"\nhome = "x"`, 'did you mean staff?'],
    ['[anonymous]\nenabled = true', 'home: is missing'],
    ['[groups.a]\nmounts = { "/" = "/srv" }', '"/" is the home'],
    ['[groups.a]\nmounts = { "/../x" = "/srv" }', 'absolute paths'],
    ['[groups.a]\nrights = { "incoming" = "w" }', 'rwdl'],
    ['[groups.a]\nmax-logins = -1', 'at least 0'],
    ['[groups.a]\nrate = { up = "fast" }', 'octets per second'],
    ['[groups.a]\npassword = "x"', 'no such key'],
    ['\u0000', 'is not TOML'],
  ])('%j', async (text, part) => {
    const failed = fileUsers(await usersFile(text));
    await expect(failed).rejects.toThrow(part);
    await expect(failed).rejects.not.toThrow('secret');
  });
});

describe('merging: user, then its groups in order, then defaults', () => {
  it('takes each key from the first that sets it, tables part by part', async () => {
    const { users, file } = await storeOf(
      `[defaults]
home = "homes/{user}"
rate = { up = "1 MiB/s", down = "2 MiB/s" }
max-logins = 3
fxp = { mode = "off", min-port = 5000, require-tls = true }
[groups.staff]
rate = { up = "5 MiB/s" }
rights = { "/" = "rl", "/incoming/" = ["write", "list"] }
mounts = { "/pub" = "/srv/pub", "/old" = "/srv/old" }
quota = { bytes = "10 GiB" }
[groups.fxp]
rights = "rwdl"
fxp = { mode = "listed", peers = ["192.0.2.0/24", "Peer.Example"], direction = "send" }
quota = { files = 100 }
[users.alice]
password = "${PHC}"
groups = ["staff", "fxp"]
mounts = { "/old" = "elsewhere" }
fxp = { direction = "receive" }
links = "never"
`,
      { maxLogins: 9, resolvePeers: (hosts) => hosts.map((host) => ({ ...RANGE, text: host })) },
    );
    const folder = join(file, '..');
    const disk = (root: string) => ({ kind: 'disk', root, links: 'never' });
    expect(await users.login('alice', `right:${PHC}`, '::1')).toEqual({
      name: 'alice',
      groups: ['staff', 'fxp'],
      anonymous: false,
      mounts: [
        { path: '/', storage: disk(join(folder, 'homes/alice')) },
        { path: '/pub', storage: disk('/srv/pub') },
        { path: '/old', storage: disk(join(folder, 'elsewhere')) },
      ],
      rights: [
        { path: '/', rights: ['read', 'list'] },
        { path: '/incoming', rights: ['write', 'list'] },
      ],
      quota: { bytes: 10 * 1024 ** 3, files: 100 },
      rate: { up: 5 * 1024 ** 2, down: 2 * 1024 ** 2 },
      maxLogins: 3,
      allowFrom: [],
      fxp: {
        mode: 'listed',
        direction: 'receive',
        minPort: 5000,
        requireTls: true,
        peers: [
          expect.objectContaining({ text: '192.0.2.0/24', bits: 24 }),
          expect.objectContaining({ text: 'peer.example' }),
        ],
      },
    });
  });
});

const RANGE = { text: '', family: 4 as const, octets: [192, 0, 2, 9], bits: 32 };

describe('docs/users.toml', () => {
  const EXAMPLE = readFileSync(new URL('../../docs/users.toml', import.meta.url), 'utf8');

  it('is a users file in which nobody can log in', async () => {
    const users = await fileUsers(await usersFile(EXAMPLE));
    expect(users.names()).toEqual(['alice']);
    expect(users.anonymous).toBe(false);
    expect(await users.login('alice', 'x', '::1')).toBeUndefined();
  });

  it('shows every key', () => {
    const schema = usersSchema(z);
    const tables = keysAt(schema, []);
    expect(tables).toEqual(['defaults', 'anonymous', 'groups', 'users']);
    for (const path of [
      ['defaults'],
      ['anonymous'],
      ['users', 'x'],
      ['users', 'x', 'fxp'],
      ['users', 'x', 'quota'],
    ]) {
      const keys = keysAt(schema, path);
      expect(keys.length).toBeGreaterThan(1);
      for (const key of keys) expect(EXAMPLE, key).toMatch(new RegExp(`(?:^|[{,] )${key} = `, 'm'));
    }
  });
});
