import { FtpError } from '../protocol/errors.js';
import type { SiteSettings } from '../protocol/site.js';
import type { Io } from './io.js';
import { findNetrc, readNetrc } from './netrc.js';
import type { SecretStore } from './secrets.js';

/** Where credentials may come from. */
export interface CredentialSources {
  io: Io;
  secrets: SecretStore;
}

/** RFC 1635 2: the user of public servers; the password is by custom an address, ours tells nothing. */
const ANONYMOUS = { user: 'anonymous', password: 'anonymous@' };

/**
 * Fill in user and password. First that knows wins: the settings themselves (a URL), the secret store, the environment
 * variable `JACKSTAY_PASSWORD_<SITE>`, netrc, a prompt. Without any user: anonymous.
 *
 * @param savedName name of the saved site behind the settings, if there is one.
 * @throws FtpError `login` where a user has no password and nobody can be asked, `aborted` when the user gives up.
 */
export async function addCredentials(
  site: SiteSettings,
  savedName: string | undefined,
  context: CredentialSources,
): Promise<SiteSettings> {
  const known = site.password === undefined ? await lookUp(site, savedName, context) : site;
  if (known.user === undefined) return { ...known, ...ANONYMOUS };
  if (known.password !== undefined) return checked(known);
  if (known.user === ANONYMOUS.user || known.user === 'ftp')
    return { ...known, password: ANONYMOUS.password };
  return checked({ ...known, password: await ask(known, savedName, context) });
}

/** Name of the environment variable for a site: upper case, everything but letters and digits becomes `_`. */
export function passwordVariable(name: string): string {
  return `JACKSTAY_PASSWORD_${name.toUpperCase().replace(/[^A-Z0-9]/g, '_')}`;
}

async function lookUp(
  site: SiteSettings,
  savedName: string | undefined,
  { io, secrets }: CredentialSources,
): Promise<SiteSettings> {
  const stored = savedName === undefined ? undefined : await secrets.get(savedName);
  const password = stored ?? fromEnvironment(io.env, [savedName, site.name, site.host]);
  if (password !== undefined && site.user !== undefined) return { ...site, password };
  const entry = findNetrc(await readNetrc(io), site.host, site.user);
  const user = site.user ?? entry?.login;
  const found = password ?? entry?.password;
  return {
    ...site,
    ...(user !== undefined && { user }),
    ...(user !== undefined && found !== undefined && { password: found }),
    ...(entry?.account !== undefined && site.account === undefined && { account: entry.account }),
  };
}

function fromEnvironment(env: NodeJS.ProcessEnv, names: (string | undefined)[]): string | undefined {
  for (const name of names) {
    const value = name === undefined ? undefined : env[passwordVariable(name)];
    if (value !== undefined) return value;
  }
  return undefined;
}

async function ask(
  site: SiteSettings,
  savedName: string | undefined,
  { io }: CredentialSources,
): Promise<string> {
  const name = savedName ?? site.name ?? site.host;
  if (!io.askSecret) {
    throw new FtpError('login', `no password for ${site.user} at ${name}`, {
      site: name,
      phase: 'login',
      retry: 'never',
      advice: `Set ${passwordVariable(name)}, save the site (jackstay site add), or use ~/.netrc.`,
    });
  }
  const answer = await io.askSecret(`Password of ${site.user} at ${name}`);
  if (answer === undefined) throw new FtpError('aborted', 'no password given', { site: name });
  return answer;
}

// Checked here, where the message can leave the value out: later it is an argument like any other.
function checked(site: SiteSettings): SiteSettings {
  if (/[\u0000-\u001f\u007f]/.test(site.password ?? '')) {
    throw new FtpError('usage', `the password for ${site.name ?? site.host} holds a control character`, {
      advice: 'Look for a line end at its end.',
    });
  }
  return site;
}
