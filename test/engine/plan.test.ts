import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Finding } from '../../src/engine/findings.js';
import { describeAttempt, meets, plan, routeInfo, weaker } from '../../src/engine/plan.js';
import type { Security } from '../../src/protocol/site.js';
import { factsOf, type SiteDescription } from './facts.js';

const ids = (
  a: SiteDescription,
  b: SiteDescription,
  floor: Security,
  findings: readonly Finding[] = [],
): string[] =>
  plan(factsOf({ site: 'a', ...a }), factsOf({ site: 'b', ...b }), floor, findings).attempts.map(
    ({ id }) => id,
  );

const ALL_SECURE = [
  'CPSV@dst',
  'SSCN@dst PASV@dst',
  'SSCN@dst PASV@src',
  'SSCN@dst EPSV@dst',
  'SSCN@dst EPSV@src',
  'CPSV@src',
  'SSCN@src PASV@src',
  'SSCN@src PASV@dst',
  'SSCN@src EPSV@src',
  'SSCN@src EPSV@dst',
];
const BOTH = ['DCPA PASV@dst', 'DCPA PASV@src', 'DCPA EPSV@dst', 'DCPA EPSV@src'];
const oneSided = (pins: 'src' | 'dst', legacy: 'src' | 'dst'): string[] => [
  ...[`PASV@${pins}`, `PASV@${legacy}`, `EPSV@${pins}`, `EPSV@${legacy}`].map(
    (door) => `DCPA@${pins} ${door}`,
  ),
  `DCPA@${pins} CPSV@${legacy}`,
  ...[`PASV@${pins}`, `PASV@${legacy}`, `EPSV@${pins}`, `EPSV@${legacy}`].map(
    (door) => `DCPA@${pins} SSCN@${legacy} ${door}`,
  ),
];
const AT_DST = oneSided('dst', 'src');
const AT_SRC = oneSided('src', 'dst');
const ALL_PINNED = [...BOTH, ...AT_DST, ...AT_SRC];
const ALL_CLEAR = ['PASV@dst', 'PASV@src', 'EPSV@dst', 'EPSV@src'];
const DOWNGRADES = ALL_CLEAR.map((id) => `clear ${id}`);
/** The fast lane of a shape: the destination listens, and not by CPSV. */
const fastOf = (id: string): string[] => (id.endsWith('@dst') && !id.includes('CPSV') ? [`fast ${id}`] : []);
const NONE: SiteDescription = { features: '' };
const CLEAR: SiteDescription = { features: '', protP: false };
/** As our own server, with a certificate that was checked. */
const OURS: SiteDescription = { features: 'DCPA CPSV SSCN', certificate: 'pin' };
/** As ProFTPD or glFTPd, which show their key as TLS client. */
const LEGACY: SiteDescription = {
  features: 'CPSV SSCN',
  certificate: 'pki',
  behaviour: { showsKeyAsClient: true },
};

