import { type Command, InvalidArgumentError, Option } from 'commander';
import type { CopyOptions, OnExists, RelayPolicy, VerifyPolicy } from '../engine/options.js';
import type { Security } from '../protocol/site.js';

/** Values of the flags that every command takes. */
export interface CommonFlags {
  json?: boolean;
  verbose?: boolean;
  insecure?: boolean;
  pin?: Map<string, string>;
  timeout?: number;
}

/** Values of the flags of copy, sync, get, put and check. */
export interface TransferFlags extends CommonFlags {
  security?: Security;
  relay?: RelayPolicy;
  verify?: VerifyPolicy;
  onExists?: OnExists;
  parallel?: number | 'auto';
  include?: string[];
  exclude?: string[];
  dryRun?: boolean;
  preserve?: boolean;
  limitRate?: number;
  tries?: number;
  stallTimeout?: number;
  delete?: boolean;
}

/** Parser of a whole number from `min` to `max`. */
export function integer(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}

const SCALE: Record<string, number> = { '': 0, k: 1, m: 2, g: 3, t: 4 };

/** Parser of octets: `500`, `64K`, `1.5M`, `2GiB` by 1024, `10MB` by 1000 (as dd does). */
export function size(text: string): number {
  const parts = /^(\d{1,12}(?:\.\d{1,6})?)([kmgt]?)(i?b)?$/i.exec(text);
  const unit = parts?.[2]?.toLowerCase() ?? '';
  const suffix = parts?.[3]?.toLowerCase();
  const base = suffix === 'b' && unit !== '' ? 1000 : 1024;
  const value = parts ? Math.round(Number(parts[1]) * base ** SCALE[unit]!) : 0;
  if (value > 0 && Number.isSafeInteger(value) && !(suffix === 'ib' && unit === '')) return value;
  throw new InvalidArgumentError(
    'It must be a size above 0 such as 500, 64K, 1.5M or 2GiB (by 1024), 10MB (by 1000).',
  );
}

const MILLISECONDS: Record<string, number> = { ms: 1, '': 1000, s: 1000, m: 60_000, h: 3_600_000 };

/** Parser of a time span, in milliseconds: `500ms`, `30s` or `30`, `5m`, `1h`; at most a day. */
export function duration(text: string): number {
  const parts = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h)?$/.exec(text);
  const value = parts ? Math.round(Number(parts[1]) * MILLISECONDS[parts[2] ?? '']!) : 0;
  if (value > 0 && value <= 86_400_000) return value;
  throw new InvalidArgumentError('It must be a time such as 500ms, 30s, 5m or 1h, at most 24h.');
}

/** A flag that takes one word out of a fixed set. */
export function choice(flags: string, text: string, allowed: string[]): Option {
  return new Option(flags, text).choices(allowed);
}

/** Collects the values of a flag that may be given more than once. */
export function collect(text: string, before: string[] | undefined): string[] {
  if (text === '') throw new InvalidArgumentError('It must not be empty.');
  return [...(before ?? []), text];
}

/** Key fingerprint as lower-case hex; takes hex with or without colons and base64 after `sha256//` or `SHA256:`. */
export function fingerprint(text: string): string {
  const print = readFingerprint(text);
  if (print !== undefined) return print;
  throw new InvalidArgumentError(
    'It must be the SHA-256 of a public key: 64 hexadecimal digits or sha256//BASE64.',
  );
}

function readFingerprint(text: string): string | undefined {
  const hex = text.replaceAll(':', '').toLowerCase();
  if (/^[0-9a-f]{64}$/.test(hex)) return hex;
  const base64 = /^sha256(?:\/\/|:)([A-Za-z0-9+/]{43})=?$/i.exec(text)?.[1];
  return base64 === undefined ? undefined : Buffer.from(base64, 'base64').toString('hex');
}

