import { join } from 'node:path';
import { FtpError } from '../protocol/errors.js';
import type { SiteSettings } from '../protocol/site.js';
import { readJson, type StateDirs, updateJson } from './state.js';

/** A saved site: its settings without name (that is the key) and without password (that is in the secret store). */
export type SavedSite = Omit<SiteSettings, 'name' | 'password'>;

const siteFile = async () => (await import('./state-files.js')).siteFile;

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
      const checked = await checkSite(name, site);
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

async function checkSite(name: string, site: SavedSite): Promise<SavedSite> {
  const { namedSite } = await import('./state-files.js');
  const result = namedSite.safeParse({ name, site });
  if (result.success) return result.data.site;
  const faults = result.error.issues.map(
    (issue) => `${String(issue.path.at(-1) ?? 'site')}: ${issue.message}`,
  );
  throw new FtpError('usage', `the site cannot be saved: ${faults.join('; ')}`);
}
