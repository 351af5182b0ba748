import { retryOf } from '../protocol/codes.js';
import { FtpError } from '../protocol/errors.js';
import { printable } from '../protocol/names.js';
import { type Reply, replyText } from '../protocol/replies.js';

/** What is waited for first; anything else that comes then is another protocol. */
export const GREETING = 'the greeting';
const NO_FTP = 'Check host and port: this may be no FTP server.';

/** The errors of one session: each names the site, the command and the reply, and holds no secret. */
export class Blame {
  readonly #site: string;
  readonly #secrets: readonly string[];

  /** @param secrets texts that are shown as `****`; one or two characters are too common to be replaced. */
  constructor(site: string, secrets: readonly string[]) {
    this.#site = site;
    this.#secrets = secrets.filter((secret) => secret.length > 2);
  }

  masked(text: string): string {
    return this.#secrets.reduce((all, secret) => all.replaceAll(secret, '****'), text);
  }

  #said(reply: Reply): { code: number; text: string } {
    return { code: reply.code, text: printable(this.masked(replyText(reply))) };
  }

  /** A negative reply: what was asked, what was answered. */
  refusal(command: string, reply: Reply, advice?: string): FtpError {
    const said = this.#said(reply);
    const asked = printable(command);
    return new FtpError('refused', `${this.#site}: ${asked} was answered ${said.code} ${said.text}`, {
      site: this.#site,
      command: asked,
      reply: said,
      retry: retryOf(reply),
      ...(advice === undefined ? {} : { advice }),
    });
  }

  /** No reply in time. `noise`: a line that came instead and is no reply. */
  late(what: string, milliseconds: number, noise?: string): FtpError {
    const asked = printable(what);
    const instead = noise === undefined ? '' : `, only "${printable(noise)}" instead`;
    const text = `${this.#site}: no reply to ${asked} within ${milliseconds / 1000} s${instead}`;
    return new FtpError('timeout', text, {
      site: this.#site,
      command: asked,
      retry: 'later',
      phase: asked,
      ...(noise !== undefined && what === GREETING ? { advice: NO_FTP } : {}),
    });
  }

  /** The server said goodbye (421) and closed. */
  farewell(reply: Reply): FtpError {
    const said = this.#said(reply);
    return new FtpError('closed', `${this.#site} ended the session: ${said.code} ${said.text}`, {
      site: this.#site,
      reply: said,
      retry: 'later',
    });
  }

  /** Any error of this session, with the site in front and the command behind it where it does not tell them itself. */
  named(error: FtpError, facts: { command?: string; phase?: string } = {}): FtpError {
    const { command } = facts;
    const prefix = error.message.includes(this.#site) ? '' : `${this.#site}: `;
    const silent =
      command !== undefined && error.facts.command === undefined && !error.message.includes(command);
    const suffix = silent ? ` (after ${printable(command)})` : '';
    if (prefix === '' && suffix === '' && error.facts.site !== undefined) return error;
    return new FtpError(error.kind, `${prefix}${error.message}${suffix}`, {
      ...facts,
      ...error.facts,
      site: this.#site,
    });
  }
}
