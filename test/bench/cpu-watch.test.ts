import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it, vi } from 'vitest';
import { runClient } from '../../bench/compare/client.js';
import { CpuWatch } from '../../bench/compare/cpu-watch.js';
import { cpuSeconds } from '../../bench/server/process-tree.js';
import { SYSTEM_PYTHON } from '../peers/peer.js';

/** Half a second of work, on the clock of the process itself. */
const WORK = 'import time\nwhile time.process_time() < 0.5: pass';

it('counts a session whose process nobody of the server waits for', async () => {
  // The subshell ends at once, so that what works has no parent here when it ends.
  const script = `read -r _; ("$0" -c "$1" &); read -r _`;
  const server = spawn('/bin/bash', ['-c', script, SYSTEM_PYTHON, `${WORK}\nprint("done", flush=True)`], {
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const watch = new CpuWatch([server.pid!]);
  server.stdin.write('go\n');
  await once(server.stdout, 'data');
  // When it is gone, the server has used nothing: only who looked before knows.
  await vi.waitFor(() => expect(cpuSeconds(server.pid!)).toBeLessThan(0.1), { timeout: 10_000 });
  const used = watch.stop();
  expect(used).toBeGreaterThan(0.35);
  expect(used).toBeLessThan(1);
  server.stdin.end();
  await once(server, 'close');
});

it('tells what a client cost, and why it failed', async () => {
  const ran = await runClient([SYSTEM_PYTHON, '-c', `${WORK}\nprint("all sent")`], {}, 1);
  expect(ran.failure).toBeUndefined();
  expect(ran.output).toContain('all sent');
  expect(ran.cpuSeconds).toBeGreaterThan(0.45);
  expect(ran.seconds).toBeGreaterThan(0.45);
  expect(ran.peakMebibytes).toBeGreaterThan(5);
  const failed = await runClient([SYSTEM_PYTHON, '-c', 'import sys\nsys.exit("no route")'], {}, 20.1);
  expect(failed.failure).toMatch(/^status 1: no route/);
});
