import { describe, expect, it } from 'vitest';
import { makeMetrics, render } from '../../../src/cli/serve/metrics.js';
import { countsOf } from '../../../src/cli/serve/snapshot.js';
import { everyEvent, SESSION, TRANSFER } from './events.js';

async function textOf(metrics: ReturnType<typeof makeMetrics>): Promise<string> {
  return render([await metrics.snapshot()], 1);
}

describe('metrics', () => {
  it('count every sort of event', async () => {
    const metrics = makeMetrics(() => 3);
    for (const event of everyEvent('x')) metrics.event(event);
    metrics.event({ event: 'login', session: SESSION, ok: true });
    const text = await textOf(metrics);
    for (const line of [
      'jackstay_sessions 3',
      'jackstay_processes 1',
      'jackstay_connections_total 1',
      'jackstay_connections_refused_total 1',
      'jackstay_logins_total{result="failed"} 1',
      'jackstay_logins_total{result="ok"} 1',
      'jackstay_transfers_total{direction="receive",route="fxp",outcome="complete"} 1',
      'jackstay_transfer_bytes_total{direction="receive",route="fxp"} 2048',
      'jackstay_transfer_seconds_bucket{le="0.5",direction="receive",route="fxp"} 1',
      'jackstay_transfer_seconds_bucket{le="0.1",direction="receive",route="fxp"} 0',
      'jackstay_peers_refused_total{door="port"} 1',
      'jackstay_changes_total{verb="RNTO"} 1',
      'jackstay_errors_total 1',
      'jackstay_commands_total{verb="LIST",class="2xx"} 1',
    ])
      expect(text.split('\n')).toContain(line);
    expect(text).toMatch(/^process_resident_memory_bytes \d+/m);
  });

  it('make no label of what a client invents', async () => {
    const metrics = makeMetrics(() => 0);
    for (let n = 0; n < 1000; n++)
      metrics.event({ event: 'command', session: SESSION, verb: `V${n}`, code: n % 2 ? 500 : 502 });
    for (let n = 0; n < 1000; n++)
      metrics.event({ event: 'command', session: SESSION, verb: `W${n}`, code: 530 });
    const text = await textOf(metrics);
    expect(text.match(/^jackstay_commands_total/gm)!.length).toBeLessThanOrEqual(130);
    expect(text).toContain('jackstay_commands_total{verb="other",class="5xx"} 1872');
    expect(text).not.toContain('V1"');
  });

  it('of several processes are summed up, and one that is gone keeps its counts', async () => {
    const [a, b] = [makeMetrics(() => 1), makeMetrics(() => 2)];
    a.event({ event: 'transfer', session: SESSION, transfer: TRANSFER });
    b.event({ event: 'transfer', session: SESSION, transfer: TRANSFER });
    const both = await render([await a.snapshot(), await b.snapshot()], 2);
    expect(both).toContain('jackstay_sessions 3');
    expect(both).toMatch(/jackstay_transfer_bytes_total\{.*\} 4096/);
    const gone = await countsOf([await a.snapshot()]);
    const left = await render([gone, await b.snapshot()], 1);
    expect(left).toContain('jackstay_sessions 2');
    expect(left).toMatch(/jackstay_transfer_bytes_total\{.*\} 4096/);
    expect(left).toMatch(/jackstay_transfer_seconds_count\{.*\} 2/);
  });
});
