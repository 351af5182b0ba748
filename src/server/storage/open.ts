import { DiskStorage } from './disk.js';
import { FileError, type Storage, type StorageSpec } from './types.js';

/**
 * The storage that a spec names.
 *
 * @param objects storages of this thread by their number; a worker thread has none.
 * @throws FileError `unsupported` for a number that is not there.
 */
export function openStorage(spec: StorageSpec, objects?: ReadonlyMap<number, Storage>): Storage {
  if (spec.kind === 'disk') return new DiskStorage(spec.root, { links: spec.links });
  const storage = objects?.get(spec.id);
  if (!storage)
    throw new FileError('unsupported', `storage ${spec.id} is an object, and this thread has no such object`);
  return storage;
}
