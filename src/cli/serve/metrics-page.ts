import { listenHttp } from '../../net/http.js';
import type { ListenAddress } from '../../server/options.js';
import type { ServeConfig } from './config.js';
import type { Fleet } from './fleet.js';

/** The listener of `[metrics]`. */
export interface MetricsPage {
  readonly address: ListenAddress;
  close(): Promise<void>;
}

/**
 * GET /metrics: what all processes count, in the text format of Prometheus. GET /healthz: 200 while one serves, 503 else.
 *
 * @throws FtpError `local` when the address cannot be listened on.
 */
export async function serveMetrics(
  { listen, hosts }: ServeConfig['metrics'],
  fleet: () => Fleet | undefined,
): Promise<MetricsPage | undefined> {
  if (!listen) return undefined;
  const { METRICS_TYPE, render } = await import('./metrics.js');
  const listener = await listenHttp({
    ...listen,
    names: hosts,
    answer: async (path) => {
      const now = fleet();
      if (path === '/healthz') {
        const good = now !== undefined && now.running > 0;
        return {
          status: good ? 200 : 503,
          type: 'text/plain; charset=utf-8',
          body: good ? 'ok\n' : 'not serving\n',
        };
      }
      if (path !== '/metrics') return undefined;
      return {
        status: 200,
        type: METRICS_TYPE,
        body: await render((await now?.snapshots()) ?? [], now?.running ?? 0),
      };
    },
  });
  return { address: { host: listener.host, port: listener.port }, close: () => listener.close() };
}
