/** What an attacker can show for itself: certificates with keys of its own. It never has the key of a server. */
import { createPrivateKey, webcrypto } from 'node:crypto';
import 'reflect-metadata';
import { SubjectAlternativeNameExtension, X509CertificateGenerator } from '@peculiar/x509';
import { issueCertificate } from '../peers/certs.js';

/** `expired`: self-signed and out of date. `authority`: signed by the authority that the servers trust, for another name. */
export type Forgery = 'self-signed' | 'expired' | 'authority';

/** PEM. */
export interface Credentials {
  readonly cert: string;
  readonly key: string;
}

const DAY = 24 * 60 * 60 * 1000;
const CURVE = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** Another name and address than any server of the laboratory has. */
const ELSEWHERE = { host: '192.0.2.9', names: ['other.example.org'] } as const;

async function selfSigned(host: string, from: number, to: number): Promise<Credentials> {
  const keys = await webcrypto.subtle.generateKey(CURVE, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    keys,
    name: [{ CN: [host] }],
    notBefore: new Date(from),
    notAfter: new Date(to),
    signingAlgorithm: CURVE,
    extensions: [new SubjectAlternativeNameExtension([{ type: 'ip', value: host }])],
  });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  const key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  return { cert: certificate.toString('pem'), key: String(key.export({ type: 'pkcs8', format: 'pem' })) };
}

/** @param host address that a self-signed one claims to be. */
export async function forge(kind: Forgery, host: string): Promise<Credentials> {
  const now = Date.now();
  if (kind === 'self-signed') return selfSigned(host, now - DAY, now + DAY);
  if (kind === 'expired') return selfSigned(host, now - 3 * DAY, now - DAY);
  const { cert, key } = issueCertificate(ELSEWHERE.host, ELSEWHERE.names);
  return { cert, key };
}
