/** One run of a client as a process, with what the operating system accounts to it. */
import { SYSTEM_PYTHON } from '../../test/peers/peer.js';
import { timedRun } from '../harness.js';

/** Runs the command behind it, ends it after the time it was given, and says what it cost: the rusage of its child. */
const ACCOUNTANT = [
  'import resource, subprocess, sys, time',
  'begun = time.monotonic()',
  'try:',
  '    code = subprocess.run(sys.argv[2:], timeout=float(sys.argv[1])).returncode',
  'except subprocess.TimeoutExpired:',
  '    code = 124',
  'wall = time.monotonic() - begun',
  'use = resource.getrusage(resource.RUSAGE_CHILDREN)',
  'print("\\ncost", wall, use.ru_utime + use.ru_stime, use.ru_maxrss)',
  'sys.exit(code if code >= 0 else 128 - code)',
].join('\n');

/** Seconds that a run may always take, however short it is expected to be. */
const LEAST_LIMIT = 90;
/** A run may take so many times what is expected. */
const PATIENCE = 6;
const TIMED_OUT = 124;
const REPORTED = 1500;

/** What a client's process cost and said. */
export interface ClientRun {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakMebibytes: number;
  readonly output: string;
  /** Why it failed, with the end of its output; undefined when it ended with 0. */
  readonly failure: string | undefined;
}

/** @param expected seconds that it is expected to take. */
export async function runClient(
  command: readonly string[],
  env: Readonly<Record<string, string>>,
  expected: number,
): Promise<ClientRun> {
  const limit = Math.ceil(Math.max(LEAST_LIMIT, PATIENCE * expected));
  const words = [SYSTEM_PYTHON, '-c', ACCOUNTANT, String(limit), ...command];
  const { status, output, seconds } = await timedRun(words, env, 1000 * (limit + 30));
  const [, wall = `${seconds}`, cpu = '0', kibibytes = '0'] =
    /\ncost ([\d.e-]+) ([\d.e-]+) (\d+)/.exec(output) ?? [];
  const why = status === TIMED_OUT ? `not done after ${limit} s` : `status ${status}`;
  return {
    seconds: Number(wall),
    cpuSeconds: Number(cpu),
    peakMebibytes: Number(kibibytes) / 1024,
    output,
    failure: status === 0 ? undefined : `${why}: ${output.slice(-REPORTED)}`,
  };
}
