/**
 * A client that copies one file in stream mode, by the one attempt that it is told: what `jackstay copy` does where a server has
 * no MODE E. Nothing is verified.
 *
 *   node --import tsx bench/compare/stream-client.ts HOST:PORT HOST:PORT USER PASSWORD FROM TO ATTEMPT
 */
import { SitePool } from '../../src/client/pool.js';
import { memoryTrust } from '../../src/client/trust.js';
import { Lane } from '../../src/engine/lane.js';
import { plan } from '../../src/engine/plan.js';
import { runAttempt } from '../../src/engine/run-attempt.js';

const [from = '', to = '', user = '', password = '', sourcePath = '', destinationPath = '', id = ''] =
  process.argv.slice(2);

function end(address: string) {
  const [host = '', port = ''] = address.split(':');
  const site = { name: address, host, port: Number(port), user, password, maxSessions: 1 };
  return { kind: 'remote', pool: new SitePool(site, { trust: memoryTrust() }) } as const;
}

const [first, second] = [end(from), end(to)];
const lane = new Lane(0, first, second);
await lane.connect();
const [source, destination] = [lane.connection('source'), lane.connection('destination')];
const attempt = plan(source.facts, destination.facts, 'clear').attempts.find((each) => each.id === id);
if (attempt === undefined) throw new Error(`${id} is not possible between ${from} and ${to}`);
const begun = performance.now();
const outcome = await runAttempt({
  ...{ source, destination, attempt, offset: 0, eager: true, ahead: undefined },
  ...{ sourcePath, destinationPath },
});
process.stdout.write(`moved ${(performance.now() - begun) / 1000}\n`);
lane.release();
await Promise.all([first.pool.close(), second.pool.close()]);
if (outcome.kind !== 'done') throw new Error(`${id}: ${JSON.stringify(outcome)}`);
