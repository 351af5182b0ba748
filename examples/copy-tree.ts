/**
 * Copy a tree from one server to another and show what happens.
 *
 *   node --import tsx examples/copy-tree.ts ftps://alice:secret@old.example/pub ftps://bob:secret@new.example/pub
 */
import { copy, type EngineEvent, FtpError, place } from 'jackstay';

const [from = '', to = ''] = process.argv.slice(2);

function show(event: EngineEvent): void {
  if (event.event === 'route') console.log(`route: ${event.summary} (${event.security})`);
  if (event.event === 'file-done')
    console.log(`${event.path}: ${event.bytes} octets, proven by ${event.proof}`);
  if (event.event === 'file-failed') console.log(`${event.path}: ${event.message}`);
}

try {
  const summary = await copy(place(from), place(to), { parallel: 2, onEvent: show });
  console.log(
    `${summary.files} files, ${summary.bytes} octets; ${summary.clientBytes} of them crossed this machine`,
  );
  process.exitCode = summary.failed === 0 ? 0 : 1;
} catch (error) {
  if (!(error instanceof FtpError)) throw error;
  console.error(`${error.kind}: ${error.message}`);
  if (error.facts.advice !== undefined) console.error(error.facts.advice);
  process.exitCode = 2;
}
