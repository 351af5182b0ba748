import type net from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { connectTcp } from '../net/connect.js';
import { type ActiveListener, listenActive } from '../net/data.js';
import { deflating, inflated } from '../net/deflate.js';
import { startTls } from '../net/tls.js';
import {
  formatEprt,
  formatPort,
  type HostPort,
  judgePasv,
  parseEpsv,
  parsePasv,
} from '../protocol/addresses.js';
import { concernsFile } from '../protocol/codes.js';
import { FtpError } from '../protocol/errors.js';
import type { Reply } from '../protocol/replies.js';
import { isProven } from './certificate.js';
import type { Connection } from './connection.js';
import { dropKey } from './dcpa.js';
import type { TransferExchange } from './exchange.js';
import type { SiteFacts } from './facts.js';

/** A data connection between this client and a server, ready for octets. */
export interface DataChannel {
  socket: net.Socket;
  /** File or listing octets from the server: the socket, or what MODE Z inflates from it. */
  input: Readable;
  /** File octets to the server: the socket, or what MODE Z deflates into it. */
  output: Writable;
  /** TLS, and the key on it is the proven key of the control connection (RFC 4217 15.1.1). */
  verified: boolean;
  protected: boolean;
  /** After the octets: the final reply. @throws FtpError `refused` for 4yz and 5yz. */
  finish(): Promise<Reply>;
  /** Give up: close the socket and stop the command. Never fails. */
  cancel(): Promise<void>;
}

export interface DataRequest {
  verb: 'RETR' | 'STOR' | 'APPE' | 'LIST' | 'NLST' | 'MLSD';
  argument?: string | undefined;
  /** REST offset, octets. */
  offset?: number | undefined;
  signal?: AbortSignal | undefined;
}

/** Open a data connection for one command: PASV or EPSV (or PORT, EPRT where the site says active), REST, the command, TLS. */
export async function openData(connection: Connection, request: DataRequest): Promise<DataChannel> {
  const { session, facts, state, site } = connection;
  if (state.sscn) {
    // Listings and local transfers: this client is the TLS client, always (RFC 4217 7).
    await session.command('SSCN', 'OFF');
    state.sscn = false;
    if (state.dcpa) state.dcpa.role = 'server';
  }
  // A pin holds for files only, listings go beside it; this client has no key that a server would know.
  if (FILE_VERBS.has(request.verb)) await dropKey(connection);
  await wantProtection(connection);
  await wantMode(connection, connection.site.compress === true && !request.offset ? 'Z' : 'S');
  if (facts.behaviour.needsPret) await announce(connection, request);
  const listing = await listAtOnce(connection, request);
  if (listing) return listing;
  const door =
    site.dataMode === 'active' ? await activeDoor(connection) : await passiveDoor(connection, request);
  let exchange: TransferExchange | undefined;
  try {
    if (request.offset) await rest(connection, request.offset);
    exchange = session.begin(request.verb, request.argument);
    // The command is on the line before the first octet of TLS: pyftpdlib drops a connection that speaks before it.
    await setImmediate();
    return await join(connection, door, exchange, request);
  } catch (error) {
    door.close();
    throw error;
  }
}

/** What a site's servers answer with a passive endpoint. */
const passiveVerbs = new WeakMap<SiteFacts, 'PASV' | 'EPSV'>();

/**
 * PASV and the listing's command in one segment: one round trip less. Only where the site's server gave an endpoint before and is
 * known to leave a command behind PASV in its place.
 *
 * @returns undefined where it is to be done one after the other.
 */
async function listAtOnce(connection: Connection, request: DataRequest): Promise<DataChannel | undefined> {
  const { session, facts, site } = connection;
  const verb = passiveVerbs.get(facts);
  if (FILE_VERBS.has(request.verb) || site.dataMode === 'active' || verb === undefined) return undefined;
  if (session.lockstep || facts.behaviour.ahead !== true || facts.behaviour.needsPret) return undefined;
  delete connection.state.ahead;
  const [reply, exchange] = [session.request(verb), session.begin(request.verb, request.argument)];
  const answer = await reply;
  if (answer.code !== 227 && answer.code !== 229) {
    passiveVerbs.delete(facts);
    // The listing waits for nothing, or for a connection that nobody makes.
    if (!session.idle) await session.abort();
    return undefined;
  }
  let door: Door | undefined;
  try {
    door = doorTo(connection, endpointOf(connection, answer), request);
    return await join(connection, door, exchange, request);
  } catch (error) {
    door?.close();
    if (!session.idle) await session.abort();
    throw error;
  }
}

const endpointOf = ({ session }: Connection, reply: Reply): HostPort =>
  reply.code === 229 ? parseEpsv(reply, session.peerAddress) : parsePasv(reply, session.peerAddress);

