import type { CertificateProof } from '../../src/client/certificate.js';
import { makeFacts, type SiteFacts } from '../../src/client/facts.js';
import type { Behaviour } from '../../src/client/quirks/index.js';
import { Features } from '../../src/protocol/features.js';

export interface SiteDescription {
  site?: string;
  features?: string;
  protP?: boolean;
  family?: 4 | 6;
  missing?: string;
  behaviour?: Behaviour;
  greeting?: string;
  /** How the control certificate was checked; with `protP` and nothing here: not at all (`first-use`). */
  certificate?: CertificateProof;
}

const words = (text = ''): string[] => text.split(' ').filter((word) => word !== '');

/** What a login would have taught about a server; by default one that protects data connections and knows SSCN and CPSV. */
export function factsOf(site: SiteDescription = {}): SiteFacts {
  const { protP = true, family = 4 } = site;
  const features = new Features(
    words(site.features ?? 'CPSV SSCN').map((name) => [name, name === 'DCPA' ? 'sha-256;session;host' : '']),
  );
  const facts = makeFacts({
    site: site.site ?? 'site',
    greeting: site.greeting ?? 'ready',
    login: '',
    system: '',
    features,
    tls: protP,
    protP,
    family,
    address: family === 6 ? '2001:db8::1' : '192.0.2.1',
    home: '/',
    ...(protP ? { certificate: site.certificate ?? 'first-use', pin: 'ab'.repeat(32) } : {}),
  });
  facts.behaviour = site.behaviour ?? {};
  for (const verb of words(site.missing)) facts.missing.add(verb);
  return facts;
}
