import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { hideSecrets } from '../../src/cli/argv.js';
import { candidates } from '../../src/cli/complete.js';
import { runCli, temporaryFolder } from './harness.js';

const exec = promisify(execFile);
const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const bin = fileURLToPath(new URL('../../bin/jackstay', import.meta.url));
const node = ['--import', import.meta.resolve('tsx'), main];

describe('help', () => {
  const commands = [
    'copy',
    'sync',
    'check',
    'ls',
    'cat',
    'get',
    'put',
    'rm',
    'mkdir',
    'mv',
    'hash',
    'du',
    'site',
    'serve',
    'user',
    'demo',
    'completion',
  ];

  it('names every command, and loads neither engine nor client', async () => {
    const backend = { copy: () => Promise.reject(new Error('loaded')) };
    const { code, out } = await runCli(['--help'], backend);
    expect(code).toBe(0);
    for (const name of commands) expect(out).toMatch(new RegExp(`^  ${name} `, 'm'));
    expect(out).toContain('Exit codes: 0 done, 1 some files failed');
  });

  it.each(commands)('%s has help with an example, by flag and by help', async (name) => {
    const byFlag = await runCli([name, '--help']);
    expect([byFlag.code, byFlag.err]).toEqual([0, '']);
    expect(byFlag.out).toMatch(/^Examples?:\n {2}\S*jackstay |Examples?:\n {2}/m);
    expect((await runCli(['help', name])).out).toBe(byFlag.out);
  });

  it('no command is a usage error, --version is not', async () => {
    expect((await runCli([])).code).toBe(2);
    const { version } = JSON.parse(
      await readFile(new URL('../../package.json', import.meta.url), 'utf8'),
    ) as { version: string };
    expect(await runCli(['--version'])).toMatchObject({ code: 0, out: `${version}\n` });
    expect(await runCli(['cpoy'])).toMatchObject({
      code: 2,
      err: "error: unknown command 'cpoy'\n(Did you mean copy?)\n",
    });
  });
});

describe('the process', () => {
  it('hides passwords from the list of processes', async () => {
    const target = { title: 'before' };
    hideSecrets(['ls', 'site:x'], target);
    expect(target.title).toBe('before');
    hideSecrets(['ls', 'ftp://u:hidden@h/'], target);
    expect(target.title).toBe('jackstay ls ftp://u:***@h/');
  });

  it.runIf(process.platform === 'linux')('its arguments hold no password once it runs', async () => {
    const env = { ...process.env, JACKSTAY_HOME: await temporaryFolder() };
    // `site add --password-stdin` waits for its standard input, which stays open.
    const words = ['site', 'add', 'xx', 'ftp://u:hidden-password@h/', '--password-stdin'];
    const child = spawn(process.execPath, [...node, ...words], { env, stdio: ['pipe', 'pipe', 'inherit'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    const shown = (): Promise<string> => readFile(`/proc/${child.pid}/cmdline`, 'utf8');
    await expect.poll(shown, { timeout: 30_000 }).toContain('ftp://u:***@h/');
    expect(await shown()).not.toContain('hidden-password');
    child.stdin.end('x\n');
    expect((await once(child, 'exit'))[0]).toBe(0);
  });

  it('bin/jackstay is executable and says what to do where nothing is built', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'bin'));
    await writeFile(join(folder, 'package.json'), '{"type":"module"}');
    await writeFile(join(folder, 'bin', 'jackstay'), await readFile(bin), { mode: 0o755 });
    const failed = await exec(join(folder, 'bin', 'jackstay'), []).then(
      () => ({ code: 0, stderr: '' }),
      (error: { code: number; stderr: string }) => error,
    );
    expect(failed.code).toBe(2);
    expect(failed.stderr).toContain('npm run build');
    await access(bin, 1);
  });
});

describe('completion', () => {
  it.each([
    [
      [''],
      [
        'copy',
        'sync',
        'check',
        'ls',
        'cat',
        'get',
        'put',
        'rm',
        'mkdir',
        'mv',
        'hash',
        'du',
        'site',
        'serve',
        'user',
        'demo',
        'completion',
      ],
    ],
    [['c'], ['copy', 'check', 'cat', 'completion']],
    [['site', 're'], ['remove']],
    [['site', 'show', 'ol'], ['old']],
    [
      ['copy', ''],
      ['old:', 'other:', ':files'],
    ],
    [
      ['copy', '--parallel', '3', 'old:x', 'ot'],
      ['other:', ':files'],
    ],
    [['copy', 'a', 'b', ''], []],
    [
      ['ls', 'old:', 'o'],
      ['old:', 'other:'],
    ],
    [['put', ''], [':files']],
    [['copy', '--secur'], ['--security']],
    [['copy', '--security', 'e'], ['encrypted']],
    [['copy', '--relay=f'], ['--relay=fallback']],
    [['copy', '--parallel', ''], []],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
  ])('%j gives %j', async (words, values) => {
    const first = await runCli(['site', 'add', 'old', 'ftp://h/']);
    const same = { dirs: first.io.dirs };
    await runCli(['site', 'add', 'other', 'ftp://h/'], {}, same);
    const { out, code } = await runCli(
      ['__complete'],
      {},
      { ...same, input: `${['jackstay', ...words].join('\n')}\n` },
    );
    expect(code).toBe(0);
    expect(
      out
        .split('\n')
        .slice(0, -1)
        .map((line) => line.split('\t')[0]),
    ).toEqual(values);
  });

  it('candidates needs no words at all', async () => {
    const { Command } = await import('commander');
    expect(candidates(new Command(), [], [])).toEqual([]);
  });

  it('the bash script completes sites behind colons and local files', async () => {
    const home = await temporaryFolder();
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'local file'), '');
    await writeFile(
      join(home, 'sites.json'),
      '{"version":1,"sites":{"old":{"host":"h"},"old-two":{"host":"h"}}}',
    );
    const wrapper = join(folder, 'jackstay');
    await writeFile(
      wrapper,
      `#!/bin/sh\nexec '${process.execPath}' ${node.map((w) => `'${w}'`).join(' ')} "$@"\n`,
      { mode: 0o755 },
    );
    const script = `source <(jackstay completion bash)
ask() { COMP_LINE="$1"; COMP_POINT=\${#1}; _jackstay; printf '%s|' "\${COMPREPLY[@]}"; echo; }
ask 'jackstay copy ol'
ask 'jackstay ls --security=e'
ask 'jackstay copy --security=e'
ask 'jackstay put ./loc'
ask 'jackstay ls old:'`;
    const env = { ...process.env, PATH: `${folder}:${process.env.PATH}`, JACKSTAY_HOME: home };
    const { stdout } = await exec('bash', ['-c', script], { env, cwd: folder });
    expect(stdout.split('\n')).toEqual(['old:|old-two:|', '|', 'encrypted|', './local file|', '|', '']);
  });
});
