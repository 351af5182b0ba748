/**
 * Certificates for the peers: one authority per process, one certificate per address. They live in memory and
 * are written into the folder of each peer, which goes with it.
 */
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { workFolder } from './host.js';

/** Certificate and key as PEM; `fingerprint` is SHA-256 as upper-case hex with colons. */
export interface IssuedCertificate {
  readonly cert: string;
  readonly key: string;
  readonly fingerprint: string;
}

/** The same on disk. `pemFile` holds key and certificate together, as Pure-FTPd and pyftpdlib like it. */
export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
  readonly pemFile: string;
  /** The authority that signed it. */
  readonly caFile: string;
}

let authority: IssuedCertificate | undefined;
const issued = new Map<string, IssuedCertificate>();

/** Runs `openssl req -x509` for a new P-256 key of two days. */
function makeCertificate(
  subject: string,
  args: readonly string[],
  signer?: IssuedCertificate,
): IssuedCertificate {
  const folder = workFolder('certs');
  const file = (name: string): string => join(folder, name);
  try {
    const words = [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '2',
    ];
    words.push('-subj', `/CN=${subject}`, '-keyout', file('key'), '-out', file('cert'), ...args);
    if (signer !== undefined) {
      writeFileSync(file('ca'), signer.key + signer.cert, { mode: 0o600 });
      words.push('-CA', file('ca'), '-CAkey', file('ca'));
    }
    execFileSync('openssl', words, { stdio: ['ignore', 'ignore', 'pipe'] });
    const cert = readFileSync(file('cert'), 'utf8');
    const fingerprint = new X509Certificate(cert).fingerprint256;
    return { cert, key: readFileSync(file('key'), 'utf8'), fingerprint };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The authority that signs the peers' certificates, made on first use. Throws when `openssl` is missing or fails. */
export function testAuthority(): IssuedCertificate {
  authority ??= makeCertificate('Jackstay test authority', []);
  return authority;
}

/**
 * A certificate for an IPv4 address, signed by the test authority; made once per address.
 * @param host becomes the common name and the IP subject alternative name.
 * @param names further DNS subject alternative names.
 */
export function issueCertificate(host: string, names: readonly string[] = []): IssuedCertificate {
  const alternatives = [`IP:${host}`, ...names.map((name) => `DNS:${name}`)].join(',');
  const known = issued.get(alternatives);
  if (known !== undefined) return known;
  const extensions = [
    `subjectAltName=${alternatives}`,
    'basicConstraints=critical,CA:FALSE',
    'extendedKeyUsage=serverAuth,clientAuth',
  ];
  const args = extensions.flatMap((extension) => ['-addext', extension]);
  const made = makeCertificate(host, args, testAuthority());
  issued.set(alternatives, made);
  return made;
}

/** Writes a certificate to a folder, readable by the owner only (some servers insist). */
export function placeCertificate(certificate: IssuedCertificate, folder: string): CertificateFiles {
  const place = (name: string, text: string): string => {
    const file = join(folder, name);
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  };
  return {
    certFile: place('server.crt', certificate.cert),
    keyFile: place('server.key', certificate.key),
    pemFile: place('server.pem', certificate.key + certificate.cert),
    caFile: place('ca.crt', testAuthority().cert),
  };
}
