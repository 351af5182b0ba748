/**
 * The main job, to be seen: two FTP servers, a tree of odd files between them, every octet compared. Without words it is
 * `jackstay demo`, from the sources; with `--peers` the servers are ProFTPD and Pure-FTPd, fetched if need be.
 * Ends with 0 when all is the same, 1 when anything differs or the servers cannot be had, 130 when interrupted.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { endWords } from '../src/cli/demo/report.js';
import { processIo } from '../src/cli/io.js';
import { run } from '../src/cli/program.js';
import { requirePeer } from '../test/peers/programs.js';
import { demo } from './demo/run.js';

const screen = {
  terminal: process.stdout.isTTY === true,
  write: (text: string): void => void process.stdout.write(text),
};

function missing(): string | undefined {
  spawnSync('bash', [fileURLToPath(new URL('setup-peers.sh', import.meta.url))], { stdio: 'inherit' });
  try {
    return requirePeer('proftpd') ?? requirePeer('pureftpd');
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function withPeers(): Promise<number> {
  const reason = missing();
  if (reason !== undefined) {
    console.error(`The demonstration needs two FTP servers, and ${reason}.`);
    return 1;
  }
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => controller.abort());
  try {
    const good = await demo({ screen, signal: controller.signal });
    screen.write(endWords(good));
    return good ? 0 : 1;
  } catch (error) {
    if (!controller.signal.aborted) throw error;
    screen.write('\nstopped; servers and files are removed\n');
    return 130;
  }
}

function withOwn(words: readonly string[]): Promise<number> {
  const io = { ...processIo(), argv: ['demo', ...words] };
  return run({ io, backend: async () => (await import('../src/cli/engine-backend.js')).backend });
}

const words = process.argv.slice(2);
process.exitCode = words.includes('--peers') ? await withPeers() : await withOwn(words);
