/** A thread that holds a plane and nothing else. */
import { parentPort } from 'node:worker_threads';
import { PlaneHost } from '../../../src/net/plane/host.js';
import type { PlaneCommand } from '../../../src/net/plane/messages.js';
import { parts, type TestFile, type TestPeer } from './files.js';

const host = new PlaneHost(parts, (events) => parentPort!.postMessage(events));
parentPort!.on('message', (commands: PlaneCommand<TestFile, TestPeer>[]) => host.take(commands));
