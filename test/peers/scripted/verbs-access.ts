/** Verbs of login, protection and parameters: RFC 959, 2228, 2389, 4217. */
import type { Handler, VerbTable } from './dialect.js';

const user: Handler = (session, argument) => {
  if (session.server.options.requireTls && !session.isSecure)
    return '530 SSL/TLS required on the control channel';
  session.user = argument;
  session.isLoggedIn = false;
  return `331 Password required for ${argument}`;
};

const pass: Handler = (session, argument) => {
  const { server, dialect, user: name } = session;
  if (name === undefined) return '503 Login with USER first';
  if (name !== server.user || argument !== server.password) return dialect.badPassword;
  const limit = server.options.maxLogins;
  if (limit !== undefined && server.loginsOf(name) >= limit) return dialect.tooManyLogins;
  session.isLoggedIn = true;
  return dialect.loggedIn;
};

const auth: Handler = (session, argument) => {
  if (session.server.options.tls === 'none') return '502 Command not implemented';
  if (session.isSecure) return '503 Security data exchange already completed';
  if (!session.dialect.mechanisms.test(argument)) return `504 AUTH ${argument} unsupported`;
  session.reply(`234 AUTH ${argument} successful`);
  session.startTls();
  return undefined;
};

const pbsz: Handler = (session) =>
  session.isSecure ? '200 PBSZ 0 successful' : '503 PBSZ not allowed on insecure control connection';

/** RFC 2228 3: C and P; S and E are known but not to be had (536). */
export const prot: Handler = (session, argument) => {
  const level = argument.toUpperCase();
  if (level === 'S' || level === 'E') return `536 PROT ${level} unsupported`;
  if (level !== 'C' && level !== 'P') return '504 PROT level unknown';
  session.isPrivate = level === 'P';
  return `200 Protection set to ${level === 'P' ? 'Private' : 'Clear'}`;
};

const guardedProt: Handler = (session, argument, verb) =>
  session.isSecure ? prot(session, argument, verb) : '503 PROT not allowed on insecure control connection';

/** The SSCN text of 2003: bare it tells the state, ON and OFF set it. */
export const sscn: Handler = (session, argument) => {
  if (!session.isSecure) return '500 SSCN not understood';
  if (argument !== '' && argument !== 'ON' && argument !== 'OFF') return `501 SSCN: unknown argument`;
  if (argument !== '') session.sscn = argument === 'ON';
  return `200 SSCN:${session.sscn ? 'CLIENT' : 'SERVER'} METHOD`;
};

const type: Handler = (session, argument) => {
  const found = /^(A|I)( N)?$|^L ?8$/i.exec(argument);
  if (found === null) return `504 TYPE not implemented for '${argument}' parameter`;
  session.type = found[1]?.toUpperCase() === 'A' ? 'A' : 'I';
  return `200 Type set to ${session.type}`;
};

const quit: Handler = (session) => {
  session.reply(session.dialect.farewell);
  session.socket.end();
  return undefined;
};

export const ACCESS: VerbTable = {
  USER: user,
  PASS: pass,
  AUTH: auth,
  PBSZ: pbsz,
  PROT: guardedProt,
  SSCN: sscn,
  TYPE: type,
  QUIT: quit,
  MODE: (_session, argument) => (/^S$/i.test(argument) ? '200 Mode set to S' : '504 Mode not implemented'),
  STRU: (_session, argument) =>
    /^F$/i.test(argument) ? '200 Structure set to F' : '504 Structure not implemented',
  FEAT: (session) => session.dialect.features,
  SYST: (session) => session.dialect.system,
  NOOP: '200 NOOP command successful',
  CLNT: '200 OK',
  ALLO: '202 No storage allocation necessary',
  HELP: '214 No help here',
  OPTS: (_session, argument) => {
    if (/^UTF8 ON$/i.test(argument)) return '200 UTF8 set to on';
    if (/^MLST/i.test(argument)) return `200 MLST OPTS ${argument.slice(5)}`;
    return '501 OPTS: parameter not understood';
  },
  SITE: (_session, argument) => `500 'SITE ${argument.split(' ', 1)[0] ?? ''}' not understood`,
};
