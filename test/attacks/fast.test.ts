/**
 * Strangers at the kept data connection of the fast lane (MODE E): while a burst goes over it they connect to the port where the
 * destination listens, again and again, with blocks that are well formed. The burst goes on, and no octet of theirs is stored.
 */
import { connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { EngineEvent } from '../../src/engine/events.js';
import type { CopyOptions, Place } from '../../src/engine/options.js';
import { BLOCK_HEADER, type BlockHeader, writeBlockHeader } from '../../src/protocol/mode-e.js';
import { parseRange } from '../../src/protocol/ranges.js';
import { own, pinned, at as placeAt } from '../engine/dcpa/kit.js';
import { kinds, small } from '../engine/fast/kit.js';
import { look, noise, type Ran, run, wholeOf } from '../failures/bench.js';
import { allocateHost } from '../peers/host.js';
import { startServer, type TestServer } from '../server/harness.js';

const EVIL = Buffer.from('octets of a stranger '.repeat(40));
const FILES = 300;
/** Connections of strangers at the same time. */
const STRANGERS = 4;

const block = (header: Partial<BlockHeader>, octets = Buffer.alloc(0)): Buffer => {
  const head = Buffer.alloc(BLOCK_HEADER);
  writeBlockHeader(head, { ...header, count: octets.length });
  return Buffer.concat([head, octets]);
};

/** A whole file of theirs, the ends of many more, and the word that the connection goes. */
const BLOCKS = Buffer.concat([
  block({ offset: 0 }, EVIL),
  block({ ends: 1, eod: true }),
  ...Array.from({ length: 20 }, () => block({ ends: 1, eod: true })),
  block({ offset: 0 }, EVIL),
  block({ ends: 1, eod: true, closes: true }),
]);

/** Strangers of one address at every port that a site announces, as long as the run goes on. */
class Strangers {
  /** Connections that were taken by the kernel. */
  came = 0;
  /** Octets that the server told them. */
  told = 0;
  readonly #from: string;
  readonly #most: number;
  readonly #sockets = new Set<Socket>();
  #over = false;

  constructor(from: string, most = Number.POSITIVE_INFINITY) {
    this.#from = from;
    this.#most = most;
    onTestFinished(() => this.stop());
  }

  /** To be told every event of the run. */
  readonly hear = (event: EngineEvent): void => {
    if (event.event === 'summary') this.stop();
    if (event.event !== 'dialogue' || event.site !== 'b' || event.direction !== '<') return;
    const found = /^227 .*\((\d+),(\d+),(\d+),(\d+),(\d+),(\d+)\)/.exec(event.text);
    if (!found) return;
    const [a, b, c, d, high, low] = found.slice(1).map(Number);
    for (let n = 0; n < STRANGERS; n++) this.#strike(`${a}.${b}.${c}.${d}`, high! * 256 + low!);
  };

  #strike(host: string, port: number): void {
    if (this.#over || this.came >= this.#most) return;
    const socket = connect({ host, port, localAddress: this.#from });
    this.#sockets.add(socket);
    let taken = false;
    socket.on('connect', () => {
      taken = true;
      this.came += 1;
      socket.write(BLOCKS);
    });
    socket.on('data', (chunk) => {
      this.told += chunk.length;
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#sockets.delete(socket);
      // Nobody listens any more: the next port is told by the next 227.
      if (taken) setImmediate(() => this.#strike(host, port));
    });
  }

  stop(): void {
    this.#over = true;
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** A server in clear that takes the peers of `from` only. */
async function clear(host: string, from: string, files: Record<string, Buffer> = {}): Promise<TestServer> {
  const options = { fxp: { mode: 'listed' as const, peers: [parseRange(from)], requireTls: false } };
  const server = await startServer({ host, files, threads: 1, options });
  onTestFinished(() => server.close());
  return server;
}

const site = ({ host, port }: TestServer, name: string, path: string): Place =>
  placeAt({ name, host, port, user: 'user', password: 'secret', tls: 'none' }, path);

/** Nothing of the strangers' lies at the destination, under whichever name. */
function expectClean(a: TestServer, b: TestServer, ran: Ran): void {
  const arrived = look(`${b.root}/copy`, true);
  expect(arrived).toEqual(look(`${a.root}/tree`, true));
  expect(wholeOf(ran)).toMatchObject({ files: FILES, failed: 0 });
}

const attacked = (options: CopyOptions, strangers: Strangers): CopyOptions => ({
  parallel: 2,
  ...options,
  onEvent: strangers.hear,
});

describe('strangers at the port of a burst', () => {
  it('in clear, from an address that is not listed', async () => {
    const [from, to] = [allocateHost(), allocateHost()];
    const a = await clear(from, `${to}/32`, small(FILES));
    const b = await clear(to, `${from}/32`);
    const strangers = new Strangers(allocateHost());
    const ran = await run(site(a, 'a', 'tree'), site(b, 'b', 'copy'), attacked({}, strangers));
    expectClean(a, b, ran);
    expect(kinds(ran)).toEqual({ fast: FILES });
    expect(ran.of('retry')).toEqual([]);
    expect(strangers.came).toBeGreaterThan(0);
    expect(strangers.told).toBe(0);
    const refused = b.events.filter(({ event }) => event === 'peer-refused');
    expect(refused.length).toBeGreaterThan(0);
  });

  it('under DCPA, from an address that is listed', async () => {
    const [a, b] = [await own({ files: small(FILES) }), await own()];
    const strangers = new Strangers(allocateHost());
    const ran = await run(
      placeAt(pinned(a, 'a'), 'tree'),
      placeAt(pinned(b, 'b'), 'copy'),
      attacked({ security: 'verified' }, strangers),
    );
    expectClean(a, b, ran);
    expect(kinds(ran)).toEqual({ fast: FILES });
    expect(wholeOf(ran)).toMatchObject({ security: 'verified' });
    expect(strangers.came).toBeGreaterThan(0);
  });

  it('in clear, from the address of the source itself: what they spoil is found and sent again', async () => {
    const [from, to] = [allocateHost(), allocateHost()];
    const a = await clear(from, `${to}/32`, small(FILES));
    const b = await clear(to, `${from}/32`);
    // Whoever speaks from the source's address in clear is the source to anybody: only the digests tell.
    const strangers = new Strangers(from, 3 * STRANGERS);
    const ran = await run(
      site(a, 'a', 'tree'),
      site(b, 'b', 'copy'),
      attacked({ maxAttempts: 10 }, strangers),
    );
    expect(strangers.came).toBeGreaterThan(0);
    expect(ran.of('retry').length).toBeGreaterThan(0);
    const stored = look(`${b.root}/copy`);
    const sent = look(`${a.root}/tree`);
    for (const { path, proof } of ran.of('file-done')) {
      expect(proof).toBe('digest');
      expect(stored[path]).toBe(sent[path]);
    }
    const names = new Set(Object.keys(sent));
    for (const [path, octets] of Object.entries(stored))
      if (names.has(path)) expect(octets, path).toBe(sent[path]);
    expect(ran.of('file-done').length + ran.of('file-failed').length).toBe(FILES);
  });
});

describe('a big file among small ones', () => {
  it('no octet of a stranger enters while blocks of it are on the way', async () => {
    const files = { ...small(20), 'tree/d0/big': noise(30_000_003, 9) };
    const [from, to] = [allocateHost(), allocateHost()];
    const a = await clear(from, `${to}/32`, files);
    const b = await clear(to, `${from}/32`);
    const strangers = new Strangers(allocateHost());
    const ran = await run(site(a, 'a', 'tree'), site(b, 'b', 'copy'), attacked({ parallel: 1 }, strangers));
    expect(wholeOf(ran)).toMatchObject({ files: 21, verified: { digest: 21 } });
    expect(look(`${b.root}/copy`, true)).toEqual(look(`${a.root}/tree`, true));
    expect(strangers.came).toBeGreaterThan(0);
    expect(strangers.told).toBe(0);
  });
});
