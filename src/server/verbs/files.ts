import { dirName } from '../../protocol/paths.js';
import { quotePath } from '../../protocol/reply-lines.js';
import { formatTime, parseTime } from '../../protocol/times.js';
import { fileReply } from '../failures.js';
import { Refusal, reply, type ServerReply } from '../reply.js';
import type { Session } from '../session.js';
import { FileError } from '../storage/types.js';
import type { Place } from '../tree.js';
import type { VerbRow } from './row.js';

async function cwd(session: Session, name: string): Promise<ServerReply> {
  const place = session.place(name);
  const facts = await session.storage(place).stat(place.inner);
  if (facts.type !== 'directory') return reply(550, 'That is not a directory.');
  session.params.cwd = place.path;
  return reply(250, 'Directory changed.');
}

function cdup(session: Session): ServerReply {
  session.params.cwd = dirName(session.params.cwd) || '/';
  // RFC 959 appendix II: 200; RFC 1123 has 250 as for CWD.
  return reply(250, 'Directory changed.');
}

function pwd(session: Session): ServerReply {
  return reply(257, `${quotePath(session.params.cwd)} is the current directory.`);
}

/** A name that may come into being or go: not the root of a mount. */
function changeable(session: Session, name: string, right: 'write' | 'delete', code: 550 | 553 = 550): Place {
  const place = session.place(name, right, code);
  if (place.mountPoint) throw new Refusal(code, 'That directory belongs to the server.');
  return place;
}

async function mkd(session: Session, name: string): Promise<ServerReply> {
  const place = changeable(session, name, 'write');
  await session.storage(place).mkdir(place.inner);
  session.changed('MKD', place.path);
  return reply(257, `${quotePath(place.path)} created.`);
}

async function rmd(session: Session, name: string): Promise<ServerReply> {
  const place = changeable(session, name, 'delete');
  await session.storage(place).rmdir(place.inner);
  session.changed('RMD', place.path);
  return reply(250, 'Directory removed.');
}

/** Does the work and tells the books whether it was done. */
async function settled(book: Promise<(done: boolean) => void>, work: () => Promise<void>): Promise<void> {
  const tell = await book;
  try {
    await work();
    tell(true);
  } finally {
    tell(false);
  }
}

async function dele(session: Session, name: string): Promise<ServerReply> {
  const place = changeable(session, name, 'delete');
  await settled(session.core.shares.removing(session, place), () =>
    session.storage(place).remove(place.inner),
  );
  session.changed('DELE', place.path);
  return reply(250, 'File removed.');
}

async function rnfr(session: Session, name: string): Promise<ServerReply> {
  const place = changeable(session, name, 'delete');
  await session.storage(place).stat(place.inner);
  session.params.renameFrom = place;
  return reply(350, 'Send RNTO.');
}

async function rnto(session: Session, name: string): Promise<ServerReply> {
  const from = session.params.renameFrom;
  session.params.renameFrom = undefined;
  if (!from) return reply(503, 'Send RNFR first.');
  const to = changeable(session, name, 'write', 553);
  if (JSON.stringify(from.storage) !== JSON.stringify(to.storage)) {
    return reply(553, 'A rename does not cross storages.');
  }
  if (session.tree.dodges(from.path, to.path)) return reply(553, 'Other rights hold there.');
  const storage = session.storage(to);
  if (!session.tree.may('delete', to.path) && (await storage.stat(to.inner).catch(() => undefined))) {
    return reply(553, 'That file is there already.');
  }
  try {
    await settled(session.core.shares.renaming(session, from, to), () =>
      storage.rename(from.inner, to.inner),
    );
  } catch (error) {
    if (error instanceof FileError) return fileReply(error, true);
    throw error;
  }
  session.changed('RNTO', from.path, to.path);
  return reply(250, 'Renamed.');
}

async function size(session: Session, name: string): Promise<ServerReply> {
  // RFC 3659 4: the size as it would be sent. In ASCII that means reading the whole file for a number: refused.
  if (session.params.type === 'A') return reply(550, 'SIZE needs TYPE I.');
  const place = session.place(name, 'read');
  const facts = await session.storage(place).stat(place.inner);
  if (facts.type !== 'file') return reply(550, 'That is not a file.');
  return reply(213, String(facts.size));
}

async function mdtm(session: Session, name: string): Promise<ServerReply> {
  const place = session.place(name, 'read');
  const facts = await session.storage(place).stat(place.inner);
  if (facts.type !== 'file') return reply(550, 'That is not a file.');
  return reply(213, formatTime(facts.modify));
}

/** `YYYYMMDDhhmmss[.sss] path` (draft-somers-ftp-mfxx 2.3). @throws Refusal 501 */
function timeAndPath(argument: string): { at: number; path: string } {
  const [, time = '', path = ''] = /^(\S+) (.+)$/s.exec(argument) ?? [];
  const at = parseTime(time);
  if (at === undefined || path === '') throw new Refusal(501, 'That wants YYYYMMDDhhmmss and a path.');
  return { at, path };
}

