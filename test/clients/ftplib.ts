import { fileURLToPath } from 'node:url';
import { type ClientDriver, everyWay, parseTimeValue, run, type Target, timeValue } from './client.js';

const SCRIPT = fileURLToPath(new URL('ftplib-client.py', import.meta.url));

async function ftplib(target: Target, act: string, ...words: (string | boolean)[]): Promise<unknown> {
  const input = JSON.stringify({ ...target, act, words });
  return JSON.parse(await run('ftplib', [SCRIPT], { home: target.home, input })) as unknown;
}

/** Python's standard library. */
export const ftplibDriver: ClientDriver = {
  name: 'ftplib',
  ways: everyWay(['none', 'explicit', 'implicit'], ['active', 'passive']),
  upload: async (target, local, remote) => void (await ftplib(target, 'upload', local, remote)),
  download: async (target, remote, local) => void (await ftplib(target, 'download', remote, local)),
  resumeUpload: async (target, local, remote) => void (await ftplib(target, 'upload', local, remote, true)),
  resumeDownload: async (target, remote, local) =>
    void (await ftplib(target, 'download', remote, local, true)),
  list: async (target, folder) => ((await ftplib(target, 'list', folder)) as unknown[]).map(String),
  rename: async (target, from, to) => void (await ftplib(target, 'rename', from, to)),
  remove: async (target, path) => void (await ftplib(target, 'remove', path)),
  makeDirectory: async (target, path) => void (await ftplib(target, 'makeDirectory', path)),
  removeDirectory: async (target, path) => void (await ftplib(target, 'removeDirectory', path)),
  modified: async (target, path) => parseTimeValue(String(await ftplib(target, 'modified', path))),
  setModified: async (target, path, at) => void (await ftplib(target, 'setModified', path, timeValue(at))),
};
