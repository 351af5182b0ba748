import { hideSecrets } from './argv.js';

// First of all: until then `ps` shows the words as they were typed.
hideSecrets(process.argv.slice(2));

const { processIo } = await import('./io.js');
const { run } = await import('./program.js');

// A reader that went away (`jackstay ls | head`) must not stop a transfer.
process.stdout.on('error', () => {});
process.stderr.on('error', () => {});

const io = processIo();
process.exitCode = await run({ io, backend: async () => (await import('./engine-backend.js')).backend });
