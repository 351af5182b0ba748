import type { Connection } from '../client/connection.js';
import { aim, rest, wantMode } from '../client/data.js';
import { connectTcp } from '../net/connect.js';
import {
  formatEprt,
  formatPort,
  type HostPort,
  judgePasv,
  parseEpsv,
  parsePasv,
} from '../protocol/addresses.js';
import { FtpError, toFtpError } from '../protocol/errors.js';
import type { Reply } from '../protocol/replies.js';
import { drive, type TransferHandles } from './drive.js';
import { wantDigest } from './fast/told.js';
import { type Finding, obstacleOf, type RoutePhase, type Side } from './findings.js';
import { explain } from './outcome.js';
import { judgePins, type PinRefusal, setPins } from './proof.js';
import type { Outcome, Rig } from './rig.js';
import { other, SIDES } from './shapes.js';

export type { Outcome, Rig } from './rig.js';

/** Run one attempt from the roles to both final replies (protocol sequences: RFC 959 5.2 figure 3, RFC 4217 7). */
export async function runAttempt(rig: Rig): Promise<Outcome> {
  try {
    const prepared = await prepare(rig);
    if ('kind' in prepared) return prepared;
    const { endpoint, aimed } = prepared;
    const driven = await drive(handlesOf(rig, endpoint));
    const refusal = await aimed?.catch(() => undefined);
    const outcome =
      refusal && refusal.code >= 400
        ? cannot(rig, other(rig.attempt.passive), 'aim', aimCommand(endpoint), refusal)
        : judgePins(rig, endpoint, driven, explain(rig, driven, endpoint));
    if (rig.kept && isGone(outcome)) return runAttempt({ ...rig, kept: undefined });
    if (outcome.kind === 'done') return { ...outcome, announced: driven.announced };
    delete rig[rig.attempt.passive].state.ahead;
    await Promise.all([isAlive(rig.source), isAlive(rig.destination)]);
    return outcome;
  } catch (error) {
    const failure = toFtpError(error);
    if (failure.kind === 'aborted') throw failure;
    const side: Side | undefined =
      failure.facts.site === rig.source.session.name
        ? 'source'
        : failure.facts.site === rig.destination.session.name
          ? 'destination'
          : undefined;
    return {
      kind: 'failed',
      error: failure,
      ...(side && rig.source.session.name !== rig.destination.session.name ? { side } : {}),
    };
  }
}

/**
 * After a failed data connection a server may end its session behind the final reply (vsftpd after 522, RaidenFTPd after
 * 421): the next command would be the one that fails. Asked here, a dead session is known as dead.
 */
async function isAlive({ session }: Connection): Promise<void> {
  await session.request('NOOP', undefined, { timeout: 5_000 }).catch(() => {});
}

/** A kept connection that is not there any more says nothing about the route. */
const isGone = (outcome: Outcome): boolean =>
  outcome.kind === 'cannot' || (outcome.kind === 'failed' && outcome.error.facts.reply?.code === 425);

type Prepared = { endpoint: HostPort; aimed?: Promise<Reply> };

async function prepare(rig: Rig): Promise<Prepared | Outcome> {
  const { attempt, kept } = rig;
  if (kept) {
    if (rig.offset > 0) await Promise.all([rest(rig.source, rig.offset), rest(rig.destination, rig.offset)]);
    return { endpoint: kept };
  }
  const endpoint = await (isPrepared(rig) ? openAtOnce(rig) : open(rig));
  if ('kind' in endpoint) return endpoint;
  const active = rig[other(attempt.passive)];
  if (rig.eager && rig.offset === 0) {
    const [verb, argument] = portCommand(endpoint);
    const aimed = active.session.request(verb, argument);
    // It is looked at when the transfer is over; a session that dies before must not be an unhandled rejection.
    aimed.catch(() => {});
    return { endpoint, aimed };
  }
  try {
    await aim(active, endpoint);
  } catch (error) {
    const failure = toFtpError(error);
    if (failure.kind !== 'refused' || !failure.facts.reply) throw failure;
    return cannot(rig, other(attempt.passive), 'aim', aimCommand(endpoint), failure.facts.reply);
  }
  if (rig.offset > 0) await Promise.all([rest(rig.source, rig.offset), rest(rig.destination, rig.offset)]);
  return { endpoint };
}

/** Terms, then the endpoint, step by step. */
async function open(rig: Rig): Promise<HostPort | Outcome> {
  const refusedRole = await setRoles(rig);
  if (refusedRole) return refusedRole;
  const refusedPin = await setPins(rig);
  return refusedPin ? unpinned(rig, refusedPin) : passive(rig);
}

const unpinned = (rig: Rig, { side, command, reply }: PinRefusal): Outcome =>
  cannot(rig, side, 'role', command, reply, 'DCPA');

/** MODE E between servers that queue commands, where nothing but mode and pins is to be set: nothing waits for another's answer. */
const isPrepared = ({ attempt, ...rig }: Rig): boolean =>
  attempt.fast === true &&
  attempt.tls?.by !== 'SSCN' &&
  SIDES.every((side) => {
    const { facts, state } = rig[side];
    const prot = attempt.tls ? 'P' : 'C';
    return facts.queues === true && !state.sscn && (!facts.protP || state.prot === prot);
  });

