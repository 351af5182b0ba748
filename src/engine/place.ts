import { Site } from '../client/site.js';
import { parseUrl } from '../protocol/url.js';
import type { Place } from './options.js';

/**
 * A place on a server: `place('ftps://alice:secret@a.example/pub')`, or `place(site, 'pub')`.
 *
 * The path is below the directory after login unless it starts with `/` (in a URL: with a second slash, RFC 1738 3.2.2).
 * A final slash means "into this directory".
 *
 * @throws FtpError `usage` where a URL cannot be read.
 */
export function place(site: Site | string, path?: string): Place {
  if (typeof site !== 'string') return { kind: 'site', site, path: path ?? '' };
  if (path !== undefined) return { kind: 'site', site: Site.parse(site), path };
  return { kind: 'site', ...parseUrl(site) };
}

/** A place on this machine, absolute or below the working directory. */
export function localPlace(path: string): Place {
  return { kind: 'local', path };
}
