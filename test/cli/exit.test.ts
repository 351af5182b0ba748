import { describe, expect, it } from 'vitest';
import { maskWords, resumeLine, shellQuote } from '../../src/cli/argv.js';
import { errorLines, exitCodeOf, exitCodeOfSummary } from '../../src/cli/exit.js';
import { type ErrorKind, FtpError } from '../../src/protocol/errors.js';
import { printable } from '../../src/protocol/names.js';
import { SUMMARY } from './harness.js';

describe('exit codes', () => {
  it.each<[ErrorKind, number]>([
    ['usage', 2],
    ['no-route', 3],
    ['policy', 3],
    ['login', 4],
    ['tls', 4],
    ['unreachable', 5],
    ['timeout', 5],
    ['closed', 5],
    ['malformed', 5],
    ['refused', 1],
    ['verify', 1],
    ['local', 1],
    ['aborted', 130],
  ])('%s gives %d', (kind, code) => {
    expect(exitCodeOf(new FtpError(kind, 'x'))).toBe(code);
  });

  it('a refused greeting is an unreachable site', () => {
    expect(
      exitCodeOf(new FtpError('refused', 'x', { phase: 'greeting', reply: { code: 421, text: 'full' } })),
    ).toBe(5);
  });

  it('a summary with failures gives 1', () => {
    expect([exitCodeOfSummary(SUMMARY), exitCodeOfSummary({ ...SUMMARY, failed: 1 })]).toEqual([0, 1]);
  });
});

describe('errorLines', () => {
  it('says what was asked, what was answered and what to do, once each', () => {
    const facts = {
      site: 'old',
      command: 'STOR x',
      reply: { code: 553, text: 'no \u001b[31mright' },
      advice: 'Ask for the right.',
    };
    expect(errorLines(new FtpError('refused', 'cannot write ftp://u:hidden@h/x', facts), printable)).toEqual([
      'jackstay: cannot write ftp://u:***@h/x',
      '  asked:    STOR x (old)',
      '  answered: 553 no \\u{001B}[31mright',
      '  to do:    Ask for the right.',
    ]);
    const told = new FtpError('refused', 'old: STOR x: 553 no', {
      ...facts,
      reply: { code: 553, text: 'no' },
    });
    expect(errorLines(told, printable)).toEqual([
      'jackstay: old: STOR x: 553 no',
      '  to do:    Ask for the right.',
    ]);
  });
});

describe('the line that resumes', () => {
  it('masks and quotes', () => {
    expect(maskWords(['copy', 'ftp://u:p@h/a', '--x=ftp://u:p@h', '-v'])).toEqual([
      'copy',
      'ftp://u:***@h/a',
      '--x=ftp://u:***@h',
      '-v',
    ]);
    expect(resumeLine(['copy', "ftp://u:p w@h/it's", 'site:a b', '--include', '*.gz', ''])).toBe(
      "jackstay copy 'ftp://u:***@h/it'\\''s' 'site:a b' --include '*.gz' ''",
    );
    expect(shellQuote('/a-b_c.d/e')).toBe('/a-b_c.d/e');
  });
});
