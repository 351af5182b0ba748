import { appendFileSync, mkdirSync, readFileSync, renameSync, rmdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { terminalLine } from '../../../src/cli/serve/describe.js';
import { type LogTargets, openLogs, visibleJson } from '../../../src/cli/serve/logs.js';
import { FileOutput, type LineOutput } from '../../../src/cli/serve/output.js';
import { temporaryFolder } from '../harness.js';
import { everyEvent, SESSION, TRANSFER } from './events.js';

/** What a terminal obeys or a reader is misled by: CR LF, ESC, DEL, C1, bidirectional overrides, separators. */
const HOSTILE = 'a\r\n{"fake":1}\u001b]0;x\u0007\u007f\u009b31m\u202egnp\u2066\u2028\ufeff"\\';
const STEERING = /[\0-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/;

class Memory implements LineOutput {
  lines: string[] = [];
  write(line: string): void {
    this.lines.push(line);
  }
  reopen(): void {}
  async drain(): Promise<void> {}
  flush(): void {}
  get records(): Record<string, unknown>[] {
    return this.lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  }
}

function logsTo(change: Partial<LogTargets> = {}) {
  const output = new Memory();
  const audit = new Memory();
  const logs = openLogs({ level: 'debug', format: 'json', output, audit, pid: 42, ...change });
  return { logs, output, audit };
}

describe('threats.md row 41: names and words of strangers', () => {
  it('never make a second line, and nothing that steers a terminal stands in a JSON line; parsed, it is the same text', () => {
    const { logs, output, audit } = logsTo();
    for (const event of everyEvent(HOSTILE)) logs.event(event);
    for (const line of [...output.lines, ...audit.lines]) {
      expect(line.endsWith('\n')).toBe(true);
      expect(line.slice(0, -1)).not.toContain('\n');
      expect(line.slice(0, -1)).not.toMatch(STEERING);
      expect(line).not.toContain('{"fake"');
    }
    const change = audit.records.find(({ event }) => event === 'change');
    expect(change).toMatchObject({ path: HOSTILE, to: HOSTILE, user: HOSTILE });
    expect(output.records).toHaveLength(10);
  });

  it('are visible on a terminal', () => {
    const { logs, output } = logsTo({ format: 'terminal' });
    for (const event of everyEvent(HOSTILE)) logs.event(event);
    for (const line of output.lines) {
      expect(line.slice(0, -1)).not.toMatch(STEERING);
      expect(line.slice(0, -1)).not.toContain('\n');
    }
    expect(output.lines.join('')).toContain('\\u{001B}');
    expect(output.lines.join('')).toContain('\\u{202E}');
  });

  it('keep octets that are not UTF-8', () => {
    const { logs, audit } = logsTo();
    logs.event({ event: 'change', session: SESSION, verb: 'DELE', path: '/\udc80x' });
    expect(audit.records[0]).toMatchObject({ path: '/\udc80x' });
  });

  it('change nothing in a line without them', () => {
    expect(visibleJson('{"a":"ü日\\n"}')).toBe('{"a":"ü日\\n"}');
  });
});

describe('the log', () => {
  it('has level, time and process in every line', () => {
    const { logs, output } = logsTo();
    logs.event(everyEvent('x')[0]!);
    expect(output.records[0]).toMatchObject({ level: 'info', pid: 42, event: 'listening', port: 2121 });
    expect(output.records[0]!.time).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  });

  it.each([
    ['error', ['error']],
    ['warn', ['refused', 'login', 'peer-refused', 'error']],
    ['info', ['listening', 'refused', 'login', 'transfer', 'peer-refused', 'change', 'error']],
  ] as const)('at level %s it tells %s', (level, told) => {
    const { logs, output } = logsTo({ level });
    for (const event of everyEvent('x')) logs.event(event);
    expect(output.records.map(({ event }) => event)).toEqual(told);
  });

  it('follows another level', () => {
    const { logs, output } = logsTo({ level: 'error' });
    const [, connect] = everyEvent('x');
    logs.event(connect!);
    logs.setLevel('debug');
    logs.event(connect!);
    expect(output.lines).toHaveLength(1);
  });

  it('says what failed in a transfer', () => {
    const { logs, output } = logsTo({ format: 'terminal', now: () => new Date(2026, 0, 1, 9, 8, 7) });
    const failure = { stage: 'stall' as const, code: 'ETIMEDOUT', message: 'nothing came' };
    logs.event({
      event: 'transfer',
      session: SESSION,
      transfer: { ...TRANSFER, outcome: 'failed', failure },
    });
    expect(output.lines).toEqual([
      '09:08:07 warn   alice from 192.0.2.9: STOR /in/a.bin, 2.0 KiB in 0.5 s (4.0 KiB/s), FXP with 198.51.100.4, FAILED (stall: nothing came)\n',
    ]);
  });

  it('pads levels to one width', () => {
    expect(terminalLine('error', 'x', new Date(2026, 0, 1))).toBe('00:00:00 error  x');
  });
});

describe('the audit log', () => {
  it('says of a transfer who, what, from where, to where, how much, how long, by which way, how it ended', () => {
    const { logs, audit } = logsTo({ level: 'error' });
    logs.event({ event: 'transfer', session: SESSION, transfer: TRANSFER });
    logs.event({
      event: 'transfer',
      session: SESSION,
      transfer: { ...TRANSFER, direction: 'send', route: 'client', peer: undefined },
    });
    const [stored, sent] = audit.records;
    expect(stored).toMatchObject({
      event: 'transfer',
      user: 'alice',
      client: '192.0.2.9:40000',
      verb: 'STOR',
      path: '/in/a.bin',
      from: '198.51.100.4:50001',
      to: '/in/a.bin',
      bytes: 2048,
      seconds: 0.5,
      rate: 4096,
      route: 'fxp',
      endpoint: 'passive',
      tls: true,
      dataTls: { protocol: 'TLSv1.2' },
      outcome: 'complete',
    });
    expect(sent).toMatchObject({ from: '/in/a.bin', to: '192.0.2.9' });
  });

  it('has every transfer, refused peer, login, change and refused connection, whatever the level, and no more', () => {
    const { logs, audit } = logsTo({ level: 'error' });
    for (const event of everyEvent('x')) logs.event(event);
    expect(audit.records.map(({ event }) => event)).toEqual([
      'refused',
      'login',
      'transfer',
      'peer-refused',
      'change',
    ]);
  });
});

describe('a log file', () => {
  it('is made for its owner and group only, appended to, and opened again where it was moved away', async () => {
    const file = join(await temporaryFolder(), 'log');
    const before = process.umask(0o022);
    const output = new FileOutput(file, () => {});
    process.umask(before);
    output.write('1\n');
    await output.drain();
    appendFileSync(file, 'other\n');
    output.write('2\n');
    await output.drain();
    expect(statSync(file).mode & 0o777).toBe(0o640);
    renameSync(file, `${file}.1`);
    output.write('3\n');
    output.reopen();
    output.write('4\n');
    await output.drain();
    output.write('5\n');
    await output.drain();
    output.flush();
    expect(readFileSync(file, 'utf8')).toMatch(/5\n$/);
    const all = readFileSync(`${file}.1`, 'utf8') + readFileSync(file, 'utf8');
    expect(all.split('\n').sort()).toEqual(['', '1', '2', '3', '4', '5', 'other']);
  });

  it('that cannot be opened is an error at the start', async () => {
    const folder = await temporaryFolder();
    expect(() => new FileOutput(join(folder, 'none', 'log'), () => {})).toThrow(
      /the log .* cannot be opened: ENOENT/,
    );
  });

  it('that cannot be opened again is written on, and the error told', async () => {
    const folder = await temporaryFolder();
    const logs = join(folder, 'logs');
    mkdirSync(logs);
    const output = new FileOutput(join(logs, 'log'), () => {});
    renameSync(join(logs, 'log'), join(folder, 'moved'));
    rmdirSync(logs);
    expect(() => output.reopen()).toThrow(/cannot be opened/);
    output.write('still\n');
    await output.drain();
    expect(readFileSync(join(folder, 'moved'), 'utf8')).toBe('still\n');
  });

  it('that is full is told once, and the server goes on', async () => {
    const faults: string[] = [];
    const output = new FileOutput('/dev/full', (why) => faults.push(why));
    output.write('1\n');
    await output.drain();
    output.write('2\n');
    await output.drain();
    output.write('3\n');
    output.flush();
    expect(faults).toEqual([expect.stringContaining('ENOSPC')]);
  });
});