describe('facts of two sites -> attempts, best first', () => {
  test.each<[string, SiteDescription, SiteDescription, Security, string[]]>([
    ['both know all', {}, {}, 'encrypted', ALL_SECURE],
    ['both know all, clear allowed', {}, {}, 'clear', [...ALL_SECURE, ...DOWNGRADES]],
    [
      'ProFTPD to ProFTPD',
      { features: 'SSCN' },
      { features: 'SSCN' },
      'encrypted',
      ALL_SECURE.filter((id) => id.startsWith('SSCN')),
    ],
    ['only the destination can be TLS client', NONE, {}, 'encrypted', ALL_SECURE.slice(0, 5)],
    ['only the source can be TLS client', {}, NONE, 'encrypted', ALL_SECURE.slice(5)],
    ['CPSV only at the destination', NONE, { features: 'CPSV' }, 'encrypted', ['CPSV@dst']],
    ['neither can be TLS client', NONE, NONE, 'encrypted', []],
    ['neither can be TLS client, clear allowed', NONE, NONE, 'clear', DOWNGRADES],
    ['one without TLS', CLEAR, {}, 'encrypted', []],
    ['one without TLS, clear allowed', CLEAR, {}, 'clear', ALL_CLEAR],
    ['both without TLS', CLEAR, CLEAR, 'clear', ALL_CLEAR],
    ['no server proves who it is', {}, {}, 'one-sided', []],
    ['no server proves who it is', {}, {}, 'verified', []],
    ['MODE E at one of them only', { features: 'PARALLEL', protP: false }, CLEAR, 'clear', ALL_CLEAR],
    [
      'MODE E at both',
      { features: 'PARALLEL', protP: false },
      { features: 'PARALLEL', protP: false },
      'clear',
      ['fast PASV@dst', 'fast EPSV@dst', ...ALL_CLEAR],
    ],
    [
      'of those that prove the same, the fast lane first',
      { ...OURS, features: 'DCPA PARALLEL' },
      { ...OURS, features: 'DCPA PARALLEL' },
      'encrypted',
      ['fast DCPA PASV@dst', 'fast DCPA EPSV@dst', ...BOTH],
    ],
    [
      'IPv6: EPSV only',
      { family: 6 },
      { family: 6 },
      'encrypted',
      ALL_SECURE.filter((id) => id.includes('EPSV')),
    ],
    ['IPv6 in clear', { ...CLEAR, family: 6 }, { ...CLEAR, family: 6 }, 'clear', ['EPSV@dst', 'EPSV@src']],
    [
      'a source on IPv6, a destination on IPv4',
      { ...CLEAR, family: 6 },
      CLEAR,
      'clear',
      ['PASV@dst', 'EPSV@dst', 'EPSV@src'],
    ],
    [
      'EPSV known to be missing',
      { ...CLEAR, missing: 'EPSV' },
      CLEAR,
      'clear',
      ['PASV@dst', 'PASV@src', 'EPSV@dst'],
    ],
    ['both have DCPA', OURS, OURS, 'encrypted', [...BOTH, ...ALL_SECURE]],
    ['both have DCPA, and nothing less will do', OURS, OURS, 'verified', BOTH],
    ['both have DCPA over IPv6', { ...OURS, family: 6 }, { ...OURS, family: 6 }, 'verified', BOTH.slice(2)],
    [
      'both have DCPA, a certificate is unchecked',
      OURS,
      { ...OURS, certificate: 'first-use' },
      'one-sided',
      [],
    ],
    [
      'both have DCPA, nobody asked for a check',
      OURS,
      { ...OURS, certificate: 'insecure' },
      'encrypted',
      [...BOTH, ...ALL_SECURE],
    ],
    ['DCPA at the destination', LEGACY, OURS, 'one-sided', AT_DST],
    ['DCPA at the source', OURS, LEGACY, 'one-sided', AT_SRC],
    ['DCPA at the source, then the rest', OURS, LEGACY, 'encrypted', [...AT_SRC, ...ALL_SECURE]],
    ['one DCPA is not enough for verified', OURS, LEGACY, 'verified', []],
    [
      'a peer that is never TLS client',
      OURS,
      { features: '', certificate: 'pin' },
      'one-sided',
      AT_SRC.slice(0, 4),
    ],
    [
      'a TLS client of which nobody knows what it shows',
      { ...LEGACY, behaviour: {} },
      OURS,
      'one-sided',
      AT_DST.slice(0, 4),
    ],
    ['a distributed peer', { ...LEGACY, behaviour: { needsPret: true } }, OURS, 'one-sided', []],
    ['DCPA that was refused once', { ...OURS, missing: 'DCPA' }, OURS, 'one-sided', AT_DST.slice(0, 4)],
    ['DCPA without TLS', { ...OURS, protP: false }, OURS, 'encrypted', []],
    ['CPSV known not to work', NONE, { missing: 'CPSV' }, 'encrypted', ALL_SECURE.slice(1, 5)],
  ])('%s', (_name, a, b, floor, expected) => {
    expect(ids(a, b, floor)).toEqual(expected);
  });

  test('the destination gets its command first, except where the source loses data under TLS', () => {
    const early = { behaviour: { retrFirstUnderTls: true } };
    const firsts = (a: SiteDescription): Set<string> =>
      new Set(
        plan(factsOf(a), factsOf(), 'clear').attempts.map(
          ({ first, tls }) => `${tls ? 'TLS' : 'clear'} ${first}`,
        ),
      );
    expect(firsts({})).toEqual(new Set(['TLS destination', 'clear destination']));
    expect(firsts(early)).toEqual(new Set(['TLS source', 'clear destination']));
  });
});

