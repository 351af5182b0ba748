import { describe, expect, test } from 'vitest';
import {
  isSiteFull,
  isStatusReply,
  plausible,
  retryOf,
  saysAborted,
  saysBroken,
} from '../../src/protocol/codes.js';
import { reply } from './every-way.js';

describe('plausible', () => {
  test.each([
    ['PASV', '425 Rejected data connection from foreign address', false],
    ['EPSV', '425 Rejected data connection', false],
    ['CPSV', '425 Rejected data connection', false],
    ['SIZE', '425 Rejected data connection', false],
    ['NOOP', '226 Transfer complete', false],
    ['MKD', '150 Opening', false],
    ['PORT', "425 Can't connect", true],
    ['EPRT', "425 Can't connect", true],
    ['ABOR', '226 Abort successful', true],
    ['RETR', '425 Unable to build data connection', true],
    ['STOR', '150 Opening', true],
    ['LIST', '226 Done', true],
    ['SIZE', '550 No such file', true],
    ['SIZE', '213 5', true],
    ['QUIT', '226 Done', true],
  ])('%s answered %s: %s', (verb, text, verdict) => {
    expect(plausible(verb, reply(text))).toBe(verdict);
  });
});

test('STAT answers are told from transfer answers', () => {
  expect(
    ['211 x', '212 x', '213 x', '214 x', '226 x', '210 x'].map((text) => isStatusReply(reply(text))),
  ).toEqual([true, true, true, false, false, false]);
});

test('226 that means the abort', () => {
  expect(saysAborted(reply('226 Transfer aborted'))).toBe(true);
  expect(saysAborted(reply('226-ABORT ok\n226 done'))).toBe(true);
  expect(saysAborted(reply('226 Transfer complete'))).toBe(false);
});

describe('whether to try again', () => {
  test.each([
    ['421 Timeout', 'later'],
    ['425 no', 'later'],
    ['450 busy', 'later'],
    ['452 full', 'later'],
    ['500 no', 'never'],
    ['530 Login incorrect', 'never'],
    ['550 No such file', 'never'],
    ['530 Sorry, restricted to 2 simultaneous logins', 'later'],
    ['530 Site is full', 'later'],
    ['530 Too many users', 'later'],
    ['553 Permission denied', 'never'],
  ])('%s: %s', (text, retry) => {
    expect(retryOf(reply(text))).toBe(retry);
  });

  test.each([
    ['530 Your account is restricted to 2 simultaneous logins.', true],
    ['421 Too many connections (2) from this IP', true],
    ['421-Sorry\n421 maximum number of clients reached', true],
    ['530 maximum logins reached', true],
    ['421 Timeout', false],
    ['530 Login incorrect.', false],
    ['230 too many cooks', false],
  ])('the site is full: %s: %s', (text, verdict) => {
    expect(isSiteFull(reply(text))).toBe(verdict);
  });
});

test('a cut data connection is known by its words where the code says nothing', () => {
  const cut = reply(
    '500-Command failed. : callback failed.\n500 globus_xio: System error in send: Broken pipe',
  );
  expect(saysBroken(cut)).toBe(true);
  expect(saysBroken(reply('500 System error in send: Connection reset by peer'))).toBe(true);
  expect(saysBroken(reply('500 Unable to open file: No such file or directory'))).toBe(false);
});
