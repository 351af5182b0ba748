/**
 * Runs our own server as a process: JACKSTAY_PEER is a JSON object with the module to take it from, `listen`, one user
 * (`user`, `password`, `home`), and options of the server that are plain data. Its events go to standard output, one JSON
 * object a line, unless it is `quiet`.
 */
import { fileURLToPath } from 'node:url';

// Where the sources run as they are, their threads look for the loader of TypeScript from here.
process.chdir(fileURLToPath(new URL('../../..', import.meta.url)));
const { module, user, password, home, quiet, fxpPeers, ...options } = JSON.parse(
  process.env.JACKSTAY_PEER ?? '{}',
);
const { createServer, memoryUsers } = await import(module);
const { parseRange } = await import(new URL('../protocol/ranges.js', module).href);
const users = memoryUsers([{ name: user, password, home }]);
const onEvent = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);
const fxp = { ...options.fxp, peers: (fxpPeers ?? []).map(parseRange) };
const server = await createServer({ ...options, fxp, users, ...(quiet ? {} : { onEvent }) });
process.once('SIGTERM', async () => {
  await server.close(1000);
  process.exit(0);
});
