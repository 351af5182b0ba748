import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { bytes, routeWords, span } from '../../src/cli/format.js';
import { gathered } from '../../src/cli/report/gather.js';
import { jsonReporter, toJson } from '../../src/cli/report/json.js';
import { linesReporter } from '../../src/cli/report/lines.js';
import { addEvent, leftBytes, newTotals } from '../../src/cli/report/totals.js';
import { ttyReporter } from '../../src/cli/report/tty.js';
import { RateMeter, view } from '../../src/cli/report/view.js';
import type { EngineEvent, RouteInfo } from '../../src/engine/events.js';
import { FtpError } from '../../src/protocol/errors.js';
import { Screen, SUMMARY } from './harness.js';

const route: RouteInfo = {
  kind: 'fxp',
  passive: 'destination',
  technique: 'CPSV',
  tlsClient: 'destination',
  by: 'CPSV',
  family: 4,
};
const MIB = 1024 * 1024;

const RUN: EngineEvent[] = [
  { event: 'start', source: 'ftp://u:hidden@a/x', destination: 'ftps://b/y', dryRun: false },
  { event: 'login', site: 'a', tls: false },
  { event: 'scan', directories: 1, files: 1, bytes: MIB, done: false },
  { event: 'scan', directories: 1, files: 4, bytes: 4 * MIB, done: true },
  { event: 'route-failed', route, summary: 'CPSV at source', reason: '504 no', side: 'source' },
  { event: 'route', route, security: 'encrypted', remembered: false, summary: 'x' },
  { event: 'mkdir', path: 'y' },
  { event: 'file-start', path: 'y/one', size: 2 * MIB, offset: 0, slot: 0 },
  { event: 'file-start', path: 'y/\u001b]0;evil\u0007\u202etxt', size: MIB, offset: 0, slot: 1 },
  { event: 'progress', path: 'y/one', bytes: MIB, size: 2 * MIB, slot: 0, live: true },
  { event: 'retry', path: 'y/one', attempt: 2, reason: '426 cut' },
  {
    event: 'file-done',
    path: 'y/one',
    size: 2 * MIB,
    bytes: 2 * MIB,
    seconds: 1,
    route,
    security: 'encrypted',
    proof: 'digest',
    algorithm: 'SHA-256',
    attempts: 2,
    slot: 0,
  },
  {
    event: 'file-failed',
    path: 'y/\u001b]0;evil\u0007\u202etxt',
    message: '550 no',
    advice: 'Ask.',
    attempts: 4,
    leftover: 'y/.part',
  },
  { event: 'file-skipped', path: 'y/three', reason: 'same' },
  { event: 'deleted', path: 'y/four', kind: 'dir' },
  { event: 'warning', message: 'new certificate', advice: 'Compare it.' },
];

const ended = { ...SUMMARY, failed: 1, deleted: 1 };

describe('lines', () => {
  it('prints a run byte for byte', () => {
    const [out, err] = [new Screen(), new Screen()];
    const reporter = linesReporter(out, err, () => 0);
    for (const event of [...RUN, ended]) reporter.event(event);
    reporter.close();
    expect(out.text).toBe(`ftp://u:***@a/x -> ftps://b/y
found  4 files, 4.0 MiB
route  CPSV at source failed at source: 504 no
route  fxp (CPSV at destination, destination is TLS client), encrypted
mkdir  y
retry  y/one, attempt 2: 426 cut
done   y/one  2.0 MiB in 1.0 s (2.0 MiB/s)  fxp, encrypted, same SHA-256, 2 attempts
skip   y/three (same)
delete y/four/
total  2 files, 3.0 MiB in 1.5 s (2.0 MiB/s), 1 skipped, 1 deleted, 1 FAILED
       fxp, encrypted; arrival: 1 by digest, 1 by size
       through this machine: 1.2 KiB
`);
    expect(err.text).toBe(`failed y/\\u{001B}]0;evil\\u{0007}\\u{202E}txt: 550 no
       left behind: y/.part
       Ask.
warning: new certificate
       Compare it.
`);
  });

  it('shows life in a long transfer, at most twice a minute', () => {
    const out = new Screen();
    let now = 0;
    const reporter = linesReporter(out, out, () => now);
    const at = (ms: number, have: number) => {
      now = ms;
      reporter.event({ event: 'progress', path: 'p', bytes: have * MIB, size: 9 * MIB, slot: 0, live: true });
    };
    at(10_000, 1);
    at(30_000, 2);
    at(31_000, 3);
    at(60_000, 4);
    expect(out.text).toBe('moving p  2.0 MiB of 9.0 MiB\nmoving p  4.0 MiB of 9.0 MiB\n');
  });

  it('nothing moved: no route, no security', () => {
    const out = new Screen();
    linesReporter(out, out, () => 0).event({
      ...SUMMARY,
      files: 0,
      bytes: 0,
      seconds: 0,
      skipped: 0,
      route: null,
      security: null,
    });
    expect(out.text).toBe('total  0 files, 0 B in 0.0 s\n');
  });
});

