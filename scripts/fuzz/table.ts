/** The runs as a table of docs/testing.md. */
import type { FuzzReport, Share } from '../../test/fuzz/report.js';

/** What each target is after: files whose coverage says something. */
const ABOUT: Readonly<Record<string, RegExp>> = {
  lines: /protocol\/(command-lines|reply-lines|text)\.js$/,
  session:
    /server\/(connection|loop|session|tree|reply|failures|gate)\.js$|server\/verbs\/|protocol\/command-lines/,
  verbs: /server\/(tree|judge|shares|quota)\.js$|server\/verbs\/|storage\/memory/,
  values: /protocol\/(addresses|ranges|times|text)\.js$|server\/judge\.js$|toml\/units\.js$/,
  settings: /server\/toml\/|cli\/serve\/(config|schema|cross-check)|users\/(schema|merge)\.js$/,
};

const percent = ([covered, all]: Share): string => `${((100 * covered) / Math.max(1, all)).toFixed(1)} %`;

function sum(files: FuzzReport['files'], what: 'statements' | 'branches'): Share {
  return files.reduce<Share>(([a, b], file) => [a + file[what][0], b + file[what][1]], [0, 0]);
}

const mebibytes = (octets: number): string => (octets / 2 ** 20).toFixed(0);

export function table(reports: readonly FuzzReport[]): string {
  const rows = reports.map(({ target, inputs, slowest, early, memory, files }) => {
    const about = files.filter(({ path }) => ABOUT[target]?.test(path));
    const cover = `${percent(sum(about, 'statements'))} | ${percent(sum(about, 'branches'))}`;
    const kept = `${mebibytes(early)}, ${mebibytes(memory)}`;
    return `| \`${target}\` | ${inputs} | ${cover} | ${slowest.toFixed(0)} | ${kept} |`;
  });
  const total = reports.reduce((all, { inputs }) => all + inputs, 0);
  return [
    '| target | inputs | statements | branches | slowest input, ms | memory after a tenth and at the end, MiB |',
    '|---|---|---|---|---|---|',
    ...rows,
    `| all | ${total} | | | | |`,
  ].join('\n');
}
