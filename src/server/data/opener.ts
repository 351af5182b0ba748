import type { Opener } from '../../net/plane/types.js';
import { FileError, type Sink, type Source, type Storage, type StorageSpec } from '../storage/types.js';
import { openListing } from './listing.js';
import type { FileOrder } from './types.js';

/**
 * Opens what a data connection carries: the content of a file, an upload, or a listing that is made as it is sent.
 *
 * @param open the storage of a spec, in the thread of the plane; called for every order, so it may keep what it made.
 */
export function makeOpener(open: (spec: StorageSpec) => Storage): Opener<FileOrder> {
  return new StorageOpener(open);
}

class StorageOpener implements Opener<FileOrder> {
  readonly #open: (spec: StorageSpec) => Storage;

  constructor(open: (spec: StorageSpec) => Storage) {
    this.#open = open;
  }

  async source(file: FileOrder): Promise<Source> {
    const storage = this.#open(file.storage);
    if (file.what === 'content') return storage.read(file.path, file.range);
    if (file.what === 'listing') return openListing(storage, file);
    throw new FileError('unsupported', 'an upload cannot be read');
  }

  async admit(file: FileOrder): Promise<void> {
    if (file.what !== 'upload') throw new FileError('unsupported', 'only uploads can be written');
    await this.#open(file.storage).admit(file.path, file.how);
  }

  async sink(file: FileOrder): Promise<Sink> {
    if (file.what !== 'upload') throw new FileError('unsupported', 'only uploads can be written');
    return this.#open(file.storage).write(file.path, file.how);
  }
}
