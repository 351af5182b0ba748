import { scopeOf } from '../../protocol/addresses.js';
import type { ListenAddress } from '../../server/options.js';
import type { Fault } from '../../server/toml/read.js';
import type { ConfigFile } from './schema.js';

/** RFC 1123 4.1.3.2: the least idle time. */
const FIVE_MINUTES = 300_000;
/** IANA: ftps, TLS from the first octet. */
const IMPLICIT_PORT = 990;

/** What the schema cannot say: keys that contradict each other. */
export function faultsOf(config: ConfigFile): Fault[] {
  return [...tlsFaults(config), ...addressFaults(config), ...limitFaults(config)];
}

function tlsFaults({ tls }: ConfigFile): Fault[] {
  if (tls.cert !== undefined && tls.key === undefined) {
    return [{ path: ['tls', 'cert'], says: 'needs its private key: set key as well' }];
  }
  if (tls.key !== undefined && tls.cert === undefined) {
    return [{ path: ['tls', 'key'], says: 'needs its certificate: set cert as well' }];
  }
  return [];
}

function addressFaults({ server, metrics }: ConfigFile): Fault[] {
  const faults: Fault[] = [];
  if (server.listen.length + server['implicit-tls'].length === 0) {
    faults.push({ path: ['server', 'listen'], says: 'must hold an address, or implicit-tls must' });
  }
  const taken = new Set<string>();
  const claim = (path: string[], addresses: readonly ListenAddress[]): void => {
    for (const address of addresses.filter(({ port }) => port !== 0)) {
      const text = addressText(address);
      if (taken.has(text)) faults.push({ path, says: `${text} is listened on twice` });
      taken.add(text);
    }
  };
  claim(['server', 'listen'], server.listen);
  claim(['server', 'implicit-tls'], server['implicit-tls']);
  claim(['metrics', 'listen'], metrics.listen ? [metrics.listen] : []);
  const ports = server['passive-ports'];
  for (const { port } of [...server.listen, ...server['implicit-tls']]) {
    if (ports && port >= ports.from && port <= ports.to) {
      faults.push({ path: ['server', 'passive-ports'], says: `must not hold ${port}, which is listened on` });
    }
  }
  const announced = server['passive-address'];
  if (announced !== undefined && ['unspecified', 'multicast', 'reserved'].includes(scopeOf(announced))) {
    faults.push({ path: ['server', 'passive-address'], says: 'is not the address of a machine' });
  }
  return faults;
}

function limitFaults({ limits }: ConfigFile): Fault[] {
  const { 'max-connections': all, 'max-connections-per-ip': one } = limits;
  if (all === 0 || one <= all) return [];
  return [
    {
      path: ['limits', 'max-connections-per-ip'],
      says: `must not be above max-connections, which is ${all}`,
    },
  ];
}

/** What works and may not be meant. */
export function warningsOf({ server, tls, fxp, limits, metrics }: ConfigFile): string[] {
  const open = fxp.mode === 'open' && !fxp['require-tls'];
  const alone = fxp.mode === 'listed' && fxp.peers.ranges.length + fxp.peers.hosts.length === 0;
  const plain990 = server.listen.some(({ port }) => port === IMPLICIT_PORT);
  const shown = metrics.listen;
  return [
    open && '[fxp] mode = "open" with require-tls = false: anyone may be the other end, in the clear',
    alone && '[fxp] mode = "listed" without peers: only users and groups with peers of their own have FXP',
    !tls.required && '[tls] required = false: passwords and files may cross the network in the clear',
    tls['close-notify'] === 'optional' && '[tls] close-notify = "optional": a cut upload may look complete',
    plain990 && '[server] listen on 990, where clients begin with TLS: implicit-tls is meant, probably',
    limits['idle-timeout'] < FIVE_MINUTES &&
      '[limits] idle-timeout is below the five minutes of RFC 1123 4.1.3.2',
    server['run-as'] && server['allow-root'] && '[server] allow-root does nothing beside run-as',
    shown &&
      shown.host !== 'localhost' &&
      scopeOf(shown.host) !== 'loopback' &&
      `[metrics] listen on ${shown.host}: whoever reaches it can read them`,
  ].filter((text) => typeof text === 'string');
}

function addressText({ host, port }: ListenAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
