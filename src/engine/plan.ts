import type { SiteFacts } from '../client/facts.js';
import type { Security } from '../protocol/site.js';
import type { RouteInfo } from './events.js';
import { type Finding, rulesOut } from './findings.js';
import type { Attempt, Side } from './route.js';

export type { Attempt } from './route.js';

/** An attempt that the facts exclude, and why. */
export interface Excluded {
  attempt: Attempt;
  reason: string;
  /** Worth a word when no route is left; absent for details of one technique. */
  telling?: boolean;
  finding?: Finding;
}

/** What `plan` gives. */
export interface Plan {
  /** Best first. */
  attempts: Attempt[];
  excluded: Excluded[];
}

const SECURITY_ORDER: readonly Security[] = ['clear', 'encrypted', 'one-sided', 'verified'];

/** True when `reached` is at least `floor`. */
export const meets = (reached: Security, floor: Security): boolean =>
  SECURITY_ORDER.indexOf(reached) >= SECURITY_ORDER.indexOf(floor);

/** The weaker of two. */
export const weaker = (a: Security, b: Security): Security => (meets(a, b) ? b : a);

export const other = (side: Side): Side => (side === 'source' ? 'destination' : 'source');
const short = (side: Side): string => (side === 'source' ? 'src' : 'dst');

const SIDES: readonly Side[] = ['destination', 'source'];

/** Every secure shape, best first: the destination as TLS client loses nothing (a source that closes early cuts the tail). */
function secureShapes(): Pick<Attempt, 'passive' | 'technique' | 'tls'>[] {
  return SIDES.flatMap((client) => [
    { passive: client, technique: 'CPSV', tls: { client, by: 'CPSV' } },
    ...(['PASV', 'EPSV'] as const).flatMap((technique) =>
      // A destination that is TLS client listens first; a source that is TLS client connects last (RFC 4217 7).
      [client, other(client)].map((passive) => ({
        passive,
        technique,
        tls: { client, by: 'SSCN' as const },
      })),
    ),
  ]);
}

function clearShapes(): Pick<Attempt, 'passive' | 'technique'>[] {
  return (['PASV', 'EPSV'] as const).flatMap((technique) => SIDES.map((passive) => ({ passive, technique })));
}

function nameOf(shape: Pick<Attempt, 'passive' | 'technique' | 'tls'>, downgrade: boolean): string {
  const door = `${shape.technique}@${short(shape.passive)}`;
  if (shape.tls?.by === 'SSCN') return `SSCN@${short(shape.tls.client)} ${door}`;
  return downgrade ? `clear ${door}` : door;
}

/**
 * Facts of two sites -> every attempt, best first, and the excluded ones with the reason. Pure.
 *
 * @param floor nothing below it is listed as an attempt.
 * @param findings what earlier attempts taught.
 */
export function plan(
  source: SiteFacts,
  destination: SiteFacts,
  floor: Security,
  findings: readonly Finding[] = [],
): Plan {
  const facts: Record<Side, SiteFacts> = { source, destination };
  const bothProtect = source.protP && destination.protP;
  const family = familyFor(facts);
  const shapes = [...secureShapes(), ...clearShapes()];
  const result: Plan = { attempts: [], excluded: [] };
  for (const shape of shapes) {
    const secure = 'tls' in shape && shape.tls !== undefined;
    const downgrade = !secure && bothProtect;
    const attempt: Attempt = {
      ...shape,
      id: nameOf(shape, downgrade),
      downgrade,
      family,
      first: secure && source.behaviour.retrFirstUnderTls ? 'source' : 'destination',
      security: secure ? 'encrypted' : 'clear',
    };
    const why = exclusion(attempt, facts, floor) ?? rulesOut(findings, attempt);
    if (why === undefined) result.attempts.push(attempt);
    else result.excluded.push({ attempt, ...why });
  }
  return result;
}

/** Both must speak the family that joins them: IPv6 only where both control connections use it. */
function familyFor(facts: Record<Side, SiteFacts>): 4 | 6 {
  return facts.source.family === 6 && facts.destination.family === 6 ? 6 : 4;
}

type Why = Omit<Excluded, 'attempt'>;

function exclusion(attempt: Attempt, facts: Record<Side, SiteFacts>, floor: Security): Why | undefined {
  if (attempt.tls) {
    const role = roleExclusion(attempt.tls, facts);
    if (role) return role;
  }
  if (!meets(attempt.security, floor)) return { reason: below(attempt, floor), telling: true };
  return doorExclusion(attempt, facts[attempt.passive]);
}

/** Both must protect data connections, and one must be able to be TLS client. */
function roleExclusion(tls: NonNullable<Attempt['tls']>, facts: Record<Side, SiteFacts>): Why | undefined {
  for (const side of SIDES) {
    const { site, protP } = facts[side];
    if (!protP)
      return {
        reason: `${site} has no protected data connections here (no TLS, or PROT P refused)`,
        telling: true,
      };
  }
  const { site, features, missing } = facts[tls.client];
  if (features.has(tls.by) && !missing.has(tls.by)) return undefined;
  if (features.has('CPSV') || features.has('SSCN')) return { reason: `${site} does not know ${tls.by}` };
  const reason = `${site} knows neither CPSV nor SSCN, so it cannot be the TLS client`;
  return { reason, telling: true, finding: { side: tls.client, obstacle: 'never-tls-client', message: '' } };
}

function doorExclusion({ technique, family }: Attempt, passive: SiteFacts): Why | undefined {
  if (family === 6 && technique !== 'EPSV') return { reason: `${technique} carries IPv4 only` };
  if (passive.missing.has(technique)) return { reason: `${passive.site} does not know ${technique}` };
  if (passive.family === 6 && technique !== 'EPSV') {
    return { reason: `${passive.site} is reached over IPv6, ${technique} carries IPv4 only` };
  }
  return undefined;
}

function below(attempt: Attempt, floor: Security): string {
  if (attempt.security === 'clear') return `the data would cross in clear, and the floor is ${floor}`;
  return `no server proves who it is (plain ${attempt.tls?.by ?? 'TLS'}), and the floor is ${floor}`;
}

/** The attempt as it is reported. */
export function routeInfo(attempt: Attempt): RouteInfo {
  return {
    kind: 'fxp',
    passive: attempt.passive,
    technique: attempt.technique,
    ...(attempt.tls ? { tlsClient: attempt.tls.client, by: attempt.tls.by } : {}),
    family: attempt.family,
  };
}

/** The attempt in one line for people. */
export function describeAttempt(attempt: Attempt, names: Record<Side, string>): string {
  const door = `${names[attempt.passive]} listens (${attempt.technique}), ${names[other(attempt.passive)]} connects`;
  const tls = attempt.tls ? `, ${names[attempt.tls.client]} is TLS client (${attempt.tls.by})` : ', in clear';
  return door + tls;
}
