import type { OnStranger } from '../../net/plane/types.js';
import { familyOf, formatPort, type HostPort, parseEprt, parsePort } from '../../protocol/addresses.js';
import { NO_CONNECTION } from '../failures.js';
import { judgeDataPeer } from '../judge.js';
import { reply, type ServerReply } from '../reply.js';
import type { Session } from '../session.js';
import { spas } from './blocks.js';
import type { VerbRow } from './row.js';
import { offersFxpTls } from './security.js';

/** One text for every address that is not allowed (threats.md row 1). */
const NOT_THERE = reply(504, 'Data connections to that address are not made.');

/** PORT and EPRT only note the address: nothing is connected before the transfer (threats.md row 3). */
function aim(session: Session, parse: (argument: string) => HostPort, argument: string): ServerReply {
  if (session.params.epsvAll) return reply(503, 'EPSV ALL is in force.');
  let named: HostPort;
  try {
    named = parse(argument);
  } catch {
    return reply(501, 'That is not an address and a port.');
  }
  session.dropEndpoint();
  const peer = session.peerOrder();
  const verdict = judgeDataPeer(peer, named.host, named.port);
  if (!verdict.allow) {
    session.core.emit({
      event: 'peer-refused',
      session: session.facts,
      door: 'port',
      peer: `${named.host} port ${named.port}`,
      why: verdict.why,
    });
    return NOT_THERE;
  }
  const { localAddress } = session.link;
  const endpoint = session.core.data.plane.active({
    ...named,
    peer,
    ...(familyOf(localAddress) === familyOf(named.host) ? { localAddress } : {}),
    ...session.dataSide,
  });
  session.prepare({ endpoint, client: false, foreign: verdict.foreign });
  return reply(200, 'Address noted.');
}

/** A passive endpoint on the local end of the control connection. */
async function listen(session: Session, client: boolean): Promise<HostPort | undefined> {
  session.dropEndpoint();
  const { core, link } = session;
  const { passive, limits } = core.settings;
  const facts = session.facts;
  const onStranger: OnStranger = (peer, why = 'not the expected peer') =>
    core.emit({ event: 'peer-refused', session: facts, door: 'accept', peer, why });
  try {
    const endpoint = await core.data.plane.passive(
      {
        host: link.localAddress,
        ports: passive.ports,
        peer: session.peerOrder(),
        contested: session.dcpa.pinned !== undefined || session.params.mode === 'E',
        lifetime: limits.dataTimeout,
        ...session.dataSide,
      },
      onStranger,
    );
    session.prepare({ endpoint, client, foreign: false });
    return endpoint;
  } catch (error) {
    core.emit({ event: 'error', message: 'no passive port could be opened', error });
    return undefined;
  }
}

async function pasv(session: Session, client: boolean): Promise<ServerReply> {
  if (session.params.epsvAll) return reply(503, 'EPSV ALL is in force.');
  const told = session.core.settings.passive.address ?? session.link.localAddress;
  if (familyOf(told) !== 4) return reply(522, 'This connection is IPv6: use EPSV (2).');
  const at = await listen(session, client);
  if (!at) return NO_CONNECTION;
  return reply(227, `Entering Passive Mode (${formatPort({ host: told, port: at.port })}).`);
}

async function epsv(session: Session, argument: string): Promise<ServerReply> {
  const family = familyOf(session.link.localAddress) === 6 ? 2 : 1;
  if (argument.toUpperCase() === 'ALL') {
    // RFC 2428 4: from now on only EPSV sets up data connections.
    session.params.epsvAll = true;
    return reply(200, 'Only EPSV from now on.');
  }
  if (argument !== '' && !/^\d{1,5}$/.test(argument)) return reply(501, 'EPSV, EPSV 1, EPSV 2 or EPSV ALL.');
  if (argument !== '' && Number(argument) !== family) {
    return reply(522, `Network protocol not supported, use (${family})`);
  }
  const at = await listen(session, false);
  if (!at) return NO_CONNECTION;
  const { passive } = session.core.settings;
  const shown = (family === 1 ? passive.address : undefined) ?? session.link.localAddress;
  const address = session.params.cepr ? `${family}|${shown}` : '|';
  return reply(229, `Entering Extended Passive Mode (|${address}|${at.port}|)`);
}

