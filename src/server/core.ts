import type { SecureContext } from 'node:tls';
import type { TlsMaterial, TransferResult } from '../net/plane/types.js';
import type { DataHost } from './data/types.js';
import type { ServerEvent } from './events.js';
import type { ForeignFailures } from './foreign.js';
import type { Gate } from './gate.js';
import type { ServerLimits, ServerOptions, ServerTls } from './options.js';
import type { FxpPolicy } from './policy.js';
import type { Session } from './session.js';
import type { Shares } from './shares.js';
import type { UserStore } from './users/types.js';
import type { VerbRow } from './verbs/row.js';

/** Options with every default filled in; replaced as a whole by a reload. */
export interface Settings {
  tls: ServerTls | undefined;
  fxp: FxpPolicy;
  passive: NonNullable<ServerOptions['passive']>;
  limits: ServerLimits;
  banner: string;
  temporary: 'never' | 'replacing' | 'always';
  modeZ: boolean;
  hosts: readonly string[];
}

/** What all sessions of a server share. */
export interface Core {
  settings: Settings;
  readonly users: UserStore;
  readonly data: DataHost;
  readonly sessions: Set<Session>;
  secure: { context: SecureContext; material: TlsMaterial } | undefined;
  readonly verbs: { rows: readonly VerbRow[] };
  readonly gate: Gate;
  readonly shares: Shares;
  readonly foreign: Pick<ForeignFailures, 'admits' | 'failed'>;
  emit(event: ServerEvent): void;
  /**
   * Makes every foreign failure look and last alike: returns not before a fixed time after `begun` (`performance.now()`),
   * so that a closed port, a silent one and one that speaks something else cannot be told apart (threats.md row 1).
   */
  level(result: TransferResult, foreign: boolean, begun: number): Promise<void>;
}
