import { printable } from '../../protocol/names.js';
import { parseTime } from '../../protocol/times.js';
import { type Answer, Refusal, reply, type Say, type ServerReply } from '../reply.js';
import type { Session } from '../session.js';
import type { VerbRow } from './row.js';

async function chmod(session: Session, argument: string): Promise<ServerReply> {
  const [, mode = '', path = ''] = /^0?([0-7]{3}) (.+)$/s.exec(argument) ?? [];
  if (path === '') return reply(501, 'SITE CHMOD wants three octal digits and a path.');
  const place = session.place(path, 'write');
  const storage = session.storage(place);
  if (!storage.chmod) return reply(504, 'This storage keeps no modes.');
  await storage.chmod(place.inner, Number.parseInt(mode, 8));
  session.changed('SITE CHMOD', place.path);
  return reply(200, 'Mode changed.');
}

/** Both forms in use: `time path`, and `path atime mtime ctime UTC` of Serv-U and ProFTPD. */
function utimeArguments(argument: string): { at: number; path: string } {
  const five = /^(.+) (\d{12,14}) (\d{12,14}) (\d{12,14}) UTC$/is.exec(argument);
  const two = /^(\d{12,14}) (.+)$/s.exec(argument);
  const [path, text] = five ? [five[1]!, five[3]!] : two ? [two[2]!, two[1]!] : ['', ''];
  const at = parseTime(text.length === 12 ? `${text}00` : text);
  if (at === undefined) throw new Refusal(501, 'SITE UTIME wants YYYYMMDDhhmmss and a path.');
  return { at, path };
}

async function utime(session: Session, argument: string): Promise<ServerReply> {
  const { at, path } = utimeArguments(argument);
  const place = session.place(path, 'write');
  const storage = session.storage(place);
  if (!storage.setTimes) return reply(504, 'This storage keeps no times.');
  await storage.setTimes(place.inner, { modify: at });
  session.changed('SITE UTIME', place.path);
  return reply(200, 'Time changed.');
}

/** Own sessions only: who else is there is nobody's business. */
function who(session: Session): ServerReply {
  const own = [...session.core.sessions].filter(({ account }) => account?.name === session.account?.name);
  const lines = own.map(({ id, since, running, link }) => {
    const what = running ? `${running.verb} ${printable(running.path)}` : 'idle';
    const minutes = Math.floor((Date.now() - since) / 60_000);
    return ` ${id === session.id ? '*' : ' '} ${link.peerAddress} ${minutes} min ${what}`;
  });
  return reply(200, ['Your sessions:', ...lines, `${own.length} in all.`]);
}

async function pswd(session: Session, argument: string): Promise<ServerReply> {
  const { users, settings } = session.core;
  const { account } = session;
  if (!users.changePassword || !account || account.anonymous)
    return reply(502, 'Passwords are not changed here.');
  if (settings.tls && !session.link.tls) return reply(534, 'Not in clear text: send AUTH TLS first.');
  const [old = '', fresh = '', more] = argument.split(' ');
  if (old === '' || fresh === '' || more !== undefined)
    return reply(501, 'SITE PSWD wants the old and the new password.');
  const changed = await users.changePassword(account.name, old, fresh);
  return changed ? reply(200, 'Password changed.') : reply(530, 'The old password is wrong.');
}

function xdupe(session: Session, argument: string): ServerReply {
  if (argument === '') return reply(200, `Activated extended dupe mode ${session.params.xdupe}.`);
  // Modes 1, 2 and 4 cut names or put several on a line; 3 is one whole name a line.
  if (argument !== '0' && argument !== '3') return reply(501, 'SITE XDUPE 0 or SITE XDUPE 3.');
  session.params.xdupe = Number(argument);
  return reply(200, `Activated extended dupe mode ${argument}.`);
}

const row = (
  name: string,
  syntax: string,
  summary: string,
  run: VerbRow['run'],
  more: Partial<VerbRow> = {},
): VerbRow => ({
  verb: `SITE ${name}`,
  source: 'RFC 959 4.1.3, de facto',
  syntax,
  argument: syntax === '' ? 'none' : syntax.startsWith('[') ? 'optional' : 'required',
  summary,
  when: 'login',
  run,
  ...more,
});

export const rows: VerbRow[] = [
  row('CHMOD', '<mode> <path>', 'Permission bits, three octal digits.', chmod),
  row('UTIME', '<time> <path>', 'Modification time, UTC.', utime),
  row('WHO', '', 'Your sessions on this server.', who),
  row('PSWD', '<old> <new>', 'Change the own password; under TLS only.', pswd),
  row('XDUPE', '[0 | 3]', 'Names of files that are there already with the 553.', xdupe),
  row('HELP', '', 'These commands.', () =>
    reply(214, ['SITE commands:', ...rows.map(({ verb, syntax }) => ` ${verb} ${syntax}`.trimEnd()), 'End']),
  ),
];

const bySubcommand = new Map(rows.map((one) => [one.verb.slice('SITE '.length), one]));

function site(session: Session, argument: string, say: Say): Answer {
  const at = argument.indexOf(' ');
  const found = bySubcommand.get((at < 0 ? argument : argument.slice(0, at)).toUpperCase());
  const rest = at < 0 ? '' : argument.slice(at + 1);
  if (!found) return reply(504, 'Unknown SITE command; SITE HELP lists them.');
  if (found.argument === 'none' && rest !== '') return reply(501, 'This command takes no argument.');
  if (found.argument === 'required' && rest === '') return reply(501, 'This command needs an argument.');
  return found.run(session, rest, say);
}

export const siteRow: VerbRow = {
  verb: 'SITE',
  source: 'RFC 959 4.1.3',
  syntax: '<command>',
  argument: 'required',
  summary: 'Commands of this server: SITE HELP.',
  when: 'login',
  features: () => [`SITE ${rows.map(({ verb }) => verb.slice('SITE '.length)).join(';')}`],
  run: site,
};
