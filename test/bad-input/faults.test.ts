/** A server that hangs, closes or talks nonsense at each point of a copy: told clearly, nothing half-written unsaid. */
import { randomBytes } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import type { CopyOptions } from '../../src/engine/options.js';
import { type FaultKind, type FaultPeer, type FaultPoint, startFault } from '../peers/scripted/fault.js';
import { startOrdinary } from '../peers/scripted/server.js';
import { at, attempt, expectClear, expectNothingHalf, type Run, siteOf, sum, tree } from './helper.js';

const content = randomBytes(100_000);
const FILES = { 'd/f.bin': content };

// These tests mostly wait.
vi.setConfig({ maxConcurrency: 8 });

type Side = 'source' | 'destination';
type Shape = 'file' | 'tree' | 'tls';

/** A point, how it is reached, and what the complaint about it names. */
type Row = readonly [point: FaultPoint, shape: Shape, names: RegExp];

/** Until both servers are ready: the run ends with the error. */
const LOGIN: readonly Row[] = [
  ['accept', 'file', /greeting|closed/],
  ['greeting', 'file', /greeting|closed/],
  ['user', 'file', /USER rigger/],
  ['pass', 'file', /PASS \*\*\*\*/],
  ['feat', 'file', /FEAT/],
  ['opts', 'file', /OPTS UTF8 ON/],
  ['type', 'file', /TYPE I/],
  ['pwd', 'file', /PWD/],
  ['auth', 'tls', /AUTH TLS/],
  ['tls', 'tls', /TLS handshake/],
  ['pbsz', 'tls', /PBSZ 0/],
  ['prot', 'tls', /PROT P/],
];

const LATER: Record<Side, readonly Row[]> = {
  source: [
    ['mlst', 'file', /MLST \/d\/f\.bin/],
    ['mlsd', 'tree', /MLSD \/d/],
    ['pasv', 'tree', /PASV/],
    ['port', 'file', /PORT/],
    ['retr', 'file', /RETR \/d\/f\.bin/],
    ['150', 'file', /RETR \/d\/f\.bin/],
    ['data', 'file', /f\.bin/],
    ['226', 'file', /RETR \/d\/f\.bin/],
    ['size', 'file', /SIZE \/d\/f\.bin/],
  ],
  destination: [
    ['mlst', 'file', /MLST \/f\.bin/],
    ['mkd', 'tree', /MKD \/e/],
    ['sscn', 'tls', /SSCN ON/],
    ['pasv', 'file', /PASV/],
    ['stor', 'file', /STOR \/f\.bin/],
    ['150', 'file', /STOR \/f\.bin/],
    ['data', 'file', /f\.bin/],
    ['data-tls', 'tls', /f\.bin/],
    ['226', 'file', /STOR \/f\.bin/],
    ['size', 'file', /SIZE \/f\.bin/],
    ['mfmt', 'file', /MFMT|RNFR/],
    ['rnfr', 'file', /RNFR/],
    ['rnto', 'file', /RNTO/],
  ],
};

/** Long enough that a busy machine is not taken for a server that hangs. */
const HEALING: CopyOptions = { maxAttempts: 4, commandTimeout: 3_000, stallTimeout: 3_000 };

interface Tried {
  run: Run;
  bad: FaultPeer;
  /** Home of the destination. */
  home: string;
}

/** Copies one file, or the tree that holds it, with BAD on one side and GOOD on the other; `look` sees how it ended. */
async function withFault(
  side: Side,
  [point, shape]: Row,
  how: FaultKind,
  options: { times?: number } & CopyOptions,
  look: (tried: Tried) => void,
): Promise<void> {
  const { times, ...copying } = options;
  const files = (has: boolean) => (has ? { files: FILES } : {});
  const fault = { at: point, how, ...(times === undefined ? {} : { times }) };
  const bad = await startFault({ ...fault, ...files(side === 'source') });
  const good = await startOrdinary(files(side === 'destination'));
  try {
    const tls = shape === 'tls' ? { tls: 'explicit' as const, insecure: true } : {};
    const sites = { bad: siteOf(bad, 'BAD', tls), good: siteOf(good, 'GOOD', tls) };
    const [from, to] = side === 'source' ? [sites.bad, sites.good] : [sites.good, sites.bad];
    const paths = shape === 'tree' ? ['/d', '/e'] : ['/d/f.bin', '/f.bin'];
    const run = await attempt(at(from, paths[0]!), at(to, paths[1]!), copying);
    look({ run, bad, home: (side === 'source' ? good : bad).home });
  } finally {
    await Promise.all([bad.stop(), good.stop()]);
  }
}

const nameOf = ([point, shape]: Row): string => `${point}${shape === 'file' ? '' : ` (${shape})`}`;

/** Moments that a nonsense reply reaches and a silent one does not look like. */
const NONSENSE = /^(greeting|user|feat|tls|mlst|pasv|stor|retr|data|data-tls|mlsd)$/;

describe.concurrent.each(['source', 'destination'] as const)('the %s', (side) => {
  for (const how of ['hang', 'close', 'garbage'] as const) {
    const rows = [...(side === 'source' ? LOGIN : LOGIN.slice(0, 2)), ...LATER[side]];
    for (const row of rows.filter(([point]) => how !== 'garbage' || NONSENSE.test(point))) {
      it(`${how} at ${nameOf(row)}`, () =>
        withFault(side, row, how, {}, ({ run, bad, home }) => {
          expect(bad.fired()).toBeGreaterThan(0);
          // Where the data broke, the one that noticed is named.
          expectClear(run, row[0] === 'data' ? /BAD|GOOD/ : 'BAD', row[2]);
          expectNothingHalf(run, home, 'f.bin', content);
        }));
    }
  }

  // A login that hangs is told at once: a person waits for it, and the address may be wrong.
  const slow = LATER[side].filter(([point]) => /^(mlst|150|data|226|rnto)$/.test(point));
  const healing = { hang: slow, close: [...LOGIN.slice(0, 8), ...LATER[side]] };
  for (const how of ['hang', 'close'] as const) {
    for (const row of healing[how].filter(([point]) => point !== 'data-tls')) {
      it(`${how} once at ${nameOf(row)}, and the file arrives all the same`, () =>
        withFault(side, row, how, { ...HEALING, times: 1 }, ({ run, bad, home }) => {
          expect({ error: run.error?.message, failures: run.failures }).toEqual({
            error: undefined,
            failures: [],
          });
          expect(bad.fired()).toBe(1);
          const name = row[1] === 'tree' ? 'e/f.bin' : 'f.bin';
          expect([...tree(home)].filter(([path]) => !path.startsWith('d/'))).toEqual([[name, sum(content)]]);
        }));
    }
  }
});

describe('the run that a login ends', () => {
  for (const row of LOGIN.slice(0, 8)) {
    it(`says so with command, site and no secret: ${nameOf(row)}`, () =>
      withFault('source', row, 'close', {}, ({ run }) => {
        expect(run.error?.kind).toBe('closed');
        expect(run.error?.facts).toMatchObject({ site: 'BAD', retry: 'later' });
        expect(JSON.stringify(run.events)).not.toContain('sheet-bend-3');
      }));
  }
});
