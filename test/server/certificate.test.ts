import 'reflect-metadata';
import { execFileSync } from 'node:child_process';
import { webcrypto, X509Certificate } from 'node:crypto';
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { X509CertificateGenerator } from '@peculiar/x509';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { pinOf } from '../../src/net/tls.js';
import { certificateAt, selfSigned } from '../../src/server/certificate.js';

let folder: string;
let certFile: string;
let keyFile: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'jackstay-cert-'));
  certFile = join(folder, 'server.crt');
  keyFile = join(folder, 'server.key');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const openssl = (...args: string[]): string =>
  execFileSync('openssl', args, { encoding: 'utf8', stdio: 'pipe' });

/** A pair of OpenSSL's making, in the two files. */
function issue(...args: string[]): void {
  const kind = args.includes('-newkey') ? [] : ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
  const words = ['-x509', ...kind, '-nodes', '-subj', '/CN=a', '-keyout', keyFile, '-out', certFile];
  openssl('req', ...words, ...args);
  chmodSync(keyFile, 0o600);
}

/** A pair that is valid between two days from now. */
async function dated(from: number, to: number): Promise<void> {
  const signingAlgorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(signingAlgorithm, true, ['sign', 'verify']);
  const day = (days: number): Date => new Date(Date.now() + days * 86_400_000);
  const made = await X509CertificateGenerator.createSelfSigned({
    keys,
    name: 'CN=a',
    notBefore: day(from),
    notAfter: day(to),
    signingAlgorithm,
  });
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  writeFileSync(certFile, made.toString('pem'));
  writeFileSync(keyFile, `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----\n`, { mode: 0o600 });
}

describe('selfSigned', () => {
  test('names, addresses, both uses of TLS, ten years, as OpenSSL reads it', async () => {
    const { cert, key } = await selfSigned(['ftp.example.org', '192.0.2.7', '2001:db8::7', '*.example.org']);
    writeFileSync(certFile, cert);
    writeFileSync(keyFile, key);
    const shown = openssl('x509', '-in', certFile, '-noout', '-text');
    for (const part of [
      'CN = ftp.example.org',
      'DNS:ftp.example.org, IP Address:192.0.2.7, IP Address:2001:DB8:0:0:0:0:0:7, DNS:*.example.org',
      'TLS Web Server Authentication, TLS Web Client Authentication',
      'CA:FALSE',
      'Digital Signature',
      'prime256v1',
      'ecdsa-with-SHA256',
    ]) {
      expect(shown).toContain(part);
    }
    for (const purpose of ['sslserver', 'sslclient']) {
      const verify = [
        'verify',
        '-CAfile',
        certFile,
        '-purpose',
        purpose,
        '-verify_ip',
        '192.0.2.7',
        certFile,
      ];
      expect(openssl(...verify)).toContain('OK');
    }
    expect(openssl('pkey', '-in', keyFile, '-check', '-noout')).toContain('valid');
    const certificate = new X509Certificate(cert);
    expect(certificate.checkHost('ftp.example.org')).toBe('ftp.example.org');
    expect(Date.parse(certificate.validFrom)).toBeLessThan(Date.now() - 3600_000);
    expect(new Date(certificate.validTo).getFullYear() - new Date().getFullYear()).toBe(10);
    expect(certificate.serialNumber).not.toBe(
      new X509Certificate((await selfSigned(['a'])).cert).serialNumber,
    );
  });

  test('a name longer than a common name may be', async () => {
    const name = `${'a'.repeat(63)}.${'b'.repeat(63)}.example.org`;
    expect(new X509Certificate((await selfSigned([name])).cert).checkHost(name)).toBe(name);
  });

  test.each(['', 'a b', 'a..b', '-a', 'a/b', 'a\n', '192.0.2.7/24', 'a'.repeat(64), 'é.example.org'])(
    'refuses the name %j',
    async (name) => {
      await expect(selfSigned([name])).rejects.toThrow(/neither a host name nor an address/);
    },
  );

  test('refuses no name at all', async () => {
    await expect(selfSigned([])).rejects.toThrow(/at least one name/);
  });
});

