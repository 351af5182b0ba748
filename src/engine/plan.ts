import { isProven } from '../client/certificate.js';
import { dcpaOf } from '../client/dcpa.js';
import type { SiteFacts } from '../client/facts.js';
import type { Security } from '../protocol/site.js';
import type { RouteInfo } from './events.js';
import { type Finding, rulesOut } from './findings.js';
import type { Attempt, Side } from './route.js';
import { allShapes, demands, nameOf, other, type Shape, SIDES } from './shapes.js';

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
  const able = ablePins(facts, findings);
  const result: Plan = { attempts: [], excluded: [] };
  for (const shape of allShapes()) {
    const downgrade = !shape.tls && bothProtect;
    const attempt: Attempt = {
      ...shape,
      id: nameOf(shape, downgrade),
      downgrade,
      family,
      first: shape.tls && source.behaviour.retrFirstUnderTls ? 'source' : 'destination',
      security: securityOf(shape, facts),
    };
    const why = exclusion(attempt, facts, able, floor) ?? rulesOut(findings, attempt);
    if (why === undefined) result.attempts.push(attempt);
    else result.excluded.push({ attempt, ...why });
  }
  return result;
}

/** Both must speak the family that joins them: IPv6 only where both control connections use it. */
function familyFor(facts: Record<Side, SiteFacts>): 4 | 6 {
  return facts.source.family === 6 && facts.destination.family === 6 ? 6 : 4;
}

/** A key that came over a control connection proves as much as the certificate of that connection. */
function securityOf({ tls, pins }: Shape, facts: Record<Side, SiteFacts>): Security {
  if (!tls) return 'clear';
  const checked = SIDES.every((side) => isProven(facts[side].certificate));
  if (pins === undefined || !checked) return 'encrypted';
  return pins === 'both' ? 'verified' : 'one-sided';
}

/** Who can demand a key with which identity of its own. */
type Able = Record<Side, { session: boolean; host: boolean }>;

function ablePins(facts: Record<Side, SiteFacts>, findings: readonly Finding[]): Able {
  const of = (side: Side): Able[Side] => {
    const refused = findings.some((each) => each.side === side && each.verb === 'DCPA');
    const identities = refused ? [] : (dcpaOf(facts[side])?.identities ?? []);
    return { session: identities.includes('session'), host: identities.includes('host') };
  };
  return { source: of('source'), destination: of('destination') };
}

type Why = Omit<Excluded, 'attempt'>;

function exclusion(
  attempt: Attempt,
  facts: Record<Side, SiteFacts>,
  able: Able,
  floor: Security,
): Why | undefined {
  if (attempt.fast) {
    const stream = SIDES.find((side) => !speaksBlocks(facts[side]));
    if (stream) return { reason: `${facts[stream].site} has no MODE E` };
  }
  if (attempt.tls) {
    const role = roleExclusion(attempt.tls, facts) ?? pinExclusion(attempt, facts, able, floor);
    if (role) return role;
  }
  if (!meets(attempt.security, floor)) return below(attempt, facts, floor);
  return doorExclusion(attempt, facts[attempt.passive]);
}

/** MODE E and what it is for: PARALLEL stands for it (GFD.20), and commands behind a transfer are queued. */
const speaksBlocks = ({ features, missing, queues }: SiteFacts): boolean =>
  features.has('PARALLEL') && !missing.has('MODE E') && queues !== false;

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
  if (tls.by === 'DCPA') return undefined;
  const { site, features, missing } = facts[tls.client];
  if (features.has(tls.by) && !missing.has(tls.by)) return undefined;
  if (features.has('CPSV') || features.has('SSCN')) return { reason: `${site} does not know ${tls.by}` };
  const reason = `${site} knows neither CPSV nor SSCN, so it cannot be the TLS client`;
  return { reason, telling: true, finding: { side: tls.client, obstacle: 'never-tls-client', message: '' } };
}

