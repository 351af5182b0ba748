/** Acts that need more than one connection of a client: digests, aborts, copies between two servers. */
import { createHash } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Act, compare, sharedFile, tell } from './act.js';
import { Refused, SoakSession } from './session.js';

/** HASH, where the server has it; it may say that too many are computed. */
export const digest: Act = async (session, options, tally) => {
  const { path, content } = sharedFile(options);
  const reply = await session.command(`HASH ${path}`);
  if (/^(?:450|500|502)/.test(reply)) return;
  const expected = createHash('sha256').update(content).digest('hex');
  if (!reply.startsWith(`213 SHA-256 0-${content.length - 1} ${expected} `))
    tell(tally.wrong, `HASH ${path}: ${reply.trim()}`);
};

/** A transfer, and ABOR in its middle: one reply for each, in order. */
export const abort: Act = async (session, options, tally) => {
  const { path } = sharedFile(options);
  const upwards = options.chance.isTrue(0.5);
  const line = upwards ? `STOR own/${options.id}-aborted` : `RETR ${path}`;
  const data = await session.leave(line, { way: options.chance.pick(options.ways) });
  try {
    if (!upwards && options.chance.isTrue(0.5)) data.resume();
    if (upwards) data.write(Buffer.alloc(options.chance.below(50_000)));
    const first = await session.command('ABOR');
    const second = await session.reply('ABOR: its own reply');
    // The transfer may have been complete already.
    if (!/^(?:426|226)/.test(first) || !/^22[56]/.test(second))
      tell(tally.wrong, `ABOR of ${line}: ${first.trim()}, ${second.trim()}`);
  } finally {
    data.destroy();
  }
  await session.must('200', 'NOOP');
};

/** The six numbers of a 227. */
const numbersOf = (reply: string): string => /\(([\d,]+)\)/.exec(reply)?.[1] ?? '';

/** Who is the TLS client of a copy: the passive end by CPSV, or the active one by SSCN. */
async function aim(session: SoakSession, sink: SoakSession, cpsv: boolean, tls: boolean): Promise<void> {
  if (tls && !cpsv) await session.must('200', 'SSCN ON');
  const reply = await sink.must('227', tls && cpsv ? 'CPSV' : 'PASV');
  await session.must('200', `PORT ${numbersOf(reply)}`);
}

/** A file from this server to the other one, which may lose its client in the middle. */
export const copy: Act = async (session, options, tally) => {
  const { chance, id, sink: other, tls } = options;
  if (!other) return;
  const { path, content } = sharedFile(options);
  const name = `own/${id}-copy`;
  const sink = await SoakSession.open(other.target, tls, options.patience);
  const cpsv = chance.isTrue(0.5);
  try {
    await aim(session, sink, cpsv, tls);
    sink.send(`STOR ${name}`);
    session.send(`RETR ${path}`);
    if (chance.isTrue(0.2)) {
      sink.kill();
      await finalOf(session, `RETR ${path}`);
    } else {
      const [sent, stored] = await Promise.all([finalOf(session, path), finalOf(sink, name)]);
      if (!sent.startsWith('226') || !stored.startsWith('226'))
        throw new Refused(`copy of ${path}: ${sent.trim()}, ${stored.trim()}`);
      compare(tally, `copy of ${path}`, readFileSync(join(other.home, name)), content);
      await sink.quit();
    }
    if (tls && !cpsv) await session.must('200', 'SSCN OFF');
  } finally {
    sink.kill();
    rmSync(join(other.home, name), { force: true });
  }
};

async function finalOf(session: SoakSession, what: string): Promise<string> {
  for (;;) {
    const reply = await session.reply(`the copy of ${what}`);
    if (!reply.startsWith('1')) return reply;
  }
}
