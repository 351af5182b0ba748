/**
 * The FTP server as a library.
 *
 * @module
 */
export type { ServerEvent, SessionFacts, TransferFacts } from './events.js';
export type { FtpServer, ListenAddress, ServerLimits, ServerOptions, ServerTls } from './options.js';
export type { FxpPolicy } from './policy.js';
export type { Account, Mount, Right, RightsRule, UserStore } from './users/types.js';
