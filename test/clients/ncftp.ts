import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type ClientDriver,
  everyWay,
  listedNames,
  parseTimeValue,
  run,
  type Target,
  timeValue,
  urlPath,
} from './client.js';

const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;

/** What it prints when a command failed; its exit status does not tell. */
const FAILED = /server said:|could not|cannot open|not connected|unable to|timed out/i;

/** A script on standard input, where the password is no argument. */
async function ncftp(target: Target, ...commands: string[]): Promise<string> {
  const { host, port, user, password, mode, home } = target;
  const script = [
    `set passive ${mode === 'active' ? 'off' : 'on'}`,
    'set confirm-close no',
    `open -u ${quoted(user)} -p ${quoted(password)} -P ${port} ${host}`,
    ...commands,
    'quit',
  ];
  const said = await run('ncftp', [], { home, env: { TERM: 'dumb' }, input: `${script.join('\n')}\n` });
  if (FAILED.test(said)) throw new Error(`ncftp ${commands.join('; ')}\n${said}`);
  return said;
}

async function names(target: Target, folder: string): Promise<string[]> {
  const { host, port, user, password, mode, home } = target;
  const login = join(home, 'login.cfg');
  await writeFile(login, `host ${host}\nuser ${user}\npass ${password}\n`, { mode: 0o600 });
  const flags = ['-f', login, '-P', String(port), mode === 'active' ? '-E' : '-F', '-l', '-t', '20'];
  const url = `ftp://${host}${urlPath(folder.replace(/\/$/, ''))}/`;
  return listedNames(await run('ncftpls', [...flags, url], { home }));
}

export const ncftpDriver: ClientDriver = {
  name: 'ncftp',
  ways: everyWay(['none'], ['active', 'passive']),
  // Only with -z may the second word be the new name; a file that is there and shorter is continued then.
  upload: async (target, local, remote) =>
    void (await ncftp(target, `put -z ${quoted(local)} ${quoted(remote)}`)),
  download: async (target, remote, local) =>
    void (await ncftp(target, `get -z ${quoted(remote)} ${quoted(local)}`)),
  resumeUpload: async (target, local, remote) =>
    void (await ncftp(target, `put -z ${quoted(local)} ${quoted(remote)}`)),
  resumeDownload: async (target, remote, local) =>
    void (await ncftp(target, `get -z ${quoted(remote)} ${quoted(local)}`)),
  list: names,
  rename: async (target, from, to) => void (await ncftp(target, `rename ${quoted(from)} ${quoted(to)}`)),
  remove: async (target, path) => void (await ncftp(target, `rm ${quoted(path)}`)),
  makeDirectory: async (target, path) => void (await ncftp(target, `mkdir ${quoted(path)}`)),
  removeDirectory: async (target, path) => void (await ncftp(target, `rmdir ${quoted(path)}`)),
  modified: async (target, path) =>
    parseTimeValue(/^\d{14}/m.exec(await ncftp(target, `quote MDTM ${path}`))?.[0] ?? ''),
  setModified: async (target, path, at) => void (await ncftp(target, `quote MFMT ${timeValue(at)} ${path}`)),
};
