import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type ClientDriver, everyWay, listedNames, run, type Target, urlPath } from './client.js';

/** wget only reads. Its password is in its start-up file. */
async function wget(target: Target, path: string, ...flags: string[]): Promise<void> {
  const { host, port, user, password, tls, mode, home } = target;
  const rc = join(home, 'wgetrc');
  const lines = [`ftp_user = ${user}`, `ftp_password = ${password}`, 'timeout = 20', 'tries = 1'];
  await writeFile(rc, `${lines.join('\n')}\n`, { mode: 0o600 });
  const scheme = tls === 'none' ? 'ftp' : 'ftps';
  const args = [
    ...['--quiet', '--no-glob', `--ca-certificate=${target.caFile}`],
    ...(tls === 'implicit' ? ['--ftps-implicit'] : []),
    ...(tls === 'none' ? [] : ['--ftps-resume-ssl']),
    ...(mode === 'active' ? ['--no-passive-ftp'] : []),
    ...flags,
  ];
  // %2F: from the root, not from the directory after login (RFC 1738 3.2.2).
  const url = `${scheme}://${host}:${port}/%2F${urlPath(path).slice(1)}`;
  await run('wget', [...args, url], { home, env: { WGETRC: rc } });
}

export const wgetDriver: ClientDriver = {
  name: 'wget',
  ways: everyWay(['none', 'explicit', 'implicit'], ['active', 'passive']),
  download: (target, remote, local) => wget(target, remote, '-O', local),
  resumeDownload: (target, remote, local) => wget(target, remote, '-c', '-O', local),
  list: async (target, folder) => {
    const page = join(target.home, 'page');
    await wget(target, `${folder.replace(/\/$/, '')}/`, '--no-remove-listing', '-O', page);
    const listing = await readFile(join(target.home, '.listing'), 'utf8');
    await rm(join(target.home, '.listing'));
    return listedNames(listing);
  },
  modified: async (target, path) => {
    const folder = join(target.home, 'dated');
    await wget(target, path, '-N', '-P', folder);
    return (await stat(join(folder, basename(path)))).mtimeMs;
  },
};
