/** Writes docs/rfc.md. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { rfcPage } from './rfc/page.js';

const root = fileURLToPath(new URL('..', import.meta.url));
writeFileSync(fileURLToPath(new URL('../docs/rfc.md', import.meta.url)), rfcPage(root));
