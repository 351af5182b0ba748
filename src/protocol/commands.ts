import { FtpError } from './errors.js';
import { type Charset, encodeText } from './text.js';

/** Longest command line sent, octets: servers close or split beyond 4 KiB. */
export const COMMAND_LIMIT = 4096;

const secretVerbs: ReadonlySet<string> = new Set(['PASS', 'ACCT', 'ADAT']);

function hasControl(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x20 || unit === 0x7f) return true;
  }
  return false;
}

/**
 * Refuse an argument that could become a second command or confuse a server: NUL, CR, LF, every C0 control, DEL.
 *
 * @param verb the command it is meant for; a password or account is refused without being shown.
 * @throws FtpError `usage`.
 */
export function checkArgument(argument: string, verb?: string): void {
  if (!hasControl(argument)) return;
  const head = verb?.toUpperCase();
  const secret = head !== undefined && secretVerbs.has(head);
  const what = `the argument${head === undefined ? '' : ` of ${head}`}`;
  const shown = secret ? '' : ` ${JSON.stringify(argument)}`;
  throw new FtpError('usage', `${what}${shown} holds a control character; nothing was sent`, {
    retry: 'never',
    advice: secret
      ? 'FTP cannot carry such a password: check where it was read from (a line end at its end?).'
      : 'Rename it: FTP cannot carry such a name safely.',
  });
}

/**
 * The one place where a command becomes octets (RFC 959 5.3): `VERB [SP argument] CRLF`.
 *
 * @param verb letters only, sent in upper case (ProFTPD answers 500 to `sscn`).
 * @param argument sent as it is after exactly one space; leading and trailing blanks belong to it (RFC 3659 2.2).
 * @throws FtpError `usage` when the argument holds NUL, CR, LF or another control character, or the line is too long.
 */
export function encodeCommand(verb: string, argument?: string, charset: Charset = 'utf8'): Buffer {
  if (!/^[A-Za-z][A-Za-z0-9]{2,7}$/.test(verb))
    throw new FtpError('usage', `${JSON.stringify(verb)} is not an FTP verb`);
  const head = verb.toUpperCase();
  if (argument === undefined) return Buffer.from(`${head}\r\n`);
  checkArgument(argument, head);
  const line = Buffer.concat([Buffer.from(`${head} `), encodeText(argument, charset), Buffer.from('\r\n')]);
  if (line.length > COMMAND_LIMIT) {
    throw new FtpError(
      'usage',
      `the ${head} command is ${line.length} octets long; servers take ${COMMAND_LIMIT}`,
      {
        advice: 'Shorten the path, or change into the directory first.',
      },
    );
  }
  return line;
}

/** A command as it may be shown: the argument of PASS and ACCT is replaced. */
export function maskCommand(verb: string, argument?: string): string {
  const head = verb.toUpperCase();
  if (argument === undefined) return head;
  return secretVerbs.has(head) ? `${head} ****` : `${head} ${argument}`;
}