/** PRET: a distributed server chooses where the file is, and refuses here what it would refuse later. */
async function announce({ session }: Connection, request: DataRequest): Promise<void> {
  await session.command('PRET', pretArgument(request));
}

const pretArgument = ({ verb, argument }: DataRequest): string =>
  verb === 'RETR' || verb === 'STOR'
    ? `${verb} ${argument ?? ''}`
    : verb === 'APPE'
      ? `STOR ${argument ?? ''}`
      : 'LIST';

/** REST right before the transfer command: glFTPd and inetutils forget it when PASV or PORT comes after it. */
export async function rest({ session }: Connection, offset: number): Promise<void> {
  await session.command('REST', String(offset));
}

/** PROT back to P after an FXP transfer in clear. */
async function wantProtection({ session, facts, state }: Connection): Promise<void> {
  if (!facts.protP || state.prot === 'P') return;
  await session.command('PROT', 'P');
  state.prot = 'P';
}

/**
 * MODE E for the fast lane, MODE Z where the site asks for it and the server has it, else MODE S. Sent only when it changes; a
 * server that refuses Z is not asked again.
 */
export async function wantMode({ session, facts, state }: Connection, mode: 'S' | 'Z' | 'E'): Promise<void> {
  const has = /(^|[ ;])Z\b/.test(facts.features.value('MODE') ?? '') && !facts.missing.has('MODE Z');
  const wanted = mode === 'Z' && !has ? 'S' : mode;
  if ((state.mode ?? 'S') === wanted) return;
  const reply = await session.request('MODE', wanted);
  if (reply.code < 300) state.mode = wanted;
  else if (wanted === 'Z') facts.missing.add('MODE Z');
  else throw session.refusal(`MODE ${wanted}`, reply);
}

interface Door {
  socket(timeout: number, signal?: AbortSignal): Promise<net.Socket>;
  close(): void;
}

/** Ask for a passive endpoint: EPSV on IPv6, PASV on IPv4, the other one where the first is refused. */
async function passiveEndpoint(connection: Connection, request: DataRequest): Promise<HostPort> {
  const { session, facts, state } = connection;
  // A new listener replaces the one that was asked for ahead.
  delete state.ahead;
  let refusal: FtpError | undefined;
  for (const verb of facts.family === 6 ? ['EPSV'] : ['PASV', 'EPSV']) {
    if (facts.missing.has(verb)) continue;
    const reply = await session.request(verb);
    if (reply.code === 227 || (reply.code === 229 && verb === 'EPSV')) {
      passiveVerbs.set(facts, verb === 'EPSV' ? 'EPSV' : 'PASV');
      return endpointOf(connection, reply);
    }
    if (/\bPRET\b/.test(reply.text) && !facts.behaviour.needsPret) {
      facts.behaviour.needsPret = true;
      await announce(connection, request);
      return passiveEndpoint(connection, request);
    }
    refusal = session.refusal(verb, reply, 'Try active mode for this site.');
    if (reply.code === 500 || reply.code === 502) facts.missing.add(verb);
  }
  throw (
    refusal ??
    new FtpError('refused', `${session.name} has neither PASV nor EPSV`, {
      site: session.name,
      advice: 'Try active mode for this site.',
    })
  );
}

async function passiveDoor(connection: Connection, request: DataRequest): Promise<Door> {
  return doorTo(connection, await passiveEndpoint(connection, request), request);
}

function doorTo({ session, site }: Connection, announced: HostPort, request: DataRequest): Door {
  const verdict = judgePasv(announced, session.peerAddress, site.allowForeignPasv ?? false);
  // For its own transfers the client goes to the control peer whatever the reply says (CVE-2020-8284).
  const target = 'use' in verdict ? verdict.use : { host: session.peerAddress, port: announced.port };
  const socket = connectTcp({
    ...target,
    localAddress: site.localAddress,
    timeout: session.commandTimeout,
    signal: request.signal,
  });
  socket.catch(() => {});
  return { socket: () => socket, close: () => void socket.then((open) => open.destroy()).catch(() => {}) };
}

async function activeDoor(connection: Connection): Promise<Door> {
  const { session } = connection;
  const listener: ActiveListener = await listenActive(session.localAddress, session.peerAddress);
  try {
    await aim(connection, listener);
  } catch (error) {
    listener.close();
    throw error;
  }
  return {
    socket: (timeout, signal) => listener.accept(timeout, signal).finally(() => listener.close()),
    close: () => listener.close(),
  };
}

/** PORT on IPv4, EPRT on IPv6 (RFC 2428). @throws FtpError `refused`. */
export async function aim({ session }: Connection, endpoint: HostPort): Promise<void> {
  if (endpoint.host.includes(':')) await session.command('EPRT', formatEprt(endpoint));
  else await session.command('PORT', formatPort(endpoint));
}

