import { rows as access } from './access.js';
import { rows as dcpa } from './dcpa.js';
import { rows as digest } from './digest.js';
import { rows as endpoint } from './endpoint.js';
import { rows as files } from './files.js';
import { rows as info } from './info.js';
import { rows as mlsc } from './mlsc.js';
import { rows as params } from './params.js';
import type { VerbRow } from './row.js';
import { rows as security } from './security.js';
import { rows as site, siteRow } from './site.js';
import { rows as transfer } from './transfer.js';

/** Every verb of the server, in the order of HELP and docs/rfc.md. A new verb is a row in one of these files. */
export const ROWS: readonly VerbRow[] = [
  ...access,
  ...security,
  ...dcpa,
  ...params,
  ...endpoint,
  ...transfer,
  ...files,
  ...digest,
  ...info,
  ...mlsc,
  siteRow,
  ...site,
];

const byVerb = new Map<string, VerbRow>();
for (const row of ROWS) for (const name of [row.verb, ...(row.aliases ?? [])]) byVerb.set(name, row);

/** The row of a verb, upper case. */
export const rowOf = (verb: string): VerbRow | undefined => byVerb.get(verb);
