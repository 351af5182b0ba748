import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findNetrc, parseNetrc, readNetrc } from '../../src/cli/netrc.js';
import { temporaryFolder } from './harness.js';

describe('parseNetrc', () => {
  it('reads machines, the default, comments, quotes and macros', () => {
    const text = [
      '# machine commented.example login no password no',
      'machine A.example login alice password s#cret',
      'machine b.example',
      '  login "bob smith" # trailing',
      '  password "a \\"quoted\\" \\\\ one"',
      '  account acct',
      'macdef init',
      'machine inside.macro login x password y',
      'bin',
      '',
      'machine c.example password only',
      'default login anonymous password me@',
    ].join('\n');
    expect(parseNetrc(text)).toEqual([
      { machine: 'a.example', login: 'alice', password: 's#cret' },
      { machine: 'b.example', login: 'bob smith', password: 'a "quoted" \\ one', account: 'acct' },
      { machine: 'c.example', password: 'only' },
      { login: 'anonymous', password: 'me@' },
    ]);
  });

  it('a macro without a blank line takes the rest of the file', () => {
    expect(parseNetrc('machine a login b password c\nmacdef x\nmachine d login e')).toEqual([
      { machine: 'a', login: 'b', password: 'c' },
    ]);
  });

  it('ends on any text, and no value holds a control character', () => {
    const word = fc.constantFrom(
      'machine',
      'login',
      'password',
      'default',
      'macdef',
      '#',
      '"',
      '\\',
      '\n',
      ' ',
      'x',
      '\u0001',
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 40 }), (words) => {
        for (const entry of parseNetrc(words.join(' '))) {
          expect(`${entry.login ?? ''}${entry.password ?? ''}${entry.account ?? ''}`).not.toMatch(
            /[\u0000-\u001f\u007f]/,
          );
        }
      }),
    );
  });

  it('reads 200 KiB of quotes and blanks in linear time', () => {
    const text = `machine a password "${'\\"'.repeat(50_000)}${' '.repeat(100_000)}`;
    expect(parseNetrc(text).length).toBe(1);
  });
});

describe('findNetrc', () => {
  const entries = parseNetrc(
    'machine h login a password 1\nmachine h login b password 2\nmachine p password 3\ndefault login d password 4',
  );

  it.each([
    ['H', undefined, '1'],
    ['h', 'b', '2'],
    ['h', 'z', undefined],
    ['p', 'anyone', '3'],
    ['other', undefined, '4'],
    ['other', 'x', undefined],
  ])('%s as %s', (host, user, password) => {
    expect(findNetrc(entries, host, user)?.password).toBe(password);
  });
});

describe('readNetrc', () => {
  it('refuses a file with passwords that others may read, and names the remedy', async () => {
    const home = await temporaryFolder();
    const file = join(home, '.netrc');
    await writeFile(file, 'machine h login a password secret\n', { mode: 0o600 });
    expect(await readNetrc({ env: {}, home, platform: 'linux' })).toHaveLength(1);
    await chmod(file, 0o644);
    await expect(readNetrc({ env: {}, home, platform: 'linux' })).rejects.toMatchObject({
      kind: 'local',
      facts: { advice: `Run: chmod 600 ${file}` },
    });
  });

  it('follows NETRC, and a missing file is none', async () => {
    const home = await temporaryFolder();
    await writeFile(join(home, 'other'), 'machine h login a password b\n', { mode: 0o600 });
    expect(await readNetrc({ env: {}, home, platform: 'linux' })).toEqual([]);
    expect(await readNetrc({ env: { NETRC: join(home, 'other') }, home, platform: 'linux' })).toHaveLength(1);
  });
});
