/**
 * A serving process of several: it is told what to serve by the first one, listens through it and asks it for what they
 * share. It ends with the first process, however that ends.
 */
import type { Logs } from './logs.js';
import { type FromServing, type ToServing, toPlain } from './messages.js';
import { openStartLogs } from './open-logs.js';
import { asUser } from './privileges.js';
import { type Serving, startServing } from './serving.js';
import { SharedCounters } from './shared-counters.js';
import type { Start } from './start.js';

const tell = (message: FromServing): void => void process.send?.(message, undefined, {}, () => {});

const counters = new SharedCounters(tell);
let serving: Serving | undefined;
let logs: Logs | undefined;
let stopping = false;

async function begin(start: Start): Promise<void> {
  try {
    process.umask(start.config.umask);
    const opened = await asUser(process, start.target, async () => openStartLogs(start, process));
    logs = opened;
    process.on('exit', () => opened.flush());
    serving = await startServing(start, { logs: opened, ids: process, counters });
    tell({ kind: 'ready', addresses: [...serving.addresses] });
  } catch (error) {
    process.send?.({ kind: 'failed', error: toPlain(error) } satisfies FromServing, undefined, {}, () =>
      process.exit(1),
    );
  }
}

async function reload(id: number, start: Start): Promise<void> {
  try {
    await serving?.reload(start);
    tell({ kind: 'reloaded', id });
  } catch (error) {
    tell({ kind: 'reloaded', id, error: toPlain(error) });
  }
}

function stop(grace: number): void {
  if (stopping && grace > 0) return;
  stopping = true;
  const end = async (): Promise<void> => {
    await serving?.stop(grace);
    await logs?.drain();
  };
  end().then(
    () => process.exit(0),
    () => process.exit(1),
  );
}

process.on('message', (message: ToServing<Start>) => {
  if (message.kind === 'start') void begin(message.start);
  else if (message.kind === 'reload') void reload(message.id, message.start);
  else if (message.kind === 'stop') stop(message.grace);
  else if (message.kind === 'granted') counters.granted(message.id, message.granted);
  else if (message.kind === 'login-failed') counters.failedElsewhere(message.address, message.name);
  else if (message.kind === 'snapshot')
    serving?.snapshot().then(
      (snapshot) => tell({ kind: 'snapshot', id: message.id, snapshot }),
      () => tell({ kind: 'snapshot', id: message.id, snapshot: [] }),
    );
});
// A terminal sends its signals to every process of the group; the first one decides what they mean.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => {});
// The first process is gone, and with it the ports.
process.once('disconnect', () => process.exit(1));

tell({ kind: 'hello' });
