import { describe, expect, test } from 'vitest';
import type { EngineEvent } from '../../src/engine/events.js';
import type { FileJob } from '../../src/engine/job.js';
import type { Lane } from '../../src/engine/lane.js';
import { memoryRoutes } from '../../src/engine/route-memory.js';
import { Router, type Ticket } from '../../src/engine/router.js';
import type { Run } from '../../src/engine/run.js';
import { wayForSmall } from '../../src/engine/small.js';
import { digestCommands } from '../../src/protocol/digests.js';
import { Features } from '../../src/protocol/features.js';
import { factsOf, type SiteDescription } from './facts.js';

const SLOW: SiteDescription = { features: 'SSCN', behaviour: { slowTlsClient: true } };

interface Bench {
  run: Run;
  lane: Lane;
  found: Ticket;
  events: EngineEvent[];
}

async function bench(
  destination: SiteDescription = SLOW,
  verify: 'auto' | 'size' = 'auto',
  digests = true,
): Promise<Bench> {
  const events: EngineEvent[] = [];
  const emit = (event: EngineEvent): void => void events.push(event);
  const facts = {
    source: factsOf({ site: 'a', ...SLOW }),
    destination: factsOf({ site: 'b', ...destination }),
  };
  if (digests)
    for (const one of Object.values(facts)) one.digests = digestCommands(new Features([['XSHA256', '']]));
  const router = new Router({ ...facts, floor: 'encrypted', emit, memory: memoryRoutes(), key: 'a b' });
  (await router.take())?.settle('worked');
  const found = (await router.take())!;
  expect(found).toMatchObject({ proven: true, attempt: { id: 'SSCN@dst PASV@dst' } });
  events.length = 0;
  const run = {
    settings: { verify },
    names: { source: 'a', destination: 'b' },
    router,
    emit,
  } as unknown as Run;
  const lane = { connection: (side: keyof typeof facts) => ({ facts: facts[side] }) } as unknown as Lane;
  return { run, lane, found, events };
}

const job = (size: number | undefined, attempts = 0): FileJob => ({ size, attempts }) as FileJob;
const idOf = ({ run, lane, found }: Bench, file: FileJob): string =>
  wayForSmall(run, lane, file, found).attempt.id;

const FOUND = 'SSCN@dst PASV@dst';
const OTHER = 'SSCN@src PASV@dst';

describe('two servers that are slow as TLS client', () => {
  test.each<[string, FileJob, string]>([
    ['a small file', job(10_000), OTHER],
    ['an empty one', job(0), OTHER],
    ['a large one', job(65_537), FOUND],
    ['one that failed before', job(10_000, 1), FOUND],
    ['one of unknown size', job(undefined), FOUND],
  ])('%s', async (_what, file, id) => {
    expect(idOf(await bench(), file)).toBe(id);
  });

  test('once a file was cut, all go the way that was found', async () => {
    const it = await bench();
    const ticket = wayForSmall(it.run, it.lane, job(10), it.found);
    ticket.settle({ side: 'source', obstacle: 'truncates', message: 'cut', attempt: OTHER });
    expect(it.events).toMatchObject([{ event: 'route-failed', reason: 'cut', side: 'source' }]);
    expect(idOf(it, job(10))).toBe(FOUND);
    // The way that was found has not failed.
    expect((await it.run.router?.take())?.attempt.id).toBe(FOUND);
  });
});

test.each<[string, Parameters<typeof bench>]>([
  ['the destination is quick as TLS client', [{ features: 'SSCN' }]],
  ['only sizes are compared', [SLOW, 'size']],
  ['there is no digest in common', [SLOW, 'auto', false]],
])('one way for all where %s', async (_what, setting) => {
  expect(idOf(await bench(...setting), job(10))).toBe(FOUND);
});
