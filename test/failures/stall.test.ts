/** Failures 6, 7 and 11: servers that freeze, empty listings, and progress that must not disturb. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exitCodeOf } from '../../src/cli/exit.js';
import type { EngineEvent } from '../../src/engine/events.js';
import { type Peer, requirePeer } from '../peers/peer.js';
import { startInetutils } from '../peers/real/inetutils.js';
import { startProftpd } from '../peers/real/proftpd.js';
import { startPureftpd } from '../peers/real/pureftpd.js';
import { startVsftpd } from '../peers/real/vsftpd.js';
import { startDrftpd } from '../peers/scripted/drftpd.js';
import { startGlftpd } from '../peers/scripted/glftpd.js';
import { startOrdinary } from '../peers/scripted/server.js';
import { at, during, look, noise, plant, type Ran, run, SHORT, wholeOf } from './bench.js';

const absent =
  requirePeer('proftpd') ?? requirePeer('pureftpd') ?? requirePeer('vsftpd') ?? requirePeer('inetutils');

/** ProFTPD that sends 200 KiB a second: a file of 2 MiB is under way for ten seconds. */
const slowProftpd = (): Promise<Peer> => startProftpd({ extra: ['TransferRate RETR 200'] });

/** Freezes a peer at the first event that fits. */
function freezeAt(peer: Peer, fits: (event: EngineEvent) => boolean): (event: EngineEvent) => void {
  let done = false;
  return (event) => {
    if (done || !fits(event)) return;
    done = true;
    peer.freeze();
  };
}

const asks = (site: string, command: RegExp) => (event: EngineEvent) =>
  event.event === 'dialogue' && event.site === site && event.direction === '>' && command.test(event.text);

/** Every file of the tree is counted as arrived or failed: those behind a dead end too. */
function accounted(ran: Ran, files: number): void {
  const summary = ran.of('summary')[0];
  expect((summary?.files ?? 0) + (summary?.failed ?? 0)).toBe(files);
}

describe.skipIf(absent)(`servers that freeze ${absent ?? ''}`, () => {
  it.each(['source', 'destination'] as const)('6: the %s is frozen from the start', async (side) => {
    const [a, b] = await Promise.all([during(startProftpd()), during(startVsftpd())]);
    plant(a, { 'tree/f': 'x' });
    (side === 'source' ? a : b).freeze();
    const ran = await run(at(a, 'source', 'tree'), at(b, 'destination', 'copy'), SHORT);
    expect(ran.error?.kind).toBe('timeout');
    expect(ran.error?.message).toMatch(new RegExp(`^${side}: `));
    expect(exitCodeOf(ran.error!)).toBe(5);
  });

  it.each([
    ['source', /^MLSD/],
    ['destination', /^LIST/],
  ] as const)('6: the %s freezes at a listing', async (side, command) => {
    const [a, b] = await Promise.all([during(startProftpd()), during(startVsftpd())]);
    plant(a, { 'tree/f': 'x', 'tree/sub/g': 'y' });
    plant(b, { 'copy/sub/old': 'z' });
    const frozen = side === 'source' ? a : b;
    const ran = await run(at(a, 'source', 'tree'), at(b, 'destination', 'copy'), {
      ...SHORT,
      onEvent: freezeAt(frozen, asks(side, command)),
    });
    const said = [ran.error?.message ?? '', ...ran.of('file-failed').map(({ message }) => message)].join(
      '\n',
    );
    expect(said).toMatch(new RegExp(`${side}: `));
    expect(ran.error === undefined && ran.summary?.failed === 0).toBe(false);
    expect(ran.of('file-done')).toEqual([]);
  });

  it.each(['source', 'destination'] as const)('6: the %s freezes in the middle of a file', async (side) => {
    const [a, b] = await Promise.all([during(slowProftpd()), during(startPureftpd())]);
    plant(a, { 'tree/big': noise(2 << 20), 'tree/small': 'x', 'tree/sub/other': 'y' });
    const ran = await run(at(a, 'source', 'tree'), at(b, 'destination', 'copy'), {
      ...SHORT,
      parallel: 1,
      onEvent: freezeAt(side === 'source' ? a : b, (event) => event.event === 'progress'),
    });
    const failed = ran.of('file-failed');
    const said = [ran.error?.message ?? '', ...failed.map(({ message }) => message)].join('\n');
    expect(said).toMatch(new RegExp(`${side} does not answer`));
    expect(ran.error === undefined && ran.summary?.failed === 0).toBe(false);
    accounted(ran, 3);
  });
});

