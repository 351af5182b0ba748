import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { digestCommands } from '../../src/protocol/digests.js';
import { type Features, parseFeatures } from '../../src/protocol/features.js';
import { reply } from './every-way.js';
import { FEAT } from './recorded.js';

const features = (text: string): Features => parseFeatures(reply(text));

describe('recorded replies to FEAT', () => {
  test.each(Object.entries(FEAT))('%s: every line is a feature', (_name, text) => {
    const lines = text.split('\n').slice(1, -1);
    const found = features(text);
    expect(found.lines.toSorted()).toEqual(lines.map((line) => line.slice(1)).toSorted());
    for (const line of lines) expect(found.has(line.slice(1).split(' ')[0]!)).toBe(true);
  });

  test('values stay as sent', () => {
    const found = features(FEAT.proftpd);
    expect(found.value('REST')).toBe('STREAM');
    expect(found.value('SSCN')).toBe('');
    expect(found.value('CPSV')).toBeUndefined();
    expect(found.value('MFF')).toBe('modify;UNIX.group;UNIX.mode;');
  });

  test('HASH: the selected algorithm first', () => {
    expect(features(FEAT.proftpd).hashAlgorithms).toEqual(['SHA-1', 'CRC32', 'MD5', 'SHA-256', 'SHA-512']);
    expect(features(FEAT.vsftpd).hashAlgorithms).toEqual([]);
  });

  test('the digest commands of ProFTPD, strongest first, ranged verbs before HASH', () => {
    const commands = digestCommands(features(FEAT.proftpd));
    expect(commands.map(({ algorithm, verb }) => `${verb} ${algorithm}`)).toEqual([
      'XSHA256 SHA-256',
      'HASH SHA-256',
      'XSHA512 SHA-512',
      'HASH SHA-512',
      'XSHA1 SHA-1',
      'XSHA SHA-1',
      'HASH SHA-1',
      'XMD5 MD5',
      'MD5 MD5',
      'HASH MD5',
      'XCRC CRC32',
      'HASH CRC32',
    ]);
    expect(digestCommands(features(FEAT.pureftpd))).toEqual([]);
  });
});

describe('oddities', () => {
  test.each([
    ['no leading blank', '211-x\nMDTM\nSIZE\n211 End'],
    ['the code on each line', '211-x\n211-MDTM\n211-SIZE\n211 End'],
    ['TAB in front', '211-x\n\tMDTM\n\tSIZE\n211 End'],
    ['lower case', '211-x\n mdtm\n size\n211 End'],
    ['blanks behind', '211-x\n MDTM  \n SIZE \n211 End'],
    ['empty lines', '211-x\n\n MDTM\n\n SIZE\n\n211 End'],
    ['a reply 214', '214-x\n MDTM\n SIZE\n214 End'],
    ['lines that are no features', '211-x\n *** hello ***\n MDTM\n 12 users\n SIZE\n211 End'],
  ])('%s', (_name, text) => {
    expect(features(text).names).toEqual(['MDTM', 'SIZE']);
  });

  test.each(['500 Unknown command', '530 Please login', '211 No features', '502 no', '421 bye'])(
    'none: %s',
    (text) => {
      expect(features(text).names).toEqual([]);
    },
  );

  test('a TAB or several blanks before the value', () => {
    expect(features('211-x\n REST\tSTREAM\n UTF8  \n211 End').lines).toEqual(['REST STREAM', 'UTF8']);
  });

  test('several lines of one name are all kept', () => {
    const found = features(
      '211-x\n AUTH TLS\n AUTH SSL\n SITE MKDIR\n SITE UTIME\n MDTM\n MDTM ts;name\n SIZE\n SIZE\n211 End',
    );
    expect(found.value('AUTH')).toBe('TLS;SSL');
    expect(found.value('SITE')).toBe('MKDIR;UTIME');
    expect(found.value('MDTM')).toBe('ts;name');
    expect(found.lines).toEqual([
      'AUTH TLS',
      'AUTH SSL',
      'SITE MKDIR',
      'SITE UTIME',
      'MDTM',
      'MDTM ts;name',
      'SIZE',
    ]);
  });

  test('a feature that answered 5yz is forgotten', () => {
    const found = features(FEAT.proftpd);
    found.forget('SSCN');
    expect(found.has('SSCN')).toBe(false);
    expect(found.has('SIZE')).toBe(true);
  });

  test('HASH with junk in its list', () => {
    expect(features('211-x\n HASH SHA-256*; MD5 ;a b;;**;CRC32\n211 End').hashAlgorithms).toEqual([
      'SHA-256',
      'MD5',
      'CRC32',
    ]);
  });

  test('any lines: never throws, names are upper-case tokens', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 20 })), (inner) => {
        const lines = ['211-x', ...inner.map((line) => line.replace(/[\r\n]/g, '')), '211 End'];
        for (const name of parseFeatures({ code: 211, lines, text: 'End' }).names) {
          expect(name).toMatch(/^[A-Z][A-Z0-9-]*$/);
        }
      }),
    );
  });
});
