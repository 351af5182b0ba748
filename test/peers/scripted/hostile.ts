/** A server whose listings attack the client: names that climb, escape or inject, sizes that lie, a folder in itself. */
import { access } from 'node:fs/promises';
import { type Dialect, type Handler, ORDINARY } from './dialect.js';
import { listArgument } from './files.js';
import { type ScriptedOptions, type ScriptedPeer, startScripted } from './server.js';
import type { Session } from './session.js';
import { perform } from './transfer.js';
import { listingText, retr, textFlow } from './verbs-data.js';

/** Names that no client may take as they are. */
export const HOSTILE_NAMES: readonly string[] = [
  '../x',
  '../../../../tmp/x',
  '/etc/passwd',
  '..',
  '.',
  '',
  'sub/../../x',
  '..\\x',
  'C:\\x',
  'a\r\nDELE b',
  'a\nb',
  'a\0b',
  '\u001b]0;title\u0007\u001b[2Jx',
  '\u202egnp.exe',
  '-rf',
  'x'.repeat(4096),
];

/** What RETR sends for a name that is only in a listing. */
export const HOSTILE_CONTENT = 'content that nobody asked for\n';

export interface HostileOptions extends ScriptedOptions {
  /** Names of files in every listing, exactly as given. Default `HOSTILE_NAMES`. */
  names?: readonly string[];
  /** Sizes that listings and SIZE tell for true files, by name. */
  sizes?: Readonly<Record<string, number>>;
  /** Adds a folder `loop` that contains all this again, without end, and a link `self` to its own folder. */
  loop?: boolean;
}

const TIME = '20240102030405';

function lineOf(verb: string, name: string, kind: 'file' | 'dir' | 'link'): string {
  if (verb === 'NLST') return `${name}\r\n`;
  if (verb === 'MLSD') {
    const type = { file: 'file;size=30', dir: 'dir', link: 'OS.unix=slink:.' }[kind];
    return `type=${type};modify=${TIME};unique=fd01U7; ${name}\r\n`;
  }
  const letter = { file: '-', dir: 'd', link: 'l' }[kind];
  return `${letter}rwxr-xr-x   1 ftp      ftp            30 Jan  2  2024 ${name}${kind === 'link' ? ' -> .' : ''}\r\n`;
}

async function listingOf(
  session: Session,
  verb: string,
  path: string,
  options: HostileOptions,
): Promise<string> {
  const isLoop = options.loop && /^(\/loop|\/self)+$/.test(path);
  const honest = await listingText(session, verb, isLoop ? '/' : path).catch(() => '');
  const hostile = (options.names ?? HOSTILE_NAMES).map((name) => lineOf(verb, name, 'file'));
  const loop = options.loop ? [lineOf(verb, 'loop', 'dir'), lineOf(verb, 'self', 'link')] : [];
  return [honest, ...hostile, ...loop].join('');
}

/** Starts a hostile server. It serves `HOSTILE_CONTENT` under every name that is not a file of its own. */
export function startHostile(options: HostileOptions = {}): Promise<ScriptedPeer> {
  const list: Handler = (session, argument, verb) => {
    const path = session.path(verb === 'MLSD' ? argument : listArgument(argument).path);
    const flow = async () => textFlow(await listingOf(session, verb, path, options));
    return perform(session, session.beginTransfer(verb, path), flow);
  };
  const stat: Handler = async (session, argument, verb) => {
    const path = session.path(listArgument(argument).path);
    session.raw(`213-Status\r\n${await listingOf(session, 'LIST', path, options)}213 End of ${verb}\r\n`);
    return undefined;
  };
  const serve: Handler = async (session, argument, verb) => {
    const path = session.path(argument);
    const isThere = await access(session.server.tree.real(path)).then(
      () => true,
      () => false,
    );
    if (isThere) return retr(session, argument, verb);
    return perform(session, session.beginTransfer('RETR', path), async () => textFlow(HOSTILE_CONTENT));
  };
  const cwd: Handler = (session, argument) => {
    session.directory = session.path(argument);
    return '250 CWD command successful';
  };
  const verbs: Dialect['verbs'] = { LIST: list, NLST: list, MLSD: list, STAT: stat, RETR: serve, CWD: cwd };
  const size = (path: string, real: number): number => options.sizes?.[path.split('/').at(-1) ?? ''] ?? real;
  const dialect: Dialect = { ...ORDINARY, name: 'hostile', verbs };
  return startScripted(dialect, { ...options, hooks: { ...options.hooks, size } });
}
