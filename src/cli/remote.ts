import { toFtpError } from '../protocol/errors.js';
import type { About, Cli, ConnectOptions, RemoteFiles } from './backend.js';
import { Exit } from './exit.js';
import type { CommonFlags } from './flags.js';
import { interruptible } from './interrupt.js';
import { say } from './io.js';
import { placeContext, type RemotePlace, resolveRemote } from './place.js';
import { errorEvent, toJson } from './report/json.js';
import { dialogueLine } from './report/text.js';
import { fileTrust } from './stores.js';

/**
 * Open the server that a word names, do something with its files, close the session. Gives the exit code; an error is printed
 * as JSON as well where the flags ask for it.
 */
export async function onRemote(
  cli: Cli,
  word: string,
  flags: CommonFlags,
  work: (files: RemoteFiles, place: RemotePlace) => Promise<number>,
): Promise<number> {
  const place = await resolveRemote(word, placeContext(cli.io, flags));
  // A reader that went away (`jackstay cat x | head`) wants no more of it.
  const leave = (): void => cli.io.exitNow(Exit.done);
  cli.io.stdout.on('error', leave);
  return interruptible(cli.io, false, async ({ signal }) => {
    try {
      const files = await connect(cli, place, flags, signal);
      greet(cli, place, files.about);
      try {
        return await work(files, place);
      } finally {
        await files.close();
      }
    } catch (error) {
      if (flags.json) say(cli.io.stdout, toJson(errorEvent(toFtpError(error))));
      throw error;
    } finally {
      cli.io.stdout.off('error', leave);
    }
  });
}

/** `onRemote` for several words in turn; sets the exit code, the first that is not 0 ends it. */
export async function onEachRemote(
  cli: Cli,
  words: string[],
  flags: CommonFlags,
  work: (files: RemoteFiles, place: RemotePlace) => Promise<void>,
): Promise<void> {
  for (const word of words) {
    const code = await onRemote(cli, word, flags, async (files, place) => {
      await work(files, place);
      return Exit.done;
    });
    if (code !== Exit.done) return cli.finish(code);
  }
}

function greet({ io }: Cli, { site }: RemotePlace, { certificate, pin }: About): void {
  if (certificate !== 'first-use') return;
  say(io.stderr, `${site.name}: first contact, its key is remembered: sha256 ${pin ?? 'unknown'}`);
}

async function connect(
  cli: Cli,
  place: RemotePlace,
  flags: CommonFlags,
  signal: AbortSignal,
): Promise<RemoteFiles> {
  const options: ConnectOptions = { signal, trust: fileTrust(cli.io.dirs) };
  if (flags.timeout !== undefined) options.commandTimeout = flags.timeout;
  if (flags.verbose) options.onDialogue = (event) => say(cli.io.stderr, dialogueLine(event));
  const backend = await cli.backend();
  return backend.connect(place.site, options);
}
