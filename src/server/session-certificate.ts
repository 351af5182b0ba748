import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import type { KeyPair } from './certificate.js';

/** A key of one login with its certificate and its name. */
export interface SessionIdentity extends KeyPair {
  /** SHA-256 over the SubjectPublicKeyInfo, lower-case hex. */
  pin: string;
}

/** Tags of X.690 that a certificate is made of. */
const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bits: 0x03,
  octets: 0x04,
  oid: 0x06,
  utf8: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
  version: 0xa0,
  extensions: 0xa3,
} as const;

/** One value of DER (X.690 8.1). */
function der(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

const hex = (octets: string): Buffer => Buffer.from(octets, 'hex');
const sequence = (...parts: Buffer[]): Buffer => der(TAG.sequence, ...parts);

/** 1.2.840.10045.4.3.2, ecdsa-with-SHA256 (RFC 5758 3.2). */
const ALGORITHM = sequence(der(TAG.oid, hex('2a8648ce3d040302')));
/** 2.5.4.3, common name: it names nobody. */
const NAME = sequence(
  der(TAG.set, sequence(der(TAG.oid, hex('550403')), der(TAG.utf8, Buffer.from('ftp-data')))),
);
/** The key counts, not the dates: from 2000 to the end that RFC 5280 4.1.2.5 has for "none". */
const VALIDITY = sequence(
  der(TAG.utcTime, Buffer.from('000101000000Z')),
  der(TAG.generalizedTime, Buffer.from('99991231235959Z')),
);
/** 2.5.29.15, key usage, critical: digitalSignature (RFC 5280 4.2.1.3). */
const KEY_USAGE = sequence(
  der(TAG.oid, hex('551d0f')),
  der(TAG.boolean, hex('ff')),
  der(TAG.octets, der(TAG.bits, hex('0780'))),
);
const EXTENSIONS = der(TAG.extensions, sequence(KEY_USAGE));

/**
 * A P-256 key with a self-signed certificate (RFC 5280) for the data connections of one login (DCPA). It is kept in memory
 * only, and made at once: no package is loaded for it.
 */
export function sessionIdentity(): SessionIdentity {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  // RFC 5280 4.1.2.2: positive; the first octet is neither 0 nor above 127.
  const serial = der(TAG.integer, hex('4a'), randomBytes(15));
  const version3 = der(TAG.version, der(TAG.integer, hex('02')));
  const body = sequence(version3, serial, ALGORITHM, NAME, VALIDITY, NAME, spki, EXTENSIONS);
  const signature = sign('sha256', body, privateKey);
  const whole = sequence(body, ALGORITHM, der(TAG.bits, hex('00'), signature));
  const lines = whole.toString('base64').match(/.{1,64}/g)!;
  return {
    cert: ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n'),
    key: String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
    pin: createHash('sha256').update(spki).digest('hex'),
  };
}
