import type { Entry } from '../entry.js';
import { FtpError } from '../errors.js';
import { as400Parser } from './as400.js';
import { dosParser } from './dos.js';
import { eplfParser } from './eplf.js';
import type { LineParser, ListingContext, ListingFormat } from './format.js';
import { mlsdParser } from './mlsd.js';
import { mvsParser } from './mvs.js';
import { netwareParser } from './netware.js';
import { namesParser } from './nlst.js';
import { os2Parser } from './os2.js';
import { childName, isBlank, isDigits, tokens } from './scan.js';
import { unixParser } from './unix.js';
import { vmsParser } from './vms.js';

const PARSERS: Readonly<Record<ListingFormat, (context: ListingContext, certain: boolean) => LineParser>> = {
  mlsd: (_context, certain) => mlsdParser({ certain }),
  unix: unixParser,
  dos: dosParser,
  eplf: eplfParser,
  netware: netwareParser,
  vms: vmsParser,
  os2: os2Parser,
  as400: as400Parser,
  mvs: mvsParser,
  names: namesParser,
};
/** Any text is a name, so `names` cannot be told from noise and is never detected. */
const DETECTABLE = (Object.keys(PARSERS) as ListingFormat[]).filter((format) => format !== 'names');
/** Lines of noise after which no format is looked for any more. */
const MOST_UNDECIDED = 1024;

const TOTALS = new Set(
  'total totale totaal insgesamt gesamt summe totalt celkem razem suma всего итого yhteensä 总用量 總計 合計 합계'.split(
    ' ',
  ),
);

/** `total n` of `ls -l` in the language of the server. */
function isTotal(line: string): boolean {
  const space = line.length > 128 ? -1 : line.indexOf(' ');
  if (space < 1 || space > 16) return false;
  const word = line.slice(0, line[space - 1] === ':' ? space - 1 : space);
  if (!TOTALS.has(word.toLowerCase())) return false;
  const rest = tokens(line, space, 3);
  return rest.length <= 2 && isDigits(rest[0]?.text[0] ?? '');
}

interface Candidate {
  format: ListingFormat;
  parser: LineParser;
}

/**
 * Lines -> entries. While the format is in question every candidate reads every line; the first that recognises
 * one has then already seen all the lines before it.
 */
export class ListingLines {
  readonly #context: ListingContext;
  readonly #limit: number;
  #candidates: Candidate[];
  #format: ListingFormat | undefined;
  #undecided = 0;
  #noise = 0;
  #entries = 0;

  /** @param limit most entries before `line` throws. */
  constructor(format: ListingFormat | undefined, context: ListingContext, limit: number) {
    this.#context = context;
    this.#limit = limit;
    this.#format = format;
    this.#candidates = (format ? [format] : DETECTABLE).map((each) => ({
      format: each,
      parser: PARSERS[each](context, format !== undefined),
    }));
  }

  get format(): ListingFormat | undefined {
    return this.#format;
  }

  /** Lines that were neither entries nor decoration; while no format is certain, of the format that fits best. */
  get rejected(): number {
    const counts = this.#candidates.map((candidate) => candidate.parser.rejected);
    return this.#noise + (counts.length > 0 ? Math.min(...counts) : 0);
  }

  /** Takes one line without its line end. @throws FtpError `malformed` past the limit of entries. */
  line(text: string): Entry | undefined {
    if (this.#format !== 'names' && (isBlank(text) || isTotal(text))) return undefined;
    if (this.#candidates.length === 0) {
      this.#noise += 1;
      return undefined;
    }
    const verdict = this.#ask(text);
    if (verdict === undefined || verdict === 'known') return undefined;
    return this.#accept(verdict);
  }

  end(): void {
    for (const candidate of this.#candidates) candidate.parser.end();
  }

  #ask(text: string): Entry | 'known' | undefined {
    for (const candidate of this.#candidates) {
      const verdict = candidate.parser.line(text);
      if (verdict === undefined) continue;
      this.#format = candidate.format;
      this.#candidates = [candidate];
      return verdict;
    }
    this.#undecided += 1;
    if (this.#format === undefined && this.#undecided >= MOST_UNDECIDED) this.#giveUp();
    return undefined;
  }

  #giveUp(): void {
    this.end();
    this.#noise = this.rejected;
    this.#candidates = [];
  }

  #accept(entry: Entry): Entry | undefined {
    entry.name = childName(entry.name, this.#context.dir);
    if (entry.name === '.' || entry.name === '..') return undefined;
    this.#entries += 1;
    if (this.#entries > this.#limit) {
      throw new FtpError('malformed', `the listing has more than ${this.#limit} entries`);
    }
    return entry;
  }
}
