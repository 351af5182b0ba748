import type { Security } from '../protocol/site.js';
import type { RouteInfo } from './events.js';

/** A route that worked for a pair of sites. */
export interface RememberedRoute {
  route: RouteInfo;
  security: Security;
  /** Stable id of the attempt, as `plan` names it, for example `STOR-first CPSV@dst`. */
  attempt: string;
  /** The fast lane did not carry a file between them then, although both offered it: it is not tried first. */
  fast?: false;
  /** Last success, milliseconds since 1970 UTC. */
  since: number;
}

/**
 * The order of commands on a proven route, each step one round trip a file less: `plain`, one command after the other; `burst`,
 * PORT with the transfer command in one segment, and both transfer commands at once; `ahead`, the next file's PASV or EPSV in one
 * segment behind the transfer command.
 */
export type CommandOrder = 'plain' | 'burst' | 'ahead';

/** From the slowest to the fastest. */
export const ORDERS: readonly CommandOrder[] = ['plain', 'burst', 'ahead'];

/** The order of commands that a server was seen to stand. */
export interface RememberedOrder {
  order: CommandOrder;
  /** The highest step that is worth trying: never one that went wrong. */
  most: CommandOrder;
  /** What was seen, in one sentence. */
  reason: string;
  /** When it was seen, milliseconds since 1970 UTC. */
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
  /** The order of commands of one site (host, port, user, TLS mode). A memory without orders lets every run find out anew. */
  order?(site: string): Promise<RememberedOrder | undefined>;
  /** Remember it, in place of an earlier one. */
  setOrder?(site: string, order: RememberedOrder): Promise<void>;
}

/** A route memory that lasts as long as the process. */
export function memoryRoutes(): RouteMemory {
  const routes = new Map<string, RememberedRoute>();
  const orders = new Map<string, RememberedOrder>();
  return {
    get: async (key) => routes.get(key),
    set: async (key, route) => {
      routes.set(key, structuredClone(route));
    },
    forget: async (key) => {
      routes.delete(key);
    },
    order: async (site) => orders.get(site),
    setOrder: async (site, order) => {
      orders.set(site, { ...order });
    },
  };
}
