/** One transfer: data connection, 150, bytes, final reply, in the order of the dialect. */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { crc32 } from 'node:zlib';
import { type Endpoint, NoData } from './data.js';
import type { Reply } from './dialect.js';
import { receive, send, sendShort } from './move.js';
import type { Session } from './session.js';
import { quietHosts, secureData } from './tls.js';

/** A transfer from its command to its final reply. */
export class Transfer {
  /** Octets on the data connection so far. */
  moved = 0;
  total: number | undefined;
  private crc = 0;
  isAborted = false;
  socket: Socket | undefined;
  /** The TCP socket below `socket`. */
  raw: Socket | undefined;
  /** Set where this side is the TLS client: resolves at the first session ticket. */
  ticket: Promise<void> | undefined;
  endpoint: Endpoint | undefined;
  readonly settled: Promise<void>;
  /** Resolves when the transfer is aborted or its control connection ends. */
  readonly released: Promise<void>;
  private release: () => void = () => {};
  settle: () => void = () => {};

  constructor(
    readonly verb: string,
    /** FTP path of the file or folder. */
    readonly path: string,
  ) {
    this.settled = new Promise((resolve) => {
      this.settle = resolve;
    });
    this.released = new Promise((resolve) => {
      this.release = resolve;
    });
  }

  /** Counts a chunk that has moved. */
  count(chunk: Buffer): void {
    this.moved += chunk.length;
    this.crc = crc32(chunk, this.crc);
  }

  /** CRC-32 of all that has moved, 8 upper-case hex digits. */
  get checksum(): string {
    return this.crc.toString(16).toUpperCase().padStart(8, '0');
  }

  abort(): void {
    this.isAborted = true;
    this.release();
    this.endpoint?.close();
    this.socket?.destroy();
    this.raw?.destroy();
  }
}

/** What is to be moved, and which way. */
export type Flow =
  | {
      readonly way: 'out';
      readonly total: number;
      readonly chunks: AsyncIterable<Buffer>;
      close(): Promise<void>;
    }
  | { readonly way: 'in'; write(chunk: Buffer): Promise<void>; close(): Promise<void> };

const isReply = (value: Flow | Reply): value is Reply => typeof value === 'string' || Array.isArray(value);

/** Runs a transfer to its final reply and writes all its replies. `open` refuses with a reply, or gives the flow. */
export async function perform(
  session: Session,
  transfer: Transfer,
  open: () => Promise<Flow | Reply>,
): Promise<undefined> {
  try {
    const flow = await open().catch((): Reply => session.dialect.missing(transfer.verb, transfer.path));
    const reply = isReply(flow) ? flow : await runAndClose(session, transfer, flow);
    if (reply !== undefined) session.reply(reply);
  } finally {
    session.endTransfer();
    transfer.settle();
  }
}

async function runAndClose(session: Session, transfer: Transfer, flow: Flow): Promise<Reply | undefined> {
  try {
    return await run(session, transfer, flow);
  } finally {
    await flow.close();
  }
}

async function run(session: Session, transfer: Transfer, flow: Flow): Promise<Reply | undefined> {
  const { dialect } = session;
  const endpoint = session.endpoint;
  if (endpoint === undefined) return dialect.noEndpoint;
  if (endpoint.foreign && dialect.foreign.transfer !== undefined) return dialect.foreign.transfer(transfer);
  transfer.endpoint = endpoint;
  if (dialect.preliminary === 'at-once') await announce(session, transfer);
  try {
    transfer.raw = await endpoint.open();
    transfer.socket = transfer.raw;
  } catch (error) {
    if (transfer.isAborted) return dialect.aborted(session);
    const special = error instanceof NoData ? error.reply : undefined;
    return special ?? dialect.unconnected(transfer, endpoint.passive);
  }
  if (dialect.preliminary === 'after-connect') await announce(session, transfer);
  const refusal = await protect(session, transfer);
  if (refusal !== undefined) return transfer.isAborted ? dialect.aborted(session) : refusal;
  const failure = await move(session, transfer, flow);
  if (transfer.isAborted) return dialect.aborted(session);
  if (failure && !(dialect.trustsReset && flow.way === 'in')) return dialect.broken(transfer);
  return finish(session, transfer);
}

/** Writes the 150. A trap in its place holds the transfer until the connection ends. */
async function announce(session: Session, transfer: Transfer): Promise<void> {
  if (session.trap('150')) await transfer.released;
  else session.reply(session.dialect.opening(transfer));
}

async function finish(session: Session, transfer: Transfer): Promise<Reply | undefined> {
  const { hooks, tree } = session.server;
  const stores = transfer.verb === 'STOR' || transfer.verb === 'APPE';
  if (stores) await hooks.stored?.(transfer.path, tree.real(transfer.path));
  if (!session.trap('226')) return session.dialect.completed(session, transfer);
  await transfer.released;
  return undefined;
}

/** Puts TLS on the data connection where PROT P asks for it. Gives the reply that ends the transfer if that fails. */
async function protect(session: Session, transfer: Transfer): Promise<Reply | undefined> {
  const { dialect, server } = session;
  const raw = transfer.socket;
  if (!session.isPrivate || raw === undefined) return undefined;
  if (server.hooks.trapData?.('data-tls', transfer, raw)) await transfer.released;
  const role = session.isTlsClient && dialect.obeysRole(session, transfer) ? 'client' : 'server';
  try {
    const { asksCertificate, handshakeTimeoutMs: timeoutMs } = dialect;
    const isQuiet = role === 'server' && dialect.quietTickets && /^(STOR|APPE|STOU)$/.test(transfer.verb);
    const how = { role, identity: server.identity, asksCertificate, isQuiet, timeoutMs } as const;
    const channel = await secureData(raw, how);
    transfer.socket = channel.socket;
    if (role === 'client') transfer.ticket = channel.ticket;
    const { requireReuse } = server.options;
    if (role === 'server' && requireReuse !== undefined && !channel.socket.isSessionReused()) {
      channel.socket.destroy();
      return requireReuse;
    }
    return undefined;
  } catch {
    return dialect.tlsFailed;
  }
}

/** Moves the bytes. True when the data connection broke. */
async function move(session: Session, transfer: Transfer, flow: Flow): Promise<boolean> {
  const { hooks, options } = session.server;
  const socket = transfer.socket;
  if (socket === undefined) return true;
  if (flow.way === 'in') return receive(socket, transfer, hooks, flow.write);
  transfer.total = flow.total;
  const cuts = options.truncates === true && transfer.verb === 'RETR' && isTicketed(socket, transfer);
  return cuts ? sendShort(socket, transfer, hooks, flow) : send(socket, transfer, hooks, flow.chunks);
}

function isTicketed(socket: Socket, transfer: Transfer): boolean {
  const version = (socket as Partial<TLSSocket>).getProtocol?.();
  return (
    transfer.ticket !== undefined && version === 'TLSv1.3' && !quietHosts.has(socket.remoteAddress ?? '')
  );
}