/** As `open`, in one round trip without pins and in two with them. Where a term is refused, the endpoint is not used. */
async function openAtOnce(rig: Rig): Promise<HostPort | Outcome> {
  let asked: Promise<HostPort | Outcome> | undefined;
  const [refusedRole, refusedPin] = await Promise.all([
    setRoles(rig),
    setPins(rig, () => {
      asked = passive(rig);
      asked.catch(() => {});
    }),
  ]);
  if (refusedRole) return refusedRole;
  return refusedPin ? unpinned(rig, refusedPin) : (asked ?? passive(rig));
}

const portCommand = (endpoint: HostPort): [string, string] =>
  endpoint.host.includes(':') ? ['EPRT', formatEprt(endpoint)] : ['PORT', formatPort(endpoint)];
const aimCommand = (endpoint: HostPort): string => portCommand(endpoint).join(' ');

function cannot(
  rig: Rig,
  side: Side,
  phase: RoutePhase,
  command: string,
  reply: Pick<Reply, 'code' | 'text'>,
  verb?: string,
): Outcome {
  const name = rig[side].session.name;
  const message = `${name} answered ${command} with ${reply.code} ${reply.text}`.trim();
  const obstacle = obstacleOf(rig.attempt, side, phase, reply) ?? 'unknown';
  const finding: Finding = {
    side,
    obstacle,
    message,
    attempt: rig.attempt.id,
    reply: { code: reply.code, text: reply.text },
    ...(verb ? { verb } : {}),
  };
  return { kind: 'cannot', finding };
}

/** TLS role and protection of both sides, as far as they differ from what is in force. Both sides at once. */
async function setRoles(rig: Rig): Promise<Outcome | undefined> {
  const [source, destination] = await Promise.all([setRole(rig, 'source'), setRole(rig, 'destination')]);
  return source ?? destination;
}

async function setRole(rig: Rig, side: Side): Promise<Outcome | undefined> {
  const { attempt } = rig;
  const { session, facts, state } = rig[side];
  const prot = attempt.tls ? 'P' : 'C';
  const refusedMode = await setMode(rig, side);
  if (refusedMode) return refusedMode;
  const client = attempt.tls?.by === 'SSCN' && attempt.tls.client === side;
  // Before PROT C: drftpd knows SSCN only while data are protected.
  if (!client && state.sscn) {
    const refused = await setSscn(rig, side, false);
    if (refused) return refused;
  }
  if (facts.protP && state.prot !== prot) {
    const reply = await session.request('PROT', prot);
    if (reply.code >= 300) return cannot(rig, side, 'role', `PROT ${prot}`, reply, 'PROT');
    state.prot = prot;
  }
  return client && !state.sscn ? setSscn(rig, side, true) : undefined;
}

/**
 * How large the files on this connection will be (RFC 959 4.1.3): ours serves small ones where that costs least. Whatever the answer
 * is, the transfer itself will tell what a server has no room for.
 */
async function announce({ size, ...rig }: Rig, side: Side): Promise<void> {
  if (size === undefined) return;
  // A session that ends here is seen by the commands beside it.
  await rig[side].session.request('ALLO', `${size}`).catch(() => {});
}

async function setMode(rig: Rig, side: Side): Promise<Outcome | undefined> {
  const { attempt } = rig;
  try {
    const digest = rig.digests ? wantDigest(rig[side], side) : undefined;
    const announced = attempt.fast ? announce(rig, side) : undefined;
    await wantMode(rig[side], attempt.fast ? 'E' : 'S');
    await digest;
    await announced;
    return undefined;
  } catch (error) {
    const failure = toFtpError(error);
    if (!attempt.fast || failure.kind !== 'refused') throw failure;
    rig[side].facts.missing.add('MODE E');
    const finding: Finding = { side, obstacle: 'unknown', attempt: attempt.id, message: failure.message };
    return { kind: 'cannot', finding };
  }
}

async function setSscn(rig: Rig, side: Side, on: boolean): Promise<Outcome | undefined> {
  const { session, state } = rig[side];
  // Never the bare query: wzdftpd takes it for OFF. Judged by class only: drftpd says 220.
  const word = on ? 'ON' : 'OFF';
  const reply = await session.request('SSCN', word);
  if (reply.code >= 300) return cannot(rig, side, 'role', `SSCN ${word}`, reply, 'SSCN');
  state.sscn = on;
  // The last word on the TLS role wins, whichever command it came by.
  if (state.dcpa) state.dcpa.role = on ? 'client' : 'server';
  return undefined;
}

