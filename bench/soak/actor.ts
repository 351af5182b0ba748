/** One client of the soak: acts at random until it is told to stop, and checks every octet. */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Act, type ActorOptions, compare, sharedFile, type Tally, tell } from './act.js';
import { burst, fastCopy } from './fast-acts.js';
import { abort, copy, digest } from './more-acts.js';
import { type Chance, contentOf } from './random.js';
import { Hung, Refused, SoakSession } from './session.js';

export type { Tally } from './act.js';

const download: Act = async (session, options, tally) => {
  const { path, content } = sharedFile(options);
  const offset = options.chance.isTrue(0.3) ? options.chance.below(content.length + 1) : 0;
  const way = options.chance.pick(options.ways);
  const { octets, reply } = await session.receive(`RETR ${path}`, { way, offset });
  if (!reply.startsWith('226')) throw new Refused(`RETR ${path}: ${reply.trim()}`);
  compare(tally, `RETR ${path} from ${offset}`, octets, content.subarray(offset));
};

/** A download whose data connection the client breaks off: what came must be the beginning. */
const cutDownload: Act = async (session, options, tally) => {
  const { path, content } = sharedFile(options);
  const cutAt = 1 + options.chance.below(content.length);
  const { octets } = await session.receive(`RETR ${path}`, { way: options.chance.pick(options.ways), cutAt });
  compare(tally, `RETR ${path}, cut`, octets, content.subarray(0, octets.length));
};

const upload: Act = async (session, options, tally) => {
  const { chance, id, home } = options;
  const number = chance.below(1 << 20);
  const name = `own/${id}-${number}`;
  const content = contentOf(number, chance.below(200_000));
  const way = chance.pick(options.ways);
  const split = chance.isTrue(0.3) ? chance.below(content.length + 1) : content.length;
  for (const [offset, part] of [
    [0, content.subarray(0, split)],
    [split, content.subarray(split)],
  ] as const) {
    if (offset > 0 && part.length === 0) continue;
    const verb = offset > 0 && chance.isTrue(0.5) ? 'APPE' : 'STOR';
    const reply = await session.give(`${verb} ${name}`, part, {
      way,
      offset: verb === 'STOR' ? offset : 0,
    });
    if (!reply.startsWith('226')) throw new Refused(`${verb} ${name}: ${reply.trim()}`);
  }
  compare(tally, `STOR ${name}, in ${split} and more`, readFileSync(join(home, name)), content);
  await session.must('250', `DELE ${name}`);
};

/** An upload that breaks off: what stays must be the beginning. */
const cutUpload: Act = async (session, options, tally) => {
  const { chance, id, home } = options;
  const name = `own/${id}-cut`;
  const content = contentOf(id, 1 + chance.below(300_000));
  const cutAt = chance.below(content.length);
  await session.give(`STOR ${name}`, content, { way: chance.pick(options.ways), cutAt });
  let found: Buffer;
  try {
    found = readFileSync(join(home, name));
  } catch {
    return;
  }
  compare(tally, `STOR ${name}, cut`, found, content.subarray(0, found.length));
  rmSync(join(home, name), { force: true });
};

const list: Act = async (session, options, tally) => {
  const verb = options.chance.pick(options.mlsd ? ['LIST', 'NLST', 'MLSD'] : ['LIST', 'NLST']);
  const { octets, reply } = await session.receive(`${verb} /shared`, {
    way: options.chance.pick(options.ways),
  });
  if (!reply.startsWith('226')) throw new Refused(`${verb}: ${reply.trim()}`);
  const lines = octets.toString('latin1').split('\n').length - 1;
  if (lines < options.shared.length) tell(tally.wrong, `${verb} /shared: ${lines} lines`);
};

const chat: Act = async (session, { id, shared }) => {
  await session.must('257', 'PWD');
  await session.must('200', 'NOOP');
  await session.must(`213 ${shared[0]}`, 'SIZE /shared/0');
  await session.must('257', `MKD own/${id}-folder`);
  await session.must('350', `RNFR own/${id}-folder`);
  await session.must('250', `RNTO own/${id}-moved`);
  await session.must('250', `RMD own/${id}-moved`);
  await session.must('550', `SIZE own/${id}-moved`);
};

/** Endpoints that are never used. */
const forget: Act = async (session) => {
  await session.must('227', 'PASV');
  await session.must('227', 'PASV');
  await session.must('200', 'NOOP');
};

/** Breaks off both connections in the middle of a transfer. */
const vanish: Act = async (session, options) => {
  const { path } = sharedFile(options);
  const upwards = options.chance.isTrue(0.5);
  const line = upwards ? `STOR own/${options.id}-gone` : `RETR ${path}`;
  const data = await session.leave(line, { way: options.chance.pick(options.ways) });
  if (upwards) data.write(contentOf(options.id, options.chance.below(100_000)));
  session.kill();
  if (options.chance.isTrue(0.5)) data.destroy();
  else data.resume().end();
};

/** Breaks off the control connection while it is idle or waits. */
const drop: Act = async (session, { chance }) => {
  if (chance.isTrue(0.5)) await session.must('227', 'PASV');
  if (chance.isTrue(0.5)) session.send('LIST');
  session.kill();
};

/** Each act and how often it comes; after the last two the session is gone. */
const ACTS: readonly (readonly [string, number, Act])[] = [
  ['download', 30, download],
  ['upload', 20, upload],
  ['list', 10, list],
  ['chat', 10, chat],
  ['cut download', 6, cutDownload],
  ['cut upload', 6, cutUpload],
  ['forgotten endpoint', 3, forget],
  ['digest', 4, digest],
  ['abort', 5, abort],
  ['copy', 6, copy],
  ['burst', 5, burst],
  ['tree by the client', 3, fastCopy],
  ['vanish', 5, vanish],
  ['drop', 5, drop],
];
const WEIGHT = ACTS.reduce((sum, [, weight]) => sum + weight, 0);
const LAST = new Set(['vanish', 'drop']);

function choose(chance: Chance): readonly [string, Act] {
  let left = chance.below(WEIGHT);
  for (const [name, weight, act] of ACTS) {
    left -= weight;
    if (left < 0) return [name, act];
  }
  throw new Error('no act');
}

/** Acts in one session until chance, an act or `isOver` ends it. */
async function live(options: ActorOptions, tally: Tally, isOver: () => boolean): Promise<void> {
  const session = await SoakSession.open(options.target, options.tls, options.patience);
  try {
    while (!isOver()) {
      const [name, act] = choose(options.chance);
      await act(session, options, tally);
      tally.acts[name] = (tally.acts[name] ?? 0) + 1;
      if (LAST.has(name)) return;
      if (options.chance.isTrue(0.1)) break;
    }
    await session.quit();
  } finally {
    session.kill();
  }
}

/** Sessions, one after the other, until `isOver`. */
export async function actUntil(options: ActorOptions, tally: Tally, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    try {
      await live(options, tally, isOver);
    } catch (error) {
      const text = `client ${options.id}: ${error instanceof Error ? error.message : String(error)}`;
      if (error instanceof Hung) tell(tally.hung, text);
      else tell(tally.refused, text);
    }
  }
}
