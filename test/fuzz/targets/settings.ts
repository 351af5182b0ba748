/** The configuration and the users file: the first octet says which, the rest is TOML or not. */
import { z } from 'zod';
import { parseConfig } from '../../../src/cli/serve/config.js';
import { FtpError } from '../../../src/protocol/errors.js';
import { readSettings } from '../../../src/server/toml/read.js';
import { mergeUser } from '../../../src/server/users/merge.js';
import { usersFaults, usersSchema } from '../../../src/server/users/schema.js';

const FILE = '/etc/jackstay/settings.toml';

async function users(text: string): Promise<void> {
  const { value } = await readSettings(FILE, text, usersSchema(z), usersFaults);
  for (const name of value.users.keys()) {
    const { account } = mergeUser(name, value, { folder: '/etc/jackstay', maxLogins: 0 });
    if (!account.mounts.some(({ path }) => path === '/')) throw new Error(`${name} has no home`);
  }
}

export async function fuzz(octets: Buffer): Promise<void> {
  const text = octets.subarray(1).toString('utf8');
  try {
    if ((octets[0] ?? 0) & 1) await users(text);
    else await parseConfig(text, FILE);
  } catch (error) {
    if (!(error instanceof FtpError)) throw error;
    // The message goes to a terminal.
    if (/[\x00-\x09\x0b-\x1f\x7f-\x9f]/.test(error.message)) {
      throw new Error(`a control character in ${JSON.stringify(error.message)}`);
    }
  }
}
