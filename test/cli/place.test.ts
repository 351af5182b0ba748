import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { passwordVariable } from '../../src/cli/credentials.js';
import type { CommonFlags } from '../../src/cli/flags.js';
import type { Io } from '../../src/cli/io.js';
import { placeContext, resolvePlace, resolveRemote } from '../../src/cli/place.js';
import { testIo } from './harness.js';

const context = async (flags: CommonFlags = {}, change: Partial<Io> = {}) => {
  const made = placeContext(await testIo([], change), flags);
  await made.sites.put('old', {
    host: 'o.example',
    port: 2121,
    tls: 'explicit',
    user: 'al',
    pin: 'aa'.repeat(32),
  });
  await made.sites.put('plain', { host: 'p.example' });
  return made;
};
const failure = (
  promise: Promise<unknown>,
): Promise<{ kind: string; message: string; facts: { advice?: string } }> =>
  promise.then(
    () => Promise.reject(new Error('accepted')),
    (error) => error,
  );

describe('words', () => {
  it.each(['a/b', './old:x', '/old:x', '.', '', 'C', '../x:y'])('%j is a local path', async (word) => {
    expect(await resolvePlace(word, await context())).toEqual({ kind: 'local', path: word });
  });

  it('one letter before a colon is a drive on Windows only', async () => {
    const windows = await context({}, { platform: 'win32' });
    expect(await resolvePlace('C:\\x', windows)).toEqual({ kind: 'local', path: 'C:\\x' });
    expect((await failure(resolvePlace('C:\\x', await context()))).message).toContain('there is no site "C"');
  });

  it('site:path is a saved site, without user anonymous', async () => {
    expect(await resolvePlace('plain:/a b/', await context())).toEqual({
      kind: 'site',
      site: { name: 'plain', host: 'p.example', user: 'anonymous', password: 'anonymous@' },
      path: '/a b/',
    });
  });

  it('site:path begins in the directory of the site, a URL at the login directory', async () => {
    const made = await context();
    await made.sites.put('deep', { host: 'd.example', directory: 'pub' });
    expect(await resolvePlace('deep:x', made)).toMatchObject({ site: { directory: 'pub' }, path: 'x' });
    const byUrl = await resolvePlace('ftp://d.example/x', made);
    expect(byUrl).toMatchObject({ path: 'x' });
    expect(byUrl.kind === 'site' && byUrl.site.directory).toBeUndefined();
  });

  it('an unknown site names the saved ones and the way to a local file', async () => {
    const error = await failure(resolvePlace('nwe:x', await context()));
    expect(error).toMatchObject({
      kind: 'usage',
      message: 'there is no site "nwe" (saved sites: old, plain)',
    });
    expect(error.facts.advice).toContain('./nwe:x');
  });

  it('where only a server will do, a local path is refused and a bare site name is taken', async () => {
    expect((await failure(resolveRemote('a/b', await context()))).kind).toBe('usage');
    expect(await resolveRemote('plain', await context())).toMatchObject({
      site: { name: 'plain' },
      path: '',
    });
  });

  it('a URL to a saved site takes its settings and never weakens what either asks for', async () => {
    const made = await context();
    await made.secrets.set('old', 'stored');
    expect(await resolveRemote('ftp://O.example:2121/x', made)).toEqual({
      kind: 'site',
      site: {
        name: 'o.example:2121',
        host: 'o.example',
        port: 2121,
        tls: 'explicit',
        user: 'al',
        password: 'stored',
        pin: 'aa'.repeat(32),
      },
      path: 'x',
    });
    expect(await resolveRemote('ftps://p.example/x', made)).toMatchObject({ site: { tls: 'explicit' } });
    const other = await resolveRemote('ftp://bo:pw@o.example:2121/x', made);
    expect(other.site).toEqual({
      name: 'o.example:2121',
      host: 'o.example',
      port: 2121,
      tls: 'none',
      user: 'bo',
      password: 'pw',
    });
  });

  it('pins and --insecure reach the sites: by name, then the saved one, then the one for all', async () => {
    const pin = new Map([
      ['', 'cc'.repeat(32)],
      ['old', 'bb'.repeat(32)],
    ]);
    const url = 'ftps://u:p@x.example/';
    const made = await context({ pin, insecure: true });
    await made.secrets.set('old', 'pw');
    expect((await resolveRemote('old:', made)).site).toMatchObject({ pin: 'bb'.repeat(32), insecure: true });
    expect((await resolveRemote(url, made)).site.pin).toBe('cc'.repeat(32));
    const onlyAll = await context({ pin: new Map([['', 'cc'.repeat(32)]]) });
    await onlyAll.secrets.set('old', 'pw');
    expect((await resolveRemote('old:', onlyAll)).site.pin).toBe('aa'.repeat(32));
  });
});

