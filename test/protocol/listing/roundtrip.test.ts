import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Entry } from '../../../src/protocol/entry.js';
import { formatTime } from '../../../src/protocol/times.js';
import { NOW, readChunks } from './read.js';

const SECOND = 1000;
const DAY = 86_400_000;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const two = (value: number): string => String(value).padStart(2, '0');

/** Any name a server can have: no line end, no slash, not a dot directory. */
const name = fc
  .oneof(
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }),
    fc.string({ unit: fc.constantFrom(' ', ';', '=', '-', '>', 'a', '1', ':'), minLength: 1, maxLength: 20 }),
  )
  .filter((text) => !/[\r\n/]/.test(text) && text !== '.' && text !== '..');
const size = fc.maxSafeNat();
const mode = fc.integer({ min: 0, max: 0o7777 });
const word = fc.stringMatching(/^[a-z_][a-z0-9_-]{0,12}$/).filter((text) => text !== 'folder');
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('MLSD', () => {
  const moment = fc.integer({ min: Date.UTC(1900, 0, 1), max: Date.UTC(9999, 11, 31) });
  const entry: fc.Arbitrary<Entry> = fc.record(
    {
      name,
      type: fc.constantFrom('file', 'link', 'special', 'unknown'),
      size,
      modified: moment,
      mode,
      owner: word,
      group: word,
      perm: fc.stringMatching(/^[acdeflmprw]{1,8}$/),
      unique: fc.stringMatching(/^[A-Za-z0-9+/.-]{1,16}$/),
    },
    { requiredKeys: ['name', 'type', 'size'] },
  );

  function format(of: Entry): string {
    const type = {
      file: 'file',
      dir: 'dir',
      link: 'OS.unix=symlink',
      special: 'OS.unix=fifo',
      unknown: undefined,
    }[of.type];
    let line = type ? `Type=${type};` : '';
    line += `Size=${of.size};`;
    if (of.modified !== undefined) {
      const millis = ((of.modified % SECOND) + SECOND) % SECOND;
      line += `Modify=${formatTime(of.modified)}.${String(millis).padStart(3, '0')};`;
    }
    if (of.mode !== undefined) line += `UNIX.mode=0${of.mode.toString(8)};`;
    if (of.owner !== undefined) line += `UNIX.owner=${of.owner};`;
    if (of.group !== undefined) line += `UNIX.group=${of.group};`;
    if (of.perm !== undefined) line += `Perm=${of.perm};`;
    if (of.unique !== undefined) line += `Unique=${of.unique};`;
    return `${line} ${of.name}\r\n`;
  }

  test('an entry written as MLSD is read back', () => {
    fc.assert(
      fc.property(fc.array(entry, { minLength: 1, maxLength: 5 }), (entries) => {
        const expected = entries.map((each) =>
          each.modified === undefined ? each : { ...each, modifiedPrecision: 'second' },
        );
        expect(readChunks([bytes(entries.map(format).join(''))])).toEqual({
          entries: expected,
          format: 'mlsd',
          rejected: 0,
        });
      }),
      { numRuns: 500 },
    );
  });
});

describe('ls -l', () => {
  function permissions(bits: number): string {
    let text = '';
    for (let who = 0; who < 3; who += 1) {
      const three = bits >> (6 - 3 * who);
      const special = (bits & (0o4000 >> who)) !== 0;
      const on = who === 2 ? 't' : 's';
      const execute = (three & 1) !== 0 ? (special ? on : 'x') : special ? on.toUpperCase() : '-';
      text += ((three & 4) !== 0 ? 'r' : '-') + ((three & 2) !== 0 ? 'w' : '-') + execute;
    }
    return text;
  }

  function date(at: number, recent: boolean): string {
    const time = new Date(at);
    const clock = recent
      ? `${two(time.getUTCHours())}:${two(time.getUTCMinutes())}`
      : ` ${time.getUTCFullYear()}`;
    return `${MONTHS[time.getUTCMonth()]} ${String(time.getUTCDate()).padStart(2)} ${clock}`;
  }

  const entry = fc.record({
    name,
    size,
    mode,
    owner: word,
    group: word,
    minutes: fc.nat(364 * 24 * 60),
    recent: fc.boolean(),
    isLink: fc.boolean(),
    target: name,
  });

  test('an entry written as ls -l writes it is read back', () => {
    fc.assert(
      fc.property(entry, ({ name, size, mode, owner, group, minutes, recent, isLink, target }) => {
        const moment = recent ? NOW - minutes * 60_000 : Math.floor(NOW / DAY - (minutes % 20_000)) * DAY;
        const octets = isLink ? bytes(target).length : size;
        const shown = isLink ? `${name} -> ${target}` : name;
        const line = `${isLink ? 'l' : '-'}${permissions(mode)} 1 ${owner} ${group} ${octets} ${date(moment, recent)} ${shown}`;
        const expected: Entry = {
          name,
          type: isLink ? 'link' : 'file',
          mode,
          owner,
          group,
          size: octets,
          modified: moment,
          modifiedPrecision: recent ? 'minute' : 'day',
        };
        if (isLink) expected.target = target;
        expect(readChunks([bytes(line)])).toEqual({ entries: [expected], format: 'unix', rejected: 0 });
      }),
      { numRuns: 1000 },
    );
  });
});

describe('MS-DOS', () => {
  test('an entry written as IIS writes it is read back', () => {
    const moment = fc.integer({ min: 0, max: 99 * 365 * 24 * 60 }).map((minutes) => minutes * 60_000);
    fc.assert(
      fc.property(name, size, moment, fc.boolean(), (name, size, modified, isDir) => {
        const time = new Date(modified);
        const hours = time.getUTCHours();
        const clock = `${two(hours % 12 || 12)}:${two(time.getUTCMinutes())}${hours < 12 ? 'AM' : 'PM'}`;
        const day = `${two(time.getUTCMonth() + 1)}-${two(time.getUTCDate())}-${time.getUTCFullYear()}`;
        const kind = isDir ? `      <DIR>${' '.repeat(10)}` : `${String(size).padStart(20)} `;
        const common = { name, modified, modifiedPrecision: 'minute' };
        const expected = isDir ? { ...common, type: 'dir' } : { ...common, type: 'file', size };
        const listing = readChunks([bytes(`${day}  ${clock} ${kind}${name}\r\n`)]);
        expect(listing).toEqual({ entries: [expected], format: 'dos', rejected: 0 });
      }),
      { numRuns: 500 },
    );
  });
});
