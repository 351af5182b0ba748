/** A server that answers 226 to an upload it has not kept as it came. */
import { open, stat, truncate, unlink } from 'node:fs/promises';
import { type Dialect, type Handler, ORDINARY } from './dialect.js';
import { type ScriptedOptions, type ScriptedPeer, startScripted } from './server.js';
import { TREE } from './verbs-tree.js';

/** `short` keeps the first half, `altered` turns one byte in the middle over, `nothing-stored` keeps no file. */
export type Lie = 'short' | 'altered' | 'nothing-stored';

export interface LiarOptions extends ScriptedOptions {
  lie: Lie;
  /** SIZE and the listings tell the size that was sent. Default false. */
  sizeLies?: boolean;
  /** Offer XCRC and XMD5, which tell the truth about what is on the disk. Default true. */
  digests?: boolean;
  /** The dialect it speaks otherwise. Default: an ordinary server. */
  as?: Dialect;
}

const spoil: Readonly<Record<Lie, (real: string, size: number) => Promise<void>>> = {
  short: (real, size) => truncate(real, Math.floor(size / 2)),
  'nothing-stored': (real) => unlink(real),
  altered: async (real, size) => {
    const file = await open(real, 'r+');
    const byte = Buffer.alloc(1);
    const middle = Math.floor(size / 2);
    await file.read(byte, 0, 1, middle);
    await file.write(Buffer.from([(byte[0] ?? 0) ^ 0xff]), 0, 1, middle);
    await file.close();
  },
};

/** Starts a liar. Empty files are kept as they are, unless nothing is stored at all. */
export function startLiar(options: LiarOptions): Promise<ScriptedPeer> {
  const base = options.as ?? ORDINARY;
  const sent = new Map<string, number>();
  const truth = { ...TREE, ...base.verbs }.SIZE as Handler;
  const size: Handler = (session, argument, verb) => {
    const told = options.sizeLies ? sent.get(session.path(argument)) : undefined;
    return told === undefined ? truth(session, argument, verb) : `213 ${told}`;
  };
  const silenced = options.digests === false ? { XCRC: null, XMD5: null, HASH: null } : {};
  const dialect: Dialect = { ...base, name: 'liar', verbs: { ...base.verbs, SIZE: size, ...silenced } };
  const stored = async (path: string, real: string): Promise<void> => {
    const found = await stat(real);
    sent.set(path, found.size);
    if (found.size > 0 || options.lie === 'nothing-stored') await spoil[options.lie](real, found.size);
  };
  const told = (path: string, real: number): number => (options.sizeLies ? (sent.get(path) ?? real) : real);
  return startScripted(dialect, { ...options, hooks: { ...options.hooks, stored, size: told } });
}
