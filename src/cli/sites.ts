import { join } from 'node:path';
import { z } from 'zod';
import { FtpError } from '../protocol/errors.js';
import type { SiteSettings } from '../protocol/site.js';
import { readJson, type StateDirs, updateJson } from './state.js';

/** A saved site: its settings without name (that is the key) and without password (that is in the secret store). */
export type SavedSite = Omit<SiteSettings, 'name' | 'password'>;

const plain = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .regex(/^[^\u0000-\u001f\u007f]*$/, 'control characters');

/** Two characters at least: one alone is a Windows drive. */
const siteName = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{1,63}$/,
    'a name has 2 to 64 letters, digits, dots, dashes or underscores',
  );

const savedSite = z.strictObject({
  host: plain(255),
  port: z.number().int().min(1).max(65535).exactOptional(),
  tls: z.enum(['none', 'explicit', 'implicit']).exactOptional(),
  user: plain(255).exactOptional(),
  account: plain(255).exactOptional(),
  virtualHost: plain(255).exactOptional(),
  directory: plain(4096).exactOptional(),
  pin: z
    .string()
    .regex(/^[0-9a-f]{64}$/, '64 lower-case hexadecimal digits')
    .exactOptional(),
  insecure: z.boolean().exactOptional(),
  maxSessions: z.number().int().min(1).max(64).exactOptional(),
  charset: z.enum(['utf8', 'latin1']).exactOptional(),
  dataMode: z.enum(['passive', 'active']).exactOptional(),
  allowForeignPasv: z.boolean().exactOptional(),
  localAddress: plain(64).exactOptional(),
});

const siteFile = z.strictObject({ version: z.literal(1), sites: z.record(siteName, savedSite) });

/** Saved sites in `sites.json` of the configuration directory; a person may edit it. */
export interface SiteStore {
  readonly file: string;
  /** Every site, by name in alphabetical order. */
  all(): Promise<Map<string, SavedSite>>;
  get(name: string): Promise<SavedSite | undefined>;
  /** Add or replace. Throws FtpError `usage` that lists what is wrong. */
  put(name: string, site: SavedSite): Promise<void>;
  /** False when there was no such site. */
  remove(name: string): Promise<boolean>;
}

/** The site store below these directories; nothing is read or made before the first call. */
export function siteStore(dirs: StateDirs): SiteStore {
  const file = join(dirs.config, 'sites.json');
  const all = async (): Promise<Map<string, SavedSite>> => {
    const sites = Object.entries((await readJson(file, siteFile))?.sites ?? {});
    return new Map(sites.sort(([a], [b]) => (a < b ? -1 : 1)));
  };
  return {
    file,
    all,
    get: async (name) => (await all()).get(name),
    put: async (name, site) => {
      const checked = checkSite(name, site);
      await updateJson(file, siteFile, (old) => ({
        version: 1 as const,
        sites: { ...old?.sites, [name]: checked },
      }));
    },
    remove: async (name) => {
      if (!(await all()).has(name)) return false;
      await updateJson(file, siteFile, (old) => {
        const sites = { ...old?.sites };
        delete sites[name];
        return { version: 1 as const, sites };
      });
      return true;
    },
  };
}

function checkSite(name: string, site: SavedSite): SavedSite {
  const result = z.strictObject({ name: siteName, site: savedSite }).safeParse({ name, site });
  if (result.success) return result.data.site;
  const faults = result.error.issues.map(
    (issue) => `${String(issue.path.at(-1) ?? 'site')}: ${issue.message}`,
  );
  throw new FtpError('usage', `the site cannot be saved: ${faults.join('; ')}`);
}
