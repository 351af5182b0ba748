/** A server that behaves until a chosen point, and there hangs, closes, or talks nonsense. */
import type { Duplex } from 'node:stream';
import { type Dialect, ORDINARY } from './dialect.js';
import type { Hooks } from './options.js';
import { type ScriptedOptions, type ScriptedPeer, startScripted } from './server.js';
import type { Session } from './session.js';
import type { Transfer } from './transfer.js';

/** Moments on the data connection. `data`: at half of a file sent, or at the first bytes received. */
export type DataPoint = 'data-tls' | 'listing' | 'data';

/**
 * Where the fault strikes. `accept` is before the greeting and says nothing, `greeting` is in its place, `tls` in
 * place of the control handshake, `150` and `226` in place of these replies; the others are verbs, in place of
 * their reply.
 */
export type FaultPoint =
  | DataPoint
  | 'accept'
  | 'greeting'
  | 'tls'
  | '150'
  | '226'
  | 'auth'
  | 'user'
  | 'pass'
  | 'feat'
  | 'opts'
  | 'pbsz'
  | 'prot'
  | 'type'
  | 'sscn'
  | 'pwd'
  | 'cwd'
  | 'mkd'
  | 'rmd'
  | 'dele'
  | 'rnfr'
  | 'rnto'
  | 'size'
  | 'mdtm'
  | 'mfmt'
  | 'mlst'
  | 'mlsd'
  | 'list'
  | 'stat'
  | 'noop'
  | 'pasv'
  | 'epsv'
  | 'cpsv'
  | 'port'
  | 'eprt'
  | 'rest'
  | 'retr'
  | 'stor'
  | 'appe'
  | 'abor'
  | 'xcrc'
  | 'quit';

/**
 * `hang` keeps the connection and says no more, `close` ends it, `garbage` writes bytes that are no FTP,
 * `endless` writes a reply, a listing or a file that never ends.
 */
export type FaultKind = 'hang' | 'close' | 'garbage' | 'endless';

export interface FaultOptions extends ScriptedOptions {
  at: FaultPoint;
  how: FaultKind;
  /** Times the point is passed unharmed before. Default 0. */
  after?: number;
  /** Times the fault strikes. Default: always. */
  times?: number;
  /** The dialect it speaks otherwise. Default: an ordinary server. */
  as?: Dialect;
}

export interface FaultPeer extends ScriptedPeer {
  /** How often the fault has struck. */
  fired(): number;
  /** From now on it behaves. Connections that hang already stay so. */
  heal(): void;
}

const NONSENSE = Buffer.from([0x00, 0xff, 0x15, 0x03, 0x80, 0x0d, 0x0a, 0x7f, 0x45, 0x4c, 0x46, 0x0d, 0x0a]);
/** What an endless reply says at a point, where it is not a 200. */
const CODES: Readonly<Record<string, number>> = {
  greeting: 220,
  tls: 220,
  user: 331,
  pass: 230,
  feat: 211,
  auth: 234,
  pwd: 257,
  size: 213,
  mdtm: 213,
  stat: 213,
  mlst: 250,
  pasv: 227,
  cpsv: 227,
  epsv: 229,
  rnfr: 350,
  rest: 350,
  quit: 221,
};

/** Writes a chunk again and again, as fast as it is taken, until the other side is gone. */
function pour(socket: Duplex, chunk: Buffer): void {
  const more = (): void => {
    if (socket.destroyed || socket.writableEnded) return;
    if (socket.write(chunk)) setImmediate(more);
    else socket.once('drain', more);
  };
  more();
}

function strikeControl(point: string, how: FaultKind, session: Session): void {
  session.isFrozen = true;
  const code = CODES[point] ?? (/^\d+$/.test(point) ? Number(point) : 200);
  if (how === 'close') session.destroy();
  if (how === 'garbage') session.socket.write(NONSENSE);
  if (how === 'endless') pour(session.socket, Buffer.from(`${code}-and so on\r\n`.repeat(100)));
}

function strikeData(point: DataPoint, how: FaultKind, socket: Duplex): void {
  const line = 'type=file;size=1;modify=20240101000000; one-of-many\r\n';
  const content = point === 'listing' ? Buffer.from(line.repeat(100)) : Buffer.alloc(4096, 'x');
  if (how === 'close') socket.destroy();
  if (how === 'garbage') socket.end(NONSENSE);
  if (how === 'endless') pour(socket, content);
}

const DATA_POINTS: readonly string[] = ['data-tls', 'listing', 'data'];

/** Starts a server with one fault. */
export async function startFault(options: FaultOptions): Promise<FaultPeer> {
  const { at, how, after = 0 } = options;
  let left = options.times ?? Number.POSITIVE_INFINITY;
  let passed = 0;
  let fired = 0;
  const struck = new WeakSet<Transfer>();
  const strikes = (point: string): boolean => {
    if (point !== at || left <= 0) return false;
    passed += 1;
    if (passed <= after) return false;
    left -= 1;
    fired += 1;
    return true;
  };
  const hooks: Hooks = {
    ...options.hooks,
    trap: (point, session) => {
      const takes = !DATA_POINTS.includes(point) && strikes(point);
      if (takes) strikeControl(point, how, session);
      return takes;
    },
    trapData: (point, transfer, socket) => {
      // A transfer passes the point once, however many chunks it has.
      if (struck.has(transfer) || point !== at) return false;
      struck.add(transfer);
      const takes = strikes(point);
      if (takes) strikeData(point, how, socket);
      return takes;
    },
  };
  const peer = await startScripted(options.as ?? ORDINARY, {
    name: `fault ${how} at ${at}`,
    ...options,
    hooks,
  });
  const heal = (): void => {
    left = 0;
  };
  return { ...peer, fired: () => fired, heal };
}
