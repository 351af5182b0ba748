/** A data thread: the plane and the storages that it reads and writes. Everything it is told and tells is a message. */
import { parentPort } from 'node:worker_threads';
import { PlaneHost } from '../../net/plane/host.js';
import { judgeDataPeer } from '../judge.js';
import { openStorage } from '../storage/open.js';
import type { ThreadCommand, ThreadEvent } from './messages.js';
import { makeOpener } from './opener.js';
import { keepStorages, StorageHost } from './serve-storage.js';

function serve(port: NonNullable<typeof parentPort>): void {
  const post = (event: ThreadEvent): void => port.postMessage(event);
  const open = keepStorages((spec) => openStorage(spec));
  const plane = new PlaneHost({ opener: makeOpener(open), judge: judgeDataPeer }, (events) =>
    post({ from: 'plane', events }),
  );
  const storages = new StorageHost(open, post);
  port.on('message', (command: ThreadCommand) => {
    if (command.to === 'plane') plane.take(command.commands);
    else storages.take(command);
  });
  post({ from: 'ready' });
}

if (parentPort) serve(parentPort);
