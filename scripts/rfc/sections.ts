/** Sections of RFCs that the tests of the server are named by. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One text and the sections of it that one test file names. */
export interface Tested {
  /** `RFC 959`, `draft-bryan-ftp-range`. */
  source: string;
  /** In the order of the text. */
  sections: string[];
  /** Path in the repository. */
  file: string;
}

/** The start of a test: `test('RFC 959 4.1.1: `, also with `.each(...)` in between. */
const NAMED = /\btest(?:\.each\((?:[^()]|\([^()]*\))*\))?\(\s*['"`]((?:RFC \d+|draft-[a-z-]+)) ([^:]+): /g;

const inOrder = (a: string, b: string): number => a.localeCompare(b, 'en', { numeric: true });

/** Reads every test file below a folder. @param root of the repository. */
export function testedSections(root: string, folder: string): Tested[] {
  const found: Tested[] = [];
  for (const name of readdirSync(join(root, folder)).sort()) {
    if (!name.endsWith('.test.ts')) continue;
    const file = `${folder}/${name}`;
    const sections = new Map<string, Set<string>>();
    for (const [, source = '', list = ''] of readFileSync(join(root, file), 'utf8').matchAll(NAMED)) {
      const own = sections.get(source) ?? new Set();
      sections.set(source, own);
      for (const section of list.split(/ and |, /)) own.add(section);
    }
    for (const [source, own] of sections) found.push({ source, sections: [...own].sort(inOrder), file });
  }
  return found.sort((a, b) => inOrder(a.source, b.source) || inOrder(a.file, b.file));
}
