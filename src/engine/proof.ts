import { type DcpaRefusal, demandKey, dropKey, showKey } from '../client/dcpa.js';
import type { HostPort } from '../protocol/addresses.js';
import type { Driven } from './drive.js';
import type { Finding } from './findings.js';
import type { Outcome, Rig } from './rig.js';
import type { Attempt, Side } from './route.js';
import { demands, other, SIDES } from './shapes.js';

/** A side that did not take the pin that the attempt needs. */
export interface PinRefusal extends DcpaRefusal {
  side: Side;
}

/**
 * Put the pins of the attempt in force, and take away those that it does not want. Sends nothing where the sessions of a pair
 * have them already; else two round trips for both sides, one for one side.
 *
 * @param sent called when the last command has left, before its answer.
 * @throws FtpError when a session ends.
 */
export async function setPins(rig: Rig, sent: () => void = () => {}): Promise<PinRefusal | undefined> {
  const { attempt } = rig;
  await Promise.all(SIDES.map((side) => (demands(attempt, side) ? undefined : dropKey(rig[side]))));
  if (attempt.pins === 'both') return pinBoth(rig, sent);
  const pinned = attempt.pins && pinOne(rig, attempt.pins);
  sent();
  return pinned;
}

/** Keys of these two logins: they prove not only the machine, but the session (docs/dcpa.md). */
async function pinBoth(rig: Rig, sent: () => void): Promise<PinRefusal | undefined> {
  const shown = await both((side) => showKey(rig[side], 'session'));
  if (shown) return shown;
  const demanded = both((side) =>
    demandKey(rig[side], { self: 'session', peer: rig[other(side)].state.dcpa!.key, role: 'auto' }),
  );
  sent();
  return demanded;
}

async function both(ask: (side: Side) => Promise<DcpaRefusal | undefined>): Promise<PinRefusal | undefined> {
  const refusals = await Promise.all(
    SIDES.map(async (side) => {
      const refusal = await ask(side);
      return refusal && { ...refusal, side };
    }),
  );
  return refusals.find((refusal) => refusal !== undefined);
}

/** The other side has no DCPA: its key is the one that it showed to this client on its control connection. */
async function pinOne(rig: Rig, side: Side): Promise<PinRefusal | undefined> {
  const legacy = rig[other(side)];
  const peer = legacy.session.tls?.pin ?? legacy.facts.pin ?? '';
  const role = rig.attempt.tls?.client === side ? 'client' : 'server';
  const refusal = await demandKey(rig[side], { self: 'host', peer, role });
  return refusal && { ...refusal, side };
}

/** Findings that leave open who was at the other end. */
const VAGUE: ReadonlySet<Finding['obstacle']> = new Set([
  'not-proven',
  'tls-role',
  'passive-unreachable',
  'unknown',
]);

/**
 * Under a pin, a transfer that could not be joined for no reason that a server gave is one whose peer was not proven: it is
 * named as that, and never taken for a technique that does not work.
 */
export function judgePins(rig: Rig, endpoint: HostPort, driven: Driven, outcome: Outcome): Outcome {
  const { pins } = rig.attempt;
  if (pins === undefined || (outcome.kind !== 'cannot' && outcome.kind !== 'failed')) return outcome;
  const forgeable = pins === 'source' && !driven.opened.has('source') ? { forgeable: true as const } : {};
  if (outcome.kind === 'failed' || !VAGUE.has(outcome.finding.obstacle)) return { ...outcome, ...forgeable };
  const legacy = pins === 'both' ? undefined : other(pins);
  const end = legacy && driven.state[legacy];
  const fooled = end?.at === 'final' && end.reply.code < 300 ? legacy : undefined;
  const finding: Finding = {
    ...outcome.finding,
    obstacle: 'not-proven',
    message: accuse(rig, endpoint, outcome.finding, fooled),
    ...(fooled ? { fooled } : {}),
  };
  return { kind: 'cannot', finding, ...forgeable };
}

function accuse(rig: Rig, endpoint: HostPort, finding: Finding, fooled: Side | undefined): string {
  const { attempt } = rig;
  const name = (side: Side): string => rig[side].session.name;
  const [listener, dialler] = [attempt.passive, other(attempt.passive)].map((side) => name(side as Side));
  const where = `the data connection from ${dialler} to ${listener} (${endpoint.host} port ${endpoint.port})`;
  const what =
    finding.reply?.code === 522
      ? 'whoever was at the other end did not prove the key'
      : 'the other end could not be reached, or did not prove the key';
  const whose =
    attempt.pins === 'both'
      ? 'that each server showed on its control connection'
      : `that ${name(other(attempt.pins ?? 'source'))} showed on its control connection`;
  return `${where} was not authenticated: ${what} ${whose}. ${finding.message}${consequence(rig, fooled)}`;
}

/** What a server without DCPA may have done for a stranger. */
function consequence(rig: Rig, fooled: Side | undefined): string {
  if (!fooled) return '';
  const { name } = rig[fooled].session;
  return fooled === 'destination'
    ? `. ${name} says that it received a file: it is not the one that was sent, and it is removed`
    : `. ${name} says that it sent ${rig.sourcePath}: somebody else may have read it`;
}

/** Words for whoever has to act. */
export function alarmAdvice({ pins }: Attempt): string {
  const kept =
    pins === 'both'
      ? 'No octet of a file was sent or stored.'
      : 'The server that has DCPA neither sent nor stored an octet.';
  return `${kept} Somebody may be in the middle or may have taken the port; or a firewall keeps the servers apart. No weaker route is taken unless you allow it: --security encrypted.`;
}
