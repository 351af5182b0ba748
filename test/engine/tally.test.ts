import { describe, expect, test } from 'vitest';
import type { EngineEvent } from '../../src/engine/events.js';
import { makeJob } from '../../src/engine/expand.js';
import type { FileJob, FileResult } from '../../src/engine/job.js';
import { Tally } from '../../src/engine/tally.js';
import { FtpError } from '../../src/protocol/errors.js';
import { file } from './memory-tree.js';

const job = (name: string, size = 10): FileJob =>
  makeJob(name, { source: `/src/${name}`, target: `/dst/${name}` }, file(name, size), undefined, false, []);

const result = (facts: Partial<FileResult> = {}): FileResult => ({
  bytes: 10,
  route: { kind: 'fxp' },
  security: 'encrypted',
  proof: 'size',
  ...facts,
});

function counted(): { tally: Tally; events: EngineEvent[] } {
  const events: EngineEvent[] = [];
  return { tally: new Tally((event) => void events.push(event)), events };
}

describe('the summary', () => {
  test('of nothing', () => {
    expect(counted().tally.summary(0)).toMatchObject({
      event: 'summary',
      files: 0,
      failed: 0,
      skipped: 0,
      bytes: 0,
      route: null,
      security: null,
      verified: { digest: 0, size: 0, none: 0 },
      clientBytes: 0,
      directories: 0,
      deleted: 0,
    });
  });

  test('adds up what happened', () => {
    const { tally } = counted();
    tally.done(job('a'), result({ proof: 'digest', bytes: 7 }), 1, 0);
    tally.done(job('b'), result(), 1, 0);
    tally.done(job('c'), result({ proof: 'none', bytes: 0 }), 1, 0);
    tally.skip('d', 'same');
    tally.failed('e', new FtpError('refused', 'no'), 1);
    tally.deleted('/dst/f', 'file');
    expect(tally.summary(5)).toMatchObject({
      files: 3,
      failed: 1,
      skipped: 1,
      bytes: 17,
      deleted: 1,
      clientBytes: 5,
      verified: { digest: 1, size: 1, none: 1 },
    });
  });

  test('the security is the weakest that any file had, whatever came last', () => {
    const { tally } = counted();
    const seen = (['verified', 'encrypted', 'one-sided', 'clear', 'verified'] as const).map((security) => {
      tally.done(job('a'), result({ security }), 1, 0);
      return tally.summary(0).security;
    });
    expect(seen).toEqual(['verified', 'encrypted', 'encrypted', 'clear', 'clear']);
  });
});

describe('events', () => {
  test('a file that is done', () => {
    const { tally, events } = counted();
    tally.done({ ...job('a'), attempts: 2 }, result({ proof: 'digest', algorithm: 'MD5' }), 1.5, 3);
    expect(events).toEqual([
      {
        event: 'file-done',
        path: 'a',
        size: 10,
        bytes: 10,
        seconds: 1.5,
        attempts: 3,
        slot: 3,
        route: { kind: 'fxp' },
        security: 'encrypted',
        proof: 'digest',
        algorithm: 'MD5',
      },
    ]);
  });

  test('a failure carries its advice and what it left', () => {
    const { tally, events } = counted();
    tally.failed('a', new FtpError('refused', 'no', { advice: 'ask' }), 4, '/dst/a.part');
    expect(events).toEqual([
      { event: 'file-failed', path: 'a', message: 'no', attempts: 4, advice: 'ask', leftover: '/dst/a.part' },
    ]);
  });

  test('a directory tells what it held, and the scan grows', () => {
    const { tally, events } = counted();
    const task = { relative: 'd', source: '/src/d', target: '/dst/d', exists: false, depth: 1 };
    const found = { files: [job('d/a'), job('d/b', 5)], directories: [], extra: [] };
    const skipped = [{ path: 'd/c', reason: 'same' as const }];
    const failed = [{ path: 'd/..', message: 'bad', advice: 'rename' }];
    tally.directory(task, { ...found, skipped, failed, made: true });
    tally.directory(task, { ...found, skipped: [], failed: [], made: false });
    expect(events.map(({ event }) => event)).toEqual([
      'mkdir',
      'file-skipped',
      'file-failed',
      'scan',
      'scan',
    ]);
    expect(events.at(-1)).toEqual({ event: 'scan', directories: 2, files: 4, bytes: 30, done: false });
    expect(tally.summary(0)).toMatchObject({ directories: 1, skipped: 1, failed: 1, files: 0 });
  });

  test('what was not tried is counted as failed, and told in one line', () => {
    const { tally, events } = counted();
    const cause = new FtpError('no-route', 'no way');
    tally.notTried([], [], cause);
    expect(events).toEqual([]);
    tally.notTried([job('a'), job('b')], [], cause);
    expect(events).toEqual([{ event: 'warning', message: '2 files not tried' }]);
    expect(tally.failures).toBe(2);
  });
});
