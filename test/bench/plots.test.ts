import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bigFile } from '../../bench/big-file.js';
import { PAGE, withSection } from '../../bench/compare/page.js';
import { savedResult, TARGETS, targetTable } from '../../bench/compare/targets.js';
import type { Comparison, Result, Sample } from '../../bench/compare/types.js';
import { fast } from '../../bench/fast.js';
import { many } from '../../bench/many.js';
import { drawFigure, shown } from '../../bench/plots/figure.js';
import { colourOf, figures } from '../../bench/plots/figures.js';
import { PLOTS, PLOTS_PAGE, plotsPage } from '../../bench/plots/write.js';
import { smallFiles } from '../../bench/small-files.js';
import { tree } from '../../bench/tree.js';

const ALL: readonly Comparison[] = [smallFiles, fast, bigFile, many, tree];

/** As if each run had taken `factor` times what is expected. */
function resultOf(comparison: Comparison, factor = 1): Result {
  const cells = comparison.cells({ quick: false, profile: undefined });
  const samples = cells.flatMap((cell) =>
    [0.9, 1, 1.2].map((spread, round): Sample => {
      const { setting, contender, amount, expected } = cell;
      const values = { firstFile: 1, listed: 2, clientMebibytes: 50 };
      const seconds = expected * spread * factor;
      return { setting, contender, amount, round, seconds, identical: true, values };
    }),
  );
  const machine = { cores: 2, cpu: '', node: '' };
  return { date: '2026-01-02', machine, loadBefore: 0, runs: 3, versions: {}, samples };
}

const everything = (name: string): Result | undefined => {
  const found = ALL.find((one) => one.name === name);
  return found && resultOf(found);
};

describe('docs/performance', () => {
  it('has the plot of every result, up to date, and no other', () => {
    const drawn = figures();
    expect(drawn.length).toBeGreaterThan(0);
    expect(readdirSync(PLOTS).sort()).toEqual(drawn.map(({ name }) => `${name}.svg`).sort());
    expect(readFileSync(PLOTS_PAGE, 'utf8')).toBe(plotsPage(drawn));
    for (const figure of drawn)
      expect(
        readFileSync(join(PLOTS, `${figure.name}.svg`), 'utf8') === drawFigure(figure),
        `npm run bench:plots has not been run since ${figure.name} was measured`,
      ).toBe(true);
  });

  it('has a place for each comparison, the tables of what was measured, and the targets', () => {
    const page = readFileSync(PAGE, 'utf8');
    for (const { name, section } of ALL) {
      expect(withSection(page, name, 'x')).toContain(`<!-- ${name} -->\nx\n<!-- /${name} -->`);
      const result = savedResult(name);
      if (result !== undefined) expect(page).toContain(section(result));
    }
    expect(page).toContain(targetTable(savedResult));
  });
});

describe('a plot', () => {
  const drawn = figures(everything, null).map((figure) => ({ figure, svg: drawFigure(figure) }));

  it('is there for every comparison with others', () => {
    expect(drawn.map(({ figure }) => figure.name)).toEqual(['small-files', 'fast', 'big-file', 'tree']);
  });

  it.each(drawn)(
    '$figure.name names every contender, has units, and is the same each time',
    ({ figure, svg }) => {
      const comparison = ALL.find(({ name }) => name === figure.name)!;
      for (const { contender } of comparison.cells({ quick: false, profile: undefined }))
        expect(svg).toContain(`>${contender}</text>`);
      for (const { unit, title } of figure.panels) {
        expect(svg).toContain(`>${unit}</text>`);
        expect(svg).toContain(`>${title}</text>`);
      }
      expect(svg).toContain('prefers-color-scheme:dark');
      expect(svg).not.toMatch(/NaN|Infinity|undefined/);
      expect(drawFigure(figure)).toBe(svg);
    },
  );

  it('ends its lines at the least and the most, and its bar at the median', () => {
    const bar = { label: 'a & b', colour: 'ours', middle: 50, least: 25, most: 100 } as const;
    const svg = drawFigure({
      ...{ name: 'x', title: '<x>', note: '' },
      panels: [{ title: 'p', unit: 'u', groups: [{ label: '', bars: [bar], limit: 100 }] }],
    });
    const [, x = '0', width = '0'] = /class="ours" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"/.exec(svg) ?? [];
    const [, least = '0', most = '0'] = /class="range" d="M([\d.]+) .*H([\d.]+)M/.exec(svg) ?? [];
    const [, limit = '0'] = /class="limit" x1="([\d.]+)"/.exec(svg) ?? [];
    expect(Number(width)).toBeGreaterThan(100);
    expect(Number(least) - Number(x)).toBeCloseTo(Number(width) / 2, 0);
    expect(Number(most) - Number(x)).toBeCloseTo(Number(width) * 2, 0);
    expect(limit).toBe(most);
    expect(svg).toContain('<title id="title">&lt;x&gt;</title>');
    expect(svg).toContain('a &amp; b');
  });

  it('keeps one colour for ours', () => {
    expect(
      ['jackstay', 'jackstay, DCPA', 'jackstay --verify size', 'lftp, vsftpd', 'vsftpd'].map(colourOf),
    ).toEqual([...['ours', 'ours', 'ours-other', 'lftp', 'peer']]);
    expect([0, 0.123456, 5.678, 99.94, 1234.5].map(shown)).toEqual(['0', '0.123', '5.68', '99.9', '1,235']);
  });
});

describe('the targets', () => {
  it('name settings and contenders that are measured', () => {
    for (const { name, settings, reached } of TARGETS)
      for (const setting of settings)
        expect(reached(everything(name)!, setting), `${name}: ${setting}`).toBeDefined();
  });

  it('are bold where they are missed, and open where nothing was measured', () => {
    const slow = targetTable((name) => {
      const result = everything(name)!;
      const samples = result.samples.map((one) =>
        one.contender.startsWith('jackstay') ? { ...one, seconds: one.seconds * 1000 } : one,
      );
      return { ...result, samples };
    });
    expect(slow.match(/\*\*0\.00/g)).toHaveLength(TARGETS.length);
    const open = targetTable(() => undefined);
    expect(open).not.toContain('**');
    expect(open.match(/\| - \| - \|$/gm)).toHaveLength(TARGETS.length);
  });
});
