import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { baseName, dirName, guardDash, joinPath, parsePathReply } from '../../src/protocol/paths.js';
import { reply } from './every-way.js';

describe('257', () => {
  test.each([
    ['257 "/" is the current directory', '/'],
    ['257 "/a b"', '/a b'],
    ['257 "/x/a""b" created', '/x/a"b'],
    ['257 "/x/a""" created', '/x/a"'],
    ['257 """"', '"'],
    ['257 """/x""" is cwd', '"/x"'],
    ['257 "/x".', '/x'],
    ['257 "/x"\tcwd', '/x'],
    ['257 "/x", the directory', '/x'],
    ['257 PWD is "/x" now', '/x'],
    ['257 "" is empty', ''],
    ['257 "DEV:[A.B]" is current', 'DEV:[A.B]'],
    ['257 "C:\\x y" is current', 'C:\\x y'],
    ['257 "\'HLQ.X.\'" is the working directory', "'HLQ.X.'"],
  ])('quoted: %s', (text, path) => {
    expect(parsePathReply(reply(text))).toBe(path);
  });

  test.each([
    ['quotes not doubled', '257 "/x/a"b" is current', '/x/a"b'],
    ['unbalanced (CVE-2017-1000254)', '257 "/x/a', '/x/a'],
    ['one quote alone', '257 "', ''],
    ['no quotes', '257 /x/a', '/x/a'],
    ['no quotes, text behind two blanks', '257 /x/a  is current', '/x/a'],
    ['no quotes, VMS', '257 DEV:[A.B]', 'DEV:[A.B]'],
    ['no quotes, DOS', '257 C:\\x', 'C:\\x'],
    ['apostrophes', "257 '/x/a' is current", '/x/a'],
    ['MVS: apostrophes make it absolute', "257 'HLQ.X.' is the working directory", "'HLQ.X.'"],
    ['nothing', '257', ''],
    ['in the first of several lines', '257-"/x"\n257 No message', '/x'],
    ['in the last of several lines', '257-Hello\n257 "/x" is current', '/x'],
  ])('tolerated: %s', (_name, text, path) => {
    expect(parsePathReply(reply(text))).toBe(path);
  });

  test('any path, quotes doubled, comes back', () => {
    const path = fc.string({
      unit: fc.constantFrom('"', '/', 'a', ' ', '.', "'", 'é', '\udce9'),
      maxLength: 12,
    });
    const behind = fc.constantFrom('', ' is current', '.', ' "quoted" words', ' it\'s "here"');
    fc.assert(
      fc.property(path, behind, (name, text) => {
        const line = `257 "${name.replaceAll('"', '""')}"${text}`;
        expect(parsePathReply({ code: 257, lines: [line], text: line.slice(4) })).toBe(name);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('paths', () => {
  test.each([
    ['', 'a', 'a'],
    ['/', 'a', '/a'],
    ['/x', 'a', '/x/a'],
    ['/x/', 'a', '/x/a'],
    ['x', 'a b', 'x/a b'],
  ])('joinPath %j %j', (directory, name, path) => {
    expect(joinPath(directory, name)).toBe(path);
  });

  test.each([
    ['/', '', ''],
    ['', '', ''],
    ['a', '', 'a'],
    ['/a', '/', 'a'],
    ['/a/', '/', 'a'],
    ['/a/b', '/a', 'b'],
    ['a/b//', 'a', 'b'],
  ])('dirName and baseName of %j', (path, directory, name) => {
    expect(dirName(path)).toBe(directory);
    expect(baseName(path)).toBe(name);
  });

  test('what is joined is taken apart again', () => {
    const name = fc.string({
      unit: fc.constantFrom('a', '.', ' ', '"', '-', 'é'),
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(fc.array(name, { maxLength: 3 }), name, (parents, last) => {
        const directory = `/${parents.join('/')}`;
        const path = joinPath(directory, last);
        expect([dirName(path), baseName(path)]).toEqual([directory, last]);
      }),
    );
  });

  test('a leading dash is no option for ls', () => {
    expect(['-la', './-la', 'a-', '/-x', ''].map(guardDash)).toEqual(['./-la', './-la', 'a-', '/-x', '']);
  });
});
