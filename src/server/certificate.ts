import { createPrivateKey, type KeyObject, webcrypto, X509Certificate } from 'node:crypto';
import { type FileHandle, link, open, readFile, rm, stat } from 'node:fs/promises';
import { pinOf } from '../net/tls.js';
import { serverContext } from '../net/tls-server.js';
import { familyOf } from '../protocol/addresses.js';
import { FtpError } from '../protocol/errors.js';

/** Certificate (chain included) and key as PEM. */
export interface KeyPair {
  cert: string;
  key: string;
}

/** What stands in the files. */
export interface ServerCertificate extends KeyPair {
  /** SHA-256 over the public key, lower-case hex: what clients pin. */
  pin: string;
  /** Made now. */
  made: boolean;
  selfSigned: boolean;
  validTo: Date;
  /** Does not keep the server from starting, but somebody should look: expired, readable by others. */
  warnings: string[];
}

const DAY = 24 * 60 * 60 * 1000;
/** Clients know it by its key, and a new key would look like an attack: it has to last. */
const VALID_DAYS = 3650;
/** Days before the end at which a warning is due. */
const SOON = 14;
const CURVE = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DNS_NAME = /^(?:\*\.)?[a-z0-9_](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_](?:[a-z0-9_-]{0,62}))*$/i;

type Alternative = { type: 'dns' | 'ip'; value: string };

function alternativeOf(name: string): Alternative {
  if (familyOf(name) !== 0) return { type: 'ip', value: name };
  if (name.length <= 253 && DNS_NAME.test(name)) return { type: 'dns', value: name };
  throw new FtpError('usage', `${JSON.stringify(name)} is neither a host name nor an address`, {
    advice: 'Name the server as its clients do: ftp.example.org, 192.0.2.7.',
  });
}

/**
 * A certificate of the server's own making (RFC 5280): a P-256 key, ten years, for servers and, since servers are TLS
 * clients of each other in FXP (CPSV, SSCN), for clients.
 *
 * @param names host names and addresses, at least one; the first is the subject.
 * @throws FtpError `usage` when a name is none.
 */
export async function selfSigned(names: readonly string[]): Promise<KeyPair> {
  const [subject] = names;
  if (subject === undefined) throw new FtpError('usage', 'a certificate needs at least one name');
  const alternatives = names.map(alternativeOf);
  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  const keys = await webcrypto.subtle.generateKey(CURVE, true, ['sign', 'verify']);
  const now = Date.now();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    keys,
    // RFC 5280 upper bound of a common name: 64.
    name: [{ CN: [subject.slice(0, 64)] }],
    // A client whose clock is behind must not refuse it on its first day.
    notBefore: new Date(now - DAY),
    notAfter: new Date(now + VALID_DAYS * DAY),
    signingAlgorithm: CURVE,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([
        x509.ExtendedKeyUsage.serverAuth,
        x509.ExtendedKeyUsage.clientAuth,
      ]),
      new x509.SubjectAlternativeNameExtension(alternatives),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  const key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  return {
    cert: `${certificate.toString('pem')}\n`,
    key: String(key.export({ type: 'pkcs8', format: 'pem' })),
  };
}

/**
 * The server's certificate from its files. With `names`, a self-signed one is made and kept when neither file is there; two
 * servers that start at the same time end up with the same one.
 *
 * @throws FtpError `local` when a file cannot be read or written, one of the two is missing, a file holds something else,
 * or they are no pair; the message names the file.
 */
export async function certificateAt(
  certFile: string,
  keyFile: string,
  names?: readonly string[],
): Promise<ServerCertificate> {
  const found = await readPair(certFile, keyFile);
  if (found) return checked(found, certFile, keyFile, false);
  if (!names) {
    throw new FtpError('local', `there is no certificate: neither ${certFile} nor ${keyFile} exists`, {
      advice: 'Name the files of your certificate, or none: then the server makes one.',
    });
  }
  const made = await selfSigned(names);
  if (await keep(made, certFile, keyFile)) return checked(made, certFile, keyFile, true);
  const theirs = await appearing(certFile, keyFile);
  return checked(theirs, certFile, keyFile, false);
}

/** Both files, or undefined when neither is there. */
async function readPair(certFile: string, keyFile: string): Promise<KeyPair | undefined> {
  const [cert, key] = await Promise.all([text(certFile, 'certificate'), text(keyFile, 'key')]);
  if (cert !== undefined && key !== undefined) return { cert, key };
  if (cert === undefined && key === undefined) return undefined;
  const [there, missing] = cert === undefined ? [keyFile, certFile] : [certFile, keyFile];
  throw new FtpError(
    'local',
    `${there} is there, but ${missing} is not: a certificate and its key go together`,
    {
      advice: 'Put the missing file back, or remove the other one to have both made anew.',
    },
  );
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : '';

function cannot(doing: string, file: string, error: unknown): FtpError {
  const why = codeOf(error) || (error instanceof Error ? error.message : String(error));
  return new FtpError('local', `cannot ${doing} ${file}: ${why}`, { cause: error });
}

async function text(file: string, what: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw cannot(`read the ${what}`, file, error);
  }
}

