/** The tree of files that the demonstration moves. */
import { createCipheriv } from 'node:crypto';
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const KIB = 1024;
const MIB = 1024 * KIB;

/** Names that have broken FTP clients and servers. */
const ODD_NAMES = [
  'two words.txt',
  ' leading blank',
  '  blanks   everywhere',
  '-rf',
  '--help',
  '-la two words',
  "single ' quote",
  'double " quote',
  '"quoted"',
  'semicolon;name',
  'type=file;size=1; looks like a listing',
  'per%20cent',
  'star*question?[abc]',
  'brace{a,b}',
  '~tilde',
  '$HOME',
  '#hash',
  'über größe.txt',
  'naïve café',
  'файл.txt',
  '日本語のファイル',
  '🚢 jackstay',
  'e\u0301 decomposed',
  'drwxr-xr-x 2 root root 4096 Jan 1 00:00 x',
  '.hidden',
  '...',
  `long-${'x'.repeat(200)}`,
];

/** What to make. */
export interface TreePlan {
  /** Octets of the largest file. */
  largest: number;
}

/** What was made. */
export interface TreeMade {
  files: number;
  directories: number;
  bytes: number;
  /** The same for each folder at the top. */
  parts: Map<string, { files: number; bytes: number }>;
}

/** Octets that look random and are the same in every run. */
function content(seed: number, size: number): Buffer {
  const key = Buffer.alloc(16);
  key.writeUInt32BE(seed);
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(size));
}

/** Path and size of every file, in no special order. */
function filesOf({ largest }: TreePlan): [string, number][] {
  const files: [string, number][] = [];
  for (let n = 0; n < 120; n++) files.push([`papers/${2020 + (n % 6)}/paper ${n}.txt`, (n * 37) % (4 * KIB)]);
  for (let n = 0; n < 90; n++) files.push([`photos/roll ${n % 5}/IMG_${1000 + n}.jpg`, 8 * KIB + n * 1531]);
  for (let n = 0; n < 70; n++) files.push([`logs/${'deep/'.repeat(n % 8)}day-${n}.log`, n * 251]);
  for (const [n, name] of ODD_NAMES.entries()) files.push([`odd names/${name}`, n * 1021]);
  for (let n = 0; n < 6; n++) files.push([`empty files/nothing ${n}`, 0]);
  for (const [n, size] of [largest, largest / 4, largest / 16 + 1, largest / 64 - 1].entries())
    files.push([`large/disk ${n}.img`, Math.max(0, Math.floor(size))]);
  return files;
}

/** Make the tree below `root`. Sizes go from 0 to 64 MiB unless the plan says otherwise. */
export function makeTree(root: string, plan: TreePlan = { largest: 64 * MIB }): TreeMade {
  const directories = new Set<string>();
  const make = (path: string): void => {
    for (let at = path; at.length > root.length; at = dirname(at)) directories.add(at);
    mkdirSync(path, { recursive: true });
  };
  const parts = new Map<string, { files: number; bytes: number }>();
  let bytes = 0;
  const files = filesOf(plan);
  for (const [n, [path, size]] of files.entries()) {
    const file = join(root, path);
    make(dirname(file));
    writeFileSync(file, content(n, size));
    // Whole seconds: FTP carries no more (RFC 3659 2.3).
    const at = Date.UTC(2026, 0, 1) / 1000 + n * 3601;
    utimesSync(file, at, at);
    bytes += size;
    const top = path.slice(0, path.indexOf('/'));
    const part = parts.get(top) ?? { files: 0, bytes: 0 };
    parts.set(top, { files: part.files + 1, bytes: part.bytes + size });
  }
  make(join(root, 'an empty directory'));
  return { files: files.length, directories: directories.size, bytes, parts };
}
