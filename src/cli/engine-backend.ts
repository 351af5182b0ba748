import { FtpError } from '../protocol/errors.js';
import type { Backend } from './backend.js';
import { connectFiles } from './remote-files.js';

const missing = (): Promise<never> =>
  Promise.reject(new FtpError('local', 'this build has no transfer engine'));

/** The engine and the client behind the commands. */
export const backend: Backend = { copy: missing, sync: missing, check: missing, connect: connectFiles };
