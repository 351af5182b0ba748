/** docs/rfc.md, made from the table of verbs and the names of the tests. */
import type { Core } from '../../src/server/core.js';
import { Session, type SessionLink } from '../../src/server/session.js';
import { settingsOf } from '../../src/server/settings.js';
import type { VerbRow } from '../../src/server/verbs/row.js';
import { ROWS } from '../../src/server/verbs/table.js';
import { DEVIATIONS } from './deviations.js';
import { type Tested, testedSections } from './sections.js';

const TITLES: Readonly<Record<string, string>> = {
  'RFC 959': 'File Transfer Protocol',
  'RFC 1123': 'Requirements for Internet Hosts, 4.1: FTP',
  'RFC 2228': 'FTP Security Extensions',
  'RFC 2389': 'Feature negotiation (FEAT, OPTS)',
  'RFC 2428': 'FTP Extensions for IPv6 and NATs (EPRT, EPSV)',
  'RFC 2577': 'FTP Security Considerations',
  'RFC 2640': 'Internationalization of FTP',
  'RFC 3659': 'Extensions to FTP (MDTM, SIZE, REST, MLST, MLSD)',
  'RFC 4217': 'Securing FTP with TLS',
  'RFC 7151': 'HOST Command for Virtual Hosts',
};

/** A session of a server that offers everything, as far as the FEAT lines ask. */
function sessionForFeatures(): Session {
  const settings = settingsOf({ modeZ: true, fxp: { mode: 'listed' } });
  const link: SessionLink = {
    peerAddress: '127.0.0.1',
    peerPort: 0,
    localAddress: '127.0.0.1',
    localPort: 0,
    tls: undefined,
    startTls: () => Promise.resolve(),
  };
  return new Session({ settings, secure: {}, verbs: { rows: ROWS } } as Core, link);
}

const code = (text: string): string => (text === '' ? '' : `\`${text.replaceAll('|', '\\|')}\``);

function verbRow(row: VerbRow, session: Session): string {
  const also = row.aliases?.length ? `, ${row.aliases.map(code).join(', ')}` : '';
  const features = row.features?.(session).map(code).join(' ') ?? '';
  const status = row.refused === undefined ? 'done' : `refused: ${row.refused}`;
  const login = row.when === 'always' ? '' : 'yes';
  return `| ${code(row.verb)}${also} | ${code(row.syntax)} | ${row.summary} | ${row.source} | ${login} | ${status} | ${features} |`;
}

function verbs(): string {
  const session = sessionForFeatures();
  return [
    '| Verb | Argument | What it does | Source | Login | Status | FEAT |',
    '|---|---|---|---|---|---|---|',
    ...ROWS.map((row) => verbRow(row, session)),
  ].join('\n');
}

const testedRow = ({ source, sections, file }: Tested): string =>
  `| ${source} | ${TITLES[source] ?? ''} | ${sections.join(', ')} | [${file}](../${file}) |`;

function tested(root: string): string {
  return [
    '| Text | Title | Sections with tests | Where |',
    '|---|---|---|---|',
    ...testedSections(root, 'test/server').map(testedRow),
  ].join('\n');
}

function deviations(): string {
  return [
    '| Text | What differs | Why |',
    '|---|---|---|',
    ...DEVIATIONS.map(({ source, what, why }) => `| ${source} | ${what} | ${why} |`),
  ].join('\n');
}

/** The whole page. @param root of the repository. */
export function rfcPage(root: string): string {
  return `# The server and the RFCs

Made by \`npm run rfc\` from the server's table of verbs and the names of its tests; a test fails when it is out of date.

## Verbs

Verbs and their arguments as \`HELP\` shows them. "Login": needs \`USER\` and \`PASS\` before. "FEAT": the line of a server that
offers everything; one without TLS, FXP or MODE Z leaves out what belongs to it.

${verbs()}

\`TVFS\` (RFC 3659 6) is listed by \`FEAT\` too: paths of several components, with \`/\` in between, work in every command.

## Where it differs

${deviations()}

## Tests by section

Each test is named by the section that it proves.

${tested(root)}
`;
}
