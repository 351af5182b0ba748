/**
 * The FTP server as a library.
 *
 * @module
 */
export type { ServerEvent, SessionFacts, TransferFacts } from './events.js';
export type { FtpServer, ListenAddress, ServerLimits, ServerOptions, ServerTls } from './options.js';
export type { FxpPolicy } from './policy.js';
export { createServer } from './server.js';
export { memoryStorage } from './storage/memory.js';
export { storageSpec } from './storage/objects.js';
export type { FileFacts, Storage, StorageSpec, WriteHow } from './storage/types.js';
export { type FileUsers, fileUsers } from './users/file.js';
export { type MemoryUser, memoryUsers } from './users/memory.js';
export type { Account, Mount, Right, RightsRule, UserStore } from './users/types.js';
