/** Verbs that make or use a data connection: RFC 959, 2428, 3659 7, CPSV, PRET. */
import { open, stat } from 'node:fs/promises';
import { basename, posix } from 'node:path';
import { asciiIn, asciiOut } from './ascii.js';
import { dial, type ListenSettings, listen } from './data.js';
import type { Handler, Reply, VerbTable } from './dialect.js';
import { listArgument } from './files.js';
import { dosLine, factLine, type Item, itemsOf, unixLine } from './listing.js';
import type { Session } from './session.js';
import { type Flow, perform } from './transfer.js';

const CHUNK = 64 * 1024;

async function startListening(session: Session): Promise<{ host: string; port: number }> {
  const { dialect, server } = session;
  const settings: ListenSettings = {
    host: server.host,
    acceptTimeoutMs: dialect.acceptTimeoutMs,
    judge: (address) =>
      server.allows.passive || address === session.peerAddress ? undefined : dialect.foreign.passive,
  };
  const endpoint = await listen(settings);
  session.setEndpoint(endpoint);
  return { host: server.options.passiveAddress ?? server.host, port: endpoint.port };
}

export const pasv: Handler = async (session) => {
  if (session.epsvAll) return '500 Illegal PASV command, EPSV ALL in effect';
  const { host, port } = await startListening(session);
  return session.dialect.passive(session, host, port);
};

/** PASV, and TLS client on the one data connection that follows. */
export const cpsv: Handler = async (session, argument, verb) => {
  const reply = await pasv(session, argument, verb);
  session.cpsv = true;
  return reply;
};

export const epsv: Handler = async (session, argument) => {
  if (/^ALL$/i.test(argument)) {
    session.epsvAll = true;
    return '200 EPSV ALL command successful';
  }
  if (argument === '2') return '522 Network protocol not supported, use (1)';
  const { host, port } = await startListening(session);
  const where = session.cepr ? `|1|${host}|${port}|` : `|||${port}|`;
  return `229 Entering Extended Passive Mode (${where})`;
};

/** Takes an address to dial, or refuses it. */
export function aim(session: Session, host: string, port: number): Reply {
  const { dialect, server } = session;
  const foreign = !server.allows.port && host !== session.peerAddress;
  if (foreign && dialect.foreign.port !== undefined) return dialect.foreign.port;
  if (port < 1024 && dialect.lowPort !== undefined) return dialect.lowPort;
  session.setEndpoint(dial({ host, port, from: dialect.dialsFrom ?? server.host, foreign }));
  return '200 PORT command successful';
}

export const port: Handler = (session, argument) => {
  const numbers = argument.split(',').map(Number);
  const [, , , , high = 0, low = 0] = numbers;
  if (numbers.length !== 6 || numbers.some((n) => !(n >= 0 && n <= 255))) return '501 Illegal PORT command';
  return aim(session, numbers.slice(0, 4).join('.'), high * 256 + low);
};

const eprt: Handler = (session, argument) => {
  const [, family, host = '', number] = argument.split(argument[0] ?? '|');
  if (family !== '1') return '522 Network protocol not supported, use (1)';
  return aim(session, host, Number(number));
};

export const rest: Handler = (session, argument) => {
  if (!/^\d+$/.test(argument)) return session.dialect.badRest;
  session.restart = Number(argument);
  return `350 Restarting at ${argument}. Send STORE or RETRIEVE to initiate transfer`;
};

