import {
  type ClientDriver,
  everyWay,
  parseTimeValue,
  run,
  type Target,
  timeValue,
  urlPath,
} from './client.js';

const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;

/** curl with its options on standard input, so that no argument shows the password. */
function curl(target: Target, path: string, options: readonly string[]): Promise<string> {
  const { host, port, tls, mode } = target;
  const scheme = tls === 'implicit' ? 'ftps' : 'ftp';
  const config = [
    // Two slashes: from the root, not from the directory after login (RFC 1738 3.2.2).
    `url = ${quoted(`${scheme}://${host}:${port}/${urlPath(path)}`)}`,
    `user = ${quoted(`${target.user}:${target.password}`)}`,
    'max-time = 30',
    'silent',
    'show-error',
    'globoff',
    ...(tls === 'none' ? [] : ['ssl-reqd', `cacert = ${quoted(target.caFile)}`]),
    ...(mode === 'active' ? ['ftp-port = "-"'] : []),
    ...options,
  ];
  return run('curl', ['-q', '--config', '-'], { home: target.home, input: `${config.join('\n')}\n` });
}

const commands = (target: Target, ...lines: string[]): Promise<string> =>
  curl(target, '/', ['head', 'ftp-method = nocwd', ...lines.map((line) => `quote = ${quoted(line)}`)]);

export const curlDriver: ClientDriver = {
  name: 'curl',
  // Version 7.88 leaves TLS out of data connections that it accepts (mended in 8.0).
  ways: [...everyWay(['none'], ['active', 'passive']), ...everyWay(['explicit', 'implicit'], ['passive'])],
  upload: async (target, local, remote) =>
    void (await curl(target, remote, [`upload-file = ${quoted(local)}`])),
  download: async (target, remote, local) => void (await curl(target, remote, [`output = ${quoted(local)}`])),
  resumeUpload: async (target, local, remote) =>
    void (await curl(target, remote, [`upload-file = ${quoted(local)}`, 'continue-at = -'])),
  resumeDownload: async (target, remote, local) =>
    void (await curl(target, remote, [`output = ${quoted(local)}`, 'continue-at = -'])),
  list: async (target, folder) =>
    (await curl(target, `${folder.replace(/\/$/, '')}/`, ['list-only'])).split(/\r?\n/).filter(Boolean),
  rename: async (target, from, to) => void (await commands(target, `RNFR ${from}`, `RNTO ${to}`)),
  remove: async (target, path) => void (await commands(target, `DELE ${path}`)),
  makeDirectory: async (target, path) => void (await commands(target, `MKD ${path}`)),
  removeDirectory: async (target, path) => void (await commands(target, `RMD ${path}`)),
  modified: async (target, path) => {
    const head = await curl(target, path, ['head', 'verbose', 'stderr = "-"']);
    return parseTimeValue(/^< 213 (\d{14})/m.exec(head)?.[1] ?? head);
  },
  setModified: async (target, path, at) => void (await commands(target, `MFMT ${timeValue(at)} ${path}`)),
};
