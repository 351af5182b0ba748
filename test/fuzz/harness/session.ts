/** A whole session of the server without sockets and threads: octets in, replies out, and what must hold at its end. */

import { setImmediate } from 'node:timers/promises';
import { createSecureContext } from 'node:tls';
import { parseRange } from '../../../src/protocol/ranges.js';
import { Connection } from '../../../src/server/connection.js';
import type { Core } from '../../../src/server/core.js';
import { Near } from '../../../src/server/data/near.js';
import { makeOpener } from '../../../src/server/data/opener.js';
import type { ServerEvent } from '../../../src/server/events.js';
import { ForeignFailures } from '../../../src/server/foreign.js';
import { countingGate } from '../../../src/server/gate.js';
import { judgeDataPeer } from '../../../src/server/judge.js';
import { localCounters } from '../../../src/server/limits.js';
import { settingsOf } from '../../../src/server/settings.js';
import { accountShares } from '../../../src/server/shares.js';
import { memoryStorage } from '../../../src/server/storage/memory.js';
import { openStorage } from '../../../src/server/storage/open.js';
import type { Storage, StorageSpec } from '../../../src/server/storage/types.js';
import { memoryUsers } from '../../../src/server/users/memory.js';
import { ROWS } from '../../../src/server/verbs/table.js';
import { facts, ScriptedControl } from './control.js';
import { Dice } from './dice.js';
import { DicePlane } from './plane.js';

const BYTES = 256 * 1024;
const HOME: StorageSpec = { kind: 'object', id: 1 };
const OTHER: StorageSpec = { kind: 'object', id: 2 };
const CONTEXT = createSecureContext();
const MATERIAL = { cert: '', key: '', ticketKeys: new Uint8Array(48), minVersion: 'TLSv1.2' as const };

const USERS = memoryUsers([
  { name: 'user', password: 'secret', storage: HOME, mounts: [{ path: '/mnt/other', storage: OTHER }] },
  {
    name: 'half',
    password: 'secret',
    storage: HOME,
    rights: [
      { path: '/', rights: ['read', 'list', 'write'] },
      { path: '/d', rights: ['list', 'write', 'delete'] },
      { path: '/d/none', rights: [] },
    ],
    quota: { bytes: 600, files: 6 },
    rate: { up: 1000, down: 1000 },
    maxLogins: 1,
  },
  { name: 'anonymous', anonymous: true, storage: HOME },
  { name: 'far', password: 'secret', storage: HOME, allowFrom: ['192.0.2.0/24'] },
]);

/** How a session is set up: bits of one octet. */
export interface Plan {
  /** Logged in as, before the octets come. */
  login: 'user' | 'half' | 'anonymous' | undefined;
  tls: 'none' | 'offered' | 'required' | 'implicit';
  /** Chunks of a few octets, or lines as they are. */
  cut: boolean;
  /** The client ends its side and reads on, or is gone. */
  politely: boolean;
  seed: number;
}

const LOGINS = ['user', 'user', 'half', 'anonymous'] as const;
const TLS = ['none', 'offered', 'required', 'implicit'] as const;

export function planOf(bits: number, seed: number): Plan {
  return {
    login: bits & 4 ? undefined : LOGINS[bits & 3],
    tls: TLS[(bits >> 3) & 3]!,
    cut: (bits & 32) !== 0,
    politely: (bits & 64) === 0,
    seed,
  };
}

interface World {
  core: Core;
  plane: DicePlane;
  storages: Map<number, Storage>;
  counts: Map<string, number>;
  events: ServerEvent[];
}

async function put(storage: Storage, path: string, text: string): Promise<void> {
  const sink = await storage.write(path, { mode: 'replace', offset: 0, temporary: 'never' });
  await sink.write(Buffer.from(text));
  await sink.commit();
}

async function storages(): Promise<Map<number, Storage>> {
  const home = memoryStorage({ bytes: BYTES, entries: 60, now: () => 1e12 });
  const other = memoryStorage({ bytes: BYTES, entries: 20, now: () => 1e12 });
  await put(home, '/a', 'one\ntwo\r\nthree');
  await home.mkdir('/d');
  await put(home, '/d/b', 'x'.repeat(300));
  await put(other, '/c', 'c');
  return new Map([
    [1, home],
    [2, other],
  ]);
}

async function world(plan: Plan, dice: Dice): Promise<World> {
  const objects = await storages();
  const events: ServerEvent[] = [];
  const counts = new Map<string, number>();
  const counters = localCounters();
  const open = (spec: StorageSpec): Storage => openStorage(spec, objects);
  const plane = new DicePlane(makeOpener(open), judgeDataPeer, dice);
  const secure = plan.tls === 'none' ? undefined : { context: CONTEXT, material: MATERIAL };
  const settings = settingsOf({
    ...(secure ? { tls: { cert: '', key: '', required: plan.tls === 'required' } } : {}),
    fxp: {
      mode: (['off', 'verified', 'listed', 'open'] as const)[plan.seed & 3]!,
      peers: [parseRange('192.0.2.0/24')],
      requireTls: (plan.seed & 4) !== 0,
    },
    modeZ: (plan.seed & 8) !== 0,
    temporary: (['never', 'replacing', 'always'] as const)[plan.seed % 3]!,
    limits: { loginFailuresPerMinute: 3, levelDelay: 0, digestBytes: 4096 },
    hosts: plan.seed & 16 ? ['a.example'] : [],
  });
  const core: Core = {
    settings,
    secure,
    users: USERS,
    data: { near: new Near(), plane, storage: open, close: async () => {} },
    sessions: new Set(),
    verbs: { rows: ROWS },
    foreign: new ForeignFailures(() => core.settings.limits),
    gate: countingGate(USERS, () => core.settings.limits, {
      counters: {
        acquire: (key, limit) => {
          const got = counters.acquire(key, limit) as boolean;
          if (got) counts.set(key, (counts.get(key) ?? 0) + 1);
          return got;
        },
        release: (key) => {
          counters.release(key);
          counts.set(key, (counts.get(key) ?? 0) - 1);
        },
      },
    }),
    shares: accountShares(open),
    emit: (event) => events.push(event),
    level: async () => {},
  };
  return { core, plane, storages: objects, counts, events };
}

