export { type CheckedRoute, type CheckReport, check } from './check.js';
export { copy, sync } from './copy.js';
export type { EngineEvent, EventSink, Proof, RouteInfo, RouteKind, SkipReason, Summary } from './events.js';
export type { Finding, Side } from './findings.js';
export type { CopyOptions, OnExists, Place, RelayPolicy, VerifyPolicy } from './options.js';
export { localPlace, place } from './place.js';
export { type Attempt, type Excluded, type Plan, plan } from './plan.js';
export {
  type CommandOrder,
  memoryRoutes,
  type RememberedOrder,
  type RememberedRoute,
  type RouteMemory,
} from './route-memory.js';
