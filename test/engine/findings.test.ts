import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Finding, obstacleOf, type RoutePhase, rulesOut, type Side } from '../../src/engine/findings.js';
import { type Attempt, plan } from '../../src/engine/plan.js';
import { factsOf } from './facts.js';

const attempts = new Map(
  plan(factsOf(), factsOf(), 'clear').attempts.map((attempt) => [attempt.id, attempt]),
);

function attempt(id: string): Attempt {
  const found = attempts.get(id) ?? pinned.get(id);
  if (!found) throw new Error(`no attempt ${id}`);
  return found;
}

/** Those under DCPA. */
const pinned = new Map<string, Attempt>();
const OURS = { features: 'DCPA', certificate: 'pin' } as const;
for (const [a, b] of [
  [OURS, OURS],
  [OURS, { certificate: 'pin', behaviour: { showsKeyAsClient: true } }],
] as const)
  for (const each of plan(factsOf(a), factsOf(b), 'one-sided').attempts) pinned.set(each.id, each);

const split = (reply: string): { code: number; text: string } => ({
  code: Number(reply.slice(0, 3)),
  text: reply.slice(4),
});

describe('replies as the servers gave them', () => {
  // Attempt, side that answered, phase, reply, obstacle.
  test.each<[string, Side, RoutePhase, string, Finding['obstacle'] | undefined]>([
    // Under a pin: only the side that demanded a key can say that it was not shown.
    ['DCPA PASV@dst', 'destination', 'transfer', '522 The peer did not prove its key.', 'not-proven'],
    ['DCPA PASV@dst', 'source', 'transfer', '425 Data connection not authenticated.', 'not-proven'],
    [
      'DCPA PASV@dst',
      'destination',
      'transfer',
      '425 The data connection could not be opened.',
      'not-proven',
    ],
    ['DCPA PASV@dst', 'source', 'aim', '504 Not to that address.', 'refuses-foreign-port'],
    ['DCPA@src PASV@dst', 'source', 'aim', '504 Not to that address.', 'refuses-active-client'],
    ['DCPA@src SSCN@dst PASV@dst', 'source', 'aim', '504 Not to that address.', 'refuses-foreign-port'],
    ['DCPA PASV@dst', 'source', 'role', '534 FXP is off.', 'technique'],
    ['DCPA PASV@dst', 'source', 'transfer', '550 No such file.', undefined],
    ['DCPA PASV@dst', 'source', 'transfer', '426 Connection broke.', undefined],
    ['DCPA@src PASV@src', 'source', 'transfer', '522 The peer did not prove its key.', 'not-proven'],
    [
      'DCPA@src PASV@src',
      'destination',
      'transfer',
      '522 SSL connection failed: session reuse required',
      'requires-session-reuse',
    ],
    [
      'DCPA@src PASV@src',
      'destination',
      'transfer',
      '425 Security: Bad IP connecting.',
      'refuses-foreign-port',
    ],
    // PORT to another host.
    ['clear PASV@dst', 'source', 'aim', '500 Illegal PORT command', 'refuses-foreign-port'],
    ['clear PASV@dst', 'source', 'aim', '500 Illegal PORT command.', 'refuses-foreign-port'],
    [
      'clear PASV@dst',
      'source',
      'aim',
      "500 I won't open a connection to 192.0.2.2 (only to 192.0.2.9)",
      'refuses-foreign-port',
    ],
    ['clear PASV@dst', 'source', 'aim', '501 FXP not allowed', 'refuses-foreign-port'],
    [
      'clear PASV@dst',
      'source',
      'aim',
      '501 Rejected data connection to foreign address 192.0.2.2:50000.',
      'refuses-foreign-port',
    ],
    ['clear EPSV@dst', 'source', 'aim', '500 Illegal EPRT Command', 'refuses-foreign-port'],
    ['clear PASV@dst', 'source', 'aim', '501 Server cannot accept argument.', 'refuses-foreign-port'],
    ['clear PASV@dst', 'source', 'aim', "425 Can't connect to specified address.", 'passive-unreachable'],
    // A PORT that was taken, and refused at the transfer.
    [
      'clear PASV@dst',
      'source',
      'transfer',
      '500 Transfers to 3rd party addresses are not supported.',
      'refuses-foreign-port',
    ],
    [
      'clear PASV@src',
      'destination',
      'transfer',
      '500 Transfers from 3rd party addresses are not supported.',
      'refuses-foreign-port',
    ],
    // A passive port that another host came to.
    [
      'clear PASV@dst',
      'destination',
      'transfer',
      '425 Transfers to 3rd party addresses are not supported.',
      'refuses-foreign-peer',
    ],
    [
      'clear PASV@dst',
      'destination',
      'transfer',
      '425 Unable to build data connection: Permission denied',
      'refuses-foreign-peer',
    ],
    ['clear PASV@dst', 'destination', 'transfer', '425 Security: Bad IP connecting.', 'refuses-foreign-peer'],
    [
      'clear PASV@src',
      'source',
      'transfer',
      '425 Rejected data connection from foreign address 192.0.2.2:20.',
      'refuses-foreign-peer',
    ],
    [
      'clear PASV@src',
      'source',
      'transfer',
      '426 You are not allowed to FXP from here.',
      'refuses-foreign-peer',
    ],
    ['CPSV@dst', 'destination', 'transfer', '425 Security: Bad IP connecting.', 'refuses-foreign-peer'],
    // TLS sessions that must be resumed.
    [
      'CPSV@dst',
      'source',
      'transfer',
      '522 SSL connection failed: session reuse required',
      'requires-session-reuse',
    ],
    [
      'SSCN@dst PASV@src',
      'source',
      'transfer',
      '425 Unable to build data connection: Operation not permitted',
      'requires-session-reuse',
    ],
    [
      'SSCN@src PASV@dst',
      'destination',
      'transfer',
      '425 Unable to build data connection: TLS session of data connection not resumed.',
      'requires-session-reuse',
    ],
    // Two servers that did not agree on TLS.
    [
      'CPSV@dst',
      'source',
      'transfer',
      '435 Failed TLS negotiation on data channel (timeout), disconnected',
      'tls-role',
    ],
    [
      'CPSV@dst',
      'destination',
      'transfer',
      '425 Unable to build data connection: Operation not permitted',
      'tls-role',
    ],
    ['CPSV@dst', 'destination', 'transfer', '421 Data TLS negotiation failed', 'tls-role'],
    ['CPSV@dst', 'source', 'transfer', '522 SSL connection failed', 'tls-role'],
    ['CPSV@dst', 'source', 'transfer', '521 PROT level is wrong', 'tls-role'],
    // Clear data refused.
    ['clear PASV@dst', 'source', 'transfer', '522 Data connections must be encrypted.', 'requires-tls-data'],
    [
      'clear PASV@dst',
      'destination',
      'transfer',
      '521 Data connections must be encrypted.',
      'requires-tls-data',
    ],
    ['clear PASV@dst', 'source', 'transfer', '550 SSL/TLS required on the data channel', 'requires-tls-data'],
    ['clear PASV@dst', 'source', 'transfer', '534 TLS is enforced on FXP transfers', 'requires-tls-data'],
    ['clear PASV@dst', 'source', 'role', '534 Unwilling to accept security parameters', 'requires-tls-data'],
    // Nobody came, nobody was there.
    [
      'clear PASV@dst',
      'source',
      'transfer',
      "425 Can't build data connection: Connection refused.",
      'passive-unreachable',
    ],
    ['clear PASV@dst', 'destination', 'transfer', '425 No data connection', 'unknown'],
    ['clear PASV@dst', 'destination', 'transfer', '421 Passive data channel timed out.', 'unknown'],
    ['clear PASV@dst', 'destination', 'transfer', '501 PASV timeout', 'unknown'],
    // Commands that a server does not have.
    ['CPSV@dst', 'destination', 'passive', '502 Command not implemented', 'technique'],
    ['clear EPSV@src', 'source', 'passive', '500 EPSV not understood', 'technique'],
    ['SSCN@dst PASV@dst', 'destination', 'role', '500 SSCN not understood', 'technique'],
    // The file's fault, or the moment's.
    ['CPSV@dst', 'source', 'transfer', '550 a.bin: No such file or directory', undefined],
    ['clear PASV@dst', 'source', 'transfer', '550 a.bin: No such file or directory', undefined],
    ['CPSV@dst', 'destination', 'transfer', '553 a.bin: Permission denied', undefined],
    ['CPSV@dst', 'destination', 'transfer', '452 Disk full', undefined],
    ['CPSV@dst', 'destination', 'transfer', '552 Quota exceeded', undefined],
    ['CPSV@dst', 'source', 'transfer', '426 Connection closed; transfer aborted', undefined],
    ['clear PASV@dst', 'source', 'transfer', '426 Connection closed; transfer aborted', undefined],
    ['CPSV@dst', 'source', 'transfer', '451 Local error', undefined],
    ['clear PASV@dst', 'destination', 'transfer', '421 Timeout.', undefined],
    ['clear PASV@dst', 'destination', 'transfer', '421 Data timeout. Reconnect. Sorry.', undefined],
    ['CPSV@dst', 'destination', 'transfer', '500 Unknown command', undefined],
    ['CPSV@dst', 'source', 'transfer', '530 Not logged in', undefined],
  ])('%s: the %s answers in %s: %s', (id, side, phase, reply, obstacle) => {
    expect(obstacleOf(attempt(id), side, phase, split(reply))).toBe(obstacle);
  });
});

