/** The files of docs/performance/plots. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY } from '../harness.js';
import { drawFigure } from './figure.js';
import { figures } from './figures.js';

export const PLOTS = join(REPOSITORY, 'docs', 'performance', 'plots');

/** Draws all that there are results for and removes what there are none for. @returns the names of the files. */
export function writePlots(): string[] {
  mkdirSync(PLOTS, { recursive: true });
  const drawn = figures();
  for (const figure of drawn) writeFileSync(join(PLOTS, `${figure.name}.svg`), drawFigure(figure));
  const names = drawn.map(({ name }) => `${name}.svg`);
  for (const name of readdirSync(PLOTS)) if (!names.includes(name)) rmSync(join(PLOTS, name));
  return names;
}
