import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { runDaemon } from '../../../src/cli/serve/daemon.js';
import type { Request } from '../../../src/cli/serve/start.js';
import { untilStopped } from '../../../src/cli/serve/until-stopped.js';
import { type TestIo, testIo } from '../harness.js';
import { PASSWORD, place } from './program.js';

/** The daemon in this process with a terminal, until its banner is there; then it is stopped. */
async function onTerminal(request: Partial<Request>): Promise<{ text: string; code: number; io: TestIo }> {
  const io = await testIo([]);
  io.stdout.isTTY = true;
  const ready = new Promise<void>((resolve) => {
    const write = io.stdout.write.bind(io.stdout);
    io.stdout.write = (chunk: unknown, ...rest: unknown[]): boolean => {
      if (String(chunk).includes('serving')) resolve();
      return write(chunk, ...rest);
    };
  });
  const masks: number[] = [];
  const host = { pid: 4711, ids: {}, umask: (mask: number) => masks.push(mask) };
  const ended = runDaemon({ allowRoot: false, json: false, ...request }, io, host);
  await Promise.race([ready, ended]);
  // Signals are listened to right behind the line that says so.
  await new Promise((resolve) => setImmediate(resolve));
  io.signals.emit('SIGTERM');
  const code = await ended;
  expect(masks).toEqual([0o027]);
  return { text: io.stdout.text, code, io };
}

describe('the first words on a terminal', () => {
  it('say where it listens, how to trust it, who may come in and how to end it', async () => {
    const { home, config, configure } = await place();
    configure('', '[tls]\nrequired = false');
    const { text, code, io } = await onTerminal({ config });
    expect([code, io.exits]).toEqual([0, [0]]);
    expect(text).toMatch(/listens +127\.0\.0\.1:\d+\n/);
    expect(text).toMatch(/certificate +self-signed, made now and kept: .*server\.crt\n +pin [0-9a-f]{64}\n/);
    expect(text).toMatch(/FXP +verified: /);
    expect(text).toMatch(/users +1 user in .*users\.toml\n/);
    expect(text).toMatch(/warning +\[tls\] required = false/);
    expect(text).toContain('kill -HUP 4711');
    expect(text).toMatch(/\d\d:\d\d:\d\d info +stopping/);
    expect(text).not.toContain('{"level"');
    expect(home).toBeTruthy();
  });

  it('say how to try it out, and how to make a user where there is none', async () => {
    const { home, folder } = await place();
    const quick = { name: 'bob\u001b', password: PASSWORD, home };
    const tried = await onTerminal({ quick, listen: [{ host: '127.0.0.1', port: 0 }] });
    expect(tried.text).toMatch(/try it: jackstay ls ftps:\/\/bob%1B@127\.0\.0\.1:\d+\/ --pin [0-9a-f]{64}/);
    expect(tried.text).not.toContain('\u001b');
    expect(tried.text).not.toContain(PASSWORD);
    const alone = await onTerminal({ listen: [{ host: '127.0.0.1', port: 0 }] });
    expect(alone.text).toMatch(
      /users +none yet in .*users\.toml; add one with:\n +jackstay user add NAME --home DIR\n/,
    );
    expect(readFileSync(`${folder}/users.toml`, 'utf8')).toContain('alice');
  });
});

describe('signals', () => {
  function controls(io: TestIo, stop: (grace: number) => Promise<void>) {
    const calls: string[] = [];
    const ended = untilStopped(io, {
      reload: async () => void calls.push('reload'),
      stop: (grace) => {
        calls.push(`stop ${grace}`);
        return stop(grace);
      },
      kill: () => void calls.push('kill'),
      grace: () => 5000,
      say: (level, text) => void calls.push(`${level} ${text}`),
    });
    return { calls, ended };
  }

  it('that come while a reload runs make one more, and none after a stop', async () => {
    const io = await testIo([]);
    const { calls, ended } = controls(io, () => Promise.resolve());
    for (let n = 0; n < 5; n++) io.signals.emit('SIGHUP');
    await new Promise((resolve) => setImmediate(resolve));
    io.signals.emit('SIGTERM');
    io.signals.emit('SIGHUP');
    expect(await ended).toBe(0);
    expect(calls.filter((call) => call === 'reload')).toHaveLength(2);
    expect(io.signals.eventNames()).toEqual([]);
  });

  it('a stop that fails is an error', async () => {
    const io = await testIo([]);
    const { calls, ended } = controls(io, () => Promise.reject(new Error('stuck')));
    io.signals.emit('SIGINT');
    expect(await ended).toBe(1);
    expect(calls).toContain('error the stop failed: stuck');
  });

  it('the second shortens the first to nothing', async () => {
    const io = await testIo([]);
    let end = (): void => {};
    const gate = new Promise<void>((resolve) => {
      end = resolve;
    });
    const { calls, ended } = controls(io, (grace) => (grace === 0 ? Promise.resolve() : gate));
    io.signals.emit('SIGINT');
    io.signals.emit('SIGTERM');
    expect(await ended).toBe(130);
    expect(calls).toContain('stop 0');
    end();
  });
});
