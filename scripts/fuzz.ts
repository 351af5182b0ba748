/**
 * Coverage-guided fuzzing with jsfuzz: npm run fuzz -- [--inputs 1000000] [--target session] [--no-keep]
 *
 * Each target of test/fuzz/targets runs in a process of its own with its share of the inputs. What it found that covers
 * something new is kept in test/fuzz/corpus, as few and as short inputs as cover the same.
 */
import { parseArgs } from 'node:util';
import { TARGETS, type Target } from '../test/fuzz/seeds.js';
import { compile, distill, run } from './fuzz/run.js';
import { table } from './fuzz/table.js';

const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '1000000' },
    target: { type: 'string' },
    'no-keep': { type: 'boolean', default: false },
  },
});

const all = Object.keys(TARGETS) as Target[];
const wanted = all.filter((name) => values.target === undefined || name === values.target);
if (wanted.length === 0) throw new Error(`no target ${values.target}; there are ${all.join(', ')}`);
const total = Number(values.inputs);
if (!Number.isInteger(total) || total < 1) throw new Error('--inputs wants a number of inputs');
const parts = wanted.reduce((sum, name) => sum + TARGETS[name], 0);

compile();
const reports = [];
for (const target of wanted) {
  const inputs = Math.ceil((total * TARGETS[target]) / parts);
  console.log(`${target}: ${inputs} inputs`);
  reports.push(await run(target, inputs));
  if (values['no-keep']) continue;
  const { kept, octets } = await distill(target);
  console.log(`${target}: ${kept} inputs kept, ${octets} octets`);
}
console.log(table(reports));
