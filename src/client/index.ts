/**
 * A client for one FTP server.
 *
 * ```ts
 * import { connect } from 'jackstay/client';
 *
 * const client = await connect('ftps://alice:secret@ftp.example/pub');
 * for (const entry of await client.list()) console.log(entry.name, entry.size);
 * await client.close();
 * ```
 *
 * @module
 */
export type { Entry, EntryType, TimePrecision } from '../protocol/entry.js';
export { type ErrorFacts, type ErrorKind, FtpError } from '../protocol/errors.js';
export type { Reply } from '../protocol/replies.js';
export type { Security, SiteSettings, TlsMode } from '../protocol/site.js';
export type { CertificateProof } from './certificate.js';
export { Client, connect } from './client.js';
export type {
  CallOptions,
  ClientOptions,
  FileDigest,
  ServerInfo,
  TransferOptions,
  TransferResult,
} from './client-types.js';
export type { SiteFacts } from './facts.js';
export { Site } from './site.js';
export { memoryTrust, type TrustedKey, type TrustStore } from './trust.js';
export type { Found } from './walk.js';
