import { chmod, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { secretStore } from '../../src/cli/secrets.js';
import { siteStore } from '../../src/cli/sites.js';
import { runCli, temporaryFolder } from './harness.js';

const stores = async (master?: string) => {
  const folder = await temporaryFolder();
  const dirs = { config: folder, state: folder };
  return { folder, dirs, sites: siteStore(dirs), secrets: secretStore(dirs, master) };
};

describe('siteStore', () => {
  it('puts, replaces, lists in order and removes', async () => {
    const { sites } = await stores();
    expect(await sites.get('none')).toBeUndefined();
    await sites.put('new', { host: 'n.example', tls: 'explicit' });
    await sites.put('Old', { host: 'o.example' });
    await sites.put('new', { host: 'n2.example' });
    expect([...(await sites.all())]).toEqual([
      ['Old', { host: 'o.example' }],
      ['new', { host: 'n2.example' }],
    ]);
    expect(await sites.remove('new')).toBe(true);
    expect(await sites.remove('new')).toBe(false);
    expect(await sites.remove('constructor')).toBe(false);
  });

  it.each([
    ['x', { host: 'h' }, 'name: a name has 2 to 64'],
    ['__proto__', { host: 'h' }, 'name: a name has 2 to 64'],
    ['ab', { host: '' }, 'host:'],
    ['ab', { host: 'h\r\nDELE x' }, 'host: control characters'],
    ['ab', { host: 'h', port: 0 }, 'port:'],
    ['ab', { host: 'h', pin: 'AA' }, 'pin: 64'],
  ])('refuses %j %j', async (name, site, words) => {
    const { sites } = await stores();
    await expect(sites.put(name, site)).rejects.toThrow(words);
    expect((await sites.all()).size).toBe(0);
  });

  it('lists all that is wrong in a file written by hand, and the file', async () => {
    const { sites, folder } = await stores();
    const text = { version: 1, sites: { ab: { host: 'h', port: '21', colour: 'red' }, c: { host: 'x' } } };
    await writeFile(join(folder, 'sites.json'), JSON.stringify(text));
    const error: Error = await sites.all().then(
      () => new Error('accepted'),
      (e: Error) => e,
    );
    expect(error.message).toContain(sites.file);
    expect(error.message).toContain('sites.ab.port');
    expect(error.message).toContain('colour');
    expect(error.message).toContain('sites.c');
  });
});

describe('secretStore', () => {
  it('keeps plain passwords in a file of mode 0600 and refuses one that others may read', async () => {
    const { folder, secrets } = await stores();
    await secrets.set('old', 'pw 1');
    await secrets.set('new', 'pw 2');
    const file = join(folder, 'secrets.json');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await secrets.get('old')).toBe('pw 1');
    expect(await secrets.get('toString')).toBeUndefined();
    await secrets.remove('old');
    expect(await secrets.get('old')).toBeUndefined();
    await chmod(file, 0o640);
    await expect(secrets.get('new')).rejects.toThrow('may be read by others (mode 640)');
    await expect(secrets.set('new', 'x')).rejects.toThrow('may be read by others');
  });

  it('removing from nothing makes no file', async () => {
    const { folder, secrets } = await stores();
    await secrets.remove('old');
    await expect(stat(join(folder, 'secrets.json'))).rejects.toThrow('ENOENT');
  });

  it('seals the file with a master password, also one that was plain before', async () => {
    const { folder, dirs, secrets } = await stores();
    await secrets.set('old', 'first-secret');
    const sealed = secretStore(dirs, 'master words');
    expect(await sealed.get('old')).toBe('first-secret');
    await sealed.set('new', 'second-secret');
    const text = await readFile(join(folder, 'secrets.json'), 'utf8');
    expect(text).not.toMatch(/first-secret|second-secret|"old"|"new"/);
    expect(await sealed.get('old')).toBe('first-secret');
    expect(await sealed.get('new')).toBe('second-secret');
    await expect(secrets.get('old')).rejects.toMatchObject({
      facts: { advice: expect.stringContaining('JACKSTAY_MASTER') },
    });
    await expect(secretStore(dirs, 'wrong').get('old')).rejects.toThrow('wrong master password');
    await writeFile(join(folder, 'secrets.json'), text.replace(/"data": ".{4}/, '"data": "AAAA'));
    await expect(sealed.get('old')).rejects.toThrow('a changed file');
  });
});

describe('jackstay site', () => {
  it('add takes the password from a pipe or the URL, show and list never tell it', async () => {
    const first = await runCli(
      ['site', 'add', 'old', 'ftps://al@h.example:2121/pub/x', '--password-stdin'],
      {},
      { input: 'pipe-pw\n' },
    );
    expect(first.code).toBe(0);
    const same = { dirs: first.io.dirs };
    const second = await runCli(
      ['site', 'add', 'new', 'ftp://bo:url-pw@[::1]/', '--tls', 'implicit', '--max-sessions', '2'],
      {},
      same,
    );
    expect(second.code).toBe(0);
    const list = await runCli(['site', 'list'], {}, same);
    expect(list.out).toBe(
      'new                  ftps://bo@[::1]/\nold                  ftps://al@h.example:2121/pub/x\n',
    );
    const show = await runCli(['site', 'show', 'old', '--json'], {}, same);
    expect(JSON.parse(show.out)).toEqual({
      name: 'old',
      host: 'h.example',
      port: 2121,
      tls: 'explicit',
      user: 'al',
      directory: 'pub/x',
      password: 'saved',
    });
    expect(await secretStore(first.io.dirs).get('old')).toBe('pipe-pw');
    expect(await siteStore(first.io.dirs).get('new')).toEqual({
      host: '::1',
      tls: 'implicit',
      user: 'bo',
      maxSessions: 2,
    });
    for (const { out, err } of [first, second, list, show]) expect(out + err).not.toMatch(/pipe-pw|url-pw/);
  });

  it('add refuses to replace without --force, and a new entry forgets the old password', async () => {
    const first = await runCli(['site', 'add', 'old', 'ftp://al:pw@h/']);
    const same = { dirs: first.io.dirs };
    const again = await runCli(['site', 'add', 'old', 'ftp://bo@h2/'], {}, same);
    expect([again.code, again.err]).toEqual([
      2,
      'jackstay: there is a site "old" already\n  to do:    Give --force to replace it.\n',
    ]);
    expect((await runCli(['site', 'add', 'old', 'ftp://bo@h2/', '--force'], {}, same)).code).toBe(0);
    expect(await secretStore(first.io.dirs).get('old')).toBeUndefined();
  });

  it('remove forgets site and password', async () => {
    const first = await runCli(['site', 'add', 'old', 'ftp://al:pw@h/']);
    const same = { dirs: first.io.dirs };
    expect((await runCli(['site', 'remove', 'old'], {}, same)).code).toBe(0);
    expect(await secretStore(first.io.dirs).get('old')).toBeUndefined();
    expect((await runCli(['site', 'remove', 'old'], {}, same)).code).toBe(2);
  });
});
