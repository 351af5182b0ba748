/**
 * The FTP wire as values: no sockets, no files, no dependencies. Everything here is shared by a client and a server.
 *
 * Octets become lines (`LineDecoder`), replies (`ReplyDecoder`) and directory entries (`ListingDecoder`, `parseListing`);
 * commands become octets (`encodeCommand`); names are octets without loss (`decodeText`, `encodeText`).
 *
 * @module
 */
export {
  type AddressScope,
  familyOf,
  formatEprt,
  formatPort,
  type HostPort,
  judgePasv,
  type PasvVerdict,
  parseEprt,
  parseEpsv,
  parsePasv,
  parsePort,
  scopeOf,
} from './addresses.js';
export { COMMAND_LIMIT, checkArgument, encodeCommand, maskCommand } from './commands.js';
export {
  ALGORITHMS,
  type Algorithm,
  commonDigest,
  type DigestCommand,
  digestArgument,
  digestCommands,
  parseDigest,
} from './digests.js';
export type { Entry, EntryType, TimePrecision } from './entry.js';
export { type ErrorFacts, type ErrorKind, FtpError, toFtpError } from './errors.js';
export { Features, parseFeatures } from './features.js';
export { LineDecoder } from './lines.js';
export {
  LISTING_LIMITS,
  ListingDecoder,
  type ListingFormat,
  type ListingLimits,
  type ListingOptions,
  type MlstEntry,
  type ParseListingOptions,
  parseListing,
  parseMlstFacts,
  stripReplyPrefix,
} from './listing/index.js';
export { formatMoved, type Moved, parseMoved } from './moved.js';
export { checkName, type NameRules, type NameVerdict, printable } from './names.js';
export { baseName, dirName, joinPath, parsePathReply } from './paths.js';
export {
  REPLY_LIMITS,
  type Reply,
  ReplyDecoder,
  type ReplyLimits,
  replyClass,
  replyText,
} from './replies.js';
export type { Security, SiteSettings, TlsMode } from './site.js';
export {
  formatStoreFacts,
  parseStoreFacts,
  type StoreFacts,
  type StoreFactsVerdict,
} from './store-facts.js';
export { type Charset, decodeText, encodeText } from './text.js';
export { formatTime, parseMdtm, parseSize, parseTime } from './times.js';
export { maskText, maskUrl, type ParsedUrl, parseUrl } from './url.js';
