/** Figures of bars as SVG text: the same input gives the same octets. Readable in light and dark. */
import { scaleLinear } from 'd3-scale';

/** A bar with its range. Colours follow the contender, wherever it appears. */
export interface Bar {
  readonly label: string;
  readonly colour: Colour;
  readonly middle: number;
  readonly least: number;
  readonly most: number;
}

export interface Group {
  /** Stands above its bars; empty for none. */
  readonly label: string;
  readonly bars: readonly Bar[];
  /** What no bar can exceed: a dashed line. */
  readonly limit?: number;
}

export interface Panel {
  readonly title: string;
  /** Of the axis. */
  readonly unit: string;
  readonly groups: readonly Group[];
}

export interface Figure {
  /** Of the file. */
  readonly name: string;
  readonly title: string;
  /** One line under the title. */
  readonly note: string;
  readonly panels: readonly Panel[];
}

/** `ours` is the same everywhere; `ours-other` is a variant of it. */
export type Colour = 'ours' | 'ours-other' | 'lftp' | 'globus' | 'peer' | 'yardstick';

const PALETTE: Readonly<Record<Colour, readonly [light: string, dark: string]>> = {
  ours: ['#0a7ea4', '#35b5dd'],
  'ours-other': ['#7fbdd3', '#1f6f8b'],
  lftp: ['#d9892b', '#e0a04f'],
  globus: ['#8a6fb5', '#a78fd0'],
  peer: ['#9aa3ab', '#78828b'],
  yardstick: ['#5f9c6e', '#72b583'],
};

const STYLE = [
  'text{font-family:system-ui,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;font-size:12px;fill:#3d464d}',
  '.page{fill:#fff;stroke:#e3e7ea}.title{font-size:17px;font-weight:600;fill:#1b2227}.note{fill:#69747c}',
  '.panel{font-size:13px;font-weight:600;fill:#1b2227}.group{font-weight:600;fill:#3d464d}',
  '.value{font-variant-numeric:tabular-nums;stroke:#fff;stroke-width:4px;paint-order:stroke}.tick,.unit{font-size:11px;fill:#69747c}',
  '.grid{stroke:#e9edf0}.base{stroke:#9aa3ab}.range{stroke:#1b2227;stroke-width:1.3;fill:none}',
  '.limit{stroke:#c0392b;stroke-width:1.3;stroke-dasharray:4 3}.limit-name{font-size:11px;fill:#c0392b}',
  ...Object.entries(PALETTE).map(([name, [light]]) => `.${name}{fill:${light}}`),
  '@media (prefers-color-scheme:dark){',
  'text{fill:#c3cbd1}.page{fill:#14191d;stroke:#2a3238}.title,.panel{fill:#eef2f4}.note,.tick,.unit{fill:#8b969e}',
  '.group{fill:#c3cbd1}.grid{stroke:#232a30}.base{stroke:#56616a}.range{stroke:#eef2f4}',
  '.limit{stroke:#ff7b6b}.limit-name{fill:#ff7b6b}.value{stroke:#14191d}',
  ...Object.entries(PALETTE).map(([name, [, dark]]) => `.${name}{fill:${dark}}`),
  '}',
].join('');

const PAGE_WIDTH = 920;
const MARGIN = 24;
const GUTTER = 36;
const HEAD = 74;
const NAMES = 176;
const VALUES = 52;
const BAR = 13;
const STEP = 18;
const GROUP_HEAD = 20;
const GROUP_GAP = 10;
const PANEL_HEAD = 28;
const AXIS = 42;
const TICKS = 3;

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** Tenths of a pixel are enough, and the same on every machine. */
const at = (value: number): string => String(Math.round(value * 10) / 10);

type Anchor = 'start' | 'middle' | 'end';

function words(x: number, y: number, of: string, text: string, anchor: Anchor = 'start'): string {
  const end = anchor === 'start' ? '' : ` text-anchor="${anchor}"`;
  return `<text x="${at(x)}" y="${at(y)}" class="${of}"${end}>${escaped(text)}</text>`;
}

const line = (of: string, x1: number, y1: number, x2: number, y2: number): string =>
  `<line class="${of}" x1="${at(x1)}" y1="${at(y1)}" x2="${at(x2)}" y2="${at(y2)}"/>`;

/** Whole numbers from a hundred on, with commas; three significant digits below. */
export function shown(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString('en');
  return String(Number(value.toPrecision(3)));
}

const groupHeight = ({ label, bars }: Group): number =>
  (label === '' ? 0 : GROUP_HEAD) + bars.length * STEP + GROUP_GAP;

