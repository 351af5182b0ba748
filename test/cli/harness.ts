import { EventEmitter } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { onTestFinished } from 'vitest';
import type { Backend, RemoteFiles } from '../../src/cli/backend.js';
import type { Io } from '../../src/cli/io.js';
import { run } from '../../src/cli/program.js';
import type { Summary } from '../../src/engine/events.js';

/** A stream that keeps what was written. */
export class Screen extends PassThrough {
  text = '';
  isTTY = false;
  columns = 80;

  override write(chunk: unknown, ...rest: unknown[]): boolean {
    this.text += typeof chunk === 'string' ? chunk : Buffer.from(chunk as Uint8Array).toString();
    const done = rest.find((r): r is () => void => typeof r === 'function');
    done?.();
    return true;
  }
}

export interface TestIo extends Io {
  stdout: Screen;
  stderr: Screen;
  signals: EventEmitter;
  exits: number[];
}

/** A temporary folder that goes with the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'jackstay-cli-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** The surroundings of a command, in a folder of its own. */
export async function testIo(argv: string[], change: Partial<Io> & { input?: string } = {}): Promise<TestIo> {
  const home = await temporaryFolder();
  const exits: number[] = [];
  const { input = '', ...rest } = change;
  return {
    argv,
    env: {},
    home,
    platform: 'linux',
    stdin: Readable.from([Buffer.from(input)]),
    stdout: new Screen(),
    stderr: new Screen(),
    dirs: { config: home, state: home },
    signals: new EventEmitter(),
    exitNow: (code) => exits.push(code),
    exits,
    ...rest,
  } as TestIo;
}

export const SUMMARY: Summary = {
  event: 'summary',
  files: 2,
  failed: 0,
  skipped: 1,
  bytes: 3 * 1024 * 1024,
  seconds: 1.5,
  route: {
    kind: 'fxp',
    passive: 'destination',
    technique: 'CPSV',
    tlsClient: 'destination',
    by: 'CPSV',
    family: 4,
  },
  security: 'encrypted',
  verified: { digest: 1, size: 1, none: 0 },
  clientBytes: 1234,
  directories: 1,
  deleted: 0,
};

const unexpected = (): Promise<never> => Promise.reject(new Error('not expected in this test'));

/** A backend of which only the given parts may be used. */
export function backendWith(parts: Partial<Backend>): Backend {
  return { copy: unexpected, sync: unexpected, check: unexpected, connect: unexpected, ...parts };
}

/** A session of which only the given parts may be used. */
export function filesWith(parts: Partial<RemoteFiles>): RemoteFiles {
  return {
    about: { server: 'test server', features: ['MLST', 'SIZE'], tls: 'TLSv1.3' },
    list: unexpected,
    stat: unexpected,
    download: unexpected,
    remove: unexpected,
    removeTree: unexpected,
    mkdir: unexpected,
    rename: unexpected,
    hash: unexpected,
    close: async () => {},
    ...parts,
  };
}

/** Run a command line against a backend. */
export async function runCli(
  argv: string[],
  parts: Partial<Backend> = {},
  change: Partial<Io> & { input?: string } = {},
): Promise<{ code: number; out: string; err: string; io: TestIo }> {
  const io = await testIo(argv, change);
  const code = await run({ io, backend: async () => backendWith(parts) });
  return { code, out: io.stdout.text, err: io.stderr.text, io };
}
