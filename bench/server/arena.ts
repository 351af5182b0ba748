/** The servers of one run and the files that they serve. */
import { closeSync, mkdirSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Peer } from '../../test/peers/peer.js';
import type { Contender } from './contenders.js';

export const MIB = 1024 * 1024;

/** What is measured how often, and how much of it. */
export interface Scale {
  readonly runs: number;
  /** Size of the file of the throughput, MiB, for one connection; with four each has half of it. */
  readonly mebibytes: number;
  /** Small files that there are. */
  readonly files: number;
  /** How long small files are fetched, and how long latency is looked at. */
  readonly seconds: number;
  readonly sessions: number;
  readonly tlsSessions: number;
  /** The same for servers with a process for each session. */
  readonly forkedSessions: number;
  readonly entries: number;
}

/** A contender that runs, with a second one of its kind to copy to. */
export interface Entrant {
  readonly contender: Contender;
  readonly peer: Peer;
  readonly second: Peer;
}

/** One measurement. */
export interface Sample {
  readonly section: string;
  readonly kase: string;
  readonly server: string;
  readonly values: Readonly<Record<string, number>>;
}

/** One thing to measure, of one server at a time. */
export interface Case {
  readonly section: string;
  readonly kase: string;
  /** One round before that does not count: a server compiles, or forks ahead, what a long-lived one has long done. */
  readonly rehearsed?: true;
  measure(entrant: Entrant, scale: Scale): Promise<Readonly<Record<string, number>>>;
}

export const SMALL_FILE = 10_240;

/** Random enough that no layer can make it shorter. */
function plantBig(path: string, mebibytes: number, block: Buffer): void {
  const file = openSync(path, 'w');
  for (let n = 0; n < mebibytes; n++) writeSync(file, block);
  closeSync(file);
}

function plant(peer: Peer, scale: Scale, block: Buffer): void {
  plantBig(join(peer.home, 'big.bin'), scale.mebibytes, block);
  plantBig(join(peer.home, 'half.bin'), Math.max(1, scale.mebibytes >> 1), block);
  mkdirSync(join(peer.home, 'small'));
  for (let n = 0; n < scale.files; n++)
    writeFileSync(join(peer.home, 'small', String(n)), block.subarray(0, SMALL_FILE));
  peer.own();
}

/** Starts each contender twice and lays out its files. */
export async function enter(contender: Contender, scale: Scale, block: Buffer): Promise<Entrant> {
  const peer = await contender.start();
  try {
    plant(peer, scale, block);
    return { contender, peer, second: await contender.start() };
  } catch (error) {
    await peer.stop();
    throw error;
  }
}

/** An empty folder that the server's user owns, for one measurement. */
export function freshFolder(peer: Peer, name: string): string {
  const folder = join(peer.home, name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  return folder;
}