/** The first of: a socket, or the command refused. */
async function join(
  connection: Connection,
  door: Door,
  exchange: TransferExchange,
  request: DataRequest,
): Promise<DataChannel> {
  const { session } = connection;
  const refused = exchange.preliminary.then((reply) => {
    if (reply.code >= 400) throw session.refusal(exchange.command, reply);
    return new Promise<never>(() => {});
  });
  const plain = await Promise.race([door.socket(session.commandTimeout, request.signal), refused]).catch(
    (error: unknown) => abandon(connection, exchange, error),
  );
  const channel = await secureData(connection, plain, request, refused).catch((error: unknown) => {
    plain.destroy();
    return abandon(connection, exchange, error);
  });
  // Whoever moves the octets sees the end; an error before or after that must not end the process.
  for (const socket of [plain, channel.socket]) socket.on('error', () => {});
  endWithRefusal(exchange, channel.socket);
  const finish = async (): Promise<Reply> => {
    const timer = setTimeout(
      () =>
        session.destroy(
          new FtpError('timeout', `${session.name}: no final reply to ${exchange.command}`, {
            site: session.name,
            command: exchange.command,
            retry: 'later',
          }),
        ),
      session.commandTimeout,
    );
    const reply = await exchange.final.finally(() => clearTimeout(timer));
    if (reply.code >= 400) throw session.refusal(exchange.command, reply);
    return reply;
  };
  const cancel = async (): Promise<void> => {
    channel.socket.destroy();
    await session.abort();
  };
  const packed = connection.state.mode === 'Z';
  const incoming = request.verb !== 'STOR' && request.verb !== 'APPE';
  const { socket } = channel;
  const input = packed && incoming ? inflated(socket) : socket;
  const output = packed && !incoming ? deflating(socket) : socket;
  return { ...channel, input, output, finish, cancel };
}

const FILE_VERBS: ReadonlySet<string> = new Set(['RETR', 'STOR', 'APPE']);

/** A server that has refused may leave its end open (GridFTP): nothing will come, so nobody waits for it. */
function endWithRefusal(exchange: TransferExchange, socket: net.Socket): void {
  exchange.final.then(
    (reply) => {
      if (reply.code >= 400) socket.destroy();
    },
    () => socket.destroy(),
  );
}

/** Milliseconds a server is given to say why its end was closed. */
const LAST_WORDS = 500;

/** The final reply, if it comes within that time. */
async function lateReply(final: Promise<Reply>): Promise<Reply | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), LAST_WORDS);
  });
  return Promise.race([final, silence])
    .catch(() => undefined)
    .finally(() => clearTimeout(timer));
}

/** A command without its data connection: stop it if it still waits, so that the session stays in order. */
async function abandon(
  { session }: Connection,
  { command, final }: TransferExchange,
  error: unknown,
): Promise<never> {
  // A caller that stops wants no more of this session, and a server in accept() reads no ABOR.
  if (error instanceof FtpError && error.kind === 'aborted') session.destroy(error);
  const fault = session.fault(error, command);
  // A server that has no such file may close before it says so.
  const reply = fault.kind === 'tls' || fault.kind === 'closed' ? await lateReply(final) : undefined;
  if (!session.idle) await session.abort();
  throw reply && concernsFile(reply) ? session.refusal(command, reply) : fault;
}

async function secureData(
  { session, facts, state, site }: Connection,
  plain: net.Socket,
  request: DataRequest,
  refused: Promise<never>,
): Promise<Pick<DataChannel, 'socket' | 'verified' | 'protected'>> {
  if (state.prot !== 'P') return { socket: plain, verified: false, protected: false };
  const handshake = startTls(plain, {
    host: site.host,
    timeout: session.commandTimeout,
    signal: request.signal,
    resume: state.ticket && facts.pin !== undefined ? { session: state.ticket, pin: facts.pin } : undefined,
    onSession: (ticket) => {
      state.ticket = ticket;
    },
    what: `the TLS handshake of the data connection with ${session.name}`,
  });
  handshake.catch(() => {});
  const { socket, peer } = await Promise.race([handshake, refused]);
  if (facts.pin !== undefined && peer.pin !== facts.pin && !site.insecure && !site.allowForeignPasv) {
    socket.destroy();
    throw new FtpError(
      'tls',
      `${session.name} shows another key on the data connection than on the control connection`,
      {
        site: session.name,
        retry: 'never',
        phase: 'certificate',
        advice:
          'Somebody may be in the middle. If that server is distributed, allow it with allowForeignPasv for that site.',
      },
    );
  }
  return { socket, verified: peer.pin === facts.pin && isProven(facts.certificate), protected: true };
}