async function* blocks(file: Awaited<ReturnType<typeof open>>, from: number): AsyncGenerator<Buffer> {
  for (let at = from; ; ) {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(CHUNK), 0, CHUNK, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

export const retr: Handler = (session, argument) => {
  const path = session.path(argument);
  const { restart, type, dialect } = session;
  return perform(session, session.beginTransfer('RETR', path), async () => {
    const file = await open(session.server.tree.real(path), 'r');
    const found = await file.stat();
    const refusal = found.isFile() ? dialect.restBeyondEnd : dialect.missing('RETR', argument);
    if (!found.isFile() || (restart > found.size && refusal !== undefined)) {
      await file.close();
      return refusal ?? dialect.missing('RETR', argument);
    }
    const plain = blocks(file, restart);
    const total = Math.max(0, found.size - restart);
    return { way: 'out', total, chunks: type === 'A' ? asciiOut(plain) : plain, close: () => file.close() };
  });
};

/** STOR and APPE. The file is made, and cut where the dialect cuts it, before anything is connected. */
export const store =
  (appends: boolean): Handler =>
  (session, argument, verb) => {
    const path = session.path(argument);
    const { restart, dialect, type } = session;
    return perform(session, session.beginTransfer(verb, path), async () => {
      const real = session.server.tree.real(path);
      const file = await open(real, restart === 0 && !appends ? 'w' : (await exists(real)) ? 'r+' : 'w+');
      let at = appends ? (await file.stat()).size : restart;
      if (restart > 0 && !appends && dialect.restStore === 'truncates') await file.truncate(restart);
      const convert = type === 'A' ? asciiIn() : (chunk: Buffer): Buffer => chunk;
      const write = async (chunk: Buffer): Promise<void> => {
        const bytes = convert(chunk);
        await file.write(bytes, 0, bytes.length, at);
        at += bytes.length;
      };
      return { way: 'in', write, close: () => file.close() };
    });
  };

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** Text as a flow towards the client. */
export function textFlow(text: string, charset: 'utf8' | 'latin1' = 'utf8'): Flow {
  const bytes = Buffer.from(text, charset);
  const chunks = (async function* () {
    if (bytes.length > 0) yield bytes;
  })();
  return { way: 'out', total: bytes.length, chunks, close: async () => {} };
}

/** The lines of a listing of `path` in the style of a verb, with their line ends. Rejects when it is not there. */
export async function listingText(session: Session, verb: string, path: string, flags = ''): Promise<string> {
  const { dialect, server } = session;
  const items = (await itemsOf(server.tree.real(path), basename(path)))
    .filter((item) => /a/i.test(flags) || verb === 'MLSD' || !item.name.startsWith('.'))
    .map((item) => ({
      ...item,
      size: server.hooks.size?.(posix.join(path, item.name), item.size) ?? item.size,
    }));
  if (verb === 'NLST') return items.map((item) => item.name + dialect.namesEnd).join('');
  const line = {
    MLSD: (item: Item) => factLine(item),
    LIST: dialect.listStyle === 'dos' ? dosLine : unixLine,
  };
  const shape = verb === 'MLSD' ? line.MLSD : line.LIST;
  return items.map((item) => `${shape(item)}\r\n`).join('');
}

export const list: Handler = (session, argument, verb) => {
  const { flags, path } = verb === 'MLSD' ? { flags: '', path: argument } : listArgument(argument);
  const from = session.path(path);
  const { dialect } = session;
  return perform(session, session.beginTransfer(verb, from), async () => {
    const text = await listingText(session, verb, from, flags).catch(() => undefined);
    if (text !== undefined) return textFlow(text, session.charset);
    return dialect.listMissing ?? textFlow('');
  });
};

export const abor: Handler = async (session) => {
  const { transfer, dialect } = session;
  transfer?.abort();
  await transfer?.settled;
  return dialect.aborDone;
};

/** STAT: progress while data move, a listing with a path, else a word about the server. */
export const status: Handler = async (session, argument) => {
  const { transfer, dialect } = session;
  if (transfer !== undefined) return dialect.progress(transfer);
  if (argument === '')
    return ['211-Status of the FTP server', ` Logged in as ${session.user}`, '211 End of status'];
  const { flags, path } = listArgument(argument);
  const text = await listingText(session, 'LIST', session.path(path), flags).catch(() => undefined);
  if (text === undefined) return dialect.missing('STAT', path);
  return [`213-Status of ${argument}:`, ...text.split('\r\n').slice(0, -1), '213 End of status'];
};

export const DATA: VerbTable = {
  PASV: pasv,
  EPSV: epsv,
  PORT: port,
  EPRT: eprt,
  REST: rest,
  RETR: retr,
  STOR: store(false),
  APPE: store(true),
  LIST: list,
  NLST: list,
  MLSD: list,
  ABOR: abor,
  STAT: status,
};
