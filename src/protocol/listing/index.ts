/** Directory listings (RFC 959 LIST and NLST, RFC 3659 7 MLSD and MLST, STAT with a path) -> entries. */
export { type ParseListingOptions, parseListing, stripReplyPrefix } from './control.js';
export { LISTING_LIMITS, ListingDecoder, type ListingLimits, type ListingOptions } from './decoder.js';
export type { ListingFormat } from './format.js';
export { type MlstEntry, parseMlstFacts } from './mlsd.js';
