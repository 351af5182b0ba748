import type { Reply } from './replies.js';

/** Verbs that use the data connection; their replies are a preliminary and a final one. */
export const TRANSFER_VERBS: ReadonlySet<string> = new Set([
  'RETR',
  'STOR',
  'APPE',
  'STOU',
  'ESTO',
  'ERET',
  'LIST',
  'NLST',
  'MLSD',
]);

/** Codes that speak of a data connection. */
const DATA_CODES: ReadonlySet<number> = new Set([125, 150, 225, 226, 425, 426]);
const DATA_VERBS: ReadonlySet<string> = new Set([
  ...TRANSFER_VERBS,
  'ABOR',
  'PORT',
  'EPRT',
  'PASV',
  'EPSV',
  'CPSV',
  'ESTA',
  'ESTP',
  'QUIT',
]);

/** Verbs that ask for a passive endpoint, and the codes that give one (RFC 959, RFC 2428, RFC 1639). */
const PASSIVE_VERBS: ReadonlySet<string> = new Set(['PASV', 'EPSV', 'CPSV']);
const PASSIVE_CODES: ReadonlySet<number> = new Set([227, 228, 229]);

/**
 * False for a reply that cannot answer this verb: pyftpdlib sends `425 Rejected data connection` whenever a stranger
 * touches its passive port, whatever command is pending; and a PASV that was lost must not take the next command's reply.
 */
export function plausible(verb: string, reply: Reply): boolean {
  if (PASSIVE_VERBS.has(verb))
    return PASSIVE_CODES.has(reply.code) || (reply.code >= 400 && reply.code !== 425);
  return DATA_VERBS.has(verb) || !DATA_CODES.has(reply.code);
}

/** Codes that speak of the file or of its place (RFC 959 4.2.1: x5z, and 532 for an account). */
const FILE_CODES: ReadonlySet<number> = new Set([450, 451, 452, 532, 550, 551, 552, 553]);

/** True when a refused transfer is the file's fault, not that of the order of commands or of the data connection. */
export const concernsFile = (reply: Pick<Reply, 'code'>): boolean => FILE_CODES.has(reply.code);

/** Codes of STAT (RFC 959 4.2): never the answer to a transfer command. */
export const isStatusReply = (reply: Reply): boolean => reply.code >= 211 && reply.code <= 213;

/** `226 Transfer aborted`: drftpd and ebftpd say 226 after ABOR. */
export const saysAborted = (reply: Reply): boolean => /abort/i.test(reply.lines.join(' '));

/** `500 ... System error in send: Broken pipe`: GridFTP has no code of its own for a data connection that was cut. */
export const saysBroken = (reply: Reply): boolean =>
  /broken pipe|connection reset by peer/i.test(reply.lines.join(' '));

/** 4yz: the same command may succeed later; 5yz: not unchanged (RFC 959 4.2.1). `530` for a full site is later too. */
export function retryOf(reply: Reply): 'later' | 'never' {
  if (reply.code >= 400 && reply.code < 500) return 'later';
  return isSiteFull(reply) ? 'later' : 'never';
}

/** `530`/`421` that says the login limit is reached. */
export function isSiteFull(reply: Reply): boolean {
  if (reply.code !== 530 && reply.code !== 421 && reply.code !== 550) return false;
  return /too many|simultaneous|restricted to \d+|\bfull\b|maximum (?:number|logins|users)|limit|connections? \(\d+\)/i.test(
    reply.lines.join(' '),
  );
}
