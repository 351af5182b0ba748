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
const ALL_CLEAR = ['PASV@dst', 'PASV@src', 'EPSV@dst', 'EPSV@src'];
const DOWNGRADES = ALL_CLEAR.map((id) => `clear ${id}`);
const NONE: SiteDescription = { features: '' };
const CLEAR: SiteDescription = { features: '', protP: false };

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

  test('a side that can never be TLS client is an obstacle of that server', () => {
    const { excluded } = plan(factsOf({ site: 'a', ...NONE }), factsOf({ site: 'b', ...NONE }), 'encrypted');
    const found = excluded.flatMap(({ finding }) => (finding ? [`${finding.side} ${finding.obstacle}`] : []));
    expect(new Set(found)).toEqual(new Set(['destination never-tls-client', 'source never-tls-client']));
  });
});

const site: fc.Arbitrary<SiteDescription> = fc.record({
  features: fc.constantFrom('', 'CPSV', 'SSCN', 'CPSV SSCN'),
  protP: fc.boolean(),
  family: fc.constantFrom<4 | 6>(4, 6),
  missing: fc.constantFrom('', 'EPSV', 'PASV EPSV', 'CPSV', 'SSCN'),
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
        expect(all.toSorted()).toEqual([...ALL_SECURE, ...ALL_CLEAR].toSorted());
        for (const { reason } of excluded) expect(reason).not.toBe('');
        for (const { security, tls, downgrade } of attempts) {
          expect(meets(security, floor)).toBe(true);
          expect(security).toBe(tls ? 'encrypted' : 'clear');
          expect(downgrade).toBe(!tls && a.protP === true && b.protP === true);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('every secure attempt comes before every clear one, the destination as TLS client before the source', () => {
    const rank = (id: string): number =>
      id.startsWith('CPSV@dst') || id.startsWith('SSCN@dst') ? 0 : /SSCN|CPSV/.test(id) ? 1 : 2;
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
        'technique' as const,
        'unknown' as const,
      ),
      message: fc.constant('why'),
      verb: fc.constantFrom('PASV', 'EPSV', 'CPSV', 'SSCN', 'PROT'),
      attempt: fc.constantFrom(...ALL_SECURE, ...DOWNGRADES),
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