describe('certificateAt', () => {
  test('made at the first start, kept for the next ones', async () => {
    const first = await certificateAt(certFile, keyFile, ['localhost']);
    expect(first).toMatchObject({ made: true, selfSigned: true, warnings: [] });
    expect(first.pin).toBe(pinOf(new X509Certificate(readFileSync(certFile))));
    expect(statSync(keyFile).mode & 0o777).toBe(0o600);
    expect(statSync(certFile).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder).sort()).toEqual(['server.crt', 'server.key']);
    const second = await certificateAt(certFile, keyFile, ['other']);
    expect(second).toEqual({ ...first, made: false });
  });

  test('servers that start at the same time agree', async () => {
    const all = await Promise.all(
      Array.from({ length: 8 }, () => certificateAt(certFile, keyFile, ['localhost'])),
    );
    expect(new Set(all.map(({ pin }) => pin)).size).toBe(1);
    expect(all.filter(({ made }) => made)).toHaveLength(1);
    expect(readdirSync(folder).sort()).toEqual(['server.crt', 'server.key']);
  });

  test('one of your own, with the chain behind it; read again when it was replaced', async () => {
    issue('-days', '90');
    const first = await certificateAt(certFile, keyFile);
    expect(first).toMatchObject({ made: false, warnings: [] });
    issue('-days', '90');
    writeFileSync(certFile, readFileSync(certFile, 'utf8') + (await selfSigned(['ca'])).cert);
    const second = await certificateAt(certFile, keyFile);
    expect(second.pin).not.toBe(first.pin);
  });

  test('nothing there, and nothing to be made', async () => {
    await expect(certificateAt(certFile, keyFile)).rejects.toThrow(`neither ${certFile} nor ${keyFile}`);
  });

  test('half of it', async () => {
    issue();
    rmSync(keyFile);
    await expect(certificateAt(certFile, keyFile, ['a'])).rejects.toThrow(`${keyFile} is not`);
    issue();
    rmSync(certFile);
    await expect(certificateAt(certFile, keyFile, ['a'])).rejects.toThrow(`${certFile} is not`);
  });

  test('no folder, no files, no certificate, no key: the message names the file, never what stands in it', async () => {
    const nowhere = join(folder, 'none', 'server.crt');
    await expect(certificateAt(nowhere, keyFile, ['a'])).rejects.toThrow(/cannot write .*none.*: ENOENT/);
    expect(readdirSync(folder)).toEqual([]);
    await expect(certificateAt(folder, keyFile)).rejects.toThrow(
      `cannot read the certificate ${folder}: EISDIR`,
    );
    issue();
    writeFileSync(certFile, 'secret text');
    await expect(certificateAt(certFile, keyFile)).rejects.toThrow(
      `${certFile} holds no certificate in PEM form`,
    );
    issue();
    writeFileSync(keyFile, 'secret text');
    await expect(certificateAt(certFile, keyFile)).rejects.toThrow(
      `${keyFile} holds no private key in PEM form`,
    );
  });

  test('a key that belongs to another certificate', async () => {
    issue();
    writeFileSync(keyFile, (await selfSigned(['a'])).key);
    await expect(certificateAt(certFile, keyFile)).rejects.toThrow(/is not the key of the certificate/);
  });

  test('a key under a password', async () => {
    issue();
    const locked = join(folder, 'locked.key');
    openssl('pkey', '-in', keyFile, '-out', locked, '-aes128', '-passout', 'pass:x');
    renameSync(locked, keyFile);
    await expect(certificateAt(certFile, keyFile)).rejects.toThrow(/holds a key under a password/);
  });

  test('a key that TLS does not take', async () => {
    issue('-newkey', 'rsa:512');
    await expect(certificateAt(certFile, keyFile)).rejects.toThrow(/cannot use the certificate/);
  });

  test('expired, about to, or open to others: warned of', async () => {
    await dated(-3, -1);
    expect((await certificateAt(certFile, keyFile)).warnings).toEqual([expect.stringMatching(/expired on/)]);
    await dated(1, 90);
    expect((await certificateAt(certFile, keyFile)).warnings).toEqual([
      expect.stringMatching(/not valid before/),
    ]);
    issue('-days', '90', '-newkey', 'rsa:1024');
    expect((await certificateAt(certFile, keyFile)).warnings).toEqual([expect.stringMatching(/1024 bits/)]);
    issue('-days', '3');
    expect((await certificateAt(certFile, keyFile)).warnings).toEqual([expect.stringMatching(/expires on/)]);
    issue('-days', '90');
    chmodSync(keyFile, 0o640);
    expect((await certificateAt(certFile, keyFile)).warnings).toEqual([expect.stringMatching(/chmod 600/)]);
  });
});
