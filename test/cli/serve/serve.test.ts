import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { selfSigned } from '../../../src/server/certificate.js';
import { runCli } from '../harness.js';
import { dial, linesOf, login, PASSWORD, Program, place, served } from './program.js';

const isRoot = process.getuid?.() === 0;
const ALLOW = isRoot ? ['--allow-root'] : [];

function get(port: number, path: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port, path }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      response.on('end', () => resolve({ status: response.statusCode!, body }));
    });
    outgoing.once('error', reject).end();
  });
}

describe('jackstay serve', () => {
  it('serves one user in memory to try it out, keeps its certificate, tells no password, ends at SIGTERM', async () => {
    const { folder, home } = await place();
    writeFileSync(join(home, 'hello.txt'), 'hello');
    const words = ['--home', home, '--user', 'bob', '--password-stdin', '--listen', '127.0.0.1:0', ...ALLOW];
    const pins: string[] = [];
    for (const made of [true, false]) {
      const program = new Program(words, `${PASSWORD}\n`, { JACKSTAY_HOME: join(folder, 'state') });
      const at = await served(program);
      pins.push(at.pin);
      const client = await login(at, { user: 'bob' });
      expect((await client.read('hello.txt')).toString()).toBe('hello');
      await client.close();
      await program.signal('SIGTERM', 'stopped');
      expect(await program.ended).toBe(0);
      expect(program.lines.some(({ event }) => event === 'certificate-made')).toBe(made);
      // threats.md row 42.
      expect(JSON.stringify(program.lines) + program.text).not.toContain(PASSWORD);
    }
    expect(pins[0]).toBe(pins[1]);
    expect(statSync(join(folder, 'state', 'server.key')).mode & 0o777).toBe(0o600);
  });

  it('writes down every transfer, login, change and refused peer, counts them, and opens its logs anew at SIGHUP', async () => {
    const rest = `[log]\nlevel = "debug"\naudit-file = "audit.log"\n[metrics]\nlisten = "127.0.0.1:0"`;
    const { folder, home, config } = await place('', rest);
    const program = new Program(['--config', config, ...ALLOW]);
    const at = await served(program);
    const client = await login(at);
    writeFileSync(join(folder, 'up.bin'), Buffer.alloc(5000, 7));
    await client.upload(join(folder, 'up.bin'), 'up.bin');
    expect((await client.read('up.bin')).length).toBe(5000);
    await client.rename('up.bin', 'new.bin');
    const raw = await (await dial(at)).secure();
    await raw.login('alice', PASSWORD);
    expect(await raw.code('PORT 192,0,2,1,100,1')).toBe(504);
    await client.close();
    await expect(login(at, { password: 'wrong' })).rejects.toThrow(/530/);

    const metrics = (await get(at.metrics!, '/metrics')).body;
    for (const line of [
      'jackstay_logins_total{result="ok"} 2',
      'jackstay_logins_total{result="failed"} 1',
      'jackstay_transfers_total{direction="receive",route="client",outcome="complete"} 1',
      'jackstay_transfer_bytes_total{direction="send",route="client"} 5000',
      'jackstay_peers_refused_total{door="port"} 1',
      'jackstay_processes 1',
    ])
      expect(metrics.split('\n')).toContain(line);
    expect(metrics).toMatch(/jackstay_commands_total\{verb="STOR",class="2xx"\} 1/);
    expect(await get(at.metrics!, '/healthz')).toEqual({ status: 200, body: 'ok\n' });

    const audit = join(folder, 'audit.log');
    renameSync(audit, `${audit}.1`);
    await program.signal('SIGHUP', 'reloaded');
    const again = await login(at);
    await again.remove('new.bin');
    await again.close();
    await program.signal('SIGTERM', 'stopped');
    expect(await program.ended).toBe(0);

    const first = linesOf(`${audit}.1`);
    expect(first.map(({ event }) => event)).toEqual([
      'login',
      'transfer',
      'transfer',
      'change',
      'login',
      'peer-refused',
      'login',
    ]);
    const [, stored, sent, renamed, , peer, wrong] = first;
    const common = {
      user: 'alice',
      bytes: 5000,
      route: 'client',
      endpoint: 'passive',
      outcome: 'complete',
      tls: true,
    };
    expect(stored).toMatchObject({
      verb: 'STOR',
      path: '/up.bin',
      direction: 'receive',
      to: '/up.bin',
      ...common,
    });
    expect(sent).toMatchObject({
      verb: 'RETR',
      path: '/up.bin',
      direction: 'send',
      from: '/up.bin',
      ...common,
    });
    expect(renamed).toMatchObject({ verb: 'RNTO', path: '/up.bin', to: '/new.bin' });
    expect(peer).toMatchObject({ door: 'port', user: 'alice' });
    expect(String(peer!.peer)).toContain('192.0.2.1');
    expect(wrong).toMatchObject({ ok: false, user: 'alice' });
    expect(linesOf(audit).map(({ event }) => event)).toEqual(['login', 'change']);
    expect(statSync(audit).mode & 0o777).toBe(0o640);
    expect(existsSync(join(home, 'new.bin'))).toBe(false);
    // threats.md row 42: not even at level debug.
    const everything = JSON.stringify(program.lines) + program.text + readFileSync(`${audit}.1`, 'utf8');
    expect(everything).not.toContain(PASSWORD);
    expect(program.lines.some(({ event, verb }) => event === 'command' && verb === 'PASS')).toBe(true);
  });

  it('takes a new configuration, certificate and users at SIGHUP, and refuses what is broken as a whole', async () => {
    const { folder, config, configure } = await place('banner = "one"');
    const program = new Program(['--config', config, ...ALLOW]);
    const at = await served(program);
    const before = await login(at);
    expect(before.server.greeting).toContain('one');

    configure('banner = 5\nprocess = 2', '[fxp]\nmode = "sometimes"');
    const broken = String((await program.signal('SIGHUP', 'reload-refused')).msg);
    for (const fault of ['banner', 'process', 'mode']) expect(broken).toContain(fault);
    configure('banner = "two"');
    const users = join(folder, 'users.toml');
    const text = readFileSync(users, 'utf8');
    writeFileSync(users, `${text}[users.carol]\npassword = "none"\n`);
    expect((await program.signal('SIGHUP', 'reload-refused')).msg).toContain('carol');
    expect((await login(at)).server.greeting).toContain('one');

    writeFileSync(users, text.replaceAll('alice', 'carol'));
    mkdirSync(join(folder, 'carol'));
    const fresh = await selfSigned(['localhost']);
    writeFileSync(join(folder, 'server.crt'), fresh.cert);
    writeFileSync(join(folder, 'server.key'), fresh.key);
    configure('banner = "two"\nprocesses = 2');
    const from = program.lines.length;
    await program.signal('SIGHUP', 'reloaded');
    expect((await program.event('warning', from)).msg).toContain('[server] processes has changed');
    await expect(login(at)).rejects.toThrow(/certificate|key|pin/i);
    const line = (await program.event('reloaded', from)) as { certificatePin?: string };
    const carol = await login({ port: at.port, pin: String(line.certificatePin) }, { user: 'carol' });
    expect(carol.server.greeting).toContain('two');
    // Who was in stays in.
    expect(await before.list()).toEqual([]);
  });

  it.each([
    ['lets a transfer end at a stop', false, 0],
    ['ends at once at the second signal', true, 130],
  ])('%s, and takes nobody new', async (_what, twice, code) => {
    const { home, config } = await place('grace = "60s"', '[tls]\nrequired = false');
    writeFileSync(join(home, 'big'), Buffer.alloc(30_000_000));
    const program = new Program(['--config', config, ...ALLOW]);
    const at = await served(program);
    const [busy, idle] = [await dial(at), await dial(at)];
    await busy.login('alice', PASSWORD);
    await busy.ok('TYPE I');
    const link = await busy.data();
    const socket = await link.socket;
    expect(await busy.code('RETR big')).toBe(150);
    await program.signal('SIGTERM', 'stopping');
    expect((await idle.closed()).map((reply) => reply.code)).toEqual([421]);
    await expect(dial(at)).rejects.toThrow(/ECONNREFUSED/);
    if (twice) {
      program.child.kill('SIGTERM');
      expect(await program.ended).toBe(code);
      return;
    }
    let bytes = 0;
    for await (const chunk of socket) bytes += (chunk as Buffer).length;
    expect(bytes).toBe(30_000_000);
    expect((await busy.read()).code).toBe(226);
    expect(await program.ended).toBe(code);
  });

  it('starts without users and says how to make one', async () => {
    const { folder, config } = await place();
    const users = join(folder, 'users.toml');
    renameSync(users, `${users}.later`);
    const program = new Program(['--config', config, ...ALLOW]);
    const at = await served(program);
    expect((await program.event('no-users')).msg).toContain('jackstay user add');
    await expect(login(at)).rejects.toThrow(/530/);
    renameSync(`${users}.later`, users);
    expect(await (await login(at)).list()).toEqual([]);
  });
});

