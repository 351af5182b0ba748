import {
  type DcpaFeature,
  type DcpaIdentity,
  type DcpaReply,
  type DcpaRole,
  formatDcpa,
  parseDcpaFeature,
  parseDcpaReply,
} from '../protocol/dcpa.js';
import { FtpError } from '../protocol/errors.js';
import type { Reply } from '../protocol/replies.js';
import type { Connection } from './connection.js';
import type { SiteFacts } from './facts.js';
import { type TrustStore, trustKey } from './trust.js';

/** What DCPA has in force on one session (docs/dcpa.md). Ends with the session, and with `DCPA OFF`. */
export interface DcpaState {
  scope: DcpaIdentity;
  /** Key that the server shows on data connections, as it told; lower-case hex. */
  key: string;
  /** Key that its data peer must prove; undefined: no pin is in force. */
  peer?: string;
  role: DcpaRole;
}

/** What was asked and answered, where the answer was no or made no sense. */
export interface DcpaRefusal {
  command: string;
  reply: Reply;
}

/** DCPA as this server has it, under TLS only; undefined where it has none, or where it refused it once as unknown. */
export function dcpaOf(facts: Pick<SiteFacts, 'tls' | 'features' | 'missing'>): DcpaFeature | undefined {
  if (!facts.tls || facts.missing.has('DCPA') || !facts.features.has('DCPA')) return undefined;
  return parseDcpaFeature(facts.features.value('DCPA') ?? '');
}

/** Which key the server shows from now on. Nothing is sent where that is so already. */
export async function showKey(connection: Connection, self: DcpaIdentity): Promise<DcpaRefusal | undefined> {
  if (connection.state.dcpa?.scope === self) return undefined;
  return exchange(connection, { kind: 'set', self }, (told) => told.scope === self);
}

/**
 * Demand that the data peer proves this key, in this TLS role. Nothing is sent where that is in force already.
 *
 * @param self also set, in the same command, where it differs.
 */
export async function demandKey(
  connection: Connection,
  { self, peer, role }: { self: DcpaIdentity; peer: string; role: DcpaRole },
): Promise<DcpaRefusal | undefined> {
  const { state } = connection;
  const { dcpa } = state;
  if (dcpa?.scope === self && dcpa.peer === peer && dcpa.role === role) return undefined;
  // A passive endpoint that was asked for ahead was made under the pin before.
  delete state.ahead;
  const facts = { ...(dcpa?.scope === self ? {} : { self }), peers: [peer], role };
  const refusal = await exchange(
    connection,
    { kind: 'set', ...facts },
    (told) => told.scope === self && told.peers === 1 && told.role === role,
  );
  if (!refusal) state.dcpa!.peer = peer;
  return refusal;
}

async function exchange(
  { session, state }: Connection,
  command: Parameters<typeof formatDcpa>[0],
  holds: (told: Extract<DcpaReply, { on: true }>) => boolean,
): Promise<DcpaRefusal | undefined> {
  const argument = formatDcpa(command);
  const reply = await session.request('DCPA', argument);
  const told = reply.code >= 200 && reply.code < 300 ? parseDcpaReply(reply.text) : undefined;
  // docs/dcpa.md 17: a key of the host is the one that this client saw.
  const seen = told?.on && (told.scope === 'session' || told.self === session.tls?.pin);
  if (!told?.on || !seen || !holds(told)) return { command: `DCPA ${argument}`, reply };
  const peer = told.peers > 0 ? state.dcpa?.peer : undefined;
  state.dcpa = { scope: told.scope, key: told.self, role: told.role, ...(peer ? { peer } : {}) };
  return undefined;
}

/** No pin any more; nothing is sent where none is in force. @throws FtpError `refused`. */
export async function dropKey({ session, state }: Connection): Promise<void> {
  if (!state.dcpa) return;
  await session.command('DCPA', 'OFF');
  delete state.dcpa;
  delete state.ahead;
}

/** The state as the server tells it; undefined where it does not. */
export async function queryDcpa({ session }: Connection): Promise<DcpaReply | undefined> {
  const reply = await session.request('DCPA');
  return reply.code === 200 ? parseDcpaReply(reply.text) : undefined;
}

/**
 * Remember that a server has DCPA, and refuse one that had it and has it no longer: whoever takes the line out of FEAT takes
 * away the proof (as RFC 6797 does for HTTPS). Asked where two servers are to be joined, not at each login.
 *
 * @throws FtpError `tls` where it is gone.
 */
export async function rememberDcpa(
  { facts, site, session }: Connection,
  trust: TrustStore | undefined,
): Promise<void> {
  if (!facts.tls || facts.pin === undefined || site.insecure || !trust) return;
  const known = await trust.get(site.host, site.port);
  const has = dcpaOf(facts) !== undefined;
  if (has === (known?.dcpa === true)) return;
  if (has) {
    const since = known?.pin === facts.pin ? known.since : Date.now();
    return trust.set(site.host, site.port, { pin: facts.pin, since, dcpa: true });
  }
  const since = new Date(known?.since ?? 0).toISOString().slice(0, 10);
  throw new FtpError(
    'tls',
    `${session.name} OFFERS NO DCPA ANY MORE: it had it (its key is known since ${since})`,
    {
      site: session.name,
      retry: 'never',
      phase: 'certificate',
      advice: `If its operator switched FXP off or changed the program, forget what is known of it: jackstay site forget ${trustKey(site.host, site.port)}; else somebody takes the proof away.`,
    },
  );
}
