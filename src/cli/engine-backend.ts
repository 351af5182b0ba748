import { check, copy, sync } from '../engine/index.js';
import type { Backend } from './backend.js';
import { connectFiles } from './remote-files.js';

/** The engine and the client behind the commands. */
export const backend: Backend = { copy, sync, check, connect: connectFiles };