describe('why not', () => {
  const reasons = (a: SiteDescription, b: SiteDescription, floor: Security): Record<string, string> =>
    Object.fromEntries(
      plan(factsOf({ site: 'a', ...a }), factsOf({ site: 'b', ...b }), floor).excluded.map(
        ({ attempt, reason }) => [attempt.id, reason],
      ),
    );

  test('each excluded attempt has its reason, in the name of the site', () => {
    expect(reasons(NONE, { features: 'CPSV' }, 'encrypted')).toMatchObject({
      'SSCN@dst PASV@dst': 'b does not know SSCN',
      'CPSV@src': 'a knows neither CPSV nor SSCN, so it cannot be the TLS client',
      'clear PASV@dst': 'the data would cross in clear, and the floor is encrypted',
    });
    expect(reasons(CLEAR, {}, 'encrypted')['CPSV@dst']).toMatch(/^a has no protected data connections/);
    expect(reasons({}, {}, 'verified')['CPSV@dst']).toBe(
      'no server proves who it is (plain CPSV), and the floor is verified',
    );
    expect(reasons({ family: 6 }, { family: 6 }, 'clear')['CPSV@dst']).toBe('CPSV carries IPv4 only');
    expect(reasons({ missing: 'EPSV' }, {}, 'clear')['clear EPSV@src']).toBe('a does not know EPSV');
  });

  test('what is missing for verified is named, with the best there is', () => {
    const legacy = { ...LEGACY, features: 'SSCN' };
    expect(reasons(OURS, legacy, 'verified')).toMatchObject({
      'DCPA PASV@dst': 'b has no DCPA: the best with it is one-sided',
      'DCPA@src PASV@src': 'only b would prove who it is, and the floor is verified',
      'DCPA@dst PASV@dst': 'b has no DCPA: the best with it is one-sided',
    });
    expect(reasons(legacy, legacy, 'verified')['DCPA PASV@dst']).toBe('b has no DCPA');
    expect(reasons(OURS, { ...OURS, certificate: 'first-use' }, 'verified')['DCPA PASV@dst']).toBe(
      'nobody vouches for the certificate of b, so keys that come from it prove nothing, and the floor is verified',
    );
    expect(reasons(OURS, OURS, 'encrypted')['DCPA@src PASV@src']).toMatch(/^both have DCPA/);
    expect(reasons({ ...LEGACY, behaviour: {} }, OURS, 'encrypted')['DCPA@dst CPSV@src']).toBe(
      'it is not known that a shows its certificate as TLS client',
    );
    expect(
      reasons({ ...LEGACY, behaviour: { needsPret: true } }, OURS, 'encrypted')['DCPA@dst PASV@dst'],
    ).toMatch(/^a sends data from other machines/);
  });

  test('who lacks DCPA, and whose certificate nobody checked, are obstacles at a high floor only', () => {
    const obstacles = (a: SiteDescription, b: SiteDescription, floor: Security): Set<string> =>
      new Set(
        plan(factsOf(a), factsOf(b), floor).excluded.flatMap(({ finding }) =>
          finding ? [`${finding.side} ${finding.obstacle}`] : [],
        ),
      );
    expect(obstacles(OURS, LEGACY, 'encrypted')).toEqual(new Set());
    expect(obstacles(OURS, LEGACY, 'verified')).toEqual(new Set(['destination no-dcpa']));
    expect(obstacles({ ...OURS, certificate: 'first-use' }, OURS, 'verified')).toEqual(
      new Set(['source unchecked-certificate']),
    );
  });

  test('a server that refuses DCPA is one without it', () => {
    const refused: Finding = { side: 'source', obstacle: 'technique', verb: 'DCPA', message: '534 no' };
    expect(ids(OURS, OURS, 'one-sided', [refused])).toEqual(AT_DST.slice(0, 4));
  });

  test('after a key that was not proven nothing that proves less is tried', () => {
    const failed = (attempt: string, atLeast: 1 | 2): Finding => ({
      side: 'source',
      obstacle: 'not-proven',
      attempt,
      atLeast,
      message: '522',
    });
    expect(ids(OURS, OURS, 'clear', [failed('DCPA PASV@dst', 2)])).toEqual(BOTH.slice(1));
    expect(ids(OURS, LEGACY, 'clear', [failed('DCPA@src PASV@src', 1)])).toEqual(AT_SRC.slice(1));
    const { atLeast: _none, ...chosen } = failed('DCPA PASV@dst', 2);
    expect(ids(OURS, OURS, 'encrypted', [chosen])).toEqual([...BOTH.slice(1), ...ALL_SECURE]);
  });

  test('a side that can never be TLS client is an obstacle of that server', () => {
    const { excluded } = plan(factsOf({ site: 'a', ...NONE }), factsOf({ site: 'b', ...NONE }), 'encrypted');
    const found = excluded.flatMap(({ finding }) => (finding ? [`${finding.side} ${finding.obstacle}`] : []));
    expect(new Set(found)).toEqual(new Set(['destination never-tls-client', 'source never-tls-client']));
  });
});

