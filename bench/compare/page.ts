/** Sections of docs/performance.md, each between two markers. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY } from '../harness.js';

export const PAGE = join(REPOSITORY, 'docs', 'performance.md');

/** The text with the section between its markers. Throws where the text has no such markers. */
export function withSection(text: string, name: string, section: string): string {
  const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [from, to] = [text.indexOf(open), text.indexOf(close)];
  if (from < 0 || to < from) throw new Error(`the page has no section between ${open} and ${close}`);
  return `${text.slice(0, from + open.length)}\n${section.trim()}\n${text.slice(to)}`;
}

/** Puts the section into docs/performance.md. */
export function intoPage(name: string, section: string): void {
  writeFileSync(PAGE, withSection(readFileSync(PAGE, 'utf8'), name, section));
}
