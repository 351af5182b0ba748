import type { Reply } from './replies.js';

/** Octets of a file: from `start` to `end`, the end not included. */
export interface Span {
  start: number;
  end: number;
}

/** Spans kept of one file: a sender that leaves more holes than this is not believed. */
const MOST_SPANS = 4096;
/** Spans named in one marker. */
const MOST_NAMED = 200;

/** Which octets of a file are there: spans in order, none touching another. */
export class SpanSet {
  readonly #spans: Span[] = [];

  /** @param spans in any order; they may overlap. */
  constructor(spans: readonly Span[] = []) {
    for (const span of [...spans].sort((a, b) => a.start - b.start)) {
      const last = this.#spans.at(-1);
      if (last && span.start <= last.end) last.end = Math.max(last.end, span.end);
      else if (span.end > span.start) this.#spans.push({ ...span });
    }
  }

  get spans(): readonly Readonly<Span>[] {
    return this.#spans;
  }

  /** True when octets 0 to `end` are all there and nothing lies behind them. */
  get whole(): boolean {
    const [first] = this.#spans;
    return this.#spans.length === 0 || (this.#spans.length === 1 && first!.start === 0);
  }

  /** Where the last octet ends. */
  get end(): number {
    return this.#spans.at(-1)?.end ?? 0;
  }

  /** The first span that ends behind `at`. */
  #after(at: number): number {
    let low = 0;
    let high = this.#spans.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#spans[middle]!.end <= at) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** True when one of these octets is there already. */
  touches({ start, end }: Span): boolean {
    const next = this.#spans[this.#after(start)];
    return end > start && next !== undefined && next.start < end;
  }

  /** @returns false, and nothing is added, when one of them was there or the spans become too many. */
  add({ start, end }: Span): boolean {
    if (end <= start) return true;
    const at = this.#after(start);
    const next = this.#spans[at];
    if (next && next.start < end) return false;
    const before = this.#spans[at - 1];
    const joinsBefore = before?.end === start;
    const joinsNext = next?.start === end;
    if (joinsBefore && joinsNext) {
      before!.end = next!.end;
      this.#spans.splice(at, 1);
    } else if (joinsBefore) before!.end = end;
    else if (joinsNext) next!.start = start;
    else if (this.#spans.length >= MOST_SPANS) return false;
    else this.#spans.splice(at, 0, { start, end });
    return true;
  }
}

/** The octets up to `size` that are in none of the spans; the last one ends at `size`, or has no end when that is absent. */
export function missingSpans(
  spans: readonly Span[],
  size?: number,
): { start: number; end?: number | undefined }[] {
  const missing: { start: number; end?: number | undefined }[] = [];
  let at = 0;
  for (const { start, end } of new SpanSet(spans).spans) {
    if (size !== undefined && start >= size) break;
    if (start > at) missing.push({ start: at, end: start });
    at = end;
  }
  if (size === undefined || at < size) missing.push({ start: at, end: size });
  return missing;
}

/** Text of reply 111 (GFD.20 4.1): octets that are stored. */
export const formatRangeMarker = (spans: readonly Span[]): string => `Range Marker ${formatSpans(spans)}`;

/** `0-100,300-400`, as REST takes it in MODE E; of very many spans the first ones. */
export const formatSpans = (spans: readonly Span[]): string =>
  spans
    .slice(0, MOST_NAMED)
    .map(({ start, end }) => `${start}-${end}`)
    .join(',');

/**
 * Spans as REST in MODE E and reply 111 write them, `0-100,300-400`, sorted and joined; a number alone stands for all before it
 * (RFC 3659 5). Undefined for anything else, a span that ends before it begins and numbers beyond 2^53.
 */
export function parseSpans(text: string): Span[] | undefined {
  const spans: Span[] = [];
  for (const one of text.split(',')) {
    const [, from, to] = /^(?:(\d{1,16})-)?(\d{1,16})$/.exec(one.trim()) ?? [];
    const [start, end] = [Number(from ?? 0), Number(to ?? Number.NaN)];
    if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || end < start) return undefined;
    spans.push({ start, end });
    if (spans.length > MOST_SPANS) return undefined;
  }
  return [...new SpanSet(spans).spans];
}

/** Spans of a `111 Range Marker`; undefined for any other reply. */
export function parseRangeMarker(reply: Pick<Reply, 'code' | 'text'>): Span[] | undefined {
  const spans = reply.code === 111 ? /^Range Marker:?\s+(.+)$/i.exec(reply.text)?.[1] : undefined;
  return spans === undefined ? undefined : parseSpans(spans);
}

/** What reply 112 says (GFD.20 4.2). */
export interface PerfMarker {
  /** Milliseconds since 1970 UTC. */
  time: number;
  /** Octets moved so far by this stripe. */
  bytes: number;
  /** Stripe and how many there are [0 of 1]. */
  stripe?: number;
  stripes?: number;
}

/** Lines of reply 112, to be sent as one reply of several lines. */
export const formatPerfMarker = ({ time, bytes, stripe = 0, stripes = 1 }: PerfMarker): string[] => [
  'Perf Marker',
  ` Timestamp: ${(time / 1000).toFixed(1)}`,
  ` Stripe Index: ${stripe}`,
  ` Stripe Bytes Transferred: ${bytes}`,
  ` Total Stripe Count: ${stripes}`,
  'End.',
];

/** Reply 112 as a value; undefined for any other reply and for one without its numbers. */
export function parsePerfMarker(reply: Pick<Reply, 'code' | 'lines'>): Required<PerfMarker> | undefined {
  if (reply.code !== 112) return undefined;
  const number = (name: RegExp): number | undefined => {
    for (const line of reply.lines) {
      const [, label = '', value = ''] = /^\s*([A-Za-z ]+):\s*(\d{1,16}(?:\.\d{1,9})?)\s*$/.exec(line) ?? [];
      if (name.test(label)) return Number(value);
    }
    return undefined;
  };
  const seconds = number(/^timestamp$/i);
  const bytes = number(/^stripe bytes transferred$/i);
  if (seconds === undefined || bytes === undefined || !Number.isSafeInteger(bytes)) return undefined;
  const stripe = number(/^stripe index$/i) ?? 0;
  return {
    time: Math.round(seconds * 1000),
    bytes,
    stripe,
    stripes: number(/^total stripe count$/i) ?? stripe + 1,
  };
}