const site: fc.Arbitrary<SiteDescription> = fc.record({
  features: fc.constantFrom('', 'CPSV', 'SSCN', 'CPSV SSCN', 'DCPA', 'DCPA CPSV SSCN'),
  behaviour: fc.record({ showsKeyAsClient: fc.boolean(), needsPret: fc.boolean() }),
  certificate: fc.constantFrom('pki', 'pin', 'remembered', 'first-use', 'insecure'),
  protP: fc.boolean(),
  family: fc.constantFrom<4 | 6>(4, 6),
  missing: fc.constantFrom('', 'EPSV', 'PASV EPSV', 'CPSV', 'SSCN', 'DCPA'),
});
const FLOORS: readonly Security[] = ['clear', 'encrypted', 'one-sided', 'verified'];

describe('whatever the facts', () => {
  test('each shape is planned or excluded with a reason, once, and nothing is below the floor', () => {
    fc.assert(
      fc.property(site, site, fc.constantFrom(...FLOORS), (a, b, floor) => {
        const { attempts, excluded } = plan(factsOf(a), factsOf(b), floor);
        const all = [...attempts, ...excluded.map(({ attempt }) => attempt)].map(({ id }) =>
          id.replace('clear ', ''),
        );
        const shapes = [...ALL_PINNED, ...ALL_SECURE, ...ALL_CLEAR];
        expect(all.toSorted()).toEqual([...shapes, ...shapes.flatMap(fastOf)].toSorted());
        for (const { reason } of excluded) expect(reason).not.toBe('');
        const checked = [a, b].every(({ certificate = '' }) => /pki|pin|remembered/.test(certificate));
        for (const { security, tls, pins, downgrade } of attempts) {
          expect(meets(security, floor)).toBe(true);
          const proven = pins === 'both' ? 'verified' : 'one-sided';
          expect(security).toBe(tls ? (pins && checked ? proven : 'encrypted') : 'clear');
          expect(downgrade).toBe(!tls && a.protP === true && b.protP === true);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('both proven, one proven, TLS, clear; the destination as TLS client before the source', () => {
    const rank = (id: string): number =>
      id.startsWith('DCPA ')
        ? -2
        : id.startsWith('DCPA@')
          ? -1
          : id.startsWith('CPSV@dst') || id.startsWith('SSCN@dst')
            ? 0
            : /SSCN|CPSV/.test(id)
              ? 1
              : 2;
    fc.assert(
      fc.property(site, site, fc.constantFrom(...FLOORS), (a, b, floor) => {
        const ranks = ids(a, b, floor).map(rank);
        expect(ranks).toEqual(ranks.toSorted());
      }),
    );
  });

  test('findings only ever take attempts away', () => {
    const finding: fc.Arbitrary<Finding> = fc.record({
      side: fc.constantFrom('source' as const, 'destination' as const),
      obstacle: fc.constantFrom(
        'refuses-foreign-port' as const,
        'refuses-foreign-peer' as const,
        'requires-session-reuse' as const,
        'verifies-peer' as const,
        'requires-tls-data' as const,
        'tls-role' as const,
        'not-proven' as const,
        'technique' as const,
        'unknown' as const,
      ),
      message: fc.constant('why'),
      verb: fc.constantFrom('PASV', 'EPSV', 'CPSV', 'SSCN', 'PROT'),
      attempt: fc.constantFrom(...ALL_PINNED, ...ALL_SECURE, ...DOWNGRADES),
    });
    fc.assert(
      fc.property(site, site, fc.array(finding, { maxLength: 3 }), (a, b, findings) => {
        const before = ids(a, b, 'clear');
        const after = ids(a, b, 'clear', findings);
        expect(before.filter((id) => after.includes(id))).toEqual(after);
        for (const { attempt } of findings) expect(after).not.toContain(attempt);
      }),
      { numRuns: 300 },
    );
  });
});

describe('words', () => {
  test('security is ordered', () => {
    for (const [i, a] of FLOORS.entries()) {
      for (const [j, b] of FLOORS.entries()) {
        expect(meets(a, b)).toBe(i >= j);
        expect(weaker(a, b)).toBe(FLOORS[Math.min(i, j)]);
      }
    }
  });

  test('an attempt for people and for scripts', () => {
    const names = { source: 'a', destination: 'b' };
    const { attempts } = plan(factsOf(), factsOf(), 'clear');
    const told = Object.fromEntries(attempts.map((attempt) => [attempt.id, describeAttempt(attempt, names)]));
    const ours = plan(factsOf(OURS), factsOf(OURS), 'verified').attempts[0]!;
    expect(describeAttempt(ours, names)).toBe(
      'b listens (PASV), a connects, b is TLS client, each proves its key to the other (DCPA)',
    );
    expect(routeInfo(ours)).toMatchObject({ tlsClient: 'destination', by: 'DCPA', pins: 'both' });
    const oneProves = plan(factsOf(OURS), factsOf(LEGACY), 'one-sided').attempts;
    const half = Object.fromEntries(
      oneProves.map((attempt) => [attempt.id, describeAttempt(attempt, names)]),
    );
    expect(half['DCPA@src CPSV@dst']).toBe(
      'b listens (CPSV), a connects, b is TLS client (CPSV), b proves its key to a (DCPA)',
    );
    expect(told['CPSV@dst']).toBe('b listens (CPSV), a connects, b is TLS client (CPSV)');
    expect(told['SSCN@dst PASV@src']).toBe('a listens (PASV), b connects, b is TLS client (SSCN)');
    expect(told['clear EPSV@dst']).toBe('b listens (EPSV), a connects, in clear');
    expect(routeInfo(attempts[0]!)).toEqual({
      kind: 'fxp',
      passive: 'destination',
      technique: 'CPSV',
      tlsClient: 'destination',
      by: 'CPSV',
      family: 4,
    });
  });
});
