/**
 * Try every route between two servers and say which one a copy would take, and what would open more.
 *
 *   node --import tsx examples/check-pair.ts ftps://alice:secret@a.example/incoming ftps://bob:secret@b.example/incoming
 */
import { check, Site } from 'jackstay';

const [a = '', b = ''] = process.argv.slice(2);
const report = await check(Site.parse(a), Site.parse(b), { security: 'encrypted' });

for (const { from, to, attempt, outcome, reason, chosen } of report.routes) {
  console.log(
    `${chosen ? '*' : ' '} ${from} -> ${to}  ${attempt}: ${outcome}${reason === undefined ? '' : ` (${reason})`}`,
  );
}
for (const { text } of report.advice) console.log(`advice: ${text}`);
