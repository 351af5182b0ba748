import type { TlsPeer } from '../net/tls.js';
import { FtpError } from '../protocol/errors.js';
import type { SiteSettings } from '../protocol/site.js';
import type { TrustStore } from './trust.js';

/** How the control certificate was checked. `first-use` and `insecure` prove nothing. */
export type CertificateProof = 'pki' | 'pin' | 'remembered' | 'first-use' | 'insecure';

/** True where somebody vouches for the key: only then can a transfer be called verified. */
export const isProven = (proof: CertificateProof | undefined): boolean =>
  proof === 'pki' || proof === 'pin' || proof === 'remembered';

function alarm(name: string, message: string, advice: string): FtpError {
  return new FtpError('tls', `${name}: ${message}; nothing was sent`, {
    site: name,
    retry: 'never',
    phase: 'certificate',
    advice,
  });
}

/**
 * Accept or refuse a control certificate: a pin decides alone; else PKI; else the key remembered from the first use,
 * where a change is an alarm (like SSH host keys).
 *
 * @throws FtpError `tls` when the key is not the one pinned or remembered.
 */
export async function judgeCertificate(
  peer: TlsPeer,
  site: SiteSettings & { name: string; port: number },
  trust: TrustStore | undefined,
): Promise<CertificateProof> {
  if (site.pin !== undefined) {
    if (site.pin.toLowerCase() === peer.pin) return 'pin';
    const message = `the server's key ${peer.pin} is not the pinned one ${site.pin}`;
    throw alarm(
      site.name,
      message,
      'If its key was renewed on purpose, set the new pin; else somebody is in the middle.',
    );
  }
  if (site.insecure) return 'insecure';
  const known = await trust?.get(site.host, site.port);
  if (peer.authorized) {
    if (known && known.pin !== peer.pin)
      await trust?.set(site.host, site.port, { ...known, pin: peer.pin, since: Date.now() });
    return 'pki';
  }
  if (known?.pin === peer.pin) return 'remembered';
  if (known) {
    const since = new Date(known.since).toISOString().slice(0, 10);
    const message = `THE CERTIFICATE CHANGED: key ${peer.pin}, but ${known.pin} since ${since} (${peer.reason ?? 'not signed by a known CA'})`;
    throw alarm(
      site.name,
      message,
      'If its key was renewed on purpose, pass --pin with the new key once; else somebody is in the middle.',
    );
  }
  await trust?.set(site.host, site.port, { pin: peer.pin, since: Date.now() });
  return 'first-use';
}
