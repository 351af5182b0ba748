import type { Place } from '../engine/options.js';
import { FtpError } from '../protocol/errors.js';
import type { SiteSettings } from '../protocol/site.js';
import { looksLikeUrl, parseUrl } from '../protocol/url.js';
import { addCredentials, type CredentialSources } from './credentials.js';
import type { CommonFlags } from './flags.js';
import type { Io } from './io.js';
import { secretStore } from './secrets.js';
import { type SavedSite, type SiteStore, siteStore } from './sites.js';

/** What turning words into places needs. */
export interface PlaceContext extends CredentialSources {
  sites: SiteStore;
  flags: CommonFlags;
}

/** A place on a server. */
export type RemotePlace = Extract<Place, { kind: 'site' }>;

/** Context over the stores of this user. */
export function placeContext(io: Io, flags: CommonFlags): PlaceContext {
  return { io, flags, sites: siteStore(io.dirs), secrets: secretStore(io.dirs, io.env.JACKSTAY_MASTER) };
}

/**
 * A word as a place: a URL, `site:path` of a saved site, else a local path. A local name with a colon is written `./a:b`; one
 * letter before the colon is a drive on Windows. Credentials are complete afterwards (see `addCredentials`).
 *
 * @throws FtpError `usage` for unknown sites and unreadable URLs, `login` where a password is missing and nobody can be asked.
 */
export async function resolvePlace(word: string, context: PlaceContext): Promise<Place> {
  if (looksLikeUrl(word)) return fromUrl(word, context);
  const colon = siteColon(word, context.io.platform);
  if (colon < 0) return { kind: 'local', path: word };
  const name = word.slice(0, colon);
  const saved = await context.sites.get(name);
  if (!saved) throw await unknownSite(name, word, context);
  return {
    kind: 'site',
    site: await complete({ ...saved, name }, name, context),
    path: word.slice(colon + 1),
  };
}

/** As `resolvePlace`, for commands that only work on servers; the bare name of a saved site will do. */
export async function resolveRemote(word: string, context: PlaceContext): Promise<RemotePlace> {
  if (siteColon(word, context.io.platform) < 0 && !looksLikeUrl(word) && (await context.sites.get(word))) {
    return resolveRemote(`${word}:`, context);
  }
  const place = await resolvePlace(word, context);
  if (place.kind === 'site') return place;
  throw new FtpError('usage', `${word} is neither a URL nor site:path`, {
    advice: 'Write ftp://host/path, or name a saved site (jackstay site list).',
  });
}

/** Position of the colon that ends a site name, or -1 where the word is a local path. */
function siteColon(word: string, platform: NodeJS.Platform): number {
  const name = /^[A-Za-z0-9][A-Za-z0-9._-]*(?=:)/.exec(word)?.[0];
  if (name === undefined) return -1;
  return platform === 'win32' && name.length === 1 ? -1 : name.length;
}

async function fromUrl(word: string, context: PlaceContext): Promise<Place> {
  const { site, path } = parseUrl(word);
  const saved = await savedFor(site, context.sites);
  if (!saved) return { kind: 'site', site: await complete(site, undefined, context), path };
  // The site may say that a clear URL is protected after all; it never weakens what the URL asks for.
  const tls = site.tls === 'none' ? (saved.site.tls ?? 'none') : site.tls!;
  // The path of a URL begins at the login directory (RFC 1738 3.2.2), not at the one saved with the site.
  const { directory: _directory, ...settings } = saved.site;
  const merged = { ...settings, ...site, tls, name: displayName(site) };
  return { kind: 'site', site: await complete(merged, saved.name, context), path };
}

/** The saved site that a URL means: same host and port, same user if the URL names one, and no second that fits. */
async function savedFor(
  url: SiteSettings,
  sites: SiteStore,
): Promise<{ name: string; site: SavedSite } | undefined> {
  const port = (s: SavedSite): number => s.port ?? (s.tls === 'implicit' ? 990 : 21);
  const fits = [...(await sites.all())].filter(
    ([, s]) =>
      s.host.toLowerCase() === url.host &&
      port(s) === port(url) &&
      (url.user === undefined || s.user === url.user),
  );
  const only = fits.length === 1 ? fits[0] : undefined;
  return only && { name: only[0], site: only[1] };
}

async function complete(
  site: SiteSettings,
  savedName: string | undefined,
  context: PlaceContext,
): Promise<SiteSettings> {
  const named: SiteSettings = { ...site, name: site.name ?? displayName(site) };
  const { pin, insecure } = context.flags;
  const wanted = pin?.get(savedName ?? '\n') ?? pin?.get(named.name!) ?? named.pin ?? pin?.get('');
  if (wanted !== undefined) named.pin = wanted;
  if (insecure) named.insecure = true;
  return addCredentials(named, savedName, context);
}

function displayName(site: SiteSettings): string {
  const host = site.host.includes(':') ? `[${site.host}]` : site.host;
  return site.port === undefined || site.port === 21 ? host : `${host}:${site.port}`;
}

async function unknownSite(name: string, word: string, context: PlaceContext): Promise<FtpError> {
  const known = [...(await context.sites.all()).keys()];
  const list = known.length === 0 ? 'no site is saved yet' : `saved sites: ${known.join(', ')}`;
  return new FtpError('usage', `there is no site "${name}" (${list})`, {
    advice: `Save it with: jackstay site add ${name} URL. A local file of this name is written ./${word}`,
  });
}
