import { type CalendarDay, parseClock, parseNumericDate, parseYear, type Stamp, stamp } from './dates.js';
import { monthNumber } from './months.js';
import { isDigits, type Token } from './scan.js';

const DAY_MS = 86_400_000;

/** A date found in a line of `ls -l`. */
export interface LsDate {
  /** Offset of the first character of the name: exactly one SP parts it from the date. */
  nameAt: number;
  /** Absent where the month word is of a language we do not know. */
  stamp?: Stamp;
}

/** The line, its tokens, and the moment dates without a year are measured against. */
export interface LsLine {
  line: string;
  words: Token[];
  now: number;
}

function dayNumber(text: string): number | undefined {
  const parts = /^(\d{1,2})[.,日일]?$/u.exec(text);
  const day = parts ? Number(parts[1]) : 0;
  return day >= 1 && day <= 31 ? day : undefined;
}

function looksLikeMonth(text: string): boolean {
  return text.length <= 16 && /^[\p{L}\p{Cs}]/u.test(text);
}

/** `ls` leaves the year out for recent files: the latest year that is not past `now` plus one day. */
function withoutYear(month: number, day: number, clock: Parameters<typeof stamp>[1], now: number) {
  const latest = new Date(now + DAY_MS).getUTCFullYear();
  // Eight years back there surely was a 29 February (1900 and 2100 are no leap years).
  for (let year = latest; year >= latest - 8; year -= 1) {
    const found = stamp({ year, month, day }, clock);
    if (found && found.modified <= now + DAY_MS) return found;
  }
  return undefined;
}

function ending(text: LsLine, at: number, found: Stamp | undefined): LsDate | undefined {
  const token = text.words[at];
  if (!token || text.line[token.end] !== ' ') return undefined;
  return found ? { nameAt: token.end + 1, stamp: found } : { nameAt: token.end + 1 };
}

/** `HH:MM`, `YYYY`, or BSD `ls -lT` `HH:MM:SS YYYY`, behind a month (0: not known) and a day. */
function timeOrYear(text: LsLine, at: number, month: number, day: number): LsDate | undefined {
  const word = text.words[at]?.text ?? '';
  const year = parseYear(word);
  if (year !== undefined) {
    const found = stamp({ year, month, day });
    return found || month === 0 ? ending(text, at, found) : undefined;
  }
  const clock = word.includes(':') ? parseClock(word) : undefined;
  if (!clock) return undefined;
  const bsdYear = clock.precision === 'second' ? parseYear(text.words[at + 1]?.text ?? '') : undefined;
  if (bsdYear !== undefined) {
    const full = ending(text, at + 1, stamp({ year: bsdYear, month, day }, clock));
    if (full) return full;
  }
  const found = month === 0 ? undefined : withoutYear(month, day, clock, text.now);
  return found || month === 0 ? ending(text, at, found) : undefined;
}

/** Minutes east of UTC for `+0130`. */
function zoneMinutes(text: string): number | undefined {
  const parts = /^([+-])(\d\d)(\d\d)$/.exec(text);
  if (!parts) return undefined;
  const minutes = Number(parts[2]) * 60 + Number(parts[3]);
  return parts[1] === '-' ? -minutes : minutes;
}

/** `YYYY-MM-DD HH:MM`, `YYYY-MM-DD HH:MM:SS.f +ZZZZ`, or the date alone padded to the width of a time. */
function isoDate(text: LsLine, at: number, date: CalendarDay): LsDate | undefined {
  const clock = parseClock(text.words[at + 1]?.text ?? '');
  if (!clock) {
    const end = text.words[at]?.end ?? 0;
    const alone = ending(text, at, stamp(date));
    if (alone && text.line[end + 1] === ' ') alone.nameAt = end + 2;
    return alone;
  }
  const found = stamp(date, clock);
  const zone = clock.precision === 'second' ? zoneMinutes(text.words[at + 2]?.text ?? '') : undefined;
  if (zone === undefined || !found) return ending(text, at + 1, found);
  return ending(text, at + 2, { ...found, modified: found.modified - zone * 60_000 });
}

/** `MM-DD HH:MM` of `ls --time-style=iso`. */
function shortIsoDate(text: LsLine, at: number): LsDate | undefined {
  const parts = /^(\d\d)-(\d\d)$/.exec(text.words[at]?.text ?? '');
  const clock = parts ? parseClock(text.words[at + 1]?.text ?? '') : undefined;
  if (!parts || !clock) return undefined;
  const found = withoutYear(Number(parts[1]), Number(parts[2]), clock, text.now);
  return found ? ending(text, at + 1, found) : undefined;
}

/**
 * Reads the date that starts at token `at`. With `anyMonth`, a word that is no known month still counts as one,
 * so that names can be read in any language; the time is then absent.
 */
export function lsDateAt(text: LsLine, at: number, anyMonth: boolean): LsDate | undefined {
  const first = text.words[at]?.text ?? '';
  const second = text.words[at + 1]?.text ?? '';
  const numeric = first.length >= 8 && isDigits(first.slice(0, 4)) ? parseNumericDate(first) : undefined;
  if (numeric) return isoDate(text, at, numeric);
  if (first.length === 5 && first[2] === '-') return shortIsoDate(text, at);
  const firstDay = dayNumber(first);
  const word = firstDay === undefined ? first : second;
  const day = firstDay ?? dayNumber(second);
  if (day === undefined) return undefined;
  const month = monthNumber(word) ?? (anyMonth && looksLikeMonth(word) ? 0 : undefined);
  return month === undefined ? undefined : timeOrYear(text, at + 2, month, day);
}