describe('json', () => {
  it('prints one event a line and the summary last, byte for byte', () => {
    const out = new Screen();
    const reporter = jsonReporter(out, () => 0);
    reporter.event(RUN[8]!);
    reporter.event(ended);
    reporter.event({ event: 'file-skipped', path: 'late', reason: 'exists' });
    reporter.close();
    expect(out.text.split('\n')).toEqual([
      '{"event":"file-start","path":"y/\\u001b]0;evil\\u0007\\u202etxt","size":1048576,"offset":0,"slot":1}',
      '{"event":"file-skipped","path":"late","reason":"exists"}',
      '{"event":"summary","files":2,"failed":1,"skipped":1,"bytes":3145728,"seconds":1.5,' +
        '"route":{"kind":"fxp","passive":"destination","technique":"CPSV","tlsClient":"destination","by":"CPSV","family":4},' +
        '"security":"encrypted","verified":{"digest":1,"size":1,"none":0},"clientBytes":1234,"directories":1,"deleted":1}',
      '',
    ]);
  });

  it('a run that failed ends with the error and a summary of what was seen', () => {
    const out = new Screen();
    let now = 1000;
    const reporter = jsonReporter(out, () => now);
    for (const event of RUN) reporter.event(event);
    now = 3500;
    const facts = {
      site: 'b',
      command: 'STOR x',
      reply: { code: 426, text: 'gone' },
      advice: 'Wait.',
      retry: 'later',
    } as const;
    reporter.failure(new FtpError('closed', 'ftp://u:hidden@b/ went away', facts));
    reporter.close();
    const lines = out.text.trimEnd().split('\n').slice(-2);
    expect(JSON.parse(lines[0]!)).toEqual({
      event: 'error',
      kind: 'closed',
      message: 'ftp://u:***@b/ went away',
      ...facts,
    });
    expect(JSON.parse(lines[1]!)).toEqual({
      event: 'summary',
      files: 1,
      failed: 1,
      skipped: 1,
      bytes: 2 * MIB,
      seconds: 2.5,
      route,
      security: 'encrypted',
      verified: { digest: 1, size: 0, none: 0 },
      clientBytes: 0,
      directories: 1,
      deleted: 1,
    });
  });

  it('escapes what JSON lets through and terminals obey; the value stays', () => {
    const value = '\u0000\u001b\u007f\u0085\u009b\u202e\u2066\u2028 ü 漢';
    expect(toJson(value)).toBe('"\\u0000\\u001b\\u007f\\u0085\\u009b\\u202e\\u2066\\u2028 ü 漢"');
    expect(JSON.parse(toJson(value))).toBe(value);
  });
});

