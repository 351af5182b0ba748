import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import {
  addTransferFlags,
  duration,
  fingerprint,
  integer,
  pins,
  size,
  type TransferFlags,
  toCopyOptions,
} from '../../src/cli/flags.js';
import { runCli } from './harness.js';

const parse = (...words: string[]): TransferFlags => {
  const command = addTransferFlags(new Command()).option('--delete', '');
  return command.exitOverride().parse(words, { from: 'user' }).opts<TransferFlags>();
};

describe('parsers', () => {
  it.each([
    ['500', 500],
    ['64K', 65_536],
    ['64k', 65_536],
    ['1.5M', 1_572_864],
    ['2GiB', 2 * 1024 ** 3],
    ['10MB', 10_000_000],
    ['10B', 10],
  ])('size %s', (text, value) => {
    expect(size(text)).toBe(value);
  });

  it.each(['', '0', '-1', '1e3', '10X', '1.5.5M', '5iB', '99999999999T', ' 5'])('size refuses %j', (text) => {
    expect(() => size(text)).toThrow('It must be a size');
  });

  it.each([
    ['500ms', 500],
    ['30s', 30_000],
    ['30', 30_000],
    ['1.5m', 90_000],
    ['24h', 86_400_000],
  ])('duration %s', (text, value) => {
    expect(duration(text)).toBe(value);
  });

  it.each(['', '0', '0.0001s', '25h', '5d', '-3s'])('duration refuses %j', (text) => {
    expect(() => duration(text)).toThrow('It must be a time');
  });

  it('integer is not fooled by a second argument, signs, blanks or exponents', () => {
    expect(integer(1, 64)('12')).toBe(12);
    for (const text of ['0', '65', '1e1', '0x10', ' 3', '+3', '']) {
      expect(() => integer(1, 64)(text)).toThrow('from 1 to 64');
    }
  });

  const hex = '0123456789abcdef'.repeat(4);
  it('fingerprints are read as hex, with colons, and as base64', () => {
    const base64 = Buffer.from(hex, 'hex').toString('base64');
    const colons = hex.toUpperCase().match(/../g)!.join(':');
    for (const text of [hex, colons, `sha256//${base64}`, `SHA256:${base64.replace('=', '')}`]) {
      expect(fingerprint(text)).toBe(hex);
    }
    expect(() => fingerprint(hex.slice(1))).toThrow('64 hexadecimal digits');
  });

  it('pins go to all sites or to one', () => {
    const base64 = `sha256//${Buffer.from(hex, 'hex').toString('base64')}`;
    expect([...pins(`old=${base64}`, pins(base64, undefined))]).toEqual([
      ['', hex],
      ['old', hex],
    ]);
    expect(() => pins('old=xyz', undefined)).toThrow('64 hexadecimal digits');
  });
});

describe('toCopyOptions', () => {
  it('leaves out what was not given', () => {
    expect(toCopyOptions(parse())).toEqual({});
  });

  it('leaves the number of transfers to the program', () => {
    expect(toCopyOptions(parse('--parallel', 'auto'))).toEqual({ parallel: 'auto' });
    expect(() => parse('--parallel', 'automatic')).toThrow();
  });

  it('takes every flag', () => {
    const words =
      '--security verified --relay fallback --verify digest --on-exists newer --parallel 7 --include a --include b ' +
      '--exclude c -n --preserve --limit-rate 1M --tries 2 --stall-timeout 5s --timeout 7s --delete';
    expect(toCopyOptions(parse(...words.split(' ')))).toEqual({
      security: 'verified',
      relay: 'fallback',
      verify: 'digest',
      onExists: 'newer',
      parallel: 7,
      include: ['a', 'b'],
      exclude: ['c'],
      dryRun: true,
      preserve: { times: true, modes: true },
      limitRate: 1_048_576,
      maxAttempts: 2,
      stallTimeout: 5000,
      commandTimeout: 7000,
      delete: true,
    });
    expect(toCopyOptions(parse('--no-preserve'))).toEqual({ preserve: { times: false, modes: false } });
  });
});

describe('a wrong flag ends with 2 and names flag, value and what is allowed', () => {
  it.each([
    [
      ['--security', 'high'],
      "'--security <floor>' argument 'high' is invalid. Allowed choices are verified, one-sided, encrypted, clear.",
    ],
    [
      ['--relay', 'yes'],
      "'--relay <when>' argument 'yes' is invalid. Allowed choices are never, fallback, always.",
    ],
    [
      ['--parallel', 'x'],
      "'--parallel <n>' argument 'x' is invalid. It must be a whole number from 1 to 64.",
    ],
    [['--limit-rate', 'fast'], "'--limit-rate <size>' argument 'fast' is invalid. It must be a size above 0"],
    [
      ['--stall-timeout', '5d'],
      "'--stall-timeout <time>' argument '5d' is invalid. It must be a time such as",
    ],
    [['--include', ''], "'--include <glob>' argument '' is invalid. It must not be empty."],
    [['--paralel', '3'], "unknown option '--paralel'\n(Did you mean --parallel?)"],
  ])('%j', async (words, message) => {
    const { code, err, out } = await runCli(['copy', 'a', 'b', ...words]);
    expect(code).toBe(2);
    expect(err).toContain(message);
    expect(out).toBe('');
  });
});
