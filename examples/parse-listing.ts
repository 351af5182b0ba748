/**
 * Read directory listings of different servers: the format is detected.
 *
 *   node --import tsx examples/parse-listing.ts
 */
import { type Entry, parseListing } from 'jackstay/protocol';

const LISTINGS = {
  unix: '-rw-r--r--   1 alice  staff     1024 Nov  5 12:34 notes.txt\r\nlrwxrwxrwx   1 alice  staff        9 Jan  2  2020 latest -> notes.txt\r\n',
  dos: '11-05-26  12:34PM       <DIR>          Reports\r\n11-05-26  12:35PM                 2048 budget.xls\r\n',
  mlsd: 'type=file;size=7;modify=20261105123400; a;b.txt\r\ntype=dir;modify=20200102000000; sub\r\n',
  vms: 'README.TXT;2         3/6       5-NOV-2026 12:34:56  [STAFF,ALICE]  (RWED,RWED,R,)\r\n',
};

const show = ({ type, size, modified, name, target }: Entry): string =>
  [type, size ?? '-', modified === undefined ? '-' : new Date(modified).toISOString(), name, target ?? '']
    .join('  ')
    .trimEnd();

for (const [format, text] of Object.entries(LISTINGS)) {
  console.log(`${format}:`);
  // Dates without a year are read against `now`, milliseconds since 1970 UTC.
  for (const entry of parseListing(text, { now: Date.UTC(2026, 10, 22) })) console.log(`  ${show(entry)}`);
}
