import { eachLine, type LineParser, type LineVerdict } from './format.js';

const TROUBLES = [
  ': permission denied',
  ': no such file or directory',
  ': not a directory',
  ': cannot open directory',
];

/** Complaints of `ls` and of daemons that some servers write among the data. */
export function isErrorText(line: string): boolean {
  const text = line.toLowerCase();
  if (text.startsWith("can't check for file existence")) return true;
  const fromLs = text.startsWith('ls: ') || text.startsWith('/bin/ls: ');
  return (fromLs && text.indexOf(': ', 4) > 0) || TROUBLES.some((words) => text.endsWith(words));
}

/** One line of NLST: the name itself (RFC 959 4.1.3). Nothing is known of it but that it exists. */
export function parseNamesLine(line: string): LineVerdict {
  if (line === '') return 'skip';
  return isErrorText(line) ? undefined : { name: line, type: 'unknown' };
}

/** Parser for NLST listings. */
export function namesParser(): LineParser {
  return eachLine(parseNamesLine);
}