/** Pins by site name (`name=fingerprint`); the empty name stands for every site that has no pin of its own. */
export function pins(text: string, before: Map<string, string> | undefined): Map<string, string> {
  const plain = readFingerprint(text);
  if (plain !== undefined) return new Map(before).set('', plain);
  const equals = text.indexOf('=');
  return new Map(before).set(text.slice(0, Math.max(equals, 0)), fingerprint(text.slice(equals + 1)));
}

/** Flags of every command that opens a connection. */
export function addCommonFlags(command: Command): Command {
  return command
    .option('--json', 'print one JSON object a line')
    .option('-v, --verbose', 'print the control dialogue on stderr, secrets masked')
    .option('--insecure', 'accept any control certificate (the result is never called verified)')
    .addOption(
      new Option('--pin <[site=]sha256>', 'public key that the control certificate must have').argParser(
        pins,
      ),
    )
    .addOption(new Option('--timeout <time>', 'wait for one reply (default: 30s)').argParser(duration));
}

/** The security floor and the relay policy. */
export function addRouteFlags(command: Command): Command {
  const floor =
    'lowest security of the data connection (default: clear if either URL is ftp://, else encrypted)';
  return command
    .addOption(choice('--security <floor>', floor, ['verified', 'one-sided', 'encrypted', 'clear']))
    .addOption(
      choice('--relay <when>', 'let data cross this machine (default: never)', [
        'never',
        'fallback',
        'always',
      ]),
    );
}

const ON_EXISTS = ['skip', 'newer', 'resume', 'overwrite', 'fail'];

const orAuto =
  (parse: (value: string) => number) =>
  (value: string): number | 'auto' =>
    value === 'auto' ? value : parse(value);

/** All flags of copy and its kin. */
export function addTransferFlags(command: Command): Command {
  const option = (flags: string, text: string, parser: (value: string) => unknown): Option =>
    new Option(flags, text).argParser(parser);
  return addCommonFlags(addRouteFlags(command))
    .addOption(
      choice('--verify <how>', 'prove the arrival (default: auto)', ['auto', 'digest', 'size', 'none']),
    )
    .addOption(
      choice('--on-exists <what>', 'what to do where the target exists (default: resume)', ON_EXISTS),
    )
    .addOption(option('--parallel <n>', 'files at once, or auto (the default)', orAuto(integer(1, 64))))
    .option('--include <glob>', 'only files that match; may be repeated', collect)
    .option('--exclude <glob>', 'no files that match; may be repeated', collect)
    .option('-n, --dry-run', 'plan and report, change nothing')
    .option('--preserve', 'keep modification times and modes (default: times only)')
    .option('--no-preserve', 'keep neither')
    .addOption(
      option('--limit-rate <size>', 'octets a second, of data that crosses this machine (10M, 512K)', size),
    )
    .addOption(option('--tries <n>', 'tries for one file (default: 4)', integer(1, 100)))
    .addOption(
      option('--stall-timeout <time>', 'give up a transfer without progress (default: 30s)', duration),
    );
}

/** Flags as the engine takes them; what was not given stays out, so that the engine's defaults hold. */
export function toCopyOptions(flags: TransferFlags): CopyOptions {
  const options: CopyOptions = {};
  if (flags.security) options.security = flags.security;
  if (flags.relay) options.relay = flags.relay;
  if (flags.verify) options.verify = flags.verify;
  if (flags.onExists) options.onExists = flags.onExists;
  if (flags.parallel !== undefined) options.parallel = flags.parallel;
  if (flags.include) options.include = flags.include;
  if (flags.exclude) options.exclude = flags.exclude;
  if (flags.dryRun) options.dryRun = true;
  if (flags.preserve !== undefined) options.preserve = { times: flags.preserve, modes: flags.preserve };
  if (flags.limitRate !== undefined) options.limitRate = flags.limitRate;
  if (flags.tries !== undefined) options.maxAttempts = flags.tries;
  if (flags.stallTimeout !== undefined) options.stallTimeout = flags.stallTimeout;
  if (flags.timeout !== undefined) options.commandTimeout = flags.timeout;
  if (flags.delete) options.delete = true;
  return options;
}
