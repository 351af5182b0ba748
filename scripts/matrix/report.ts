/** docs/compatibility.md, and the block in the README. */
import { DCPA_RUNS, type Measurement } from './measure.js';
import { symbols, TECHNIQUES, table } from './tables.js';

const LEGEND = [
  '`20/20`: that many runs of that many, each with other 2 MiB of random octets, both final replies positive, verified by',
  'Jackstay, and then the same octets on both disks. **Bold**: the way that a copy takes by itself, the safest one first.',
  '',
  '| mark | meaning |',
  '|---|---|',
  '| T | both servers answered 226, and the file is short. The verification found it each time |',
  '| X | short file, and the destination said so (426) |',
  '| ✗P | a server refuses PORT to a third host |',
  '| ✗A | a server refuses a third host at its passive port |',
  '| ✗R | a server demands a resumed TLS session, which only its own client can have |',
  '| ✗E | a server does not know EPSV |',
  '| - | no technique: neither server can be TLS client |',
];

const DEVIATIONS = [
  '- glFTPd, wzdftpd, drftpd, RaidenFTPd, ioFTPD and IIS cannot be had as packages. In their places stand scripted servers that',
  '  speak the recorded dialogue of each; a field with one of them shows that Jackstay copes with that record, not with the program.',
  '- The scripted glFTPd is TLS server of an upload with TLS 1.2: the program sends no session tickets there, and Node cannot',
  '  leave them out under TLS 1.3. In its place as TLS client it cuts each file on purpose, where the program loses a varying tail.',
  '- ProFTPD as TLS client and source lost data in four of five runs when it was measured by hand; the share here depends on',
  '  the load of the machine. Such a cell is never chosen while another one works, and what it cuts is found and sent again.',
  '- Where a sink notices the reset of a cut connection as a rule (X), it sometimes comes to it as the end of the file (T).',
  '- wzdftpd and GridFTP dial from 127.0.0.1 whatever they listen on. The client has an address of its own here, so that they',
  '  are third hosts to the other server, as they are between three machines.',
  '- pyftpdlib 1.5.7 mixes up connections when several sessions send at once (one file of a hundred hangs), so that Jackstay',
  '  gives it one file at a time; its ABOR leaves the stopped file queued for the next connection, so that its sessions end there.',
  '- GridFTP 13.24 leaves octets above 127 out of names without a word: files with such names are refused, and said.',
];

/** The page. Everything in it comes from the measurement. */
export function page(measurement: Measurement): string {
  const { date, node, repeat, servers } = measurement;
  const rows = servers.map(
    ({ id, title, version, setting, kind }) => `| ${id} | ${title} | ${version} | ${kind} | ${setting} |`,
  );
  return [
    '# Compatibility',
    '',
    `Measured on ${date} with Node ${node} by \`scripts/matrix.ts\`; the figures are in [compatibility.json](compatibility.json).`,
    'Each server stands on a loopback address of its own, so that every connection between two servers comes from a foreign address.',
    '',
    '```sh',
    `npx tsx scripts/matrix.ts --repeat ${repeat}   # measures, writes this page`,
    'npx tsx scripts/matrix.ts --check       # measures once, fails when a cell is not what this page says',
    'npx vitest run test/contract            # each cell once, against what is expected',
    '```',
    '',
    ...totals(measurement),
    '',
    '## Servers',
    '',
    '| name | program | version | | setting |',
    '|---|---|---|---|---|',
    ...rows,
    '',
    'scripted: a server written for these tests from the recorded dialogue or the sources of the program.',
    '',
    '## At a glance',
    '',
    symbols(measurement),
    '',
    SYMBOLS,
    '',
    '## In clear',
    '',
    ...letters('plain'),
    '',
    table(measurement, 'plain'),
    '',
    '## Under TLS',
    '',
    ...letters('tls'),
    '',
    table(measurement, 'tls'),
    '',
    '## What the fields say',
    '',
    ...LEGEND,
    '',
    '## Where there is no way',
    '',
    ...noWay(measurement),
    '',
    '## What differs from measurements by hand',
    '',
    ...DEVIATIONS,
    '',
  ].join('\n');
}

const SYMBOLS =
  '● in clear and under TLS · ◐ in clear only; under TLS not, or only by a way that cuts files · ○ through the client only (`--relay fallback`)';

function letters(mode: 'plain' | 'tls'): string[] {
  return TECHNIQUES[mode].map(({ letter, meaning }) => `- ${letter}: ${meaning}`);
}

function totals({ pairs, repeat }: Measurement): string[] {
  const cells = pairs.flatMap((pair) => pair.cells);
  const whole = cells.filter(({ marks, runs }) => marks.ok === runs && runs > 1);
  const refused = cells.filter(({ marks }) => marks.refused);
  const runs = cells.reduce((total, cell) => total + cell.runs, 0);
  const bad = cells.filter(({ marks }) => marks.hang || marks.error || marks.missed);
  return [
    `${runs} transfers in ${cells.length} cells (one technique between two servers): ${whole.length} cells delivered every file whole,`,
    `${repeat} times of ${repeat} (under DCPA ${DCPA_RUNS} of ${DCPA_RUNS}); ${cells.length - whole.length - refused.length - bad.length} may lose data, which was found each time; ${refused.length} were refused, with the reason; ${bad.length} ended otherwise.`,
  ];
}

/** Each sentence of advice once, with the number of pairs that it was given for. */
function noWay({ pairs, servers }: Measurement): string[] {
  const names = servers.map(({ id }) => id).join('|');
  const given = new Map<string, number>();
  for (const { advice } of pairs) {
    const sentences = (advice ?? '')
      .split(new RegExp(`(?:^|(?<=\\.) )(?=(?:${names}): )`))
      .filter((text) => text !== '');
    for (const sentence of new Set(sentences)) {
      const text = sentence
        .replace(/ Or let the data cross this client.*$/, '')
        .replace(': ', ' | ')
        .replaceAll('<', '&lt;');
      given.set(text, (given.get(text) ?? 0) + 1);
    }
  }
  return [
    'A copy ends with `no route`, and names each server and what to set there:',
    '',
    '| server | advice | pairs |',
    '|---|---|---|',
    ...[...given].sort().map(([text, count]) => `| ${text} | ${count} |`),
  ];
}

const START = '<!-- matrix -->';
const END = '<!-- /matrix -->';

/** Puts the block of symbols between the markers; a text without markers comes back as it is. */
export function withMatrix(readme: string, measurement: Measurement): string {
  const from = readme.indexOf(START);
  const to = readme.indexOf(END);
  if (from < 0 || to < from) return readme;
  const scripted = measurement.servers.filter(({ kind }) => kind === 'scripted').map(({ id }) => id);
  const block = [
    START,
    '',
    symbols(measurement),
    '',
    SYMBOLS,
    '',
    `Scripted from recorded dialogues: ${scripted.join(', ')}; all others are the programs. \`-strict\`: refuses other hosts,`,
    '`-reuse`: demands resumed TLS sessions. Every cell with its counts: [docs/compatibility.md](docs/compatibility.md).',
    '',
  ].join('\n');
  return readme.slice(0, from) + block + readme.slice(to);
}