describe('what keeps it from starting', () => {
  it('a configuration with faults: all of them, exit code 2', async () => {
    const { config, configure } = await place();
    configure('banner = 5', '[fxp]\nmode = "sometimes"\n[log]\nlevle = "info"');
    for (const words of [['--check-config'], []]) {
      const program = new Program(['--config', config, ...words]);
      expect(await program.ended).toBe(2);
      for (const fault of ['banner', 'mode', 'levle']) expect(program.text).toContain(fault);
    }
  });

  it('an address that is taken: exit code 1 and what to do', async () => {
    const { config } = await place();
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void taken.close());
    const { port } = taken.address() as { port: number };
    const program = new Program(['--config', config, '--listen', `127.0.0.1:${port}`, ...ALLOW]);
    expect(await program.ended).toBe(1);
    expect(program.text).toContain(`cannot listen on 127.0.0.1 port ${port}: EADDRINUSE`);
    expect(program.text).toContain('--listen');
  });

  it('a certificate that is no pair', async () => {
    const { folder, config, configure } = await place();
    const [a, b] = [await selfSigned(['a.example']), await selfSigned(['b.example'])];
    writeFileSync(join(folder, 'a.crt'), a.cert);
    writeFileSync(join(folder, 'b.key'), b.key, { mode: 0o600 });
    configure('', '[tls]\ncert = "a.crt"\nkey = "b.key"');
    const program = new Program(['--config', config, ...ALLOW]);
    expect(await program.ended).toBe(1);
    expect(program.text).toContain('is not the key of the certificate');
  });

  it.each([
    [['--home', '.'], '--home and --user are both needed'],
    [['--user', 'x', '--home', './none'], 'is not a directory'],
    [['--user', 'x', '--home', '.', '--config', 'c'], '--config does not go with --user'],
    [['--listen', 'somewhere'], '--listen somewhere is not an address'],
    [['--user', 'x', '--home', '.', '--password-stdin'], 'no password for x'],
  ])('%j', async (words, why) => {
    const { code, err } = await runCli(['serve', ...words]);
    expect([code, err]).toEqual([2, expect.stringContaining(why)]);
  });
});

describe('--check-config and --print-config', () => {
  it('check without making anything, and print every default', async () => {
    const { folder, config } = await place('', '[fxp]\nmode = "listed"\npeers = ["192.0.2.0/24"]');
    const program = new Program(['--config', config, '--check-config', '--print-config']);
    expect(await program.ended).toBe(0);
    expect(program.text).toMatch(/certificate +none yet/);
    expect(program.text).toMatch(/users +1 in /);
    expect(program.text).toMatch(/good\n$/);
    expect(existsSync(join(folder, 'server.crt'))).toBe(false);
    const printed = program.text.slice(program.text.indexOf('{\n'), program.text.indexOf('\n}\n') + 2);
    const shown = JSON.parse(printed) as { fxp: unknown; limits: { idleTimeout: number } };
    expect(shown.fxp).toMatchObject({ mode: 'listed', peers: { ranges: ['192.0.2.0/24'] } });
    expect(shown.limits.idleTimeout).toBe(300_000);
  });
});
