import type { SiteSettings } from '../protocol/site.js';
import { parseUrl } from '../protocol/url.js';

/** A server and how to reach it; see `SiteSettings` for every field and its default. */
export type Site = SiteSettings;

/**
 * Makes sites out of URLs.
 *
 * `Site.parse('ftps://alice:secret@ftp.example/pub')` gives
 * `{ host: 'ftp.example', tls: 'explicit', user: 'alice', password: 'secret', directory: 'pub' }`. `ftp` means a clear
 * control connection, `ftps` and `ftpes` mean AUTH TLS (RFC 4217), port 990 means TLS from the first octet. The path becomes
 * the directory in which sessions begin: below the login directory, or absolute where it begins with a second slash
 * (RFC 1738 3.2.2). Characters that mean something in a URL are written `%XX`.
 */
export const Site = Object.freeze({
  /** @throws FtpError `usage`; its message shows the URL without its password. */
  parse(url: string): Site {
    const { site, path } = parseUrl(url);
    return path === '' ? site : { ...site, directory: path };
  },
});
