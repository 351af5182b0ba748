import type { Entry } from '../entry.js';
import { eachLine, type LineParser, type LineVerdict } from './format.js';
import { octalMode, unsigned } from './scan.js';

function setFact(entry: Entry, fact: string): void {
  const value = fact.slice(1);
  if (fact === '/') entry.type = 'dir';
  else if (fact === 'r' && entry.type === 'unknown') entry.type = 'file';
  else if (fact.startsWith('up')) {
    const mode = octalMode(fact.slice(2));
    if (mode !== undefined) entry.mode = mode;
  } else if (fact.startsWith('i') && value !== '') entry.unique = value;
  else if (fact.startsWith('s')) {
    const size = unsigned(value);
    if (size !== undefined) entry.size = size;
  } else if (fact.startsWith('m')) {
    const seconds = unsigned(value);
    // 8.64e12 seconds is the last moment a Date can tell.
    if (seconds === undefined || seconds > 8.64e12) return;
    entry.modified = seconds * 1000;
    entry.modifiedPrecision = 'second';
  }
}

/** One line of EPLF (Easily Parsed LIST Format): `+facts,TAB name`; unknown facts are ignored. */
export function parseEplfLine(line: string): LineVerdict {
  const tab = line.indexOf('\t');
  if (!line.startsWith('+') || tab < 0 || tab + 1 === line.length) return undefined;
  const entry: Entry = { name: line.slice(tab + 1), type: 'unknown' };
  for (const fact of line.slice(1, tab).split(',')) setFact(entry, fact);
  if (entry.type === 'dir') delete entry.size;
  return entry;
}

/** Parser for EPLF listings (anonftpd, publicfile and relatives). */
export function eplfParser(): LineParser {
  return eachLine(parseEplfLine);
}
