/** What the attackers got, as tables of Markdown. */
import type { BounceRow, Timing } from './bounces.js';
import { deviations } from './bounces.js';
import type { Family, Row } from './rows.js';

/** All that one run of the laboratory has found. */
export interface Findings {
  readonly date: string;
  /** Octets of the file under attack. */
  readonly size: number;
  readonly rows: readonly Row[];
  readonly bounces: readonly BounceRow[];
  readonly timing: Timing;
}

const FAMILIES: readonly Family[] = ['plain', 'CPSV', 'SSCN', 'one-sided', 'DCPA'];
const NAMES: Readonly<Record<Family, string>> = {
  plain: 'clear FXP',
  CPSV: 'CPSV',
  SSCN: 'SSCN',
  'one-sided': 'one-sided DCPA',
  DCPA: 'DCPA',
  none: '-',
};

const GISTS: readonly (readonly [RegExp, string])[] = [
  [/not authenticated.*it is removed/s, 'not authenticated; the file that was fed is removed'],
  [/not authenticated.*may have read it/s, 'not authenticated; somebody may have read it'],
  [/not authenticated/, 'not authenticated'],
  [/^done, (\S+), verified by (\S+)/, 'done, $1'],
  [/arrived altered/, 'arrived altered'],
  [/arrived at .* although/, 'shorter than sent'],
  [/close_notify/, 'the file may be cut'],
  [/OFFERS NO DCPA ANY MORE/, 'offers no DCPA any more'],
  [/is not the pinned one/, 'not the pinned key; nothing was sent'],
  [/does not offer TLS/, 'does not offer TLS'],
  [/^no FXP route/, 'no route at this security'],
  [/there is no \//, 'success was reported, and there is no file'],
  [/changed at/, 'changed while it was copied'],
  [/was answered (\d+)|answered \S+ \S+ with (\d+)/, 'the reply $1$2'],
  [/gave no final reply|control connection|closed/, 'the session broke'],
];

function gist(client: string): string {
  for (const [pattern, text] of GISTS) {
    const found = pattern.exec(client);
    if (found) return text.replace(/\$(\d)/g, (_all, n: string) => found[Number(n)] ?? '');
  }
  return client.slice(0, 60);
}

const distinct = (values: readonly string[]): string => [...new Set(values)].join(', ');
const code = (reply: string): string => (/^\d{3} /.test(reply) ? reply.slice(0, 3) : reply);

function range(values: readonly number[]): string {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return least === most ? `${least}` : `${least} to ${most}`;
}

const line = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Attacks of a kind stand together. */
const KINDS = [
  /^on the path, reads/,
  /^on the path, alters/,
  /^on the path/,
  /^off the path/,
  /^another user/,
  /^resumes/,
  /./,
];
const kindOf = (attack: string): number => KINDS.findIndex((kind) => kind.test(attack));

/** One row for each attack in each family; the raw file has each technique. */
function attacks(rows: readonly Row[]): string {
  const order = [...new Set(rows.map(({ attack }) => attack))].sort((a, b) => kindOf(a) - kindOf(b));
  const body = order.flatMap((attack) =>
    FAMILIES.flatMap((family) => {
      const group = rows.filter((row) => row.attack === attack && row.family === family);
      if (group.length === 0) return [];
      return [
        [
          attack,
          NAMES[family],
          group.length,
          range(group.map(({ seen }) => seen)),
          range(group.map(({ altered }) => altered)),
          distinct(group.map(({ source }) => code(source))),
          distinct(group.map(({ destination }) => code(destination))),
          distinct(group.map(({ client }) => gist(client))),
        ],
      ];
    }),
  );
  const head = ['attack', 'between', 'cells', 'octets seen', 'octets altered and accepted'];
  return table([...head, 'source', 'destination', 'the client said'], body);
}

/** One row for each server and login. */
function bounces(rows: readonly BounceRow[]): string {
  const reached = ({ payload, octets }: BounceRow): string =>
    payload ? `${octets}` : octets > 0 ? `0 (a ClientHello of ${octets})` : '0';
  const groups = new Map<string, BounceRow[]>();
  for (const row of rows) {
    const name = `${row.server} | ${row.guise}`;
    groups.set(name, [...(groups.get(name) ?? []), row]);
  }
  return table(
    ['server', 'logged in', 'commands', 'connections', 'octets of the file at the victim', 'replies'],
    [...groups].map(([name, group]) => [
      name,
      group.map(({ load }) => load).join(', '),
      group.map(({ connections }) => connections).join(', '),
      group.map(reached).join(', '),
      distinct(group.map(({ replies }) => replies.replace(/\d+\.\d+ seconds.*$/, '..'))),
    ]),
  );
}

function times({ count, pairs, medians, replies }: Timing): string {
  const shown = pairs.map((pair) => [
    pair.pair,
    count,
    pair.auc.toFixed(3),
    `0.5 ± ${(3 * pair.sigma).toFixed(3)}`,
    deviations(pair).toFixed(1),
  ]);
  const head = [
    'ports',
    'probes each',
    'chance that the first takes longer',
    'even, three deviations',
    'deviations',
  ];
  const medianText = (['open', 'closed', 'silent'] as const)
    .map((door) => `${door} ${medians[door].toFixed(0)} ms`)
    .join(', ');
  return `${table(head, shown)}\n\nMedians: ${medianText}. Replies: ${replies.join('; ')}`;
}

/** The part of docs/security.md between its marks. */
export function markdown(found: Findings): string {
  return [
    `${found.date}; the file has ${found.size} octets.`,
    attacks(found.rows),
    '**Bounce.** Stock servers as FXP needs them; ours in the default mode, with the victim’s address allowed.',
    bounces(found.bounces),
    '**Ports of a bystander, looked at through ours with a pin** (rank test of Mann and Whitney):',
    times(found.timing),
  ].join('\n\n');
}
