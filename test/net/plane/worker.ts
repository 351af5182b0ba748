/** A thread that holds a plane and nothing else. */
import { parentPort } from 'node:worker_threads';
import { servePlane } from '../../../src/net/plane/host.js';
import { parts } from './files.js';

servePlane(parentPort!, parts);