/**
 * Key first, both complete before they have their names. @returns false when somebody else's key was there first.
 */
async function keep({ cert, key }: KeyPair, certFile: string, keyFile: string): Promise<boolean> {
  if (!(await publish(key, keyFile))) return false;
  try {
    if (await publish(cert, certFile)) return true;
    throw new FtpError('local', `${certFile} appeared while a certificate was made`, {
      retry: 'later',
      advice: 'Start the server again.',
    });
  } catch (error) {
    await rm(keyFile, { force: true });
    throw error;
  }
}

/** A new file with exactly this text, never seen half written. @returns false when the name is taken. */
async function publish(content: string, file: string): Promise<boolean> {
  const temporary = `${file}.${webcrypto.randomUUID()}.new`;
  let handle: FileHandle | undefined;
  try {
    handle = await open(temporary, 'wx', 0o600);
    await handle.writeFile(content);
    await handle.sync();
    await link(temporary, file);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw cannot('write', file, error);
  } finally {
    await handle?.close();
    await rm(temporary, { force: true });
  }
}

/** The pair that another server is writing now: its certificate comes right behind its key. */
async function appearing(certFile: string, keyFile: string): Promise<KeyPair> {
  for (let left = 100; ; left--) {
    try {
      const pair = await readPair(certFile, keyFile);
      if (pair) return pair;
    } catch (error) {
      if (left === 0) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function checked(
  pair: KeyPair,
  certFile: string,
  keyFile: string,
  made: boolean,
): Promise<ServerCertificate> {
  const certificate = certificateIn(pair.cert, certFile);
  const key = keyIn(pair.key, keyFile);
  if (!certificate.checkPrivateKey(key)) {
    throw new FtpError('local', `${keyFile} is not the key of the certificate in ${certFile}`, {
      advice: "The file of the certificate begins with the server's own; those that signed it come behind.",
    });
  }
  usable(pair, certFile);
  const { mode } = await stat(keyFile);
  return {
    ...pair,
    pin: pinOf(certificate),
    made,
    selfSigned: certificate.issuer === certificate.subject && certificate.verify(certificate.publicKey),
    validTo: new Date(certificate.validTo),
    warnings: [...datesOf(certificate, certFile), ...sizeOf(key, keyFile), ...modeOf(mode, keyFile)],
  };
}

function certificateIn(pem: string, file: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (error) {
    throw new FtpError('local', `${file} holds no certificate in PEM form`, { cause: error });
  }
}

function keyIn(pem: string, file: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    const why = /ENCRYPTED/.test(pem) ? 'holds a key under a password' : 'holds no private key in PEM form';
    // The cause is not kept: messages of OpenSSL may quote what they read.
    throw new FtpError('local', `${file} ${why}`, {
      advice: 'Remove the password: openssl pkey -in OLD -out NEW, readable by the server only.',
    });
  }
}

/** What OpenSSL itself refuses: keys that are too short, kinds that TLS does not have. */
function usable({ cert, key }: KeyPair, file: string): void {
  try {
    serverContext({ cert, key, ticketKeys: new Uint8Array(48), minVersion: 'TLSv1.2' });
  } catch (error) {
    throw cannot('use the certificate', file, error);
  }
}

function datesOf({ validFrom, validTo }: X509Certificate, file: string): string[] {
  const now = Date.now();
  const [from, to] = [Date.parse(validFrom), Date.parse(validTo)];
  if (now < from) return [`the certificate in ${file} is not valid before ${validFrom}`];
  if (now > to) return [`the certificate in ${file} expired on ${validTo}: clients will refuse it`];
  return to - now < SOON * DAY ? [`the certificate in ${file} expires on ${validTo}`] : [];
}

/** NIST SP 800-131A: RSA below 2048 bits is broken by those who can afford it. */
function sizeOf({ asymmetricKeyDetails }: KeyObject, file: string): string[] {
  const bits = asymmetricKeyDetails?.modulusLength;
  return bits !== undefined && bits < 2048
    ? [`the RSA key in ${file} has ${bits} bits: 2048 is the least`]
    : [];
}

const modeOf = (mode: number, file: string): string[] =>
  (mode & 0o077) === 0 ? [] : [`other users of this machine may read the key: chmod 600 ${file}`];
