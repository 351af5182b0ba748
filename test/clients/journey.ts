/** The contract of client and server: everything that a client can do, done once, with the server's disk as the witness. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { ClientDriver, Target } from './client.js';

/** Where the server keeps what the target's account sees at `/`. */
export interface Ground {
  readonly home: string;
  /** Gives what a test wrote there to the server's user. */
  own(): void;
}

const PREFIX = 100_000;

interface Journey {
  readonly driver: ClientDriver;
  readonly target: Target;
  readonly ground: Ground;
  /** Folder of this journey on the server's disk, and its FTP path. */
  readonly disk: string;
  readonly path: string;
  readonly content: Buffer;
}

const NAME = 'blank ünï 漢字.bin';

/** A file whose beginning cannot be that of the content: a client that starts over is seen. */
const marked = (content: Buffer): Buffer =>
  Buffer.concat([Buffer.alloc(PREFIX, '='), content.subarray(PREFIX)]);

async function goUp({ driver, target, disk, path, content, ground }: Journey): Promise<void> {
  const local = join(target.home, 'up.bin');
  writeFileSync(local, content);
  if (driver.upload === undefined) {
    writeFileSync(join(disk, NAME), content);
    ground.own();
    return;
  }
  await driver.upload(target, local, `${path}/${NAME}`);
  expect(readFileSync(join(disk, NAME)).equals(content)).toBe(true);
  if (driver.cutsEmptyFiles && target.tls !== 'none') return;
  const empty = join(target.home, 'empty.bin');
  writeFileSync(empty, '');
  await driver.upload(target, empty, `${path}/empty.bin`);
  expect(statSync(join(disk, 'empty.bin')).size).toBe(0);
}

async function goDown({ driver, target, path, content }: Journey): Promise<void> {
  const local = join(target.home, 'down.bin');
  await driver.download(target, `${path}/${NAME}`, local);
  expect(readFileSync(local).equals(content)).toBe(true);
}

async function resume({ driver, target, disk, path, content, ground }: Journey): Promise<void> {
  if (driver.resumeDownload !== undefined) {
    const local = join(target.home, 'part.bin');
    writeFileSync(local, Buffer.alloc(PREFIX, '='));
    await driver.resumeDownload(target, `${path}/${NAME}`, local);
    expect(readFileSync(local).equals(marked(content))).toBe(true);
  }
  if (driver.resumeUpload !== undefined) {
    const part = join(disk, 'part.bin');
    writeFileSync(part, Buffer.alloc(PREFIX, '='));
    ground.own();
    await driver.resumeUpload(target, join(target.home, 'up.bin'), `${path}/part.bin`);
    expect(readFileSync(part).equals(marked(content))).toBe(true);
  }
}

async function dates({ driver, target, disk, path }: Journey): Promise<void> {
  // Whole minutes of the last months: what even a listing of LIST can tell.
  const at = Math.floor(Date.now() / 60_000 - 24 * 60) * 60_000;
  const file = join(disk, NAME);
  utimesSync(file, at / 1000, at / 1000);
  if (driver.modified !== undefined) expect(await driver.modified(target, `${path}/${NAME}`)).toBe(at);
  if (driver.setModified === undefined) return;
  await driver.setModified(target, `${path}/${NAME}`, at - 3_600_000);
  expect(statSync(file).mtimeMs).toBe(at - 3_600_000);
}

async function names({ driver, target, disk, path }: Journey): Promise<void> {
  expect(await driver.list(target, path)).toContain(NAME);
  const moved = 'moved – here.bin';
  if (driver.rename !== undefined) {
    await driver.rename(target, `${path}/${NAME}`, `${path}/${moved}`);
    expect([existsSync(join(disk, NAME)), existsSync(join(disk, moved))]).toEqual([false, true]);
    if (driver.remove !== undefined) {
      await driver.remove(target, `${path}/${moved}`);
      expect(existsSync(join(disk, moved))).toBe(false);
    }
  }
  const folder = 'földer of it';
  if (driver.makeDirectory !== undefined) {
    await driver.makeDirectory(target, `${path}/${folder}`);
    expect(statSync(join(disk, folder)).isDirectory()).toBe(true);
    await driver.removeDirectory?.(target, `${path}/${folder}`);
    expect(existsSync(join(disk, folder))).toBe(false);
  }
}

async function failures({ driver, target, path }: Journey): Promise<void> {
  const local = join(target.home, 'never.bin');
  await expect(driver.download(target, `${path}/not-there.bin`, local)).rejects.toThrow();
}

/** @param label names the folder of this journey. */
export async function travel(
  driver: ClientDriver,
  target: Target,
  ground: Ground,
  label: string,
): Promise<void> {
  const disk = join(ground.home, label);
  mkdirSync(disk);
  ground.own();
  const journey = { driver, target, ground, disk, path: `/${label}`, content: randomBytes(300_000) };
  await goUp(journey);
  await goDown(journey);
  await resume(journey);
  await dates(journey);
  await failures(journey);
  await names(journey);
}
