import type { SiteSettings } from '../protocol/site.js';
import type { Side } from './findings.js';
import type { Place } from './options.js';

const siteKey = (site: SiteSettings): string =>
  `${site.user ?? 'anonymous'}@${site.host}:${site.port ?? ''}/${site.tls ?? ''}`;

const keyOf = (place: Place): string => (place.kind === 'site' ? siteKey(place.site) : '');

/** Key of a pair in the route memory: both sites in order. */
export const routeKey = (source: Place, destination: Place): string =>
  `${keyOf(source)} -> ${keyOf(destination)}`;

/** Keys of both sites in the memory of orders. */
export const siteKeys = (source: Place, destination: Place): Record<Side, string> => ({
  source: keyOf(source),
  destination: keyOf(destination),
});
