import { AggregatorRegistry, Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { ServerEvent, TransferFacts } from '../../server/events.js';
import type { Snapshot } from './snapshot.js';

/** Metrics of one serving process. */
export interface Metrics {
  /** Takes every event of the server. */
  event(event: ServerEvent): void;
  snapshot(): Promise<Snapshot>;
}

/** Content type of the text format that `render` gives (Prometheus exposition format 0.0.4). */
export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** From a small file on a fast line to an image over a slow one. */
const SECONDS = [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60, 300, 1800];
/** Words of clients become labels only where the server knew them, and never more than this many. */
const MOST_VERBS = 128;
/** RFC 959 4.2.2: syntax error; not implemented. */
const UNKNOWN = new Set([500, 502]);

/**
 * Metrics of one process, with those of the process itself; `sessions` is asked at every snapshot.
 */
export function makeMetrics(sessions: () => number): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const counter = (name: string, help: string, labelNames: string[] = []): Counter =>
    new Counter({ name: `jackstay_${name}_total`, help, labelNames, registers });
  new Gauge({
    name: 'jackstay_sessions',
    help: 'Control connections now',
    registers,
    collect() {
      this.set(sessions());
    },
  });
  const connections = counter('connections', 'Control connections accepted');
  const refused = counter('connections_refused', 'Control connections turned away before a session');
  const logins = counter('logins', 'Logins', ['result']);
  const peers = counter('peers_refused', 'Foreign data peers refused', ['door']);
  const changes = counter('changes', 'Changes to files other than transfers', ['verb']);
  const errors = counter('errors', 'Faults of the server itself');
  const takeTransfer = transferMetrics(registers);
  const takeCommand = commandMetrics(registers);
  return {
    event: (e) => {
      if (e.event === 'command') takeCommand(e.verb, e.code);
      else if (e.event === 'transfer') takeTransfer(e.transfer);
      else if (e.event === 'connect') connections.inc();
      else if (e.event === 'refused') refused.inc();
      else if (e.event === 'login') logins.inc({ result: e.ok ? 'ok' : 'failed' });
      else if (e.event === 'peer-refused') peers.inc({ door: e.door });
      else if (e.event === 'change') changes.inc({ verb: e.verb });
      else if (e.event === 'error') errors.inc();
    },
    snapshot: () => registry.getMetricsAsJSON(),
  };
}

function transferMetrics(registers: Registry[]): (transfer: TransferFacts) => void {
  const labelNames = ['direction', 'route', 'outcome'];
  const transfers = new Counter({
    name: 'jackstay_transfers_total',
    help: 'Transfers that ended',
    labelNames,
    registers,
  });
  const octets = new Counter({
    name: 'jackstay_transfer_bytes_total',
    help: 'Octets of files moved',
    labelNames: ['direction', 'route'],
    registers,
  });
  const seconds = new Histogram({
    name: 'jackstay_transfer_seconds',
    help: 'Duration of transfers',
    labelNames: ['direction', 'route'],
    buckets: SECONDS,
    registers,
  });
  return (transfer) => {
    const { direction, route, outcome } = transfer;
    transfers.inc({ direction, route, outcome });
    octets.inc({ direction, route }, transfer.bytes);
    seconds.observe({ direction, route }, transfer.seconds);
  };
}

function commandMetrics(registers: Registry[]): (verb: string, code: number) => void {
  const commands = new Counter({
    name: 'jackstay_commands_total',
    help: 'Commands by verb and first digit of the reply',
    labelNames: ['verb', 'class'],
    registers,
  });
  const verbs = new Set<string>();
  return (verb, code) => {
    const known = !UNKNOWN.has(code) && (verbs.has(verb) || verbs.size < MOST_VERBS);
    if (known) verbs.add(verb);
    commands.inc({ verb: known ? verb : 'other', class: `${Math.floor(code / 100)}xx` });
  };
}

/** One text of the snapshots of all processes, as Prometheus reads it. */
export async function render(snapshots: readonly Snapshot[], processes: number): Promise<string> {
  const own = new Registry();
  new Gauge({ name: 'jackstay_processes', help: 'Serving processes', registers: [own] }).set(processes);
  const all = AggregatorRegistry.aggregate([...snapshots]);
  return `${await own.metrics()}\n${await all.metrics()}`;
}
