import { createCipheriv, createDecipheriv, randomBytes, type ScryptOptions, scrypt } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';
import { FtpError } from '../protocol/errors.js';
import { readJson, type StateDirs, updateJson } from './state.js';
import type * as schemas from './state-files.js';
import { isCode } from './system-error.js';

type Passwords = z.infer<typeof schemas.passwords>;
type Sealed = z.infer<typeof schemas.sealedBox>;
type SecretFile = z.infer<typeof schemas.secretFile>;

const secretFile = async () => (await import('./state-files.js')).secretFile;

/** Passwords of saved sites. */
export interface SecretStore {
  readonly file: string;
  get(site: string): Promise<string | undefined>;
  set(site: string, password: string): Promise<void>;
  remove(site: string): Promise<void>;
}

/**
 * Passwords in `secrets.json` of the configuration directory, apart from `sites.json` so that the latter can be shared.
 *
 * Without `master` the file is plain text that only its owner may read (mode 0600, checked at every read): whoever reads the
 * disk or runs as the same user has the passwords. With `master` (environment variable `JACKSTAY_MASTER`) the whole file is
 * sealed with AES-256-GCM under a key made by scrypt (RFC 7914, N = 2^17, r = 8, p = 1); a plain file is sealed at the next
 * change. Names of sites are sealed too.
 *
 * Throws FtpError `local` when the file is readable by others, when it is sealed and `master` is missing or wrong.
 */
export function secretStore(dirs: StateDirs, master?: string): SecretStore {
  const file = join(dirs.config, 'secrets.json');
  const change = async (edit: (all: Passwords) => Passwords): Promise<void> => {
    await checkMode(file);
    await updateJson(file, secretFile, async (old): Promise<SecretFile> => {
      const all = edit(await open(file, old, master));
      return master ? { version: 1, sealed: await seal(all, master) } : { version: 1, passwords: all };
    });
  };
  return {
    file,
    get: async (site) => {
      await checkMode(file);
      const all = await open(file, await readJson(file, secretFile), master);
      return Object.hasOwn(all, site) ? all[site] : undefined;
    },
    set: (site, password) => change((all) => ({ ...all, [site]: password })),
    remove: async (site) => {
      if ((await readJson(file, secretFile)) === undefined) return;
      await change(({ [site]: _removed, ...rest }) => rest);
    },
  };
}

async function checkMode(file: string): Promise<void> {
  if (process.platform === 'win32') return;
  try {
    const mode = (await stat(file)).mode & 0o777;
    if ((mode & 0o077) === 0) return;
    throw new FtpError('local', `${file} may be read by others (mode ${mode.toString(8)}); it is not used`, {
      advice: `Run: chmod 600 ${file}`,
    });
  } catch (error) {
    if (!isCode(error, 'ENOENT')) throw error;
  }
}

async function open(
  file: string,
  content: SecretFile | undefined,
  master: string | undefined,
): Promise<Passwords> {
  if (content === undefined) return {};
  if ('passwords' in content) return { ...content.passwords };
  if (!master) {
    throw new FtpError('local', `${file} is sealed`, {
      advice: 'Set JACKSTAY_MASTER to its master password.',
    });
  }
  return unseal(file, content.sealed, master);
}

const COST = 2 ** 17;

async function seal(all: Passwords, master: string): Promise<Sealed> {
  const head = { kdf: 'scrypt' as const, cost: COST, salt: randomBytes(16).toString('base64') };
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', await deriveKey(master, head), nonce);
  cipher.setAAD(aad(head));
  const data = Buffer.concat([
    cipher.update(JSON.stringify(all), 'utf8'),
    cipher.final(),
    cipher.getAuthTag(),
  ]);
  return { ...head, nonce: nonce.toString('base64'), data: data.toString('base64') };
}

async function unseal(file: string, box: Sealed, master: string): Promise<Passwords> {
  const { passwords } = await import('./state-files.js');
  const data = Buffer.from(box.data, 'base64');
  const key = await deriveKey(master, box);
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(box.nonce, 'base64'), {
      authTagLength: 16,
    });
    decipher.setAAD(aad(box));
    decipher.setAuthTag(data.subarray(-16));
    const plain = Buffer.concat([decipher.update(data.subarray(0, -16)), decipher.final()]);
    return passwords.parse(JSON.parse(plain.toString('utf8')));
  } catch {
    throw new FtpError('local', `${file} cannot be opened: wrong master password or a changed file`, {
      advice: 'Check JACKSTAY_MASTER.',
    });
  }
}

function aad(head: { kdf: string; cost: number; salt: string }): Buffer {
  return Buffer.from(`jackstay secrets 1 ${head.kdf} ${head.cost} ${head.salt}`);
}

function deriveKey(master: string, head: { cost: number; salt: string }): Promise<Buffer> {
  // RFC 7914 2: memory is 128 * N * r octets; Node refuses more than maxmem.
  const options: ScryptOptions = { N: head.cost, r: 8, p: 1, maxmem: 128 * head.cost * 8 + 2 ** 20 };
  return new Promise((resolve, reject) => {
    scrypt(master, Buffer.from(head.salt, 'base64'), 32, options, (error, key) =>
      error ? reject(error) : resolve(key),
    );
  });
}
