import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Io } from '../../src/cli/io.js';
import { fileUsers } from '../../src/server/users/file.js';
import { runCli, temporaryFolder } from './harness.js';

/** A configuration folder of its own, and the command line with it. */
async function setUp() {
  const folder = await temporaryFolder();
  const file = join(folder, 'users.toml');
  const dirs = { config: folder, state: folder };
  const user = (words: string[], change: Partial<Io> & { input?: string } = {}) =>
    runCli(['user', ...words], {}, { dirs, ...change });
  const add = (name: string, password: string, ...flags: string[]) =>
    user(['add', name, '--password-stdin', ...flags], { input: `${password}\n` });
  return { folder, file, dirs, user, add, text: () => readFile(file, 'utf8') };
}

describe('jackstay user add', () => {
  it('makes the file, open to nobody else, with a hash that lets the user in', async () => {
    const { folder, file, add, text } = await setUp();
    const { code, out, err } = await add('alice', 'correct horse', '--home', folder);
    expect({ code, out, err }).toEqual({ code: 0, out: `added alice to ${file}\n`, err: '' });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await text()).not.toContain('correct horse');
    const users = await fileUsers(file);
    expect(await users.login('alice', 'correct horse', '::1')).toMatchObject({ name: 'alice' });
    expect(await users.login('alice', 'correct', '::1')).toBeUndefined();
  });

  it('writes what its flags say', async () => {
    const { folder, file, add } = await setUp();
    await writeFile(file, '[groups.staff]\nhome = "/srv/{user}"\n', { mode: 0o600 });
    const { code, err } = await add(
      'bob@example',
      'x',
      ...['--group', 'staff', '--rights', 'rl', '--rights', '/incoming=wl', '--mount', `/pub=${folder}`],
      ...['--quota', '10G', '--quota-files', '1000', '--rate-up', '1M', '--rate-down', '1.5M'],
      ...['--max-logins', '4', '--allow-from', '192.0.2.0/24', '--allow-from', '::1'],
      ...[
        '--fxp',
        'listed',
        '--fxp-direction',
        'send',
        '--fxp-peer',
        '198.51.100.0/24',
        '--fxp-peer',
        'b.example',
      ],
    );
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const users = await fileUsers(file, { resolvePeers: () => [] });
    expect(await users.login('bob@example', 'x', '192.0.2.9')).toMatchObject({
      groups: ['staff'],
      mounts: [
        { path: '/', storage: { root: '/srv/bob@example' } },
        { path: '/pub', storage: { root: folder } },
      ],
      rights: [
        { path: '/', rights: ['read', 'list'] },
        { path: '/incoming', rights: ['write', 'list'] },
      ],
      quota: { bytes: 10 * 1024 ** 3, files: 1000 },
      rate: { up: 1024 ** 2, down: 1.5 * 1024 ** 2 },
      maxLogins: 4,
      fxp: { mode: 'listed', direction: 'send', peers: [{ text: '198.51.100.0/24' }] },
    });
    expect(await users.login('bob@example', 'x', '198.51.100.9')).toBeUndefined();
  });

  it.each([
    [['carol'], 'a\tb', 'the password must not hold control characters'],
    [['carol'], '', 'the password must not be empty'],
    [['a/b'], 'x', 'must not hold slashes'],
    [['carol', '--group', 'nobody'], 'x', 'there is no [groups.nobody]'],
    [['ftp'], 'x', '[anonymous] enabled = true'],
    [['alice'], 'x', 'there is a user "alice" already'],
    [['carol', '--rights', 'rwx'], 'x', 'letters out of rwdl'],
    [['carol', '--allow-from', '300.1.1.1'], 'x', '300.1.1.1'],
    [['carol', '--mount', 'pub=/srv'], 'x', 'PATH=DIRECTORY'],
    [['carol', '--fxp', 'sometimes'], 'x', 'Allowed choices are off, verified, listed, open'],
    [['carol', '--config', 'nowhere.toml'], 'x', 'cannot read the configuration'],
  ])('%j with the password %j changes nothing: %s', async (words, password, part) => {
    const { folder, add, text } = await setUp();
    await add('alice', 'x', '--home', folder);
    const before = await text();
    const [name, ...flags] = words;
    const { code, err } = await add(name!, password, '--home', folder, ...flags);
    expect(err).toContain(part);
    expect(code).toBe(part.includes('configuration') ? 1 : 2);
    expect(await text()).toBe(before);
  });

  it('asks twice on a terminal, and says what to do without one', async () => {
    const { folder, user } = await setUp();
    const answers = ['secret', 'secret', 'secret', 'other'];
    const asked: string[] = [];
    const askSecret = async (question: string) => {
      asked.push(question);
      return answers.shift();
    };
    expect((await user(['add', 'alice', '--home', folder], { askSecret })).code).toBe(0);
    expect((await user(['add', 'bob', '--home', folder], { askSecret })).err).toContain('differ');
    expect((await user(['add', 'bob', '--home', folder], { askSecret })).code).toBe(130);
    expect(asked.length).toBe(5);
    expect((await user(['add', 'bob', '--home', folder])).err).toContain('--password-stdin');
  });

  it('says when the home does not exist yet', async () => {
    const { folder, add } = await setUp();
    const { code, err } = await add('alice', 'x', '--home', join(folder, 'later'));
    expect(code).toBe(0);
    expect(err).toContain(`${join(folder, 'later')} is no directory yet`);
  });

  it('takes part in no race: all of ten users at once are there', async () => {
    const { folder, file, add } = await setUp();
    const names = Array.from({ length: 10 }, (_, i) => `user${i}`);
    const runs = await Promise.all(names.map((name) => add(name, 'x', '--home', folder)));
    expect(runs.map(({ code }) => code)).toEqual(Array(10).fill(0));
    expect((await fileUsers(file)).names()).toEqual(names);
  });

  it('uses the users file that the configuration names', async () => {
    const { folder, user } = await setUp();
    const config = join(folder, 'other.toml');
    await writeFile(config, '[server]\nusers-file = "sub/people.toml"\n');
    const words = ['add', 'alice', '--home', folder, '--password-stdin', '--config', config];
    expect((await user(words, { input: 'x' })).out).toContain(join(folder, 'sub/people.toml'));
    expect((await user(['list', '--config', config])).out).toContain('alice');
  });
});

