import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { ControlClient } from '../../server/control-client.js';
import { dial, type Line, linesOf, login, PASSWORD, Program, place, served } from './program.js';

const isRoot = process.getuid?.() === 0;
const ALLOW = isRoot ? ['--allow-root'] : [];
const CLEAR = '[tls]\nrequired = false';

function metricsOf(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port, path: '/metrics' }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      response.on('end', () => resolve(body));
    });
    outgoing.once('error', reject).end();
  });
}

const pidsOf = (lines: readonly Line[]): number[] =>
  lines.filter(({ event }) => event === 'process-ready').map((line) => Number(line.process));

/** Runs still; one that has ended and that nobody has asked about yet does not (proc(5): state Z). */
function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !existsSync('/proc/self') || !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

const gone = (pids: number[]): Promise<boolean> =>
  vi.waitUntil(() => !pids.some(lives), { timeout: 20_000, interval: 100 });

/** A session of alice in clear, and which process has it. */
async function enter(
  program: Program,
  at: { port: number },
): Promise<{ client: ControlClient; pid: number }> {
  const from = program.lines.length;
  const client = await dial(at);
  await client.login('alice', PASSWORD);
  return { client, pid: (await program.event('login', from)).pid };
}

describe('several processes', () => {
  it('share connections, limits and metrics; one that dies is replaced and gives back what it held', async () => {
    const { config } = await place('processes = 2', `${CLEAR}\n[metrics]\nlisten = "127.0.0.1:0"`);
    const program = new Program(['--config', config, ...ALLOW]);
    const at = await served(program);
    expect((await program.event('serving')).processes).toBe(2);
    const pids = pidsOf(program.lines);
    expect(new Set([...pids, program.child.pid]).size).toBe(3);

    const sessions = [await enter(program, at), await enter(program, at), await enter(program, at)];
    expect(new Set(sessions.map(({ pid }) => pid))).toEqual(new Set(pids));
    const fourth = await dial(at);
    await fourth.ok('USER alice');
    // max-logins = 3 of all processes together.
    expect((await fourth.command(`PASS ${PASSWORD}`)).code).toBe(421);
    await fourth.closed();
    // The server's end of the fourth closes a moment after the client's.
    let metrics: string[] = [];
    for (let tries = 0; tries < 100 && !metrics.includes('jackstay_sessions 3'); tries++) {
      metrics = (await metricsOf(at.metrics!)).split('\n');
    }
    for (const line of [
      'jackstay_processes 2',
      'jackstay_sessions 3',
      'jackstay_logins_total{result="ok"} 3',
    ])
      expect(metrics).toContain(line);

    const from = program.lines.length;
    const [victim] = sessions;
    process.kill(victim!.pid, 'SIGKILL');
    await victim!.client.closed();
    await program.event('process-died', from);
    const fresh = Number((await program.event('process-ready', from)).process);
    expect(pids).not.toContain(fresh);
    const lost = sessions.filter(({ pid }) => pid === victim!.pid).length;
    for (let n = 0; n < lost; n++) await enter(program, at);
    // Counts of the one that is gone are kept: 3 before, as many again as were lost.
    expect(await metricsOf(at.metrics!)).toContain(`jackstay_logins_total{result="ok"} ${3 + lost}`);
    await program.signal('SIGTERM', 'stopped');
    expect(await program.ended).toBe(0);
    await gone([...pids, fresh]);
  });

  it('share what they know of wrong passwords: guesses do not multiply with the processes', async () => {
    const { config } = await place('processes = 2', CLEAR);
    const program = new Program(['--config', config, ...ALLOW]);
    const at = await served(program);
    const pids = pidsOf(program.lines);
    const codes: number[] = [];
    const asked = new Set<number>();
    for (let tries = 0; tries < 24; tries++) {
      const from = program.lines.length;
      const client = await dial(at);
      await client.ok('USER alice');
      codes.push((await client.command('PASS guess')).code);
      asked.add((await program.event('login', from)).pid);
      client.destroy();
    }
    expect(asked).toEqual(new Set(pids));
    // Ten of one address; word from one process to the other may come a guess or two later.
    const tried = codes.filter((code) => code === 530).length;
    expect(tried).toBeGreaterThanOrEqual(10);
    expect(tried).toBeLessThan(15);
    await program.signal('SIGTERM', 'stopped');
    await gone(pids);
  });

  it('take a new configuration together, and let transfers end at a stop', async () => {
    const { folder, home, config, configure } = await place(
      'processes = 2\nbanner = "one"',
      `${CLEAR}\n[log]\naudit-file = "audit.log"`,
    );
    writeFileSync(join(home, 'big'), Buffer.alloc(30_000_000));
    const program = new Program(['--config', config, ...ALLOW]);
    const at = await served(program);
    configure('processes = 2\nbanner = "two"', `${CLEAR}\n[log]\naudit-file = "audit.log"`);
    await program.signal('SIGHUP', 'reloaded');
    for (let n = 0; n < 2; n++) expect((await login(at)).server.greeting).toContain('two');
    const { client } = await enter(program, at);
    await client.ok('TYPE I');
    const link = await client.data();
    const socket = await link.socket;
    expect(await client.code('RETR big')).toBe(150);
    await program.signal('SIGTERM', 'stopping');
    let bytes = 0;
    for await (const chunk of socket) bytes += (chunk as Buffer).length;
    expect([bytes, (await client.read()).code]).toEqual([30_000_000, 226]);
    expect(await program.ended).toBe(0);
    const audit = linesOf(join(folder, 'audit.log'));
    expect(new Set(audit.filter(({ event }) => event === 'login').map(({ pid }) => pid)).size).toBe(2);
    expect(audit.at(-1)).toMatchObject({ event: 'transfer', path: '/big', outcome: 'complete' });
  });

  it('end when the first one is killed', async () => {
    const { config } = await place('processes = 2', CLEAR);
    const program = new Program(['--config', config, ...ALLOW]);
    const at = await served(program);
    const { client } = await enter(program, at);
    const pids = pidsOf(program.lines);
    program.child.kill('SIGKILL');
    await client.closed();
    await gone(pids);
  });

  it('that cannot listen say so once, and nothing is left', async () => {
    const { config } = await place('processes = 2', CLEAR);
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void taken.close());
    const { port } = taken.address() as { port: number };
    const program = new Program(['--config', config, '--listen', `127.0.0.1:${port}`, ...ALLOW]);
    expect(await program.ended).toBe(1);
    expect(program.text).toContain(`127.0.0.1 port ${port}: EADDRINUSE`);
  });
});

