/**
 * The main job, to be seen: two real FTP servers, a tree of odd files between them, every octet compared.
 * Ends with 0 when all is the same, 1 when anything differs or the servers cannot be had, 130 when interrupted.
 */
import { requirePeer } from '../test/peers/programs.js';
import { demo } from './demo/run.js';

const screen = {
  terminal: process.stdout.isTTY === true,
  write: (text: string): void => void process.stdout.write(text),
};

function missing(): string | undefined {
  try {
    return requirePeer('proftpd') ?? requirePeer('pureftpd');
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function main(): Promise<number> {
  const reason = missing();
  if (reason !== undefined) {
    console.error(`The demonstration needs two FTP servers, and ${reason}.`);
    return 1;
  }
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => controller.abort());
  try {
    const good = await demo({ screen, signal: controller.signal });
    screen.write(
      good ? '\nEverything arrived, octet for octet.\n' : '\nNOT everything arrived: see above.\n',
    );
    return good ? 0 : 1;
  } catch (error) {
    if (!controller.signal.aborted) throw error;
    screen.write('\nstopped; servers and files are removed\n');
    return 130;
  }
}

process.exitCode = await main();