describe('totals and view', () => {
  it('draws a bar for each running transfer and the total', () => {
    const totals = newTotals();
    for (const event of RUN.slice(0, 10)) addEvent(totals, event);
    expect(view(totals, 512 * 1024, 100)).toEqual([
      ' 50% [============            ] 1.0 MiB of 2.0 MiB  y/one',
      '  0% [                        ] 0 B of 1.0 MiB  y/\\u{001B}]0;evil\\u{0007}\\u{202E}txt',
      '0 of 4 files  1.0 MiB  512.0 KiB/s  6.0 s left  fxp, encrypted',
    ]);
    for (const event of RUN.slice(10)) addEvent(totals, event);
    expect(view(totals, 0, 100)).toEqual(['1 of 4 files  2.0 MiB  0 B/s  1 failed  fxp, encrypted']);
  });

  it('keeps every line inside the terminal and shows the end of a long path', () => {
    const totals = newTotals();
    addEvent(totals, {
      event: 'file-start',
      path: `${'d/'.repeat(100)}end.bin`,
      size: 0,
      offset: 0,
      slot: 0,
    });
    const [bar, total] = view(totals, 0, 60);
    expect(bar).toMatch(/^100% \[============\] 0 B of 0 B {2}….*end\.bin$/);
    expect([...bar!].length).toBeLessThan(60);
    expect(total!.length).toBeLessThan(60);
    expect(view(totals, 0, 10).every((line) => line.length < 60)).toBe(true);
  });

  it('a resumed transfer counts as moved only what it moves', () => {
    const totals = newTotals();
    addEvent(totals, { event: 'scan', directories: 0, files: 1, bytes: 10, done: true });
    addEvent(totals, { event: 'file-start', path: 'p', size: 10, offset: 6, slot: 0 });
    addEvent(totals, { event: 'progress', path: 'p', bytes: 8, size: 10, slot: 0, live: true });
    expect(leftBytes(totals)).toBe(2);
    expect(view(totals, 0, 80)[1]).toContain('  2 B  ');
  });

  it('the rate is that of the last ten seconds', () => {
    let now = 0;
    const meter = new RateMeter(() => now);
    expect(meter.measure(0)).toBe(0);
    now = 1000;
    expect(meter.measure(100)).toBe(100);
    for (now = 2000; now <= 30_000; now += 1000) meter.measure(100 + now);
    now = 30_500;
    expect(meter.measure(30_600)).toBeCloseTo(1000, 0);
  });
});

describe('tty', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('draws bars, prints lines above them and gives the terminal back', () => {
    vi.useFakeTimers();
    const out = new Screen();
    out.isTTY = true;
    out.columns = 100;
    const reporter = ttyReporter(out, () => 0);
    for (const event of RUN.slice(0, 10)) reporter.event(event);
    vi.advanceTimersByTime(100);
    expect(out.text).toContain('route  fxp (CPSV at destination, destination is TLS client), encrypted\n');
    expect(out.text).toContain(' 50% [============            ] 1.0 MiB of 2.0 MiB  y/one');
    expect(out.text).toContain('0 of 4 files');
    expect(out.text).not.toContain('hidden');
    expect(out.text).not.toContain('\u001b]0;');
    for (const event of [...RUN.slice(10), ended]) reporter.event(event);
    reporter.close();
    const tail = out.text.slice(out.text.lastIndexOf('\u001b[?25h'));
    expect(out.text).toContain('failed y/\\u{001B}]0;evil\\u{0007}\\u{202E}txt: 550 no\n');
    expect(tail).toContain('total  2 files, 3.0 MiB in 1.5 s');
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('format', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [1024 * 1024 - 1, '1.0 MiB'],
    [1.5 * 1024 ** 3, '1.5 GiB'],
  ])('%d octets', (n, text) => {
    expect(bytes(n)).toBe(text);
  });

  it.each([
    [0.04, '0.0 s'],
    [59.4, '59 s'],
    [725, '12:05'],
    [10_800, '3:00:00'],
  ])('%d seconds', (n, text) => {
    expect(span(n)).toBe(text);
  });

  it('routes in words', () => {
    expect(routeWords({ kind: 'relay' })).toBe('relay');
    expect(
      routeWords({
        kind: 'fxp',
        passive: 'source',
        technique: 'EPSV',
        tlsClient: 'source',
        by: 'SSCN',
        family: 6,
      }),
    ).toBe('fxp (EPSV at source, source is TLS client by SSCN, IPv6)');
  });
});

describe('gathered output', () => {
  it('writes what came within some milliseconds in one piece, much at once, and the rest when it is flushed', () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const pieces: string[] = [];
    const out = gathered({ write: (text) => pieces.push(String(text)) > 0 });
    out.write('one\n');
    out.write('two\n');
    expect(pieces).toEqual([]);
    vi.advanceTimersByTime(20);
    expect(pieces.splice(0)).toEqual(['one\ntwo\n']);
    out.write('three\n');
    out.flush();
    vi.advanceTimersByTime(100);
    expect(pieces.splice(0)).toEqual(['three\n']);
    out.write('x'.repeat(20_000));
    expect(pieces.splice(0)).toEqual(['x'.repeat(20_000)]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
