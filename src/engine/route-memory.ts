import type { Security } from '../protocol/site.js';
import type { RouteInfo } from './events.js';

/** A route that worked for a pair of sites. */
export interface RememberedRoute {
  route: RouteInfo;
  security: Security;
  /** Stable id of the attempt, as `plan` names it, for example `STOR-first CPSV@dst`. */
  attempt: string;
  /** Last success, milliseconds since 1970 UTC. */
  since: number;
}

/** Memory of learned routes, keyed by both sites (host, port, user, TLS mode) in order. */
export interface RouteMemory {
  /** The route of a pair, or undefined. */
  get(key: string): Promise<RememberedRoute | undefined>;
  /** Remember a route, in place of an earlier one. */
  set(key: string, route: RememberedRoute): Promise<void>;
  /** Forget a route that no longer works; no error where it is not known. */
  forget(key: string): Promise<void>;
}

/** A route memory that lasts as long as the process. */
export function memoryRoutes(): RouteMemory {
  const routes = new Map<string, RememberedRoute>();
  return {
    get: async (key) => routes.get(key),
    set: async (key, route) => {
      routes.set(key, structuredClone(route));
    },
    forget: async (key) => {
      routes.delete(key);
    },
  };
}
