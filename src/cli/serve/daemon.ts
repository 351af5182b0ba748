import { rmSync, writeFileSync } from 'node:fs';
import { FtpError, toFtpError } from '../../protocol/errors.js';
import { type Io, say } from '../io.js';
import { messageOf } from '../system-error.js';
import { openAccounts } from './accounts.js';
import { bannerLines } from './banner.js';
import { type Fleet, fleetOfOne } from './fleet.js';
import { sweepLeftovers } from './leftovers.js';
import type { Logs } from './logs.js';
import { serveMetrics } from './metrics-page.js';
import { openStartLogs } from './open-logs.js';
import { asUser, checkRoot, dropPrivileges, findRunAs, type Ids } from './privileges.js';
import { startServing } from './serving.js';
import { configFor, processesOf, type Request, type Start, startFor } from './start.js';
import { untilStopped } from './until-stopped.js';

/** What the daemon takes from its process beside `Io`. */
export interface Host {
  pid: number;
  ids: Ids;
  umask(mask: number): unknown;
}

/**
 * Serve until a signal ends it, then end the process: nothing that is left may hold up a service manager.
 *
 * @returns the exit code. @throws FtpError when it cannot start.
 */
export async function runDaemon(request: Request, io: Io, host: Host): Promise<number> {
  const { ids } = host;
  const { runAs, allowRoot, umask } = await configFor(request, io);
  const target = runAs && findRunAs(runAs);
  checkRoot(ids, { target, allowRoot });
  host.umask(umask);
  // Read with the rights that a reload will have: what it could not read is found out now.
  const start = await asUser(ids, target, () => startFor(request, io, target));
  const streams = { stdout: io.stdout, stderr: io.stderr, pid: host.pid };
  const logs = await asUser(ids, target, async () => openStartLogs(start, streams));
  const code = await serve({ request, io, host, start, logs }).finally(() => logs.drain());
  io.exitNow(code);
  return code;
}

interface Run {
  request: Request;
  io: Io;
  host: Host;
  start: Start;
  logs: Logs;
}

async function serve(run: Run): Promise<number> {
  const { start, logs, io, host } = run;
  let fleet: Fleet | undefined;
  const { metrics: wanted } = start.config;
  const metrics = wanted.listen && (await serveMetrics(wanted, () => fleet));
  try {
    fleet = await launch(run);
    const pidFile = writePidFile(start, host.pid);
    // Before anybody is told that it serves: a signal that comes at once is heard.
    const ended = untilStopped(io, {
      reload: () => reload(run, fleet!),
      stop: (grace) => fleet!.stop(grace),
      kill: () => fleet!.kill(),
      grace: () => run.start.config.grace,
      say: logs.say,
    });
    await tellStart(run, fleet, metrics?.address);
    const code = await ended;
    if (pidFile !== undefined) rmSync(pidFile, { force: true });
    return code;
  } catch (error) {
    fleet?.kill();
    throw error;
  } finally {
    await metrics?.close();
  }
}

/** Serve in this process, or in others. Ports are bound with root's rights where there are any, which are given up then. */
async function launch({ start, logs, host }: Run): Promise<Fleet> {
  const { ids } = host;
  const count = processesOf(start.config);
  if (count === 1) return fleetOfOne(await startServing(start, { logs, ids }));
  const { Processes } = await import('./processes.js');
  const processes = new Processes<Start>({ count, start, say: logs.say });
  await processes.first();
  if (start.target && ids.geteuid?.() === 0) dropPrivileges(ids, start.target);
  await processes.others();
  return processes;
}

function writePidFile({ config }: Start, pid: number): string | undefined {
  if (config.pidFile === undefined) return undefined;
  try {
    writeFileSync(config.pidFile, `${pid}\n`, { mode: 0o644 });
    return config.pidFile;
  } catch (error) {
    throw new FtpError('local', `cannot write pid-file ${config.pidFile}: ${messageOf(error)}`, {
      advice: 'Its directory must be writable for the user that the server runs as.',
      cause: error,
    });
  }
}

async function tellStart(
  { start, logs, io, host }: Run,
  fleet: Fleet,
  metrics?: Start['config']['listen'][0],
) {
  const { certificate, config } = start;
  const accounts = await openAccounts(start, { onProblem: () => {} });
  const facts = { start, addresses: fleet.addresses, accounts, pid: host.pid, metrics };
  const terminal = io.stdout.isTTY === true && !start.json;
  if (terminal) for (const line of bannerLines(facts)) say(io.stdout, line);
  logs.say('info', 'serving', {
    event: 'serving',
    addresses: fleet.addresses,
    processes: fleet.running,
    fxp: config.fxp.mode,
    users: accounts.count ?? 0,
    certificatePin: certificate.pin,
    ...(metrics && { metrics }),
  });
  void sweepLeftovers(accounts.roots(), logs);
  // What the first words have told need not be told again right below them.
  if (terminal && config.log.file === undefined) return;
  tellMade(start, logs);
  for (const text of warningsOf(start)) logs.say('warn', text, { event: 'warning' });
  if (!accounts.count && !accounts.anonymous)
    logs.say('warn', `there is no user yet: jackstay user add NAME --home DIR (${config.usersFile})`, {
      event: 'no-users',
    });
}

function tellMade({ certificate: { made, file, pin } }: Start, logs: Logs): void {
  if (!made) return;
  logs.say('info', `made a self-signed certificate in ${file}; its pin is ${pin}`, {
    event: 'certificate-made',
    file,
    pin,
  });
}

function warningsOf({ config, certificate }: Start): string[] {
  return [...config.warnings, ...certificate.warnings];
}

/** Everything is read and checked before anything is changed; what is wrong leaves the old in force. */
async function reload(run: Run, fleet: Fleet): Promise<void> {
  const { request, io, logs } = run;
  try {
    const fresh = await startFor(request, io, run.start.target);
    await openAccounts(fresh, { onProblem: () => {} });
    const restart = needRestart(run.start, fresh);
    logs.reopen();
    const faults = await fleet.reload(fresh);
    if (faults[0]) throw faults[0];
    logs.setLevel(fresh.config.log.level);
    run.start = fresh;
    tellMade(fresh, logs);
    for (const what of [...warningsOf(fresh), ...restart]) logs.say('warn', what, { event: 'warning' });
    logs.say('info', 'configuration, certificate and users are read again', {
      event: 'reloaded',
      certificatePin: fresh.certificate.pin,
    });
  } catch (thrown) {
    const error = toFtpError(thrown);
    logs.say('error', `reload refused, everything stays as it was: ${error.message}`, {
      event: 'reload-refused',
    });
  }
}

/** What only a restart changes. */
function needRestart({ config: old }: Start, { config: fresh }: Start): string[] {
  const keys = {
    '[server] listen': (c: typeof old) => c.listen,
    '[server] processes': (c: typeof old) => [c.processes, c.threads],
    '[server] users-file': (c: typeof old) => c.usersFile,
    '[server] run-as': (c: typeof old) => c.runAs,
    '[log] file': (c: typeof old) => [c.log.file, c.log.auditFile, c.log.format],
    '[metrics]': (c: typeof old) => c.metrics,
  };
  return Object.entries(keys)
    .filter(([, pick]) => JSON.stringify(pick(old)) !== JSON.stringify(pick(fresh)))
    .map(([name]) => `${name} has changed: that needs a restart`);
}
