/**
 * Stop a copy with an AbortSignal, then run it again: the second run moves only what is missing.
 *
 *   node --import tsx examples/abort.ts ftp://alice:secret@old.example/pub ftp://bob:secret@new.example/pub
 */
import { copy, FtpError, place } from 'jackstay';

const [from = '', to = ''] = process.argv.slice(2);
const controller = new AbortController();
let done = 0;

try {
  await copy(place(from), place(to), {
    parallel: 1,
    signal: controller.signal,
    onEvent: (event) => {
      if (event.event === 'file-done') done += 1;
      if (done === 3) controller.abort();
    },
  });
} catch (error) {
  if (!(error instanceof FtpError) || error.kind !== 'aborted') throw error;
  console.log('stopped');
}

const summary = await copy(place(from), place(to));
console.log(`second run: ${summary.files} files moved, ${summary.skipped} were there already`);
