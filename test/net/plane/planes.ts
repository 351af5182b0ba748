/** The planes that one suite is run for. */
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll } from 'vitest';
import { InlinePlane } from '../../../src/net/plane/inline.js';
import type { PlaneEvent } from '../../../src/net/plane/messages.js';
import { ThreadPlane } from '../../../src/net/plane/remote.js';
import type { DataPlane } from '../../../src/net/plane/types.js';
import { parts, type TestFile, type TestPeer } from './files.js';

export type TestPlane = DataPlane<TestFile, TestPeer>;

export interface Kept {
  plane: TestPlane;
  end(): Promise<void>;
}

function inline(gentle: boolean): Promise<Kept> {
  const plane = new InlinePlane({ ...parts, gentle });
  return Promise.resolve({ plane, end: () => plane.close() });
}

async function thread(): Promise<Kept> {
  const entry = JSON.stringify(new URL('./worker.ts', import.meta.url).href);
  const worker = new Worker(
    `import('tsx/esm/api').then(({ register }) => { register(); return import(${entry}); })`,
    { eval: true },
  );
  const plane = new ThreadPlane<TestFile, TestPeer>((commands) => worker.postMessage(commands));
  worker.on('message', (events: PlaneEvent[]) => plane.take(events));
  return {
    plane,
    end: async () => {
      await plane.close();
      await worker.terminate();
    },
  };
}

export const PLANES: readonly [string, () => Promise<Kept>][] = [
  ['inline', () => inline(false)],
  ['gentle', () => inline(true)],
  ['thread', thread],
];

/** A plane for all tests of a suite, ended behind them. @param prepare what it has before the first test. */
export function usePlane(make: () => Promise<Kept>, prepare: (plane: TestPlane) => void): TestPlane {
  let kept: Kept;
  beforeAll(async () => {
    kept = await make();
    prepare(kept.plane);
  });
  afterAll(() => kept.end());
  return {
    passive: (order, onStranger) => kept.plane.passive(order, onStranger),
    active: (order) => kept.plane.active(order),
    setTls: (keys) => kept.plane.setTls(keys),
    close: () => kept.plane.close(),
  };
}
