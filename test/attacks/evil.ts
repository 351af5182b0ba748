/** A server that takes part in DCPA and is not honest: another key, another address, other content than it says. */
import { formatDcpaReply, parseDcpa } from '../../src/protocol/dcpa.js';
import type { Dialect, Handler } from '../peers/scripted/dialect.js';
import { featReply, ORDINARY } from '../peers/scripted/dialect.js';
import { startLiar } from '../peers/scripted/liar.js';
import type { Hooks, ScriptedOptions, ScriptedPeer } from '../peers/scripted/options.js';
import { startScripted } from '../peers/scripted/server.js';
import type { Session } from '../peers/scripted/session.js';
import { cpsv, epsv } from '../peers/scripted/verbs-data.js';

/**
 * `key`: names a key that it does not have · `address`: names somebody else's address · `nothing`: answers 226 and keeps
 * nothing · `early`: closes in the middle of a file, and answers 226 · `more`: sends more than the size that it tells.
 */
export type Evil = 'key' | 'address' | 'nothing' | 'early' | 'more';

/** Key of somebody else. */
const FOREIGN_KEY = '5c'.repeat(32);
const SURPLUS = 1000;

/** Sessions with DCPA in use, and how many keys they have pinned. */
const pinned = new WeakMap<Session, number>();

const dcpaOf =
  (evil: Evil): Handler =>
  (session, argument) => {
    const command = parseDcpa(argument);
    if (command.kind === 'off') pinned.delete(session);
    if (command.kind === 'set') pinned.set(session, command.peers?.length ?? pinned.get(session) ?? 0);
    const peers = pinned.get(session);
    if (peers === undefined) return `200 ${formatDcpaReply({ on: false })}`;
    const self = evil === 'key' ? FOREIGN_KEY : session.server.identity.pin;
    return `200 ${formatDcpaReply({ on: true, self, scope: 'session', peers, role: 'auto' })}`;
  };

/** Where it listens it is TLS client, as `Role=auto` has it. */
const listening =
  (handler: Handler): Handler =>
  async (session, argument, verb) => {
    const reply = await handler(session, argument, verb);
    session.cpsv = pinned.has(session);
    return reply;
  };

function dialectOf(evil: Evil, passive: Dialect['passive']): Dialect {
  const features = ['AUTH TLS', 'PBSZ', 'PROT', 'SIZE', 'EPSV', 'EPRT', 'DCPA sha-256;session;host'];
  return {
    ...ORDINARY,
    name: 'evil',
    features: featReply(features),
    verbs: { ...ORDINARY.verbs, DCPA: dcpaOf(evil), PASV: listening(cpsv), EPSV: listening(epsv) },
    asksCertificate: true,
    passive,
    broken: () => '226 Transfer complete',
  };
}

const HOOKS: Readonly<Partial<Record<Evil, Hooks>>> = {
  early: {
    trapData: (point, _transfer, socket) => {
      if (point === 'data') socket.destroy();
      return false;
    },
  },
  more: { size: (_path, size) => Math.max(0, size - SURPLUS) },
};

/** @param options address and further settings. @param passive how it tells its passive endpoint. */
export function startEvil(
  evil: Evil,
  options: ScriptedOptions,
  passive: Dialect['passive'],
): Promise<ScriptedPeer> {
  const dialect = dialectOf(evil, passive);
  if (evil === 'nothing')
    return startLiar({ ...options, as: dialect, lie: 'nothing-stored', sizeLies: false });
  const hooks = HOOKS[evil];
  return startScripted(dialect, { ...options, ...(hooks && { hooks }) });
}
