import { networkInterfaces } from 'node:os';
import { type PeerNames, peerNames } from '../../net/peers.js';
import { FtpError, toFtpError } from '../../protocol/errors.js';
import { ownNetworks } from '../../server/judge.js';
import type { Counters } from '../../server/limits.js';
import type { FtpServer, ListenAddress, ServerOptions } from '../../server/options.js';
import { createServer } from '../../server/server.js';
import { type Accounts, openAccounts } from './accounts.js';
import { toServerOptions } from './config.js';
import type { Logs } from './logs.js';
import type { Metrics } from './metrics.js';
import { asUser, dropPrivileges, type Ids } from './privileges.js';
import type { Snapshot } from './snapshot.js';
import type { Start } from './start.js';

/** A server of this process with all that belongs to it. */
export interface Serving {
  readonly addresses: readonly ListenAddress[];
  readonly accounts: Accounts;
  /** New configuration, certificate and users. @throws FtpError when something of it is wrong; then the old holds. */
  reload(start: Start): Promise<void>;
  snapshot(): Promise<Snapshot>;
  /** Let transfers end for `grace` milliseconds, then close. */
  stop(grace: number): Promise<void>;
}

/** What a serving process has beside its start. */
export interface ServingParts {
  logs: Logs;
  ids: Ids;
  /** Shared with other processes. */
  counters?: Counters | undefined;
}

/**
 * Serve in this process: users read with the rights of the user to come, ports bound with those that the process has, which
 * are given up then.
 *
 * @throws FtpError when the users, the certificate or an address cannot be used.
 */
export async function startServing(start: Start, parts: ServingParts): Promise<Serving> {
  const { logs, ids, counters } = parts;
  const names = peerNames({
    onProblem: (name, why) =>
      logs.say('warn', `FXP peer ${name} is nobody for now: ${why}`, {
        event: 'peer-unknown',
        peer: name,
        why,
      }),
  });
  const accounts = await asUser(ids, start.target, () =>
    openAccounts(start, {
      onProblem: (error) => logs.say('error', error.message, { event: 'users-refused' }),
      resolvePeers: (hosts) => names.resolve(hosts),
    }),
  );
  let metrics: Metrics | undefined;
  const onEvent: NonNullable<ServerOptions['onEvent']> = (event) => {
    logs.event(event);
    metrics?.event(event);
  };
  const policy = new Policy(start, names, { users: accounts, onEvent });
  const server = await createServer({ ...(await policy.options()), ...(counters && { counters }) }).catch(
    (error: unknown) => {
      throw bindError(error);
    },
  );
  try {
    if (start.target && ids.geteuid?.() === 0) dropPrivileges(ids, start.target);
  } catch (error) {
    await server.close();
    throw error;
  }
  if (start.config.metrics.listen) {
    const { makeMetrics } = await import('./metrics.js');
    metrics = makeMetrics(() => server.sessions);
  }
  const refresh = setInterval(() => void policy.refresh(server), REFRESH);
  refresh.unref();
  return {
    addresses: server.addresses,
    accounts,
    reload: async (fresh) => {
      logs.reopen();
      await accounts.reload();
      await policy.change(fresh, server);
      logs.setLevel(fresh.config.log.level);
    },
    snapshot: async () => (await metrics?.snapshot()) ?? [],
    stop: (grace) => {
      clearInterval(refresh);
      return server.close(grace);
    },
  };
}

/** Milliseconds between two looks at what may change by itself: addresses of peers by name, networks of this machine. */
const REFRESH = 60_000;

/** The options of the server, made again when what they come from has changed. */
class Policy {
  readonly #names: PeerNames;
  readonly #parts: Pick<ServerOptions, 'users' | 'onEvent'>;
  #start: Start;
  #outside = '';

  constructor(start: Start, names: PeerNames, parts: Pick<ServerOptions, 'users' | 'onEvent'>) {
    this.#start = start;
    this.#names = names;
    this.#parts = parts;
  }

  async options(): Promise<ServerOptions> {
    const { config, certificate } = this.#start;
    const outside = {
      peers: await this.#names.resolve(config.fxp.peers.hosts),
      ownNetworks: ownNetworks(networkInterfaces()),
    };
    this.#outside = JSON.stringify(outside);
    return toServerOptions(config, { ...this.#parts, certificate, ...outside });
  }

  async change(fresh: Start, server: FtpServer): Promise<void> {
    this.#start = fresh;
    server.reload(await this.options());
  }

  async refresh(server: FtpServer): Promise<void> {
    const before = this.#outside;
    const options = await this.options();
    if (this.#outside !== before) server.reload(options);
  }
}

const ADVICE: Record<string, string> = {
  EADDRINUSE: 'Another server listens there: stop it, or choose another address or port with --listen.',
  EACCES:
    'Ports below 1024 need root at the start (with run-as), CAP_NET_BIND_SERVICE, or a port from 1024 on.',
  EADDRNOTAVAIL: 'This machine does not have that address.',
};

/** What stood in the way of listening, in words. */
function bindError(error: unknown): FtpError {
  const { code = '', address, port } = error as NodeJS.ErrnoException & { address?: string; port?: number };
  const advice = ADVICE[code];
  if (advice === undefined) return toFtpError(error);
  const where = address === undefined ? 'there' : `${address} port ${port}`;
  return new FtpError('local', `cannot listen on ${where}: ${code}`, { advice, cause: error });
}
