import { FACTS } from '../data/types.js';
import { Refusal, reply, type ServerReply } from '../reply.js';
import type { Session } from '../session.js';
import { splitListOptions } from './listing.js';
import { factLabel } from './params.js';
import type { VerbRow } from './row.js';
import { listLine, mlstLine } from './shown.js';

/** Entries that STAT shows: the control connection is no place for a huge listing. */
const STAT_ENTRIES = 10_000;

function feat(session: Session): ServerReply {
  const lines = session.core.verbs.rows.flatMap((row) => row.features?.(session) ?? []);
  // RFC 2389 3.2: each feature on a line that begins with one blank; TVFS is no verb (RFC 3659 6).
  return reply(211, ['Features:', ...[...new Set(lines)].map((line) => ` ${line}`), ' TVFS', 'End']);
}

function help(session: Session, argument: string): ServerReply {
  const wanted = argument.toUpperCase().trim();
  const { rows } = session.core.verbs;
  if (wanted !== '') {
    const row = rows.find(({ verb, aliases }) => verb === wanted || aliases?.includes(wanted));
    if (!row) return reply(502, 'No such command.');
    return reply(214, [`${row.verb} ${row.syntax}`.trim(), ` ${row.summary}`, row.source]);
  }
  return reply(214, [
    'Commands:',
    ...columns(rows.map(({ verb, refused }) => (refused ? `${verb}*` : verb))),
    '* is refused.',
  ]);
}

function columns(verbs: readonly string[]): string[] {
  const plain = verbs.filter((verb) => !verb.startsWith('SITE '));
  const lines: string[] = [];
  for (let i = 0; i < plain.length; i += 8) {
    lines.push(
      ` ${plain
        .slice(i, i + 8)
        .map((verb) => verb.padEnd(8))
        .join('')}`.trimEnd(),
    );
  }
  return lines;
}

async function stat(session: Session, argument: string): Promise<ServerReply> {
  if (argument !== '') return statPath(session, argument);
  const { running } = session;
  if (running) {
    const { bytes } = await running.transfer.progress();
    // RFC 959 4.1.3: during a transfer the state of it.
    return reply(213, `Status: ${bytes} bytes transferred`);
  }
  const { params, link, account } = session;
  return reply(211, [
    'Status:',
    ` ${account ? 'Logged in' : 'Not logged in'}; control ${link.tls ? 'under TLS' : 'clear'}; data ${params.protected ? 'private' : 'clear'}`,
    ` TYPE ${params.type}; STRU F; MODE ${params.mode}; no transfer is running`,
    'End of status.',
  ]);
}

async function statPath(session: Session, argument: string): Promise<ServerReply> {
  if (!session.account) throw new Refusal(530, 'Log in with USER and PASS first.');
  const { path } = splitListOptions(argument);
  const place = session.place(path, 'list');
  const storage = session.storage(place);
  const facts = await storage.stat(place.inner);
  if (facts.type !== 'directory') return reply(213, ['Status:', listLine(facts), 'End of status.']);
  const lines = session.tree.mountsIn(place.path).map((mount) => listLine(mount));
  for await (const batch of storage.list(place.inner)) {
    lines.push(...batch.map(listLine).filter((line) => line !== ''));
    if (lines.length > STAT_ENTRIES)
      return reply(450, 'The directory is too long for STAT: use MLSD or LIST.');
  }
  return reply(212, ['Status:', ...lines, 'End of status.']);
}

async function mlst(session: Session, argument: string): Promise<ServerReply> {
  const place = session.place(argument, 'list');
  const facts = await session.storage(place).stat(place.inner);
  return reply(250, ['Listing:', ` ${mlstLine(session, facts, place.path)}`, 'End']);
}

function noop(): ServerReply {
  return reply(200, 'Here.');
}

/** What RFC 959 ends with for ABOR when nothing runs any more: 226; the 426 of the transfer came before. */
function abor(session: Session): ServerReply {
  session.dropEndpoint();
  return reply(226, 'Nothing is being transferred.');
}

export const rows: VerbRow[] = [
  {
    verb: 'FEAT',
    source: 'RFC 2389 3',
    syntax: '',
    argument: 'none',
    summary: 'What this server can do beyond RFC 959.',
    when: 'always',
    run: feat,
  },
  {
    verb: 'HELP',
    source: 'RFC 959 4.1.3',
    syntax: '[<command>]',
    argument: 'optional',
    summary: 'The commands, or one of them.',
    when: 'always',
    run: help,
  },
  {
    verb: 'SYST',
    source: 'RFC 959 4.1.3, RFC 1123 4.1.2',
    syntax: '',
    argument: 'none',
    summary: 'The kind of listing and path that clients may expect.',
    when: 'always',
    run: () => reply(215, 'UNIX Type: L8'),
  },
  {
    verb: 'NOOP',
    source: 'RFC 959 4.1.3',
    syntax: '',
    argument: 'optional',
    summary: 'Nothing; keeps the connection.',
    when: 'always',
    during: true,
    run: noop,
  },
  {
    verb: 'STAT',
    source: 'RFC 959 4.1.3',
    syntax: '[<path>]',
    argument: 'optional',
    summary: 'State of the session, octets of a running transfer, or a listing over the control connection.',
    when: 'always',
    during: true,
    run: stat,
  },
  {
    verb: 'ABOR',
    source: 'RFC 959 4.1.3, RFC 4217 14',
    syntax: '',
    argument: 'none',
    summary: 'End the running transfer or digest: 426, then 226.',
    when: 'always',
    run: abor,
  },
  {
    verb: 'MLST',
    source: 'RFC 3659 7',
    syntax: '[<path>]',
    argument: 'optional',
    summary: 'Facts of one file or directory.',
    when: 'login',
    features: ({ params }) => [
      `MLST ${FACTS.map((name) => `${factLabel(name)}${params.facts.includes(name) ? '*' : ''};`).join('')}`,
    ],
    run: mlst,
  },
  {
    verb: 'SMNT',
    source: 'RFC 959 4.1.1',
    syntax: '<path>',
    argument: 'required',
    summary: 'Mount another file system.',
    when: 'login',
    refused: 'What is mounted is the operator’s choice.',
    run: () => reply(502, 'Not done here.'),
  },
];