/** DCPA on the side, or both sides, that shall demand a key; and a key of the other one that is known beforehand. */
function pinExclusion(
  attempt: Attempt,
  facts: Record<Side, SiteFacts>,
  able: Able,
  floor: Security,
): Why | undefined {
  const { pins, tls } = attempt;
  if (pins === undefined) return undefined;
  const both = able.source.session && able.destination.session;
  if (pins === 'both') {
    const lacking = SIDES.find((side) => !able[side].session);
    return lacking && noDcpa(lacking, facts, able, floor);
  }
  if (!able[pins].host) return noDcpa(pins, facts, able, 'encrypted');
  if (both) return { reason: 'both have DCPA: with one side only, less would be proven' };
  const legacy = other(pins);
  const { site, pin, behaviour } = facts[legacy];
  if (pin === undefined) return { reason: `the key of ${site} is not known` };
  if (behaviour.needsPret)
    return { reason: `${site} sends data from other machines, whose keys are not known` };
  if (tls?.client === legacy && !behaviour.showsKeyAsClient)
    return { reason: `it is not known that ${site} shows its certificate as TLS client` };
  return undefined;
}

function noDcpa(side: Side, facts: Record<Side, SiteFacts>, able: Able, floor: Security): Why {
  const best = able[other(side)].host ? ': the best with it is one-sided' : '';
  const telling = floor === 'verified' || (floor === 'one-sided' && best === '');
  return {
    reason: `${facts[side].site} has no DCPA${best}`,
    ...(telling ? { telling, finding: { side, obstacle: 'no-dcpa', message: '' } } : {}),
  };
}

function doorExclusion({ technique, family }: Attempt, passive: SiteFacts): Why | undefined {
  if (family === 6 && technique !== 'EPSV') return { reason: `${technique} carries IPv4 only` };
  if (passive.missing.has(technique)) return { reason: `${passive.site} does not know ${technique}` };
  if (passive.family === 6 && technique !== 'EPSV') {
    return { reason: `${passive.site} is reached over IPv6, ${technique} carries IPv4 only` };
  }
  return undefined;
}

function below(attempt: Attempt, facts: Record<Side, SiteFacts>, floor: Security): Why {
  const why = (reason: string): Why => ({ reason: `${reason}, and the floor is ${floor}`, telling: true });
  if (attempt.security === 'clear') return why('the data would cross in clear');
  if (attempt.pins === undefined)
    return why(`no server proves who it is (plain ${attempt.tls?.by ?? 'TLS'})`);
  const unchecked = SIDES.find((side) => !isProven(facts[side].certificate));
  if (unchecked) {
    const reason = `nobody vouches for the certificate of ${facts[unchecked].site}, so keys that come from it prove nothing`;
    return { ...why(reason), finding: { side: unchecked, obstacle: 'unchecked-certificate', message: '' } };
  }
  const pinning = SIDES.find((side) => demands(attempt, side)) ?? 'source';
  return why(`only ${facts[other(pinning)].site} would prove who it is`);
}

/** The attempt as it is reported. */
export function routeInfo(attempt: Attempt): RouteInfo {
  return {
    kind: attempt.fast ? 'fast' : 'fxp',
    passive: attempt.passive,
    technique: attempt.technique,
    ...(attempt.tls ? { tlsClient: attempt.tls.client, by: attempt.tls.by } : {}),
    ...(attempt.pins ? { pins: attempt.pins } : {}),
    family: attempt.family,
  };
}

/** The attempt in one line for people. */
export function describeAttempt(attempt: Attempt, names: Record<Side, string>): string {
  const words = describeRoles(attempt, names);
  return attempt.fast ? `${words}, many files over one connection (MODE E)` : words;
}

function describeRoles(attempt: Attempt, names: Record<Side, string>): string {
  const door = `${names[attempt.passive]} listens (${attempt.technique}), ${names[other(attempt.passive)]} connects`;
  if (!attempt.tls) return `${door}, in clear`;
  const role = `${names[attempt.tls.client]} is TLS client`;
  if (attempt.pins === 'both') return `${door}, ${role}, each proves its key to the other (DCPA)`;
  const by = attempt.tls.by === 'DCPA' ? '' : ` (${attempt.tls.by})`;
  if (!attempt.pins) return `${door}, ${role}${by}`;
  return `${door}, ${role}${by}, ${names[other(attempt.pins)]} proves its key to ${names[attempt.pins]} (DCPA)`;
}
