import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type ClientDriver, everyWay, run, type Target, timeValue } from './client.js';

const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;

/** Replies of the server that refuse; it shows them and goes on, and ends with 0 in any case. */
const REFUSED = /^[45]\d\d[ -].*$|^ftp: .*$|^Not connected.*$/m;

/** A script on standard input, where the password is no argument. */
async function tnftp(target: Target, ...commands: string[]): Promise<string> {
  const { host, port, user, password, mode, home } = target;
  const script = [
    `open ${host} ${port}`,
    `user ${quoted(user)} ${quoted(password)}`,
    `passive ${mode === 'active' ? 'off' : 'on'}`,
    'binary',
    ...commands,
    'bye',
  ];
  const said = await run('tnftp', ['-n', '-v', '-i'], { home, input: `${script.join('\n')}\n` });
  const refused = REFUSED.exec(said);
  if (refused !== null) throw new Error(`tnftp ${commands.join('; ')}: ${refused[0]}\n${said}`);
  return said;
}

export const tnftpDriver: ClientDriver = {
  name: 'tnftp',
  ways: everyWay(['none'], ['active', 'passive']),
  upload: async (target, local, remote) =>
    void (await tnftp(target, `put ${quoted(local)} ${quoted(remote)}`)),
  download: async (target, remote, local) =>
    void (await tnftp(target, `get ${quoted(remote)} ${quoted(local)}`)),
  resumeDownload: async (target, remote, local) =>
    void (await tnftp(target, `reget ${quoted(remote)} ${quoted(local)}`)),
  list: async (target, folder) => {
    const names = join(target.home, 'names');
    await tnftp(target, `nlist ${quoted(folder)} ${quoted(names)}`);
    const lines = (await readFile(names, 'utf8')).split(/\r?\n/);
    return lines.map((line) => line.slice(line.lastIndexOf('/') + 1)).filter(Boolean);
  },
  rename: async (target, from, to) => void (await tnftp(target, `rename ${quoted(from)} ${quoted(to)}`)),
  remove: async (target, path) => void (await tnftp(target, `delete ${quoted(path)}`)),
  makeDirectory: async (target, path) => void (await tnftp(target, `mkdir ${quoted(path)}`)),
  removeDirectory: async (target, path) => void (await tnftp(target, `rmdir ${quoted(path)}`)),
  // A file that it fetched has the time that MDTM told.
  modified: async (target, path) => {
    const copy = join(target.home, 'dated');
    await tnftp(target, `get ${quoted(path)} ${quoted(copy)}`);
    return (await stat(copy)).mtimeMs;
  },
  setModified: async (target, path, at) =>
    void (await tnftp(target, `quote MFMT ${timeValue(at)} ${quoted(path)}`)),
};
