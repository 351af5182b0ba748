import { type DigestCommand, digestCommands } from '../protocol/digests.js';
import type { Features } from '../protocol/features.js';
import type { CertificateProof } from './certificate.js';
import { type Behaviour, type Evidence, type Quirk, recognise } from './quirks/index.js';

/** What is known of one server after login; shared by all sessions of a site and corrected as it is learned. */
export interface SiteFacts {
  /** Name of the site as the user calls it. */
  site: string;
  /** Server program as recognised. */
  quirk: Quirk;
  behaviour: Behaviour;
  features: Features;
  greeting: string;
  /** Control connection under TLS. */
  tls: boolean;
  /** `PROT P` was accepted (RFC 4217 9). */
  protP: boolean;
  certificate?: CertificateProof;
  /** Pin of the control certificate. */
  pin?: string;
  /** Address family and address of the control connection. */
  family: 4 | 6;
  address: string;
  /** Directory after login, absolute. */
  home: string;
  digests: DigestCommand[];
  /** Several commands in one segment are all answered: proven, disproven, or not tried yet. */
  queues?: boolean;
  /** Commands that were answered 500, 502 or 504 once: not asked again. */
  missing: Set<string>;
}

/** What a login tells of a server: the facts that need no reasoning, and the evidence for the rest. */
export type FactsInput = Evidence &
  Pick<SiteFacts, 'site' | 'tls' | 'protP' | 'certificate' | 'pin' | 'family' | 'address' | 'home'>;

/** Evidence of a login -> facts. */
export function makeFacts(input: FactsInput): SiteFacts {
  const { system: _system, login: _login, ...rest } = input;
  const quirk = recognise(input);
  return {
    ...rest,
    quirk,
    behaviour: { ...quirk.behaviour },
    digests: digestCommands(input.features),
    missing: new Set(),
  };
}