/** The passive endpoint as the other server must dial it. */
async function passive(rig: Rig): Promise<HostPort | Outcome> {
  const { attempt } = rig;
  const side = attempt.passive;
  const { session, facts, site, state } = rig[side];
  if (facts.behaviour.needsPret) {
    const [verb, path] = side === 'source' ? ['RETR', rig.sourcePath] : ['STOR', rig.destinationPath];
    const reply = await session.request('PRET', `${verb} ${path}`);
    if (reply.code >= 400)
      return { kind: 'failed', side, error: session.refusal(`PRET ${verb} ${path}`, reply) };
  }
  if (attempt.technique === 'EPSV' && facts.features.has('CEPR') && !state.cepr) {
    // With it the 229 names the address: needed where a passive port is not at the control connection's address.
    state.cepr = (await session.request('CEPR', 'ON')).code < 300;
  }
  const asked = await takeAhead(rig);
  if (asked === 'late') return { kind: 'stumbled' };
  const reply = asked ?? (await session.request(attempt.technique));
  if (attempt.technique === 'CPSV' && facts.behaviour.cpsvSticky) state.sscn = true;
  if (reply.code !== 227 && reply.code !== 229) {
    if (/\bPRET\b/.test(reply.text) && !facts.behaviour.needsPret) {
      facts.behaviour.needsPret = true;
      return passive(rig);
    }
    if (reply.code >= 400 && reply.code < 500)
      return { kind: 'failed', side, error: session.refusal(attempt.technique, reply) };
    return cannot(rig, side, 'passive', attempt.technique, reply, attempt.technique);
  }
  const announced =
    reply.code === 229 ? parseEpsv(reply, session.peerAddress) : parsePasv(reply, session.peerAddress);
  // A distributed server (PRET) names the slave that it chose.
  const verdict = judgePasv(
    announced,
    session.peerAddress,
    site.allowForeignPasv ?? facts.behaviour.needsPret ?? false,
  );
  if ('use' in verdict) return verdict.use;
  const error = new FtpError(
    'policy',
    `${session.name}: its answer to ${attempt.technique} was not used: ${verdict.refuse}`,
    {
      site: session.name,
      reply: { code: reply.code, text: reply.text },
      retry: 'never',
      advice: verdict.advice,
    },
  );
  return { kind: 'failed', side, error };
}

function handlesOf(rig: Rig, endpoint: HostPort): TransferHandles {
  const { attempt, signal, watch } = rig;
  return {
    passive: attempt.passive,
    order: [attempt.first, other(attempt.first)],
    source: {
      session: rig.source.session,
      verb: 'RETR',
      path: rig.sourcePath,
      prompt: rig.source.facts.behaviour.promptPreliminary ?? false,
    },
    destination: {
      session: rig.destination.session,
      verb: 'STOR',
      path: rig.destinationPath,
      prompt: rig.destination.facts.behaviour.promptPreliminary ?? false,
    },
    unblock: () => knock(endpoint, rig[attempt.passive].site.localAddress, signal),
    ...(rig.ahead ? { ahead: () => askAhead(rig), trial: rig.ahead.trial === true } : {}),
    signal,
    watch,
  };
}

/** Milliseconds that a server is given where nobody knows yet whether it answers what is asked ahead. */
const TRIAL_PATIENCE = 3_000;

/** The passive endpoint of the next file: its reply waits with the final reply of this one (one round trip a file). */
function askAhead({ attempt, ahead, ...rig }: Rig): Promise<Reply> {
  const { session, state } = rig[attempt.passive];
  const reply = session.request(attempt.technique, undefined, { ahead: true, timeout: 0 });
  const command = `${attempt.technique} behind a transfer`;
  reply.then(
    (answer) => {
      if (isEndpoint(answer)) ahead?.answered();
      else ahead?.failed(`it answered ${command} with ${answer.code} ${answer.text}`);
    },
    () => ahead?.abandon?.(),
  );
  const patience = Math.min(session.commandTimeout, ahead?.trial ? TRIAL_PATIENCE : Number.POSITIVE_INFINITY);
  const late = (): void => ahead?.failed(`it did not answer ${command}`);
  state.ahead = { attempt: attempt.id, reply, patience, late };
  return reply;
}

const isEndpoint = ({ code }: Reply): boolean => code === 227 || code === 229;

/** The answer that was asked for ahead, if it is for this attempt; where none came in time the session is ended. */
async function takeAhead({ attempt, ...rig }: Rig): Promise<Reply | 'late' | undefined> {
  const { session, state } = rig[attempt.passive];
  const asked = state.ahead;
  delete state.ahead;
  if (asked?.attempt !== attempt.id) return undefined;
  let isLate = false;
  const late = (): void => {
    isLate = true;
    asked.late();
    const text = `${session.name}: no answer to the ${attempt.technique} that was asked ahead`;
    session.destroy(new FtpError('timeout', text, { site: session.name, retry: 'later' }));
  };
  const timer = setTimeout(late, asked.patience);
  try {
    const reply = await asked.reply;
    return isEndpoint(reply) ? reply : undefined;
  } catch (error) {
    if (isLate) return 'late';
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Touch a passive port so that a server stuck in accept() sees an end: ProFTPD ignores ABOR there and answers at once
 * after this.
 */
async function knock(endpoint: HostPort, localAddress?: string, signal?: AbortSignal): Promise<void> {
  try {
    const socket = await connectTcp({ ...endpoint, localAddress, timeout: 1_000, signal });
    socket.on('error', () => {});
    socket.end();
    socket.destroy();
  } catch {
    // Nobody waits there any more.
  }
}