describe('a transfer that is cancelled', () => {
  it('is aborted at both servers, and a 226 after ABOR is no success', async () => {
    const stop = new AbortController();
    const gate = ({ verb, moved }: { verb: string; moved: number }): Promise<void> | undefined => {
      if (verb !== 'STOR' || moved === 0) return undefined;
      stop.abort();
      return new Promise<void>(() => {});
    };
    const a = await during(startOrdinary({ files: { 'tree/big': noise(400_000), 'tree/next': 'x' } }));
    const b = await during(startDrftpd({ hooks: { gate } }));
    const ran = await run(at(a, 'a', 'tree'), at(b, 'b', 'copy'), { parallel: 1, signal: stop.signal });
    expect(ran.error?.kind).toBe('aborted');
    expect(exitCodeOf(ran.error!)).toBe(130);
    expect([ran.sent('a', /^ABOR/).length, ran.sent('b', /^ABOR/).length]).toEqual([1, 1]);
    expect(ran.heard('b', /^226/).length).toBeGreaterThan(0);
    expect(ran.of('file-done')).toEqual([]);
    expect(ran.of('file-failed')).toEqual([]);
    expect(Object.keys(look(b.home)).filter((path) => !path.endsWith('.jackstay'))).toEqual(['copy']);
  });
});

describe.skipIf(absent)(`empty listings ${absent ?? ''}`, () => {
  it.each([
    ['vsftpd', startVsftpd],
    ['inetutils', startInetutils],
  ] as const)('7: an empty destination at %s ends, with a bounded number of PASV', async (_name, start) => {
    const [a, b] = await Promise.all([during(startProftpd()), during(start())]);
    plant(a, { 'tree/f': 'x', 'tree/sub/g': 'y', 'tree/none/': '' });
    plant(b, { 'copy/': '', 'copy/sub/': '' });
    const ran = await run(at(a, 'a', 'tree'), at(b, 'b', 'copy'));
    expect(wholeOf(ran)).toMatchObject({ files: 2, directories: 1 });
    // Two listings, two files.
    expect(ran.sent('b', /^(PASV|EPSV)/)).toHaveLength(4);
    expect(look(join(b.home, 'copy'))).toEqual(look(join(a.home, 'tree')));
  });

  it('7: an empty source is a success without files', async () => {
    const [a, b] = await Promise.all([during(startVsftpd()), during(startVsftpd())]);
    plant(a, { 'tree/': '' });
    plant(b, { 'copy/': '' });
    const ran = await run(at(a, 'a', 'tree'), at(b, 'b', 'copy'));
    expect(wholeOf(ran)).toMatchObject({ files: 0, skipped: 0, directories: 0 });
    expect([...ran.sent('a', /^(PASV|EPSV)/), ...ran.sent('b', /^(PASV|EPSV)/)]).toHaveLength(2);
  });
});

describe.skipIf(absent)(`progress ${absent ?? ''}`, () => {
  it('11: a slow transfer shows its octets, and no STAT goes to a server not known for it', async () => {
    const [a, b] = await Promise.all([during(slowProftpd()), during(startPureftpd())]);
    plant(a, { 'tree/big': noise(500_000) });
    const ran = await run(at(a, 'a', 'tree'), at(b, 'b', 'copy'));
    expect(wholeOf(ran)).toMatchObject({ files: 1, bytes: 500_000 });
    const seen = ran.of('progress').map(({ bytes }) => bytes);
    expect(seen.length).toBeGreaterThan(0);
    expect(seen).toEqual([...seen].sort((x, y) => x - y));
    expect(seen.every((bytes) => bytes > 0 && bytes <= 500_000)).toBe(true);
    expect([...ran.sent('a', /^STAT/), ...ran.sent('b', /^STAT/)]).toEqual([]);
    expect(look(join(b.home, 'copy'))).toEqual(look(join(a.home, 'tree')));
  });

  it('11: a destination known for STAT tells its octets on the connection that is busy', async () => {
    let open = (): void => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const half = (moved: number): Promise<void> | undefined => (moved > 0 ? gate : undefined);
    const a = await during(startOrdinary({ files: { 'tree/big': noise(400_000) } }));
    const b = await during(
      startGlftpd({ hooks: { gate: ({ verb, moved }) => (verb === 'STOR' ? half(moved) : undefined) } }),
    );
    const ran = await run(at(a, 'a', 'tree'), at(b, 'b', 'copy'), {
      parallel: 1,
      onEvent: (event) => event.event === 'progress' && open(),
    });
    expect(wholeOf(ran)).toMatchObject({ files: 1, bytes: 400_000 });
    expect(ran.sent('b', /^STAT$/).length).toBeGreaterThan(0);
    expect(ran.sent('a', /^STAT$/)).toEqual([]);
    expect(ran.of('login').filter(({ site }) => site === 'b').length).toBe(1);
    expect(look(join(b.home, 'copy'))).toEqual(look(join(a.home, 'tree')));
  });
});