/** Pieces of the input as the reads give them. */
function* pieces(octets: Buffer, plan: Plan, dice: Dice): Generator<Buffer> {
  for (let at = 0; at < octets.length; ) {
    const line = octets.indexOf(10, at) + 1 || octets.length;
    const end = plan.cut
      ? Math.min(octets.length, at + 1 + dice.roll(24))
      : dice.roll(4)
        ? line
        : octets.length;
    yield octets.subarray(at, end);
    at = end;
  }
}

/** Runs the octets as one session. @throws Error that names the invariant that does not hold. */
export async function runSession(octets: Buffer, plan: Plan): Promise<ScriptedControl> {
  const dice = new Dice(plan.seed);
  const made = await world(plan, dice);
  const { core, plane } = made;
  const control = new ScriptedControl({ failsTls: plan.seed % 7 === 6 });
  const connection = new Connection(core, control, () => {});
  if (plan.tls === 'implicit') control.tls = facts();
  const stuck = (): void => plane.expire();
  const implicit = plan.tls === 'implicit';
  if (implicit) Object.assign(connection.session.params, { pbsz: true, protected: true });
  await connection.begin(false);
  if (plan.login) await enter(control, plan, stuck);
  for (const piece of pieces(octets, plan, dice)) {
    if (control.ended) break;
    await control.feed(piece, stuck);
    for (let turns = dice.roll(4); turns > 0; turns--) await setImmediate();
  }
  const closedByServer = control.ended;
  if (plan.politely) control.finish();
  else control.destroy();
  await control.closed(stuck);
  plane.expire();
  for (let turns = 0; connection.busy; turns++) {
    if (turns > 400) throw new Error('a command goes on after the end of its connection');
    await setImmediate();
  }
  checkOrder(control, made.events, plan.politely && !closedByServer);
  await checkLeft(made);
  return control;
}

/** As clients begin: TLS where it is wanted, then the login. */
async function enter(control: ScriptedControl, plan: Plan, stuck: () => void): Promise<void> {
  const say = (...lines: string[]): Promise<void> =>
    control.feed(Buffer.from(lines.map((line) => `${line}\r\n`).join('')), stuck);
  const secure = plan.tls === 'required';
  if (secure) {
    await say('AUTH TLS');
    while (!control.tls && !control.ended) await setImmediate();
  }
  await say(`USER ${plan.login}`, 'PASS secret', 'TYPE I', ...(secure ? ['PBSZ 0', 'PROT P'] : []));
}

/** One final reply for each command line, in their order; NOOP and STAT may be answered beside a transfer. */
function checkOrder(control: ScriptedControl, events: readonly ServerEvent[], whole: boolean): void {
  const { sent, answered } = control;
  const verbs = events.flatMap((event) => (event.event === 'command' ? [event.verb] : []));
  const wrong = (what: string): Error =>
    new Error(`${what}: sent ${sent.join(' ')}, answered ${verbs.join(' ')}, ${answered} replies`);
  if (control.overlong) return;
  if (answered > sent.length) throw wrong('more replies than commands');
  let aside = 0;
  let at = 0;
  for (const verb of sent) {
    if (at < verbs.length && verb === verbs[at]) at += 1;
    else if (verb === 'NOOP' || verb === 'STAT') aside += 1;
    else if (at < verbs.length) throw wrong(`${verb} has no reply of its own`);
  }
  if (at < verbs.length) throw wrong('replies out of order');
  if (verbs.length + aside < answered) throw wrong('a reply that belongs to no command');
  const closing = control.replies.at(-1)?.code === 221 || control.replies.at(-1)?.code === 421;
  if (whole && !closing && answered !== sent.length) throw wrong('commands without a reply');
  const fault = events.find((event) => event.event === 'error' && event.message === 'a command failed');
  if (fault?.event === 'error') throw new Error('a handler failed', { cause: fault.error });
}

/** Nothing is left of a session that is over. */
async function checkLeft({ core, plane, counts, storages }: World): Promise<void> {
  if (core.sessions.size !== 0) throw new Error('a session is still in the books');
  if (plane.open.size + plane.running.size !== 0) throw new Error('a data endpoint is still open');
  for (const [key, count] of counts) {
    if (key.startsWith('user ') && count !== 0)
      throw new Error(`${count} logins of ${key} are still counted`);
  }
  for (const storage of storages.values()) {
    await clear(storage, '');
    const free = await storage.available!('/');
    if (free !== BYTES) throw new Error(`an empty storage still counts ${BYTES - free} octets`);
  }
}

async function clear(storage: Storage, folder: string): Promise<void> {
  const entries = [];
  for await (const batch of storage.list(folder || '/')) entries.push(...batch);
  for (const { name, type } of entries) {
    const path = `${folder}/${name}`;
    if (type !== 'directory') await storage.remove(path);
    else {
      await clear(storage, path);
      await storage.rmdir(path);
    }
  }
}
