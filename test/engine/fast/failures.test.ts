/** Bursts in which something fails: the culprit is named, the others go on at once, and nothing is taken for whole by mistake. */
import { mkdirSync, unlinkSync } from 'node:fs';
import { createServer, connect as dial, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { EngineEvent } from '../../../src/engine/events.js';
import { type AnyPeer, at, look, noise, type Ran, run, summaryOf, wholeOf } from '../../failures/bench.js';
import { jackstay, stateFolder, url } from '../../failures/command.js';
import { freePort } from '../../peers/host.js';
import { flat, kinds, own, PAIRS, pair, small } from './kit.js';

/** Calls once, as soon as so many files are done. */
function when(count: number, act: () => void): (event: EngineEvent) => void {
  let done = 0;
  return (event) => {
    if (event.event === 'file-done' && ++done === count) act();
  };
}

/** Everything under its own name is what the source has. */
function onlyWhole(a: AnyPeer, b: AnyPeer): string[] {
  const from = look(join(a.home, 'tree'));
  const wrong: string[] = [];
  for (const [path, content] of Object.entries(look(join(b.home, 'copy'))))
    if (!path.endsWith('.jackstay') && from[path] !== content) wrong.push(path);
  return wrong;
}

const strange = (b: AnyPeer): string[] =>
  Object.keys(look(join(b.home, 'copy'))).filter((path) => path.endsWith('.jackstay'));

const messages = (ran: Ran): string[] =>
  ran.of('file-failed').map(({ path, message }) => `${path}: ${message}`);

describe.each(PAIRS)('%s to %s', (from, to, absent) => {
  it.skipIf(absent)('files that vanish before their turn fail alone, the others arrive', async () => {
    const [a, b] = await pair(from, to, flat(120));
    // The listing is done by then, and most commands are not sent.
    const gone = ['f20', 'f61', 'f118'];
    const once = { done: false };
    const ran = await run(at(a, 'a', 'tree'), at(b, 'b', 'copy'), {
      parallel: 1,
      onEvent: (event) => {
        if (event.event !== 'file-start' || once.done) return;
        once.done = true;
        for (const path of gone) unlinkSync(join(a.home, 'tree', path));
      },
    });
    expect(messages(ran)).toHaveLength(3);
    expect(summaryOf(ran)).toMatchObject({ files: 117, failed: 3 });
    for (const path of gone)
      expect(messages(ran)).toContainEqual(expect.stringMatching(new RegExp(`^${path}: .*(RETR|550|500)`)));
    expect(onlyWhole(a, b)).toEqual([]);
    expect(Object.keys(look(join(b.home, 'copy')))).not.toEqual(expect.arrayContaining(gone));
    expect(strange(b)).toEqual([]);
    expect(kinds(ran)).toEqual({ fast: 117 });
  });
});

describe('two of ours', () => {
  it('targets that cannot be written fail alone, the others arrive', async () => {
    const [a, b] = await pair('ours', 'ours', flat(60));
    for (const path of ['f5', 'f31', 'f32'])
      mkdirSync(join(b.home, 'copy', path, 'in the way'), { recursive: true });
    const ran = await run(at(a, 'a', 'tree'), at(b, 'b', 'copy'), { parallel: 1, onExists: 'overwrite' });
    expect(summaryOf(ran)).toMatchObject({ files: 57, failed: 3 });
    expect(strange(b)).toEqual([]);
    expect(onlyWhole(a, b)).toEqual([
      'f31',
      'f31/in the way',
      'f32',
      'f32/in the way',
      'f5',
      'f5/in the way',
    ]);
  });

  it('a client that is killed in the middle leaves no half file under its name, and the next run does the rest', async () => {
    const [a, b] = await pair('ours', 'ours', small(400));
    const state = stateFolder();
    const words = ['copy', url(a, 'tree'), url(b, 'copy'), '--json', '--security', 'clear'];
    const first = jackstay(words, state);
    await first.until((event) => event.event === 'file-done');
    first.kill('SIGKILL');
    expect(await first.ended).toMatchObject({ signal: 'SIGKILL' });
    expect(onlyWhole(a, b)).toEqual([]);
    const second = await jackstay(words, state).ended;
    expect(second).toMatchObject({ code: 0, summary: { failed: 0, route: { kind: 'fast' } } });
    expect(look(join(b.home, 'copy'))).toEqual(look(join(a.home, 'tree')));
  });

  it('a file that changed since it was listed arrives as it is now', async () => {
    const [a, b] = await pair('ours', 'ours', flat(60));
    const path = 'f40';
    const once = { done: false };
    const ran = await run(at(a, 'a', 'tree'), at(b, 'b', 'copy'), {
      parallel: 1,
      onEvent: (event) => {
        if (event.event !== 'file-start' || once.done) return;
        once.done = true;
        (a as Awaited<ReturnType<typeof own>>).server.put(`tree/${path}`, noise(5_555, 77));
      },
    });
    expect(wholeOf(ran)).toMatchObject({ files: 60 });
    expect(look(join(b.home, 'copy'))).toEqual(look(join(a.home, 'tree')));
    expect(ran.of('retry').map((event) => event.path)).toEqual([path]);
  });

  it('sessions that are cut in the middle: new ones go on, and no file is lost or cut', async () => {
    const [a, b] = [await own({ files: small(300) }), await own()];
    const cut = await between(a);
    const ran = await run(
      { ...at(a, 'a', 'tree'), site: { ...at(a, 'a', 'tree').site, port: cut.port } },
      at(b, 'b', 'copy'),
      { parallel: 2, onEvent: when(40, () => cut.all()) },
    );
    expect(wholeOf(ran)).toMatchObject({ files: 300 });
    expect(look(join(b.home, 'copy'))).toEqual(look(join(a.home, 'tree')));
    expect(strange(b)).toEqual([]);
  });

  it('stopped by its caller, nothing stands half under its name, and the next run does the rest', async () => {
    const [a, b] = await pair('ours', 'ours', small(300));
    const stop = new AbortController();
    const ran = await run(at(a, 'a', 'tree'), at(b, 'b', 'copy'), {
      parallel: 2,
      signal: stop.signal,
      onEvent: when(20, () => stop.abort()),
    });
    expect(ran.error?.kind).toBe('aborted');
    expect(onlyWhole(a, b)).toEqual([]);
    wholeOf(await run(at(a, 'a', 'tree'), at(b, 'b', 'copy')));
    expect(look(join(b.home, 'copy'))).toEqual(look(join(a.home, 'tree')));
  });
});

/** A line to a server's control port that can be cut. The data ports are reached as ever. */
async function between(peer: AnyPeer): Promise<{ port: number; all(): void }> {
  const port = await freePort(peer.host);
  const sockets = new Set<Socket>();
  const listener = createServer((near) => {
    const far = dial(peer.port, peer.host);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
      one.pipe(other);
    }
  });
  await new Promise<void>((resolve) => listener.listen(port, peer.host, resolve));
  const all = (): void => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  };
  onTestFinished(async () => {
    all();
    await new Promise((resolve) => listener.close(resolve));
  });
  return { port, all };
}
