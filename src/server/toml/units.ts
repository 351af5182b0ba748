/** Octets, octets per second and times as people write them in settings files. */

const POWER: Record<string, number> = { '': 0, k: 1, m: 2, g: 3, t: 4, p: 5 };
const MILLISECONDS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** What a size must look like, for messages. */
export const SIZE_FORM = 'a size such as 500, "64 KiB", "1.5M" or "10 GiB" (by 1024), "10 GB" (by 1000)';
/** What a rate must look like, for messages. */
export const RATE_FORM = 'octets per second such as 500000, "512 KiB/s" or "20 MiB/s"; 0 is no limit';
/** What a time must look like, for messages. */
export const TIME_FORM = 'a time with its unit such as "500ms", "30s", "5m", "1h" or "1d"';

/** Octets: a whole number, or text with a unit: `64K`, `1.5 MiB` by 1024, `10 MB` by 1000. Undefined for anything else. */
export function readSize(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? value : undefined;
  if (typeof value !== 'string') return undefined;
  const parts = /^(\d{1,16}(?:\.\d{1,6})?) ?([kmgtp]?)(i?b)?$/i.exec(value.trim());
  if (!parts) return undefined;
  const unit = parts[2]!.toLowerCase();
  const suffix = parts[3]?.toLowerCase();
  if (suffix === 'ib' && unit === '') return undefined;
  const octets = Math.round(Number(parts[1]) * (suffix === 'b' ? 1000 : 1024) ** POWER[unit]!);
  return Number.isSafeInteger(octets) ? octets : undefined;
}

/** Octets per second: as a size, `/s` at the end is optional. Undefined for anything else. */
export function readRate(value: unknown): number | undefined {
  return readSize(typeof value === 'string' ? value.trim().replace(/ ?\/ ?s$/, '') : value);
}

/** Milliseconds: text with a unit, at most 30 days; the number 0 needs none. Undefined for anything else. */
export function readTime(value: unknown): number | undefined {
  if (value === 0 || value === '0') return 0;
  if (typeof value !== 'string') return undefined;
  const parts = /^(\d{1,10}(?:\.\d{1,3})?) ?(ms|s|m|h|d)$/.exec(value.trim());
  if (!parts) return undefined;
  const time = Math.round(Number(parts[1]) * MILLISECONDS[parts[2]!]!);
  return time <= 30 * MILLISECONDS.d! ? time : undefined;
}

/** Octets for people, exact: `10 GiB`, `1536 B`. `readSize` gives the number back. */
export function sizeText(octets: number): string {
  for (const [unit, power] of [
    ['PiB', 5],
    ['TiB', 4],
    ['GiB', 3],
    ['MiB', 2],
    ['KiB', 1],
  ] as const) {
    if (octets > 0 && octets % 1024 ** power === 0) return `${octets / 1024 ** power} ${unit}`;
  }
  return `${octets} B`;
}