const FILE = `# People of Example Ltd.

[groups.staff] # everyone
home = "homes/{user}"

[users.alice] # from accounting
password = "HASH1" # of May
# her own rights
rights = "rl"

# Bob is next.
[users.bob]
groups = ["staff"]
password = 'HASH2'
[users.bob.fxp]
mode = "off"

[users."c d"]
password = """HASH3"""
home = "c"

# The end.
`;
const HASH = `$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$${'A'.repeat(43)}`;

async function withFile(text = FILE) {
  const all = await setUp();
  const filled = text.replace(/HASH\d/g, HASH).replace('rights = "rl"', 'rights = "rl"\nhome = "a"');
  await writeFile(all.file, filled, { mode: 0o640 });
  return { ...all, before: filled };
}

describe('jackstay user passwd', () => {
  it.each(['alice', 'bob', 'c d'])('of %s changes the hash and nothing else', async (name) => {
    const { user, text, before, file } = await withFile();
    const { code, out } = await user(['passwd', name, '--password-stdin'], { input: 'next' });
    expect({ code, out }).toEqual({ code: 0, out: `changed the password of ${name}\n` });
    const after = await text();
    const [fresh, ...more] = after.match(/\$argon2id\$v=19\$m=19456,t=2,p=1\$[^"']+/g)!;
    expect(more).toEqual([]);
    expect(after.replace(fresh!, HASH).replace(/["']+(?=\$)|(?<=A)["']+/g, '"')).toBe(
      before.replace(/["']+(?=\$)|(?<=A)["']+/g, '"'),
    );
    expect((await stat(file)).mode & 0o777).toBe(0o640);
    expect(await (await fileUsers(file)).login(name, 'next', '::1')).toMatchObject({ name });
  });

  it('of nobody asks nothing', async () => {
    const { user } = await withFile();
    const { code, err } = await user(['passwd', 'carol']);
    expect(code).toBe(2);
    expect(err).toContain('there is no user "carol"');
  });

  it('leaves a file alone whose form it cannot edit', async () => {
    const { user, text, before } = await withFile('users = { alice = { password = "HASH1", home = "a" } }\n');
    const { code, err } = await user(['passwd', 'alice', '--password-stdin'], { input: 'next' });
    expect(code).toBe(2);
    expect(err).toContain('[users.alice]');
    expect(await text()).toBe(before);
  });
});

describe('jackstay user remove', () => {
  it('takes the tables of the user and leaves everything else', async () => {
    const { user, text, before } = await withFile();
    const { code, out } = await user(['remove', 'bob', '--yes']);
    expect({ code, out }).toEqual({ code: 0, out: expect.stringContaining('removed bob') });
    const gone = before.slice(before.indexOf('[users.bob]'), before.indexOf('[users."c d"]'));
    expect(gone).toContain('mode = "off"');
    expect((await text()).replace(/\n+/g, '\n')).toBe(before.replace(gone, '').replace(/\n+/g, '\n'));
    expect((await user(['remove', 'c d', '--yes'])).code).toBe(0);
    expect((await user(['remove', 'alice', '--yes'])).code).toBe(0);
    expect(await text()).toBe(
      '# People of Example Ltd.\n\n[groups.staff] # everyone\nhome = "homes/{user}"\n\n# Bob is next.\n\n# The end.\n',
    );
  });

  it('asks first', async () => {
    const { user, text, before } = await withFile();
    expect((await user(['remove', 'bob'], { askYesNo: async () => false })).code).toBe(130);
    expect((await user(['remove', 'bob'])).err).toContain('--yes');
    expect((await user(['remove', 'carol', '--yes'])).err).toContain('there is no user "carol"');
    expect(await text()).toBe(before);
    expect((await user(['remove', 'bob'], { askYesNo: async () => true })).code).toBe(0);
  });

  it('and add again gives a file of the same meaning, whatever the user was called', async () => {
    for (const name of ['a.b', 'ä "q"', "it's", 'constructor', '$&']) {
      const { folder, user, add, file, before, text } = await withFile();
      expect((await add(name, 'x', '--home', folder)).code, name).toBe(0);
      expect((await fileUsers(file)).names()).toContain(name);
      expect((await user(['remove', '--yes', '--', name])).code, name).toBe(0);
      expect((await text()).trimEnd()).toBe(before.trimEnd());
    }
  });
});

describe('jackstay user list', () => {
  it('shows each user with what was merged, never a hash', async () => {
    const { user, folder } = await withFile(`[anonymous]\nenabled = true\nhome = "pub"\n${FILE}`);
    const { out } = await user(['list']);
    expect(out.split('\n')).toEqual([
      `anonymous             ${folder}/pub  /=rl  fxp off`,
      `alice                 ${folder}/a  /=rl`,
      `bob                   ${folder}/homes/bob  groups staff  fxp off`,
      `c d                   ${folder}/c`,
      '',
    ]);
    const json = (await user(['list', '--json'])).out;
    expect(json).not.toContain('argon2');
    expect(
      json
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown)[2],
    ).toEqual({
      name: 'bob',
      home: `${folder}/homes/bob`,
      disabled: false,
      groups: ['staff'],
      rights: [],
      rate: { up: 0, down: 0 },
      maxLogins: 0,
      allowFrom: [],
      fxp: { mode: 'off' },
    });
  });

  it('names every fault of a broken file', async () => {
    const { user, file } = await setUp();
    await writeFile(file, '[users.x]\nhome = 5\n', { mode: 0o600 });
    const { code, err } = await user(['list']);
    expect(code).toBe(2);
    expect(err).toContain('line 2: [users.x] home = 5: must be text in quotes');
    expect(err).toContain('line 1: [users.x] password: is missing');
  });
});