describe('what a finding rules out', () => {
  const left = (finding: Omit<Finding, 'message'>): string[] =>
    [...attempts.values()]
      .filter((one) => !rulesOut([{ message: 'why', ...finding }], one))
      .map(({ id }) => id);
  const all = [...attempts.keys()];

  test('a refused PORT leaves the attempts where that side listens', () => {
    expect(left({ side: 'source', obstacle: 'refuses-foreign-port' })).toEqual(
      all.filter((id) => id.endsWith('@src')),
    );
    expect(left({ side: 'destination', obstacle: 'refuses-foreign-port' })).toEqual(
      all.filter((id) => id.endsWith('@dst')),
    );
  });

  test('a refused peer leaves those where the other side listens', () => {
    expect(left({ side: 'source', obstacle: 'refuses-foreign-peer' })).toEqual(
      all.filter((id) => id.endsWith('@dst')),
    );
  });

  test('a server that connects as TLS server only keeps those under a pin', () => {
    const finding: Finding = { side: 'source', obstacle: 'refuses-active-client', message: 'why' };
    const kept = [...pinned.values()].filter((each) => !rulesOut([finding], each)).map(({ id }) => id);
    const active = ['DCPA@src PASV@dst', 'DCPA@src EPSV@dst'];
    expect(kept).toEqual([...pinned.keys()].filter((id) => !active.includes(id)));
    expect(left(finding)).toEqual(all.filter((id) => id.endsWith('@src')));
  });

  test('wanted session reuse leaves those where that side is TLS client, and the clear ones', () => {
    const kept = all.filter((id) => id.startsWith('clear') || /^(?:CPSV|SSCN)@src/.test(id));
    expect(left({ side: 'source', obstacle: 'requires-session-reuse' })).toEqual(kept);
  });

  test('a side that checks certificates, or knows no role, is not TLS client again', () => {
    const kept = all.filter((id) => !/^(?:CPSV|SSCN)@dst/.test(id));
    expect(left({ side: 'destination', obstacle: 'verifies-peer' })).toEqual(kept);
    expect(left({ side: 'destination', obstacle: 'never-tls-client' })).toEqual(kept);
  });

  test('refused clear data leave the protected attempts', () => {
    expect(left({ side: 'source', obstacle: 'requires-tls-data' })).toEqual(
      all.filter((id) => !id.startsWith('clear')),
    );
  });

  test('a missing verb takes what uses it at that side', () => {
    expect(left({ side: 'destination', obstacle: 'technique', verb: 'CPSV' })).toEqual(
      all.filter((id) => id !== 'CPSV@dst'),
    );
    expect(left({ side: 'source', obstacle: 'technique', verb: 'SSCN' })).toEqual(
      all.filter((id) => !id.startsWith('SSCN@src')),
    );
    expect(left({ side: 'source', obstacle: 'technique', verb: 'EPSV' })).toEqual(
      all.filter((id) => !id.endsWith('EPSV@src')),
    );
  });

  test('what is known of one attempt only takes that one', () => {
    for (const obstacle of ['tls-role', 'truncates', 'unknown'] as const) {
      expect(left({ side: 'source', obstacle, attempt: 'CPSV@dst' })).toEqual(
        all.filter((id) => id !== 'CPSV@dst'),
      );
    }
  });

  test('no attempt is ever tried again after what it taught, or the search would not end', () => {
    const reply = fc.record({
      code: fc.integer({ min: 400, max: 559 }),
      text: fc.constantFrom(
        '',
        'not permitted',
        'session reuse required',
        'foreign',
        'FXP',
        'TLS required',
        'PASV timeout',
        '3rd party',
      ),
    });
    const sides = fc.constantFrom<Side>('source', 'destination');
    const phases = fc.constantFrom<RoutePhase>('passive', 'aim', 'role', 'transfer');
    const verbs = fc.constantFrom('PROT', 'SSCN', 'CPSV', 'PASV', 'EPSV', undefined);
    fc.assert(
      fc.property(
        fc.constantFrom(...attempts.values()),
        sides,
        phases,
        reply,
        verbs,
        (one, side, phase, answer, verb) => {
          const obstacle = obstacleOf(one, side, phase, answer);
          if (obstacle === undefined) return;
          const finding: Finding = {
            side,
            obstacle,
            attempt: one.id,
            message: 'why',
            ...(verb ? { verb } : {}),
          };
          expect(rulesOut([finding], one)).toEqual({ reason: 'why', finding });
        },
      ),
      { numRuns: 3_000 },
    );
  });
});
