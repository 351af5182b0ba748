/**
 * Draws docs/performance/plots from bench/results: the same results give the same octets.
 *
 *   npm run bench:plots
 */
import { PLOTS, writePlots } from './plots/write.js';

process.stdout.write(`${writePlots().join(', ')} in ${PLOTS}\n`);
