import { printable } from '../../protocol/names.js';
import type { ServerEvent, SessionFacts, TransferFacts } from '../../server/events.js';
import { bytes, rate, span } from '../format.js';

/** How much a line matters; the names are pino's. */
export const LEVELS = ['error', 'warn', 'info', 'debug'] as const;
/** One of `LEVELS`. */
export type Level = (typeof LEVELS)[number];

/** An event as a line of the log: a sentence for people and fields for programs. Foreign text is in it as it came. */
export interface LogLine {
  level: Level;
  text: string;
  fields: Record<string, unknown>;
}

/** `host:port`, IPv6 in brackets (RFC 3986 3.2.2). */
export function hostPort(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

const who = (session: SessionFacts): string => `${session.user ?? '(nobody)'} from ${session.address}`;

/** Fields of a line: added one by one, since objects put together of others are slow, and this is done for every file. */
export type Fields = Record<string, unknown>;

/** Adds the fields that every event of a session has. */
export function sessionFields(session: SessionFacts, fields: Fields = {}): Fields {
  fields.session = session.session;
  fields.client = hostPort(session.address, session.port);
  if (session.user !== undefined) fields.user = session.user;
  fields.tls = session.tls;
  return fields;
}

/** What went wrong, as plain data that JSON keeps. */
function errorFields(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { error: { message: String(error) } };
  const { name, message, stack } = error;
  const code = (error as NodeJS.ErrnoException).code;
  return { error: { name, message, ...(code !== undefined && { code }), ...(stack && { stack }) } };
}

/** Adds the fields of a transfer to those of its session. */
export function transferFields(transfer: TransferFacts, fields: Fields): Fields {
  const { peer, security, failure, seconds } = transfer;
  fields.verb = transfer.verb;
  fields.path = transfer.path;
  fields.direction = transfer.direction;
  fields.bytes = transfer.bytes;
  fields.seconds = Math.round(seconds * 1e6) / 1e6;
  fields.rate = seconds > 0 ? Math.round(transfer.bytes / seconds) : 0;
  fields.route = transfer.route;
  fields.endpoint = transfer.endpoint;
  if (peer) {
    fields.peer = hostPort(peer.address, peer.port);
    fields.dataTls = peer.tls ?? false;
  }
  if (security) fields.security = security;
  fields.outcome = transfer.outcome;
  if (failure) fields.failure = failure;
  return fields;
}

function transferText(session: SessionFacts, transfer: TransferFacts): string {
  const { verb, path, seconds, failure } = transfer;
  const speed = seconds > 0 ? ` (${rate(transfer.bytes / seconds)})` : '';
  const how = `${bytes(transfer.bytes)} in ${span(seconds)}${speed}`;
  const far = transfer.route === 'fxp' ? `, FXP with ${transfer.peer?.address ?? 'a server'}` : '';
  const end = failure ? `FAILED (${failure.stage}: ${failure.message})` : 'complete';
  return `${who(session)}: ${verb} ${path}, ${how}${far}, ${end}`;
}

const DOORS = { port: 'at PORT', transfer: 'at the transfer', accept: 'on a passive port' } as const;

type Kind = ServerEvent['event'];
type Of<K extends Kind> = Extract<ServerEvent, { event: K }>;
type Told = [level: Level, text: string, fields: Record<string, unknown>];

/** How each event is told. */
const TOLD: { [K in Kind]: (e: Of<K>) => Told } = {
  listening: ({ host, port, implicitTls }) => [
    'info',
    `listening on ${hostPort(host, port)}${implicitTls ? ', implicit TLS' : ''}`,
    { host, port, implicitTls },
  ],
  connect: ({ session }) => ['debug', `connection from ${session.address}`, sessionFields(session)],
  refused: ({ address, why }) => ['warn', `connection from ${address} refused: ${why}`, { address, why }],
  dropped: ({ session }) => [
    'warn',
    `${who(session)}: commands in clear behind AUTH TLS were thrown away`,
    sessionFields(session),
  ],
  login: (e) => [
    e.ok ? 'info' : 'warn',
    loginText(e),
    { ...sessionFields(e.session), ok: e.ok, ...(e.why !== undefined && { why: e.why }) },
  ],
  command: ({ session, verb, code }) => [
    'debug',
    `${who(session)}: ${verb} -> ${code}`,
    { ...sessionFields(session), verb, code },
  ],
  transfer: ({ event, session, transfer }) => [
    transfer.outcome === 'complete' ? 'info' : 'warn',
    transferText(session, transfer),
    transferFields(transfer, sessionFields(session, { event })),
  ],
  'peer-refused': ({ session, door, peer, why }) => [
    'warn',
    `${who(session)}: foreign peer ${peer} refused ${DOORS[door]}: ${why}`,
    { ...sessionFields(session), door, peer, why },
  ],
  change: ({ session, verb, path, to }) => [
    'info',
    `${who(session)}: ${verb} ${path}${to === undefined ? '' : ` -> ${to}`}`,
    { ...sessionFields(session), verb, path, ...(to !== undefined && { to }) },
  ],
  close: ({ session, why, seconds }) => [
    'debug',
    `${who(session)}: closed after ${span(seconds)}: ${why}`,
    { ...sessionFields(session), why, seconds },
  ],
  error: ({ message, error }) => ['error', message, errorFields(error)],
};

/** The log line of an event. */
export function describe<K extends Kind>(e: Of<K>): LogLine {
  const tell: (e: Of<K>) => Told = TOLD[e.event as K];
  const [level, text, fields] = tell(e);
  return { level, text, fields: fields.event === e.event ? fields : { event: e.event, ...fields } };
}

function loginText({ session, ok, why }: Extract<ServerEvent, { event: 'login' }>): string {
  const under = session.tls ? 'under TLS' : 'in clear';
  return `${who(session)}: login ${ok ? 'accepted' : 'refused'}, ${under}${why === undefined ? '' : `: ${why}`}`;
}

/** A line for a terminal: `12:00:01 warn   text`, characters that steer it made visible. */
export function terminalLine(level: Level, text: string, at: Date): string {
  const two = (n: number): string => String(n).padStart(2, '0');
  const clock = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  return `${clock} ${level.padEnd(6)} ${printable(text)}`;
}
