/** The clients that are libraries of this runtime: basic-ftp, and our own. */
import { readFileSync } from 'node:fs';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { Client as BasicFtp } from 'basic-ftp';
import { type Client, connect } from '../../src/client/index.js';
import { type ClientDriver, everyWay, type Target, timeValue } from './client.js';

async function withBasicFtp<T>(target: Target, act: (client: BasicFtp) => Promise<T>): Promise<T> {
  const { host, port, user, password, tls, caFile } = target;
  const client = new BasicFtp(20_000);
  try {
    const secure = tls === 'implicit' ? tls : tls === 'explicit';
    const secureOptions = { ca: readFileSync(caFile), host };
    await client.access({ host, port, user, password, secure, ...(tls !== 'none' && { secureOptions }) });
    return await act(client);
  } finally {
    client.close();
  }
}

export const basicFtpDriver: ClientDriver = {
  name: 'basic-ftp',
  ways: everyWay(['none', 'explicit', 'implicit'], ['passive']),
  // A socket of Node's that is ended before the handshake is over says no close_notify, and it begins an upload before that.
  cutsEmptyFiles: true,
  upload: (target, local, remote) =>
    withBasicFtp(target, async (client) => void (await client.uploadFrom(local, remote))),
  download: (target, remote, local) =>
    withBasicFtp(target, async (client) => void (await client.downloadTo(local, remote))),
  resumeUpload: (target, local, remote) =>
    withBasicFtp(target, async (client) => {
      const localStart = await client.size(remote);
      await client.appendFrom(local, remote, { localStart });
    }),
  resumeDownload: (target, remote, local) =>
    withBasicFtp(target, async (client) => {
      await client.downloadTo(local, remote, (await stat(local)).size);
    }),
  list: (target, folder) =>
    withBasicFtp(target, async (client) => (await client.list(folder)).map(({ name }) => name)),
  rename: (target, from, to) => withBasicFtp(target, async (client) => void (await client.rename(from, to))),
  remove: (target, path) => withBasicFtp(target, async (client) => void (await client.remove(path))),
  makeDirectory: (target, path) => withBasicFtp(target, (client) => client.ensureDir(path)),
  removeDirectory: (target, path) => withBasicFtp(target, (client) => client.removeDir(path)),
  modified: (target, path) => withBasicFtp(target, async (client) => (await client.lastMod(path)).getTime()),
  setModified: (target, path, at) =>
    withBasicFtp(target, async (client) => void (await client.send(`MFMT ${timeValue(at)} ${path}`))),
};

async function withJackstay<T>(target: Target, act: (client: Client) => Promise<T>): Promise<T> {
  const { host, port, user, password, tls, mode } = target;
  // The authority of the tests is in no store of this process: what is proven here are the transfers, not the chain.
  const client = await connect({ host, port, user, password, tls, insecure: true, dataMode: mode });
  try {
    return await act(client);
  } finally {
    await client.close();
  }
}

export const jackstayDriver: ClientDriver = {
  name: 'jackstay',
  ways: everyWay(['none', 'explicit', 'implicit'], ['active', 'passive']),
  upload: (target, local, remote) =>
    withJackstay(target, async (client) => void (await client.upload(local, remote))),
  download: (target, remote, local) =>
    withJackstay(target, async (client) => void (await client.download(remote, local))),
  resumeUpload: (target, local, remote) =>
    withJackstay(target, async (client) => {
      const offset = await client.size(remote);
      await client.upload(local, remote, offset === undefined ? {} : { offset });
    }),
  resumeDownload: (target, remote, local) =>
    withJackstay(target, async (client) => {
      const there = await readFile(local);
      const rest = await client.read(remote, { offset: there.length });
      await writeFile(local, Buffer.concat([there, rest]));
    }),
  list: (target, folder) =>
    withJackstay(target, async (client) => (await client.list(folder)).map(({ name }) => name)),
  rename: (target, from, to) => withJackstay(target, (client) => client.rename(from, to)),
  remove: (target, path) => withJackstay(target, (client) => client.remove(path)),
  makeDirectory: (target, path) =>
    withJackstay(target, async (client) => void (await client.makeDirectory(path))),
  removeDirectory: (target, path) => withJackstay(target, (client) => client.removeDirectory(path)),
  modified: (target, path) =>
    withJackstay(target, async (client) => {
      const at = await client.modified(path);
      if (at === undefined) throw new Error(`no time of ${path}`);
      return at;
    }),
  setModified: (target, path, at) =>
    withJackstay(target, async (client) => {
      if (!(await client.setModified(path, at))) throw new Error(`the time of ${path} cannot be set`);
    }),
};
