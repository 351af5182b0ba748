import { farewell, reply, type ServerReply } from '../reply.js';
import type { Session } from '../session.js';
import type { VerbRow } from './row.js';

function user(session: Session, name: string): ServerReply {
  const { tls } = session.core.settings;
  if (tls?.required && !session.link.tls) {
    return reply(530, 'This server wants TLS: send AUTH TLS first.');
  }
  session.logout();
  session.dropEndpoint();
  session.userName = name;
  // The same for every name (RFC 2577 5).
  return reply(331, 'Send the password.');
}

async function pass(session: Session, password: string): Promise<ServerReply> {
  const { userName, core } = session;
  if (userName === undefined) return reply(503, 'Send USER first.');
  const verdict = await core.gate.login(session, userName, password);
  const facts = { ...session.facts, user: userName };
  if (verdict.ok) {
    session.login(verdict.account, verdict.release);
    core.emit({ event: 'login', session: session.facts, ok: true });
    return reply(230, 'Logged in.');
  }
  session.userName = undefined;
  core.emit({ event: 'login', session: facts, ok: false, why: verdict.why });
  session.loginFailures += 1;
  if (verdict.full) return farewell(421, 'No login now; try again later.');
  const { loginAttempts } = core.settings.limits;
  if (loginAttempts > 0 && session.loginFailures >= loginAttempts) {
    return farewell(421, 'Too many wrong passwords.');
  }
  return reply(530, 'Login incorrect.');
}

function rein(session: Session): ServerReply {
  // RFC 4217 13 would go back to clear text on the same connection, as CCC does.
  if (session.link.tls) return reply(502, 'Not under TLS: close the connection and open a new one.');
  session.reset();
  return reply(220, session.core.settings.banner);
}

function host(session: Session, name: string): ServerReply {
  // RFC 7151 3.2: before USER; a second HOST is allowed, one after the login is not.
  if (session.account || session.userName !== undefined) return reply(503, 'HOST comes before USER.');
  const bare = /^\[[0-9A-Fa-f:.]+\]$/.test(name) ? name : name.toLowerCase().replace(/\.$/, '');
  if (!/^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*)$/.test(bare)) {
    return reply(501, 'That is not a host name.');
  }
  const { hosts } = session.core.settings;
  const known = hosts.length === 0 || hosts.includes(bare);
  const sni = session.link.tls?.servername?.toLowerCase();
  // RFC 7151 3.3: the name must be that of the TLS handshake.
  if (!known || (sni && sni !== bare)) return reply(504, 'No such host here.');
  session.host = bare;
  return reply(220, session.core.settings.banner);
}

export const rows: VerbRow[] = [
  {
    verb: 'USER',
    source: 'RFC 959 4.1.1',
    syntax: '<name>',
    argument: 'required',
    summary: 'Name of the account; the answer is the same for every name (RFC 2577 5).',
    when: 'always',
    run: user,
  },
  {
    verb: 'PASS',
    source: 'RFC 959 4.1.1',
    syntax: '<password>',
    argument: 'optional',
    summary: 'Password of the account.',
    when: 'always',
    run: pass,
  },
  {
    verb: 'ACCT',
    source: 'RFC 959 4.1.1',
    syntax: '<account>',
    argument: 'required',
    summary: 'No account beside the user is ever asked for.',
    when: 'login',
    run: () => reply(202, 'No account is needed.'),
  },
  {
    verb: 'REIN',
    source: 'RFC 959 4.1.1, RFC 4217 13',
    syntax: '',
    argument: 'none',
    summary: 'Back to the state after the greeting; not under TLS, where it would end the protection.',
    when: 'always',
    run: rein,
  },
  {
    verb: 'QUIT',
    source: 'RFC 959 4.1.1',
    syntax: '',
    argument: 'none',
    summary: 'End; a running transfer is finished first.',
    when: 'always',
    run: () => farewell(221, 'Goodbye.'),
  },
  {
    verb: 'HOST',
    source: 'RFC 7151 3',
    syntax: '<name>',
    argument: 'required',
    summary: 'Name of the server that is meant; before USER.',
    when: 'always',
    features: () => ['HOST'],
    run: host,
  },
  {
    verb: 'CLNT',
    source: 'de facto',
    syntax: '<name of the client>',
    argument: 'required',
    summary: 'The client names itself; noted nowhere.',
    when: 'always',
    features: () => ['CLNT'],
    run: () => reply(200, 'Noted.'),
  },
];
