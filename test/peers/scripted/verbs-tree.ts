/** Verbs that look at or change the tree of files: RFC 959, 3659, MFMT, and the digests. */
import { createHash } from 'node:crypto';
import { lstat, mkdir, readFile, rename, rmdir, stat, unlink, utimes } from 'node:fs/promises';
import { basename } from 'node:path';
import { crc32 } from 'node:zlib';
import { type Handler, quoted, type VerbTable } from './dialect.js';
import { factLine, fromTimeVal, itemOf, timeVal } from './listing.js';
import type { Session } from './session.js';

const real = (session: Session, argument: string): string => session.server.tree.real(session.path(argument));

/** Runs an action on a path; a path that is not there gets the dialect's answer. */
const onPath =
  (act: (session: Session, path: string, argument: string) => Promise<string | readonly string[]>): Handler =>
  (session, argument, verb) =>
    act(session, real(session, argument), argument).catch(() => session.dialect.missing(verb, argument));

export const pwd: Handler = (session) => `257 ${quoted(session.directory)} is the current directory`;

export const cwd = onPath(async (session, path, argument) => {
  if (!(await stat(path)).isDirectory()) return `550 ${argument}: Not a directory`;
  session.directory = session.path(argument);
  return '250 CWD command successful';
});

export const mkd: Handler = async (session, argument) => {
  try {
    await mkdir(real(session, argument));
    return session.dialect.made(session.path(argument));
  } catch (error) {
    const exists = (error as NodeJS.ErrnoException).code === 'EEXIST';
    return exists ? session.dialect.exists : session.dialect.missing('MKD', argument);
  }
};

export const rmd = onPath(async (session, path) => {
  await rmdir(path);
  return session.dialect.removed;
});

const dele = onPath(async (_session, path) => {
  await unlink(path);
  return '250 DELE command successful';
});

const rnfr = onPath(async (session, path) => {
  await lstat(path);
  session.renameFrom = path;
  return '350 File or directory exists, ready for destination name';
});

export const rnto: Handler = async (session, argument) => {
  const from = session.renameFrom;
  session.renameFrom = undefined;
  if (from === undefined) return '503 Bad sequence of commands';
  return rename(from, real(session, argument)).then(
    () => '250 Rename successful',
    () => session.dialect.missing('RNTO', argument),
  );
};

const size = onPath(async (session, path, argument) => {
  const { dialect, server } = session;
  if (session.type === 'A' && dialect.asciiSize !== undefined) return dialect.asciiSize;
  const found = await stat(path);
  if (!found.isFile()) return dialect.directorySize(argument);
  const told = server.hooks.size?.(session.path(argument), found.size) ?? found.size;
  return `213 ${told}`;
});

const mdtm: Handler = async (session, argument, verb) => {
  const set = session.dialect.mdtmSets ? /^(\d{14})[^ ;]*[ ;](.+)$/s.exec(argument) : null;
  if (set !== null) return setTime(session, set[1] ?? '', set[2] ?? '', '253 Date/time changed okay');
  return stat(real(session, argument)).then(
    (found) => `213 ${timeVal(found.mtime)}`,
    () => session.dialect.missing(verb, argument),
  );
};

async function setTime(session: Session, text: string, name: string, done: string): Promise<string> {
  const time = fromTimeVal(text);
  if (time === undefined) return '501 Invalid time';
  return utimes(real(session, name), time, time).then(
    () => done,
    () => `550 ${name}: No such file or directory`,
  );
}

const mfmt: Handler = (session, argument) => {
  const [time = '', ...rest] = argument.split(' ');
  const name = rest.join(' ');
  return setTime(session, time, name, `213 Modify=${time}; ${name}`);
};

export const mlst = onPath(async (session, real, argument) => {
  const item = await itemOf(real, basename(real));
  const path = session.path(argument);
  const size = session.server.hooks.size?.(path, item.size) ?? item.size;
  return ['250- Start of list', ` ${factLine({ ...item, size }, path)}`, '250 End of list'];
});

/** `name`, `"name"`, `"name" start end`: the bytes that are to be summed. */
async function summed(session: Session, argument: string): Promise<Buffer> {
  const found = /^"(.*)"(?: (\d+) (\d+))?$/s.exec(argument);
  const content = await readFile(real(session, found?.[1] ?? argument));
  return found?.[2] === undefined ? content : content.subarray(Number(found[2]), Number(found[3]));
}

const crc = (content: Buffer): string => crc32(content).toString(16).padStart(8, '0');

/** A digest verb: the dialect words the reply. */
export const digestOf =
  (sum: (content: Buffer) => string): Handler =>
  (session, argument, verb) =>
    summed(session, argument).then(
      (content) => session.dialect.digest(sum(content)),
      () => session.dialect.missing(verb, argument),
    );

export const TREE: VerbTable = {
  PWD: pwd,
  XPWD: pwd,
  CWD: cwd,
  XCWD: cwd,
  CDUP: (session, _argument, verb) => cwd(session, '..', verb),
  XCUP: (session, _argument, verb) => cwd(session, '..', verb),
  MKD: mkd,
  XMKD: mkd,
  RMD: rmd,
  XRMD: rmd,
  DELE: dele,
  RNFR: rnfr,
  RNTO: rnto,
  SIZE: size,
  MDTM: mdtm,
  MFMT: mfmt,
  MLST: mlst,
  XCRC: digestOf(crc),
  XMD5: digestOf((content) => createHash('md5').update(content).digest('hex')),
};