const panelHeight = ({ groups }: Panel): number =>
  PANEL_HEAD + groups.reduce((sum, group) => sum + groupHeight(group), 0) + AXIS;

function drawBar(bar: Bar, y: number, scale: (value: number) => number): string[] {
  const [zero, end, least, most] = [scale(0), scale(bar.middle), scale(bar.least), scale(bar.most)];
  const middle = y + BAR / 2;
  const range =
    bar.most > bar.least
      ? [
          `<path class="range" d="M${at(least)} ${at(middle - 3)}v6M${at(least)} ${at(middle)}H${at(most)}M${at(most)} ${at(middle - 3)}v6"/>`,
        ]
      : [];
  return [
    words(zero - 8, y + BAR - 2.5, 'name', bar.label, 'end'),
    `<rect class="${bar.colour}" x="${at(zero)}" y="${at(y)}" width="${at(Math.max(1, end - zero))}" height="${BAR}" rx="1.5"/>`,
    ...range,
    words(Math.max(end, most) + 6, y + BAR - 2.5, 'value', shown(bar.middle)),
  ];
}

function drawPanel(panel: Panel, x: number, y: number, width: number): string[] {
  const { groups } = panel;
  const most = Math.max(...groups.flatMap(({ bars, limit }) => [...bars.map((bar) => bar.most), limit ?? 0]));
  const [left, right] = [x + NAMES, x + width - VALUES];
  const linear = scaleLinear([0, most > 0 ? most : 1], [left, right]).nice(TICKS);
  const scale = (value: number): number => linear(value);
  const top = y + PANEL_HEAD;
  const bottom = y + panelHeight(panel) - AXIS;
  const parts = [words(x, y + 14, 'panel', panel.title)];
  for (const tick of linear.ticks(TICKS)) {
    parts.push(line(tick === 0 ? 'base' : 'grid', scale(tick), top, scale(tick), bottom));
    parts.push(words(scale(tick), bottom + 14, 'tick', shown(tick), 'middle'));
  }
  parts.push(words((left + right) / 2, bottom + 30, 'unit', panel.unit, 'middle'));
  let below = top + 2;
  for (const group of groups) {
    const { label, bars, limit } = group;
    const first = below + (label === '' ? 0 : GROUP_HEAD);
    if (label !== '') parts.push(words(x, below + 13, 'group', label));
    if (limit !== undefined) {
      parts.push(line('limit', scale(limit), first - 3, scale(limit), first + bars.length * STEP - 2));
      parts.push(words(x + width, below + 13, 'limit-name', `limit ${shown(limit)}`, 'end'));
    }
    for (const [n, bar] of bars.entries()) parts.push(...drawBar(bar, first + n * STEP, scale));
    below += groupHeight(group);
  }
  return parts;
}

/** What the figure says, in words, for those who do not see it. */
function described({ panels }: Figure): string {
  const told = panels.flatMap(({ title, unit, groups }) =>
    groups.map(({ label, bars }) => {
      const values = bars.map((bar) => `${bar.label} ${shown(bar.middle)}`).join(', ');
      return `${[title, label].filter((text) => text !== '').join(', ')} (${unit}): ${values}.`;
    }),
  );
  return told.join(' ');
}

/** The whole figure: panels in two columns, or one below the other where there is one only. */
export function drawFigure(figure: Figure): string {
  const { panels, title, note } = figure;
  const columns = panels.length > 1 ? 2 : 1;
  const width = (PAGE_WIDTH - 2 * MARGIN - (columns - 1) * GUTTER) / columns;
  const parts: string[] = [];
  let y = HEAD;
  for (let n = 0; n < panels.length; n += columns) {
    const row = panels.slice(n, n + columns);
    for (const [column, panel] of row.entries())
      parts.push(...drawPanel(panel, MARGIN + column * (width + GUTTER), y, width));
    y += Math.max(...row.map(panelHeight)) + 8;
  }
  const height = Math.ceil(y + 4);
  const size = `width="${PAGE_WIDTH}" height="${height}" viewBox="0 0 ${PAGE_WIDTH} ${height}"`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img" aria-labelledby="title what">`,
    `<title id="title">${escaped(title)}</title>`,
    `<desc id="what">${escaped(described(figure))}</desc>`,
    `<style>${STYLE}</style>`,
    `<rect class="page" x="0.5" y="0.5" width="${PAGE_WIDTH - 1}" height="${height - 1}" rx="6"/>`,
    words(MARGIN, 34, 'title', title),
    words(MARGIN, 54, 'note', note),
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}
