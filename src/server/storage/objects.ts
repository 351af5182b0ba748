import type { Storage, StorageSpec } from './types.js';

/** Storages of this thread that are objects of the caller, by the number in their spec. */
const objects = new Map<number, Storage>();
const numbers = new WeakMap<Storage, number>();

/** What `createServer` opens specs of kind `object` from. */
export const storageObjects: ReadonlyMap<number, Storage> = objects;

/**
 * The spec of a storage that is an object: `memoryStorage()` or one of your own. The object is kept as long as the process
 * runs; the same object gives the same spec.
 */
export function storageSpec(storage: Storage): StorageSpec {
  let id = numbers.get(storage);
  if (id === undefined) {
    id = objects.size + 1;
    objects.set(id, storage);
    numbers.set(storage, id);
  }
  return { kind: 'object', id };
}