const reason = isRoot ? '' : ' (skipped: not root)';
describe.skipIf(!isRoot)(`threats.md row 38: started as root${reason}`, () => {
  const id = (option: string): number =>
    Number(spawnSync('id', [option, 'nobody'], { encoding: 'utf8' }).stdout);

  function rightsOf(pid: number): string[] {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return status
      .match(/^(Uid|Gid|Groups|CapEff|CapPrm):.*$/gm)!
      .map((line) => line.replace(/\s+/g, ' ').trim());
  }

  it('it refuses to serve unless told otherwise', async () => {
    const { config } = await place();
    const program = new Program(['--config', config]);
    expect(await program.ended).toBe(2);
    expect(program.text).toContain('started as root');
    expect(program.text).toMatch(/run-as .*--allow-root/);
  });

  it.each([1, 2])(
    'with run-as and %i processes it binds a low port and is nobody afterwards',
    async (count) => {
      const listen = `listen = "127.0.0.${10 + count}:${700 + count}"`;
      const { folder, config } = await place();
      const users = join(folder, 'users.toml');
      const text = `[server]\n${listen}\nthreads = 1\nrun-as = "nobody"\nprocesses = ${count}\nusers-file = "users.toml"\npid-file = "pid"\n[log]\naudit-file = "audit.log"\n${CLEAR}\n`;
      writeFileSync(config, text);
      spawnSync('chown', ['nobody', users]);
      const program = new Program(['--config', config]);
      await served(program);
      const pids = [program.child.pid!, ...pidsOf(program.lines)];
      expect(pids).toHaveLength(count === 1 ? 1 : 3);
      const [uid, gid] = [id('-u'), id('-g')];
      for (const pid of pids) {
        expect(rightsOf(pid)).toEqual([
          `Uid: ${Array(4).fill(uid).join(' ')}`,
          `Gid: ${Array(4).fill(gid).join(' ')}`,
          `Groups: ${gid}`,
          'CapPrm: 0000000000000000',
          'CapEff: 0000000000000000',
        ]);
      }
      expect(readFileSync(join(folder, 'pid'), 'utf8')).toBe(`${program.child.pid}\n`);
      // Everything that a reload reads can be read without root.
      await program.signal('SIGHUP', 'reloaded');
      await program.signal('SIGTERM', 'stopped');
      expect(await program.ended).toBe(0);
      expect(linesOf(join(folder, 'audit.log'))).toEqual([]);
    },
  );

  it('with run-as and files that only root can read it says so at the start', async () => {
    const { folder, config, configure } = await place();
    configure('run-as = "nobody"');
    const program = new Program(['--config', config]);
    expect(await program.ended).toBe(1);
    expect(program.text).toContain(join(folder, 'users.toml'));
    expect(program.text).toContain('EACCES');
  });
});
