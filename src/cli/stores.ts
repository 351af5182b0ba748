import { join } from 'node:path';
import { type TrustedKey, type TrustStore, trustKey } from '../client/trust.js';
import type { RememberedOrder, RememberedRoute, RouteMemory } from '../engine/route-memory.js';
import { readJson, type StateDirs, updateJson } from './state.js';

const trustFile = async () => (await import('./state-files.js')).trustFile;
const routeFile = async () => (await import('./state-files.js')).routeFile;

/** Control certificates accepted on first use, in `trust.json` of the state directory. Safe between processes. */
export function fileTrust(dirs: StateDirs): TrustStore {
  const file = join(dirs.state, 'trust.json');
  const change = async (
    edit: (keys: Record<string, TrustedKey>) => Record<string, TrustedKey>,
  ): Promise<void> => {
    await updateJson(file, trustFile, (old) => ({ version: 1 as const, keys: edit(old?.keys ?? {}) }));
  };
  return {
    get: async (host, port) => own((await readJson(file, trustFile))?.keys, trustKey(host, port)),
    set: (host, port, key) => change((keys) => ({ ...keys, [trustKey(host, port)]: key })),
    forget: (host, port) => change(({ [trustKey(host, port)]: _forgotten, ...keys }) => keys),
  };
}

/** Learned routes, in `routes.json` of the state directory. Safe between processes. */
export function fileRoutes(dirs: StateDirs): RouteMemory {
  const file = join(dirs.state, 'routes.json');
  const change = async (edit: (old: Routes) => Partial<Routes>): Promise<void> => {
    await updateJson(file, routeFile, (old) => ({
      version: 1 as const,
      routes: {},
      ...old,
      ...edit({ routes: {}, ...old }),
    }));
  };
  const read = async () => readJson(file, routeFile);
  return {
    get: async (key) => own((await read())?.routes, key),
    set: (key, route) => change(({ routes }) => ({ routes: { ...routes, [key]: route } })),
    forget: (key) => change(({ routes: { [key]: _forgotten, ...routes } }) => ({ routes })),
    order: async (site) => own((await read())?.orders, site),
    setOrder: (site, order) => change(({ orders }) => ({ orders: { ...orders, [site]: order } })),
  };
}

interface Routes {
  routes: Record<string, RememberedRoute>;
  orders?: Record<string, RememberedOrder>;
}

// Keys come from outside: `constructor` must not find what every object inherits.
function own<T>(record: Record<string, T> | undefined, key: string): T | undefined {
  return record !== undefined && Object.hasOwn(record, key) ? record[key] : undefined;
}
