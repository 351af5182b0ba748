import { FtpError } from '../../protocol/errors.js';
import { Refusal, reply, type ServerReply } from '../reply.js';
import type { Session } from '../session.js';
import type { VerbRow } from './row.js';

/** How a handshake ends without a fault of ours. */
const CLIENT_FAULTS: ReadonlySet<string> = new Set(['tls', 'timeout', 'closed']);

async function* auth(session: Session, mechanism: string): AsyncGenerator<ServerReply, void, void> {
  const name = mechanism.toUpperCase();
  if (!session.core.secure) throw new Refusal(502, 'This server has no TLS.');
  // RFC 4217 4: TLS and TLS-C are one. SSL and TLS-P imply PROT P, which PBSZ and PROT say better.
  if (name !== 'TLS' && name !== 'TLS-C') throw new Refusal(504, 'Only AUTH TLS is known.');
  if (session.link.tls) throw new Refusal(534, 'TLS is in force already.');
  yield reply(234, 'Begin the TLS handshake.');
  try {
    await session.link.startTls();
  } catch (error) {
    // The connection is closed and its end tells why: nobody is left to be answered.
    if (error instanceof FtpError && CLIENT_FAULTS.has(error.kind)) return;
    throw error;
  }
  session.reset();
}

function pbsz(session: Session): ServerReply {
  if (!session.link.tls) return reply(503, 'PBSZ comes after AUTH TLS.');
  session.params.pbsz = true;
  // RFC 4217 9: the only size of a stream protocol is 0, whatever was asked.
  return reply(200, 'PBSZ=0');
}

function prot(session: Session, level: string): ServerReply {
  if (!session.link.tls || !session.params.pbsz) return reply(503, 'PROT comes after AUTH TLS and PBSZ 0.');
  const name = level.toUpperCase();
  if (name === 'P') {
    session.params.protected = true;
    return reply(200, 'Data connections are private.');
  }
  if (name === 'C') {
    if (session.core.settings.tls?.required)
      return reply(534, 'This server protects data connections: PROT P.');
    session.params.protected = false;
    return reply(200, 'Data connections are clear.');
  }
  // RFC 2228 3: 536 for a level the mechanism does not have (S, E), 504 for no level at all.
  return name === 'S' || name === 'E' ? reply(536, 'TLS knows only C and P.') : reply(504, 'Unknown level.');
}

function sscn(session: Session, argument: string): ServerReply {
  const wanted = argument.trim().toUpperCase();
  const { params } = session;
  if (wanted === '') return reply(200, `SSCN:${params.sscn ? 'CLIENT' : 'SERVER'} METHOD`);
  if (wanted !== 'ON' && wanted !== 'OFF') return reply(501, 'SSCN ON or SSCN OFF.');
  if (wanted === 'ON' && !offersFxpTls(session)) {
    return reply(502, 'Not offered: server-to-server transfers are off.');
  }
  if (wanted === 'ON' && !params.protected) return reply(503, 'SSCN ON comes after PROT P.');
  params.sscn = wanted === 'ON';
  session.dcpa.setRole(params.sscn ? 'client' : 'server');
  return reply(200, `SSCN:${params.sscn ? 'CLIENT' : 'SERVER'} METHOD`);
}

const ccc = (session: Session): ServerReply =>
  session.link.tls
    ? reply(534, 'The control connection stays protected.')
    : reply(533, 'The control connection is not protected.');

const GSSAPI = 'Only TLS protects commands here; this belongs to other mechanisms.';

export const rows: VerbRow[] = [
  {
    verb: 'AUTH',
    source: 'RFC 2228 3, RFC 4217 4',
    syntax: 'TLS',
    argument: 'required',
    summary: 'Begin TLS; state goes back to that of the greeting and commands sent behind it are dropped.',
    when: 'always',
    features: ({ core, link }) => (core.secure && !link.tls ? ['AUTH TLS'] : core.secure ? ['AUTH TLS'] : []),
    run: auth,
  },
  {
    verb: 'PBSZ',
    source: 'RFC 2228 3, RFC 4217 9',
    syntax: '0',
    argument: 'required',
    summary: 'Protection buffer size: always 0 with TLS.',
    when: 'always',
    features: ({ core }) => (core.secure ? ['PBSZ'] : []),
    run: (session, size) => (/^\d{1,10}$/.test(size) ? pbsz(session) : reply(501, 'PBSZ wants a number.')),
  },
  {
    verb: 'PROT',
    source: 'RFC 2228 3, RFC 4217 9',
    syntax: 'P | C',
    argument: 'required',
    summary: 'Protection of data connections.',
    when: 'always',
    features: ({ core }) => (core.secure ? ['PROT'] : []),
    run: prot,
  },
  {
    verb: 'SSCN',
    source: 'de facto (RaidenFTPD, SmartFTP; 2003)',
    syntax: '[ON | OFF]',
    argument: 'optional',
    summary: 'TLS client on data connections of RETR, STOR, APPE and STOU, until switched off.',
    when: 'login',
    features: (session) => (offersFxpTls(session) ? ['SSCN'] : []),
    run: sscn,
  },
  {
    verb: 'CCC',
    source: 'RFC 2228 3, RFC 4217 5',
    syntax: '',
    argument: 'none',
    summary: 'Clear the command channel.',
    when: 'always',
    refused: 'The control connection stays protected (threat: commands could be added to it).',
    run: ccc,
  },
  ...['ADAT', 'MIC', 'CONF', 'ENC'].map(
    (verb): VerbRow => ({
      verb,
      source: 'RFC 2228 3',
      syntax: '<base64>',
      argument: 'required',
      summary: 'Security data or a protected command of another mechanism than TLS.',
      when: 'always',
      refused: GSSAPI,
      run: () => (verb === 'ADAT' ? reply(503, GSSAPI) : reply(502, GSSAPI)),
    }),
  ),
];

/** CPSV and SSCN serve server-to-server transfers only. */
export function offersFxpTls(session: Session): boolean {
  return session.core.secure !== undefined && session.policy.mode !== 'off';
}
