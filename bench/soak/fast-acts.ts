/** Acts of the fast lane: bursts in MODE E between two servers, by bare commands and by this project's client, also under DCPA. */
import { X509Certificate } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { copy } from '../../src/engine/copy.js';
import type { Place } from '../../src/engine/options.js';
import { pinOf } from '../../src/net/tls.js';
import { FtpError } from '../../src/protocol/errors.js';
import { issueCertificate } from '../../test/peers/certs.js';
import { type Act, type ActorOptions, compare, sharedFile, tell } from './act.js';
import { contentOf } from './random.js';
import { Refused, SoakSession, type SoakTarget } from './session.js';

/** Files of one burst. */
const BURST = 12;

async function finalOf(session: SoakSession, what: string): Promise<string> {
  for (;;) {
    const reply = await session.reply(`the burst: ${what}`);
    if (!reply.startsWith('1')) return reply;
  }
}

/** MODE E, and the data connection that all files of the burst go over. */
async function connectPair(source: SoakSession, sink: SoakSession, tls: boolean): Promise<void> {
  for (const session of [source, sink]) await session.must('200', 'MODE E');
  if (tls) await source.must('200', 'SSCN ON');
  const reply = await sink.must('227', 'PASV');
  await source.must('200', `PORT ${/\(([\d,]+)\)/.exec(reply)?.[1] ?? ''}`);
}

/** Many files whose commands leave at once; one in five loses the client of a side in the middle. */
export const burst: Act = async (session, options, tally) => {
  const { chance, id, sink: other, tls } = options;
  if (!other) return;
  const files = Array.from({ length: BURST }, (_, n) => ({
    ...sharedFile(options),
    name: `own/${id}-burst-${n}`,
  }));
  const sink = await SoakSession.open(other.target, tls, options.patience);
  const lost = chance.isTrue(0.2);
  try {
    await connectPair(session, sink, tls);
    for (const { name } of files) sink.send(`STOR ${name}`);
    for (const { path } of files) session.send(`RETR ${path}`);
    if (lost) {
      sink.kill();
      for (const { path } of files) await finalOf(session, path);
    } else {
      for (const { path, name, content } of files) {
        const [sent, stored] = await Promise.all([finalOf(session, path), finalOf(sink, name)]);
        if (!sent.startsWith('226') || !stored.startsWith('226'))
          throw new Refused(`burst of ${path}: ${sent.trim()}, ${stored.trim()}`);
        compare(tally, `burst of ${path}`, readFileSync(join(other.home, name)), content);
      }
      await sink.quit();
    }
    if (tls) await session.must('200', 'SSCN OFF');
    await session.must('200', 'MODE S');
  } finally {
    sink.kill();
    for (const { name } of files) rmSync(join(other.home, name), { force: true });
  }
};

/** A server as the client gets it: under TLS its key is known, so that DCPA proves both ends. */
function placeAt({ host, port, user, password }: SoakTarget, path: string, tls: boolean): Place {
  const pin = tls ? { pin: pinOf(new X509Certificate(issueCertificate(host).cert)) } : {};
  const site = {
    host,
    port,
    user,
    password,
    maxSessions: 3,
    tls: tls ? 'explicit' : 'none',
    ...pin,
  } as const;
  return { kind: 'site', site, path };
}

/** The tree of shared files by this project's client; one in four is stopped in the middle. Everything there is must be whole. */
export const fastCopy: Act = async (_session, options, tally) => {
  const { chance, id, sink: other, tls, target, patience } = options;
  if (!other) return;
  const folder = `own/${id}-tree`;
  const stop = new AbortController();
  const stopsAt = chance.isTrue(0.25) ? 1 + chance.below(options.shared.length) : 0;
  let done = 0;
  try {
    const summary = await copy(placeAt(target, '/shared', tls), placeAt(other.target, `/${folder}`, tls), {
      security: tls ? 'verified' : 'clear',
      parallel: 2,
      signal: stop.signal,
      commandTimeout: patience,
      stallTimeout: patience,
      onEvent: (event) => {
        if (event.event === 'file-done' && ++done === stopsAt) stop.abort();
      },
    });
    if (summary.failed > 0) throw new Refused(`${summary.failed} files of a tree failed`);
    if (summary.route?.kind !== 'fast') tell(tally.wrong, `a tree went by ${JSON.stringify(summary.route)}`);
    compareTree(options, join(other.home, folder), tally);
  } catch (error) {
    if (!(error instanceof FtpError && error.kind === 'aborted')) throw error;
  } finally {
    // A server may still finish a file whose client is gone.
    await rm(join(other.home, folder), { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
};

function compareTree({ shared }: ActorOptions, folder: string, tally: Parameters<Act>[2]): void {
  shared.forEach((size, n) => {
    compare(tally, `file ${n} of a tree`, readFileSync(join(folder, String(n))), contentOf(n, size));
  });
}
