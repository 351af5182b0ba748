import type { TimePrecision } from '../entry.js';
import { isDigits, unsigned } from './scan.js';

/** A moment and how exactly it is known. */
export interface Stamp {
  /** Milliseconds since 1970-01-01 UTC. */
  modified: number;
  precision: TimePrecision;
}

/** A calendar day; month and day count from 1. */
export interface CalendarDay {
  year: number;
  month: number;
  day: number;
}

/** A time of day. */
export interface Clock {
  hour: number;
  minute: number;
  second: number;
  milli: number;
  precision: TimePrecision;
}

/** The first year a file system can tell (Windows file times start in 1601). */
const FIRST_YEAR = 1601;

function daysInMonth(year: number, month: number): number {
  if (month !== 2) return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
}

/** True for a day that exists, in the years 1601 to 9999. */
export function isCalendarDay(date: CalendarDay): boolean {
  const { year, month, day } = date;
  if (year < FIRST_YEAR || year > 9999 || month < 1 || month > 12 || day < 1) return false;
  return day <= daysInMonth(year, month);
}

/** Milliseconds since 1970 UTC of a day and, if told, a time of day; undefined where no such day exists. */
export function stamp(date: CalendarDay, clock?: Clock): Stamp | undefined {
  if (!isCalendarDay(date)) return undefined;
  const { year, month, day } = date;
  if (clock === undefined) return { modified: Date.UTC(year, month - 1, day), precision: 'day' };
  const { hour, minute, second, milli, precision } = clock;
  return { modified: Date.UTC(year, month - 1, day, hour, minute, second, milli), precision };
}

/** `.5` means 500 ms: the first three digits count. */
function millis(fraction: string): number {
  return Number((fraction + '000').slice(0, 3));
}

function hourOf(hour: number, half: string | undefined): number | undefined {
  if (half === undefined) return hour <= 23 ? hour : undefined;
  if (hour < 1 || hour > 12) return undefined;
  return (hour % 12) + (half.toLowerCase().startsWith('p') ? 12 : 0);
}

/** `HH:MM`, `HH:MM:SS`, `HH:MM:SS.fraction`, also with `.` between (AS/400) and with a, p, AM, PM behind. */
export function parseClock(text: string): Clock | undefined {
  if (text.length > 24) return undefined;
  const parts = /^(\d{1,2})[:.](\d\d)(?:[:.](\d\d)(?:[.,](\d{1,9}))?)?([ap]m?)?$/i.exec(text);
  if (!parts) return undefined;
  const hour = hourOf(Number(parts[1]), parts[5]);
  const minute = Number(parts[2]);
  const second = Number(parts[3] ?? '0');
  if (hour === undefined || minute > 59 || second > 60) return undefined;
  const precision = parts[3] === undefined ? 'minute' : 'second';
  return { hour, minute, second, milli: millis(parts[4] ?? ''), precision };
}

/** A year of two digits: 70 to 99 are of the last century. */
function fullYear(text: string): number {
  const year = Number(text);
  if (text.length > 2) return year;
  return year < 70 ? 2000 + year : 1900 + year;
}

/**
 * A date of three numbers. A year of four digits or past 31 stands first or last; dots mean day.month.year;
 * else the month leads unless it cannot be one.
 */
export function parseNumericDate(text: string): CalendarDay | undefined {
  if (text.length > 10) return undefined;
  const parts = /^(\d{1,4})([-/.])(\d{1,2})\2(\d{1,4})$/.exec(text);
  if (!parts) return undefined;
  const [, first = '', separator, second = '', third = ''] = parts;
  const a = Number(first);
  const b = Number(second);
  if (first.length === 4 || (a > 31 && third.length <= 2)) {
    return checked({ year: fullYear(first), month: b, day: Number(third) });
  }
  if (first.length === 3 || third.length === 1 || third.length === 3) return undefined;
  const year = fullYear(third);
  const dayLeads = separator === '.' || a > 12;
  return checked(dayLeads ? { year, month: b, day: a } : { year, month: a, day: b });
}

function checked(date: CalendarDay): CalendarDay | undefined {
  return isCalendarDay(date) ? date : undefined;
}

/** A year written with four digits, perhaps with the CJK sign for year. */
export function parseYear(text: string): number | undefined {
  const digits = text.length === 5 && /[年년]$/u.test(text) ? text.slice(0, 4) : text;
  if (digits.length !== 4 || !isDigits(digits)) return undefined;
  const year = unsigned(digits);
  return year !== undefined && year >= FIRST_YEAR ? year : undefined;
}
