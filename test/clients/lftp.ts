import { type ClientDriver, everyWay, run, type Target, timeValue } from './client.js';

const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;

const YES_NO = (yes: boolean): string => (yes ? 'yes' : 'no');

/** Settings under which lftp uses the target: for scripts of several sites each is one `open`. */
export function lftpSettings({ tls, mode, caFile }: Target): string[] {
  return [
    'net:max-retries 2',
    'net:timeout 10',
    'net:reconnect-interval-base 1',
    'cmd:fail-exit yes',
    'xfer:clobber yes',
    `ftp:passive-mode ${YES_NO(mode === 'passive')}`,
    `ftp:ssl-allow ${YES_NO(tls !== 'none')}`,
    `ftp:ssl-force ${YES_NO(tls !== 'none')}`,
    `ftp:ssl-protect-data ${YES_NO(tls !== 'none')}`,
    `ssl:ca-file ${quoted(caFile)}`,
    // It knows no addresses as subject alternative names; the chain is checked all the same.
    'ssl:check-hostname no',
  ];
}

function lftp(target: Target, ...commands: string[]): Promise<string> {
  const { host, port, user, password, tls } = target;
  const scheme = tls === 'implicit' ? 'ftps' : 'ftp';
  const script = [
    ...lftpSettings(target).map((one) => `set ${one}`),
    `open -u ${quoted(user)},${quoted(password)} ${scheme}://${host}:${port}`,
    ...commands,
  ];
  const env = { LFTP_HOME: target.home };
  return run('lftp', ['--norc'], {
    home: target.home,
    env,
    input: `${script.join('\n')}\n`,
  });
}

export const lftpDriver: ClientDriver = {
  name: 'lftp',
  ways: everyWay(['none', 'explicit', 'implicit'], ['active', 'passive']),
  upload: async (target, local, remote) =>
    void (await lftp(target, `put ${quoted(local)} -o ${quoted(remote)}`)),
  download: async (target, remote, local) =>
    void (await lftp(target, `get ${quoted(remote)} -o ${quoted(local)}`)),
  resumeUpload: async (target, local, remote) =>
    void (await lftp(target, `put -c ${quoted(local)} -o ${quoted(remote)}`)),
  resumeDownload: async (target, remote, local) =>
    void (await lftp(target, `get -c ${quoted(remote)} -o ${quoted(local)}`)),
  list: async (target, folder) =>
    (await lftp(target, `cls -1a --basename ${quoted(`${folder.replace(/\/$/, '')}/`)}`))
      .split('\n')
      .map((name) => name.replace(/\/$/, ''))
      .filter((name) => !['', '.', '..'].includes(name)),
  rename: async (target, from, to) => void (await lftp(target, `mv ${quoted(from)} ${quoted(to)}`)),
  remove: async (target, path) => void (await lftp(target, `rm ${quoted(path)}`)),
  makeDirectory: async (target, path) => void (await lftp(target, `mkdir ${quoted(path)}`)),
  removeDirectory: async (target, path) => void (await lftp(target, `rmdir ${quoted(path)}`)),
  modified: async (target, path) => {
    const line = await lftp(target, `cls -1l --time-style=%s ${quoted(path)}`);
    const seconds = /\s(\d{9,})\s/.exec(line)?.[1];
    if (seconds === undefined) throw new Error(`no time in: ${line}`);
    return Number(seconds) * 1000;
  },
  setModified: async (target, path, at) =>
    void (await lftp(target, `quote MFMT ${timeValue(at)} ${path.replaceAll(' ', '\\ ')}`)),
};
