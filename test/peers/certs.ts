/**
 * Certificates for the peers: one authority per process, one certificate per address, all in a temporary
 * folder that goes with the process.
 */
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { chmodSync, copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { workFolder } from './host.js';

/** Files and contents of one certificate. All texts are PEM; `fingerprint` is SHA-256 as upper-case hex with colons. */
export interface IssuedCertificate {
  readonly certFile: string;
  readonly keyFile: string;
  /** Key and certificate in one file, as Pure-FTPd and vsftpd like it. */
  readonly pemFile: string;
  readonly cert: string;
  readonly key: string;
  readonly fingerprint: string;
}

export interface CertificateAuthority {
  readonly certFile: string;
  readonly keyFile: string;
  readonly cert: string;
}

const DAYS = ['-days', '2'];
const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

let folder: string | undefined;
let authority: CertificateAuthority | undefined;
const issued = new Map<string, IssuedCertificate>();

function store(): string {
  if (folder === undefined) {
    const made = workFolder('certs');
    process.once('exit', () => rmSync(made, { recursive: true, force: true }));
    folder = made;
  }
  return folder;
}

function openssl(args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

/** The authority that signs the peers' certificates, made on first use. Throws when `openssl` is missing or fails. */
export function testAuthority(): CertificateAuthority {
  if (authority !== undefined) return authority;
  const certFile = join(store(), 'ca.crt');
  const keyFile = join(store(), 'ca.key');
  openssl([
    'req',
    '-x509',
    ...NEW_KEY,
    ...DAYS,
    '-subj',
    '/CN=Jackstay test authority',
    '-keyout',
    keyFile,
    '-out',
    certFile,
  ]);
  authority = { certFile, keyFile, cert: readFileSync(certFile, 'utf8') };
  return authority;
}

/**
 * A P-256 certificate for an IPv4 address, signed by the test authority; made once per address.
 * @param host becomes the common name and the IP subject alternative name.
 * @param names further DNS subject alternative names.
 */
export function issueCertificate(host: string, names: readonly string[] = []): IssuedCertificate {
  const label = [host, ...names].join('_');
  const known = issued.get(label);
  if (known !== undefined) return known;
  const ca = testAuthority();
  const certFile = join(store(), `${label}.crt`);
  const keyFile = join(store(), `${label}.key`);
  const pemFile = join(store(), `${label}.pem`);
  const alternatives = [`IP:${host}`, ...names.map((name) => `DNS:${name}`)].join(',');
  const extensions = [
    '-addext',
    `subjectAltName=${alternatives}`,
    '-addext',
    'basicConstraints=critical,CA:FALSE',
    '-addext',
    'extendedKeyUsage=serverAuth,clientAuth',
  ];
  const signer = ['-CA', ca.certFile, '-CAkey', ca.keyFile];
  openssl([
    'req',
    '-x509',
    ...signer,
    ...NEW_KEY,
    ...DAYS,
    '-subj',
    `/CN=${host}`,
    ...extensions,
    '-keyout',
    keyFile,
    '-out',
    certFile,
  ]);
  const cert = readFileSync(certFile, 'utf8');
  const key = readFileSync(keyFile, 'utf8');
  writeFileSync(pemFile, key + cert, { mode: 0o600 });
  const made = {
    certFile,
    keyFile,
    pemFile,
    cert,
    key,
    fingerprint: new X509Certificate(cert).fingerprint256,
  };
  issued.set(label, made);
  return made;
}

/** Copies a certificate's three files to a folder, readable by their owner only (some servers insist), and names them there. */
export function placeCertificate(certificate: IssuedCertificate, target: string): IssuedCertificate {
  const copy = (from: string, name: string): string => {
    const to = join(target, name);
    copyFileSync(from, to);
    chmodSync(to, 0o600);
    return to;
  };
  return {
    ...certificate,
    certFile: copy(certificate.certFile, 'server.crt'),
    keyFile: copy(certificate.keyFile, 'server.key'),
    pemFile: copy(certificate.pemFile, 'server.pem'),
  };
}
