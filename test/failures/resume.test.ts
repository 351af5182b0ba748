/** A client that dies or is stopped in the middle of a tree: the same command again moves only what is missing. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Peer, requirePeer } from '../peers/peer.js';
import { startProftpd } from '../peers/real/proftpd.js';
import { startPureftpd } from '../peers/real/pureftpd.js';
import { during, look, noise, plant } from './bench.js';
import { jackstay, stateFolder, url } from './command.js';

const absent = requirePeer('proftpd') ?? requirePeer('pureftpd');

const BIG = 4_000_000;
const SMALL = 64;
const TREE = Object.fromEntries([
  ...Array.from({ length: SMALL }, (_, i) => [`tree/d${i % 4}/f${i}`, noise(1_000 + i, i)] as const),
  ['tree/a-big', noise(BIG)] as const,
]);
const TOTAL = Object.values(TREE).reduce((sum, { length }) => sum + length, 0);

/** 1500 KiB a second: the big file is under way for almost three seconds. */
const slow = (): Promise<Peer> => startProftpd({ extra: ['TransferRate RETR 1500'] });

/** Octets of the tree that stand at the destination, complete files and beginnings. */
function arrived(b: Peer): { octets: number; complete: number } {
  const files = Object.keys(look(b.home)).filter((path) => statSync(join(b.home, path)).isFile());
  return {
    octets: files.reduce((sum, path) => sum + statSync(join(b.home, path)).size, 0),
    complete: files.filter((path) => !path.endsWith('.jackstay')).length,
  };
}

const leftovers = (b: Peer): string[] =>
  Object.keys(look(b.home)).filter((path) => path.endsWith('.jackstay'));

describe.skipIf(absent)(`a run that is cut short ${absent ?? ''}`, () => {
  it.each([
    ['with range digests', startProftpd],
    ['without digests', startPureftpd],
  ])('killed in the middle, it goes on where it was, %s', async (_how, start) => {
    const [a, b] = await Promise.all([during(slow()), during(start())]);
    plant(a, TREE);
    const state = stateFolder();
    const words = ['copy', url(a, 'tree'), url(b, 'copy'), '--json'];
    const first = jackstay(words, state);
    const isBig = (path: string): boolean => path === 'a-big';
    await first.until((event) => event.event === 'progress' && isBig(event.path) && event.bytes > 1_000_000);
    await first.until((event) => event.event === 'file-done' && !isBig(event.path));
    first.kill('SIGKILL');
    expect(await first.ended).toMatchObject({ code: null, signal: 'SIGKILL' });
    const before = arrived(b);
    expect(before.octets).toBeGreaterThan(1_000_000);
    expect(before.octets).toBeLessThan(TOTAL);

    const second = await jackstay(words, state).ended;
    expect(second).toMatchObject({ code: 0, err: '' });
    expect(second.summary).toMatchObject({ failed: 0, clientBytes: 0 });
    expect(second.summary.files + second.summary.skipped).toBe(SMALL + 1);
    expect(second.summary.skipped).toBeGreaterThanOrEqual(before.complete);
    // A beginning that cannot be compared is trusted except for its last 64 KiB.
    expect(second.summary.bytes).toBeLessThanOrEqual(TOTAL - before.octets + 65_536);
    expect(look(join(b.home, 'copy'))).toEqual(look(join(a.home, 'tree')));
    expect(leftovers(b)).toEqual([]);

    const third = await jackstay(words, state).ended;
    expect(third.summary).toMatchObject({ files: 0, skipped: SMALL + 1, bytes: 0, failed: 0 });
  });

  it('stopped by SIGINT it ends in order, with 130 and the line that goes on', async () => {
    const [a, b] = await Promise.all([during(slow()), during(startProftpd())]);
    plant(a, TREE);
    const state = stateFolder();
    const words = ['copy', url(a, 'tree'), url(b, 'copy'), '--json'];
    const first = jackstay(words, state);
    await first.until((event) => event.event === 'progress' && event.path === 'a-big');
    first.kill('SIGINT');
    const stopped = await first.ended;
    expect(stopped).toMatchObject({ code: 130, signal: null });
    expect(stopped.err).toContain('interrupted; what has arrived stays. To go on:');
    expect(stopped.err).toContain(`jackstay copy 'ftp://${a.user}:***@${a.host}:${a.port}/tree'`);
    expect(stopped.err + stopped.out).not.toContain(a.password);
    expect(stopped.summary.event).toBe('summary');
    const before = arrived(b);
    expect(before.octets).toBeGreaterThan(0);

    const second = await jackstay(words, state).ended;
    expect(second).toMatchObject({ code: 0, err: '' });
    expect(second.summary.files + second.summary.skipped).toBe(SMALL + 1);
    expect(second.summary.bytes).toBeLessThanOrEqual(TOTAL - before.octets);
    expect(look(join(b.home, 'copy'))).toEqual(look(join(a.home, 'tree')));
    expect(leftovers(b)).toEqual([]);
  });
});
