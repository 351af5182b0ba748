/** The files of docs/performance/plots. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY } from '../harness.js';
import { drawFigure, type Figure } from './figure.js';
import { figures } from './figures.js';

export const PLOTS = join(REPOSITORY, 'docs', 'performance', 'plots');

export const PLOTS_PAGE = join(REPOSITORY, 'docs', 'performance', 'README.md');

/** The page that shows all of them. */
export function plotsPage(drawn: readonly Figure[]): string {
  const shown = drawn.map(({ name, title }) => `![${title}](plots/${name}.svg)`);
  const origin =
    'Drawn by `npm run bench:plots` from [bench/results](../../bench/results); the tables, and what was measured how, are in [performance.md](../performance.md).';
  return `${['# Performance: plots', origin, ...shown].join('\n\n')}\n`;
}

/** Draws all that there are results for and removes what there are none for. @returns the names of the files. */
export function writePlots(): string[] {
  mkdirSync(PLOTS, { recursive: true });
  const drawn = figures();
  for (const figure of drawn) writeFileSync(join(PLOTS, `${figure.name}.svg`), drawFigure(figure));
  const names = drawn.map(({ name }) => `${name}.svg`);
  writeFileSync(PLOTS_PAGE, plotsPage(drawn));
  for (const name of readdirSync(PLOTS)) if (!names.includes(name)) rmSync(join(PLOTS, name));
  return names;
}
