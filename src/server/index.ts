/**
 * The FTP server as a library.
 *
 * ```ts
 * import { createServer, memoryUsers, selfSigned } from 'jackstay/server';
 *
 * const server = await createServer({
 *   listen: { host: '127.0.0.1', port: 2121 },
 *   users: memoryUsers([{ name: 'alice', password: 'secret', home: '/srv/alice' }]),
 *   tls: await selfSigned(['localhost']),
 * });
 * await server.close();
 * ```
 *
 * @module
 */
export type {
  DataPeer,
  Remains,
  Sink,
  Source,
  TransferFailure,
} from '../net/plane/types.js';
export { FileError, type FileErrorCode } from '../net/plane/types.js';
export { type AddressRange, parseRange } from '../protocol/ranges.js';
export { certificateAt, selfSigned } from './certificate.js';
export type { ServerEvent, SessionFacts, TransferFacts } from './events.js';
export { type Counters, localCounters } from './limits.js';
export type { FtpServer, ListenAddress, ServerLimits, ServerOptions, ServerTls } from './options.js';
export type { FxpPolicy } from './policy.js';
export { createServer } from './server.js';
export { memoryStorage } from './storage/memory.js';
export { storageSpec } from './storage/objects.js';
export type { DigestAlgorithm, FileFacts, Range, Storage, StorageSpec, WriteHow } from './storage/types.js';
export { type FileUsers, fileUsers } from './users/file.js';
export { type MemoryUser, memoryUsers } from './users/memory.js';
export type { Account, Mount, Right, RightsRule, UserStore } from './users/types.js';