function cpsv(session: Session): ServerReply | Promise<ServerReply> {
  if (!offersFxpTls(session)) return reply(502, 'Not offered: server-to-server transfers are off.');
  if (!session.params.protected) return reply(503, 'CPSV comes after PROT P.');
  return pasv(session, true);
}

function cepr(session: Session, argument: string): ServerReply {
  const wanted = argument.toUpperCase();
  if (wanted !== 'ON' && wanted !== 'OFF') return reply(501, 'CEPR ON or CEPR OFF.');
  session.params.cepr = wanted === 'ON';
  return reply(200, `CEPR ${wanted}`);
}

export const rows: VerbRow[] = [
  {
    verb: 'PORT',
    source: 'RFC 959 4.1.2',
    syntax: '<h1,h2,h3,h4,p1,p2>',
    argument: 'required',
    summary: 'Address to connect to at the transfer; foreign ones by the FXP policy, none below port 1024.',
    when: 'login',
    run: (session, argument) => aim(session, parsePort, argument),
  },
  {
    verb: 'EPRT',
    source: 'RFC 2428 2',
    syntax: '<|family|address|port|>',
    argument: 'required',
    summary: 'As PORT, for IPv4 and IPv6.',
    when: 'login',
    features: () => ['EPRT'],
    run: (session, argument) => {
      // RFC 2428 2: a family that is not known has its own reply, which names those that are.
      const family = /^([!-~])(\d{1,5})\1/.exec(argument)?.[2];
      if (family !== undefined && family !== '1' && family !== '2') {
        return reply(522, 'Network protocol not supported, use (1,2)');
      }
      return aim(session, parseEprt, argument);
    },
  },
  {
    verb: 'PASV',
    source: 'RFC 959 4.1.2, RFC 1123 4.1.2.6',
    syntax: '',
    argument: 'none',
    summary: 'Listen on a random port for one data connection.',
    when: 'login',
    run: (session) => pasv(session, false),
  },
  {
    verb: 'EPSV',
    source: 'RFC 2428 3',
    syntax: '[1 | 2 | ALL]',
    argument: 'optional',
    summary: 'As PASV; the reply names only the port.',
    when: 'login',
    features: () => ['EPSV'],
    run: epsv,
  },
  {
    verb: 'SPAS',
    source: 'GFD.20 3.1',
    syntax: '',
    argument: 'none',
    summary: 'As PASV; this server has one stripe.',
    when: 'login',
    features: () => ['SPAS'],
    run: (session) =>
      session.params.epsvAll
        ? reply(503, 'EPSV ALL is in force.')
        : spas(session, () => listen(session, false)),
  },
  {
    verb: 'SPOR',
    source: 'GFD.20 3.1',
    syntax: '<h1,h2,h3,h4,p1,p2>',
    argument: 'required',
    summary: 'As PORT; one stripe only.',
    when: 'login',
    features: () => ['SPOR'],
    run: (session, argument) => aim(session, parsePort, argument),
  },
  {
    verb: 'CPSV',
    source: 'de facto (glFTPd)',
    syntax: '',
    argument: 'none',
    summary: 'As PASV, and TLS client for this one data connection.',
    when: 'login',
    features: (session) => (offersFxpTls(session) ? ['CPSV'] : []),
    run: cpsv,
  },
  {
    verb: 'CEPR',
    source: 'de facto (glFTPd)',
    syntax: 'ON | OFF',
    argument: 'required',
    summary: 'Replies to EPSV name the address too.',
    when: 'login',
    features: () => ['CEPR'],
    run: cepr,
  },
];
