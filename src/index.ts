/**
 * Moves files directly between two FTP servers (FXP), and proves that they arrived.
 *
 * ```ts
 * import { copy, place } from 'jackstay';
 *
 * const summary = await copy(place('ftps://alice:secret@old.example/iso'), place('ftps://bob:secret@new.example/iso'));
 * console.log(summary.files, summary.security, summary.verified);
 * ```
 *
 * @module
 */
export type { CertificateProof } from './client/certificate.js';
export type { SiteFacts } from './client/facts.js';
export { Site } from './client/site.js';
export { memoryTrust, type TrustedKey, type TrustStore } from './client/trust.js';
export {
  type Attempt,
  type CheckedRoute,
  type CheckReport,
  type CommandOrder,
  type CopyOptions,
  check,
  copy,
  type EngineEvent,
  type EventSink,
  type Excluded,
  type Finding,
  localPlace,
  memoryRoutes,
  type OnExists,
  type Place,
  type Plan,
  type Proof,
  place,
  plan,
  type RelayPolicy,
  type RememberedOrder,
  type RememberedRoute,
  type RouteInfo,
  type RouteKind,
  type RouteMemory,
  type Side,
  type SkipReason,
  type Summary,
  sync,
  type VerifyPolicy,
} from './engine/index.js';
export { type ErrorFacts, type ErrorKind, FtpError } from './protocol/errors.js';
export type { Security, SiteSettings, TlsMode } from './protocol/site.js';
