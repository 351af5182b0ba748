import { networkInterfaces } from 'node:os';
import { FtpError, toFtpError } from '../../protocol/errors.js';
import { ownNetworks } from '../../server/judge.js';
import type { Counters } from '../../server/limits.js';
import type { ListenAddress, ServerOptions } from '../../server/options.js';
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
export async function startServing(start: Start, { logs, ids, counters }: ServingParts): Promise<Serving> {
  const accounts = await asUser(ids, start.target, () =>
    openAccounts(start, {
      onProblem: (error) => logs.say('error', error.message, { event: 'users-refused' }),
    }),
  );
  let metrics: Metrics | undefined;
  const onEvent: NonNullable<ServerOptions['onEvent']> = (event) => {
    logs.event(event);
    metrics?.event(event);
  };
  if (start.config.metrics.listen) {
    const { makeMetrics } = await import('./metrics.js');
    metrics = makeMetrics(() => server.sessions);
  }
  const options = (now: Start): ServerOptions =>
    toServerOptions(now.config, {
      users: accounts,
      onEvent,
      certificate: now.certificate,
      ownNetworks: ownNetworks(networkInterfaces()),
    });
  const server = await createServer({ ...options(start), ...(counters && { counters }) }).catch(
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
  return {
    addresses: server.addresses,
    accounts,
    reload: async (fresh) => {
      logs.reopen();
      await accounts.reload();
      server.reload(options(fresh));
      logs.setLevel(fresh.config.log.level);
    },
    snapshot: async () => (await metrics?.snapshot()) ?? [],
    stop: (grace) => server.close(grace),
  };
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
