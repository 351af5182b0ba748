import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { COMMAND_LIMIT, checkArgument, encodeCommand, maskCommand } from '../../src/protocol/commands.js';
import { FtpError } from '../../src/protocol/errors.js';
import { decodeText } from '../../src/protocol/text.js';

function refusal(make: () => unknown): FtpError {
  try {
    make();
  } catch (error) {
    expect(error).toBeInstanceOf(FtpError);
    return error as FtpError;
  }
  throw new Error('was not refused');
}

describe('encodeCommand', () => {
  test.each([
    ['NOOP', undefined, 'NOOP\r\n'],
    ['sscn', 'ON', 'SSCN ON\r\n'],
    ['RETR', ' a  b ', 'RETR  a  b \r\n'],
    ['XSHA256', 'x', 'XSHA256 x\r\n'],
    ['STOR', '', 'STOR \r\n'],
    ['CWD', 'grüße', 'CWD grüße\r\n'],
  ])('%s %j', (verb, argument, wire) => {
    expect(encodeCommand(verb, argument).toString('utf8')).toBe(wire);
  });

  test('latin1 sites get one octet for each character', () => {
    expect([...encodeCommand('CWD', 'é', 'latin1')]).toEqual([...Buffer.from('CWD \xe9\r\n', 'latin1')]);
  });

  test.each(['', 'a', 'US', 'TOOLONGVERB', 'A B', 'US\r\nER', 'ÜSER', '1PASS', 'PASS '])(
    'no verb: %j',
    (verb) => {
      expect(refusal(() => encodeCommand(verb)).kind).toBe('usage');
    },
  );

  test('every control character is refused, and nothing else below U+0100', () => {
    for (let code = 0; code < 0x100; code++) {
      const argument = `a${String.fromCharCode(code)}b`;
      for (const charset of ['utf8', 'latin1'] as const) {
        if (code < 0x20 || code === 0x7f) {
          const error = refusal(() => encodeCommand('RETR', argument, charset));
          expect(error.message).toContain(JSON.stringify(argument));
          expect(error).toMatchObject({ kind: 'usage', retry: 'never' });
        } else expect(encodeCommand('RETR', argument, charset).length).toBeGreaterThan(5);
      }
    }
  });

  test('the line limit counts octets, line end included', () => {
    const room = COMMAND_LIMIT - 'RETR \r\n'.length;
    expect(encodeCommand('RETR', 'x'.repeat(room))).toHaveLength(COMMAND_LIMIT);
    expect(refusal(() => encodeCommand('RETR', 'x'.repeat(room + 1))).message).toContain('4097 octets');
    expect(refusal(() => encodeCommand('RETR', 'é'.repeat(room / 2 + 1))).kind).toBe('usage');
  });

  test('one command never becomes two, whatever the argument', () => {
    const nasty = fc.string({
      unit: fc.oneof(
        fc.constantFrom(
          '\r',
          '\n',
          '\0',
          '\x7f',
          '\u010a',
          '\u010d',
          '\u0a0d',
          '\udc0a',
          '\udc8a',
          '\udc0d',
          'é',
          'a',
          ' ',
        ),
        fc.nat(0xffff).map((code) => String.fromCharCode(code)),
      ),
      maxLength: 12,
    });
    fc.assert(
      fc.property(
        fc.constantFrom('RETR', 'site', 'PASS'),
        nasty,
        fc.constantFrom('utf8', 'latin1'),
        (verb, argument, charset) => {
          let wire: Buffer;
          try {
            wire = encodeCommand(verb, argument, charset as 'utf8' | 'latin1');
          } catch (error) {
            expect(error).toBeInstanceOf(FtpError);
            return;
          }
          expect(wire.subarray(-2).toString()).toBe('\r\n');
          const inside = wire.subarray(0, -2);
          expect([...inside].every((octet) => octet >= 0x20 && octet !== 0x7f)).toBe(true);
        },
      ),
      { numRuns: 3_000 },
    );
  });

  test('a path in any octets but controls crosses unchanged', () => {
    const octets = fc.array(
      fc.integer({ min: 0x20, max: 0xff }).filter((octet) => octet !== 0x7f),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(octets, (path) => {
        const wire = encodeCommand('RETR', decodeText(Uint8Array.from(path)));
        expect([...wire.subarray(5, -2)]).toEqual(path);
      }),
    );
  });
});

describe('secrets', () => {
  test.each(['PASS', 'pass', 'ACCT', 'ADAT'])('%s is never shown when it is refused', (verb) => {
    for (const argument of ['hunter2\r\nDELE x', 'hunter2\n', 'hunter2\0']) {
      const { message, facts } = refusal(() => encodeCommand(verb, argument));
      expect(message + JSON.stringify(facts)).not.toMatch(/hunter2/);
      expect(message).toContain(verb.toUpperCase());
    }
    const latin1 = refusal(() => encodeCommand(verb, 'hunter2€', 'latin1'));
    expect(latin1.message + JSON.stringify(latin1.facts)).not.toMatch(/hunter2|€/);
    const long = refusal(() => encodeCommand(verb, 'hunter2'.repeat(1000)));
    expect(long.message).not.toMatch(/hunter2/);
  });

  test('maskCommand', () => {
    expect(maskCommand('pass', 'x')).toBe('PASS ****');
    expect(maskCommand('ACCT', 'x')).toBe('ACCT ****');
    expect(maskCommand('PASS')).toBe('PASS');
    expect(maskCommand('retr', 'a b')).toBe('RETR a b');
  });

  test('checkArgument shows a name that is no secret', () => {
    expect(() => checkArgument('a b')).not.toThrow();
    expect(() => checkArgument('a\tb')).toThrow('"a\\tb"');
  });
});