describe('the password comes from the first that knows', () => {
  it('variables are named after the site', () => {
    expect(passwordVariable('my-site.example:2121')).toBe('JACKSTAY_PASSWORD_MY_SITE_EXAMPLE_2121');
  });

  it('URL, secret store, environment, netrc, prompt, in this order', async () => {
    const asked: string[] = [];
    const made = await context(
      {},
      {
        env: { JACKSTAY_PASSWORD_OLD: 'from-env' },
        askSecret: async (question) => {
          asked.push(question);
          return 'from-prompt';
        },
      },
    );
    const password = async (word: string) => (await resolveRemote(word, made)).site.password;
    await writeFile(join(made.io.home, '.netrc'), 'machine o.example login al password from-netrc\n', {
      mode: 0o600,
    });
    await made.secrets.set('old', 'from-store');
    expect(await password('ftp://al:from-url@o.example:2121/')).toBe('from-url');
    expect(await password('old:')).toBe('from-store');
    await made.secrets.remove('old');
    expect(await password('old:')).toBe('from-env');
    made.io.env = {};
    expect(await password('old:')).toBe('from-netrc');
    await writeFile(join(made.io.home, '.netrc'), '');
    expect(asked).toEqual([]);
    expect(await password('old:')).toBe('from-prompt');
    expect(asked).toEqual(['Password of al at old']);
  });

  it('URLs find variables by host and port, or by host alone', async () => {
    const env = { JACKSTAY_PASSWORD_X_EXAMPLE_2100: 'port', JACKSTAY_PASSWORD_X_EXAMPLE: 'host' };
    const made = await context({}, { env });
    expect((await resolveRemote('ftp://u@x.example:2100/', made)).site.password).toBe('port');
    expect((await resolveRemote('ftp://u@x.example:2200/', made)).site.password).toBe('host');
  });

  it('netrc gives the user as well, and the account', async () => {
    const made = await context();
    await writeFile(join(made.io.home, '.netrc'), 'machine x.example login me password pw account ac\n', {
      mode: 0o600,
    });
    expect((await resolveRemote('ftp://x.example/', made)).site).toMatchObject({
      user: 'me',
      password: 'pw',
      account: 'ac',
    });
  });

  it('an empty password in the URL is a password', async () => {
    expect((await resolveRemote('ftp://u:@x.example/', await context())).site.password).toBe('');
  });

  it('nobody to ask: a login error that names the variable; giving up: aborted', async () => {
    const error = await failure(resolveRemote('old:', await context()));
    expect(error).toMatchObject({ kind: 'login', message: 'no password for al at old' });
    expect(error.facts.advice).toContain('JACKSTAY_PASSWORD_OLD');
    const gaveUp = await context({}, { askSecret: async () => undefined });
    expect((await failure(resolveRemote('old:', gaveUp))).kind).toBe('aborted');
  });

  it('a password with a line end is refused without being shown', async () => {
    const made = await context({}, { env: { JACKSTAY_PASSWORD_OLD: 'hid\r\nden' } });
    const error = await failure(resolveRemote('old:', made));
    expect(error.kind).toBe('usage');
    expect(error.message).not.toContain('hid');
  });
});