async function setTime(session: Session, verb: 'MFMT' | 'MFCT', argument: string): Promise<ServerReply> {
  const { at, path } = timeAndPath(argument);
  const place = session.place(path, 'write');
  const storage = session.storage(place);
  if (!storage.setTimes) return reply(504, 'This storage keeps no times.');
  await storage.setTimes(place.inner, verb === 'MFMT' ? { modify: at } : { create: at });
  session.changed(verb, place.path);
  return reply(213, `${verb === 'MFMT' ? 'Modify' : 'Create'}=${formatTime(at)}; ${place.path}`);
}

/** `fact=value;... path` (draft-somers-ftp-mfxx 4): modify, create and UNIX.mode; ownership is never changed. */
async function mff(session: Session, argument: string): Promise<ServerReply> {
  const [, list = '', path = ''] = /^((?:[A-Za-z.]+=[^;]*;)+) (.+)$/s.exec(argument) ?? [];
  if (path === '') return reply(501, 'MFF wants fact=value; and a path.');
  const place = session.place(path, 'write');
  const storage = session.storage(place);
  const wanted = list
    .slice(0, -1)
    .split(';')
    .map((fact): [string, string] => {
      const at = fact.indexOf('=');
      return [fact.slice(0, at).toLowerCase(), fact.slice(at + 1)];
    });
  const times: { modify?: number; create?: number } = {};
  let mode: number | undefined;
  for (const [name, value] of wanted) {
    const time = parseTime(value);
    if (name === 'modify' && time !== undefined && storage.setTimes) times.modify = time;
    else if (name === 'create' && time !== undefined && storage.setTimes) times.create = time;
    else if (name === 'unix.mode' && /^0?[0-7]{3}$/.test(value) && storage.chmod)
      mode = Number.parseInt(value, 8);
    else return reply(504, 'MFF knows Modify, Create and UNIX.mode as far as the storage keeps them.');
  }
  if (times.modify !== undefined || times.create !== undefined) await storage.setTimes?.(place.inner, times);
  if (mode !== undefined) await storage.chmod?.(place.inner, mode);
  session.changed('MFF', place.path);
  return reply(213, `${list} ${place.path}`);
}

async function avbl(session: Session, name: string): Promise<ServerReply> {
  const place = session.place(name);
  const storage = session.storage(place);
  const facts = await storage.stat(place.inner);
  if (facts.type !== 'directory') return reply(550, 'That is not a directory.');
  const free = (await storage.available?.(place.inner)) ?? Number.MAX_SAFE_INTEGER;
  const left = await session.core.shares.left(session);
  return reply(213, String(Math.min(free, left ?? free)));
}

const row = (
  verb: string,
  source: string,
  syntax: string,
  summary: string,
  run: VerbRow['run'],
  more: Partial<VerbRow> = {},
): VerbRow => ({
  verb,
  source,
  syntax,
  summary,
  argument: syntax === '' ? 'none' : syntax.startsWith('[') ? 'optional' : 'required',
  when: 'login',
  run,
  ...more,
});

export const rows: VerbRow[] = [
  row('CWD', 'RFC 959 4.1.1', '<path>', 'Change the current directory.', cwd, { aliases: ['XCWD'] }),
  row('CDUP', 'RFC 959 4.1.1', '', 'Change to the parent directory.', cdup, { aliases: ['XCUP'] }),
  row('PWD', 'RFC 959 4.1.3', '', 'Name of the current directory.', pwd, { aliases: ['XPWD'] }),
  row('MKD', 'RFC 959 4.1.3', '<path>', 'Make a directory.', mkd, { aliases: ['XMKD'] }),
  row('RMD', 'RFC 959 4.1.3', '<path>', 'Remove an empty directory.', rmd, { aliases: ['XRMD'] }),
  row('DELE', 'RFC 959 4.1.3', '<path>', 'Remove a file.', dele),
  row('RNFR', 'RFC 959 4.1.3', '<path>', 'Rename: the old name.', rnfr),
  row('RNTO', 'RFC 959 4.1.3', '<path>', 'Rename: the new name; an existing file is replaced.', rnto),
  row('SIZE', 'RFC 3659 4', '<path>', 'Octets of a file, in TYPE I.', size, { features: () => ['SIZE'] }),
  row('MDTM', 'RFC 3659 3', '<path>', 'Modification time, UTC.', mdtm, { features: () => ['MDTM'] }),
  row(
    'MFMT',
    'draft-somers-ftp-mfxx 2',
    '<time> <path>',
    'Set the modification time.',
    (session, argument) => setTime(session, 'MFMT', argument),
    {
      features: () => ['MFMT'],
    },
  ),
  row(
    'MFCT',
    'draft-somers-ftp-mfxx 3',
    '<time> <path>',
    'Set the creation time, where the storage keeps one.',
    (session, argument) => setTime(session, 'MFCT', argument),
    {
      features: () => ['MFCT'],
    },
  ),
  row(
    'MFF',
    'draft-somers-ftp-mfxx 4',
    '<fact=value;...> <path>',
    'Set facts: Modify, Create, UNIX.mode.',
    mff,
    {
      features: () => ['MFF Modify;Create;UNIX.mode;'],
    },
  ),
  row(
    'AVBL',
    'draft-peterson-streamlined-ftp-command-extensions 4',
    '[<path>]',
    'Octets that can still be stored.',
    avbl,
    {
      features: () => ['AVBL'],
    },
  ),
];
