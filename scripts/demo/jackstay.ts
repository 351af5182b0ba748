/** Runs the real command as a person would, with a home of its own. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { CopyEnd } from '../../src/cli/demo/legs.js';
import type { EngineEvent, Summary } from '../../src/index.js';

const COMMAND = fileURLToPath(new URL('../../bin/jackstay', import.meta.url));

/** How a run of `jackstay copy --json` ended. */
export interface CopyRun {
  code: number;
  summary: Summary | undefined;
  /** Lines on its standard error. */
  errors: string;
}

/** The command with state and configuration in `home`. Processes that still run are ended by `stop`. */
export class Jackstay {
  readonly #home: string;
  readonly #running = new Set<ReturnType<typeof spawn>>();

  constructor(home: string) {
    this.#home = home;
  }

  /** Run it; `input` goes to its standard input, each line of its output to `onLine`. */
  async run(
    words: readonly string[],
    onLine: (line: string) => void = () => {},
    input = '',
  ): Promise<{ code: number; errors: string }> {
    const child = spawn(process.execPath, [COMMAND, ...words], {
      env: { ...process.env, JACKSTAY_HOME: this.#home },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#running.add(child);
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors += text;
    });
    child.stdin.on('error', () => {}).end(input);
    createInterface({ input: child.stdout }).on('line', onLine);
    const code = await new Promise<number>((resolve) => {
      child.once('error', (error) => {
        errors += error.message;
        resolve(1);
      });
      child.once('close', (status) => resolve(status ?? 1));
    });
    this.#running.delete(child);
    return { code, errors };
  }

  /** `jackstay site add`; the password goes through a pipe. */
  async addSite(name: string, url: string, password: string): Promise<void> {
    const { code, errors } = await this.run(
      ['site', 'add', name, url, '--password-stdin'],
      undefined,
      password,
    );
    if (code !== 0) throw new Error(`jackstay site add ${name} ended with ${code}\n${errors}`);
  }

  /** `jackstay copy --json`; every event goes to `onEvent`. */
  async copy(words: readonly string[], onEvent: (event: EngineEvent) => void): Promise<CopyRun> {
    let summary: Summary | undefined;
    const onLine = (line: string): void => {
      const event = JSON.parse(line) as EngineEvent;
      if (event.event === 'summary') summary = event;
      onEvent(event);
    };
    const { code, errors } = await this.run(['copy', ...words, '--json'], onLine);
    return { code, summary, errors };
  }

  /** `copy` as a leg of the demonstration. */
  async copyLeg(words: readonly string[], onEvent: (event: EngineEvent) => void): Promise<CopyEnd> {
    const { code, summary, errors } = await this.copy(words, onEvent);
    return code === 0 ? { summary } : { failure: `jackstay ended with ${code}\n${errors}` };
  }

  /** End what still runs. */
  stop(): void {
    for (const child of this.#running) child.kill('SIGKILL');
  }
}
