import { spawn } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type DemoOptions, demo } from '../scripts/demo/run.js';
import { compareTrees } from '../src/cli/demo/compare.js';
import { ownDemo } from '../src/cli/demo/own.js';
import { makeTree } from '../src/cli/demo/tree.js';
import { copy } from '../src/engine/index.js';
import { requirePeer } from './peers/peer.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Files of the trees that are compared. */
const TWIN = {
  'large/disk': Buffer.alloc(5_000_000, 1),
  'names/deep/none': '',
  'names/-rf': 'ab',
  'names/e\u0301': 'c',
};
const SMALL = { largest: 100_000 };

async function temporary(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'jackstay-demo-test-'));
  // The servers drop their rights before they look into it.
  chmodSync(folder, 0o755);
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

describe('the comparison', () => {
  async function twins(): Promise<[string, string]> {
    const folder = await temporary();
    const pair: [string, string] = [join(folder, 'a'), join(folder, 'b')];
    for (const root of pair) {
      for (const path of ['empty', 'large', 'names/deep']) mkdirSync(join(root, path), { recursive: true });
      for (const [path, content] of Object.entries(TWIN)) {
        writeFileSync(join(root, path), content);
        utimesSync(join(root, path), 1_700_000_000, 1_700_000_000);
      }
    }
    return pair;
  }

  it('finds two equal trees equal', async () => {
    const [a, b] = await twins();
    expect(compareTrees(a, b)).toEqual({
      ...{ files: 4, directories: 4, bytes: 5_000_003, otherTimes: 0, differences: [] },
    });
  });

  it('has a tree worth moving', async () => {
    const root = await temporary();
    const made = makeTree(root, SMALL);
    expect(made.files).toBeGreaterThanOrEqual(300);
    const found = compareTrees(root, root);
    expect(found).toMatchObject({ files: made.files, directories: made.directories, bytes: made.bytes });
  });

  it.each<[string, (b: string) => void, string]>([
    [
      'another octet',
      (b) => writeFileSync(join(b, 'large/disk'), Buffer.alloc(5_000_000, 1).fill(2, 4_500_000, 4_500_001)),
      'another octet at 4500000: "large/disk"',
    ],
    [
      'a longer file',
      (b) => appendFileSync(join(b, 'names/deep/none'), 'x'),
      '0 octets became 1: "names/deep/none"',
    ],
    ['a missing file', (b) => rmSync(join(b, 'names/-rf')), 'missing: "names/-rf"'],
    ['a missing empty directory', (b) => rmSync(join(b, 'empty'), { recursive: true }), 'missing: "empty"'],
    ['a file too many', (b) => writeFileSync(join(b, 'names/extra'), ''), 'only there: "names/extra"'],
    [
      'a directory instead of a file',
      (b) => {
        rmSync(join(b, 'names/-rf'));
        mkdirSync(join(b, 'names/-rf'));
      },
      'not of the same type: "names/-rf"',
    ],
    [
      'a link instead of a file',
      (b) => {
        rmSync(join(b, 'names/-rf'));
        symlinkSync('--help', join(b, 'names/-rf'));
      },
      'not of the same type: "names/-rf"',
    ],
    [
      'another Unicode form of a name',
      (b) => {
        rmSync(join(b, 'names/e\u0301'));
        writeFileSync(join(b, 'names/\u00e9'), '');
      },
      'missing: "names/e\u0301"',
    ],
  ])('finds %s', async (_what, change, difference) => {
    const [a, b] = await twins();
    change(b);
    expect(compareTrees(a, b).differences).toContain(difference);
  });

  it('counts other times', async () => {
    const [a, b] = await twins();
    writeFileSync(join(b, 'names/deep/none'), '');
    expect(compareTrees(a, b)).toMatchObject({ otherTimes: 1, differences: [] });
  });
});

/** The program as `npm start` runs it, in a temporary folder of its own. */
async function start(words: string[], onText: (text: string, stop: () => void) => void = () => {}) {
  const folder = await temporary();
  const child = spawn(process.execPath, ['--import', 'tsx', 'scripts/demo.ts', ...words], {
    cwd: ROOT,
    env: { ...process.env, TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    onText(text, () => child.kill('SIGINT'));
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    errors += chunk;
  });
  const code = await new Promise<number | null>((resolve, reject) =>
    child.once('close', resolve).once('error', reject),
  );
  const left = readdirSync(folder).filter((name) => name.startsWith('jackstay-'));
  return { code, text, errors, left };
}

/** Interrupts the program once it moves. */
function interrupting(): (seen: string, stop: () => void) => void {
  let stopped = false;
  return (seen, stop) => {
    if (!stopped && seen.includes('  moving')) stop();
    stopped ||= seen.includes('  moving');
  };
}

function expectAllMoved(text: string, securities: string[]): void {
  expect(text).toContain('compared  317 files, 25 directories, 92.7 MiB: every octet is the same');
  expect(text.match(/every octet is the same/g)).toHaveLength(3);
  expect(text.match(/ {2}client {4}0 octets of files crossed this client/g)).toHaveLength(3);
  expect(text.match(/ {2}security {2}(.*)/g)).toEqual(securities.map((s) => `  security  ${s}`));
  expect(text).toMatch(/Everything arrived, octet for octet\.\n$/);
}

const spoil = (_source: string, destination: string): void =>
  writeFileSync(join(destination, 'large/disk 0.img'), Buffer.alloc(SMALL.largest));

describe('the demonstration with two servers of ours', () => {
  it('moves the tree from server to server under TLS, compares every octet and cleans up', async () => {
    const { code, text, errors, left } = await start([]);
    const proven = 'verified: both servers proved their keys (DCPA)';
    expectAllMoved(text, [proven, proven, proven]);
    // Between two servers of ours nothing has to be tried twice.
    expect(text).not.toContain(' again: ');
    expect([code, errors, left]).toEqual([0, '', []]);
  });

  it('says so when one octet differs', async () => {
    const texts: string[] = [];
    const screen = { terminal: true, write: (more: string) => void texts.push(more) };
    expect(await ownDemo({ screen, copy, tree: SMALL, parts: [], beforeComparison: spoil })).toBe(false);
    expect(texts.join('')).toContain('another octet at 0: "large/disk 0.img"');
  });

  it('ends in order when it is interrupted', async () => {
    const { code, errors, left } = await start([], interrupting());
    expect(errors).toContain('interrupted');
    expect([code, left]).toEqual([130, []]);
  });
});

const missing = requirePeer('proftpd') ?? requirePeer('pureftpd');
const peersReason = missing === undefined ? '' : ` (skipped: ${missing})`;
describe.skipIf(missing)(`the demonstration with servers of others${peersReason}`, () => {
  it('moves the tree between two real servers, compares every octet and cleans up', async () => {
    const { code, text, left } = await start(['--peers']);
    expectAllMoved(text, ['clear', 'encrypted', 'encrypted']);
    expect([code, left]).toEqual([0, []]);
  });

  it('says so when one octet differs', async () => {
    const texts: string[] = [];
    const options: DemoOptions = {
      screen: { terminal: true, write: (more) => void texts.push(more) },
      tree: SMALL,
      parts: [],
      beforeComparison: spoil,
    };
    expect(await demo(options)).toBe(false);
    expect(texts.join('')).toContain('another octet at 0: "large/disk 0.img"');
  });

  it('ends in order when it is interrupted', async () => {
    const { code, text, left } = await start(['--peers'], interrupting());
    expect(text).toContain('stopped; servers and files are removed');
    expect([code, left]).toEqual([130, []]);
  });
});
