import { type ClientDriver, everyWay, run, type Target } from './client.js';

/** Its configuration is in the environment; passwords are there in its own disguise. */
async function rclone(target: Target, ...args: string[]): Promise<string> {
  const { home, host, port, user, password, tls, caFile } = target;
  const disguised = (await run('rclone', ['obscure', '-'], { home, input: password })).trim();
  const env = {
    RCLONE_CONFIG: '/dev/null',
    RCLONE_CONFIG_PEER_TYPE: 'ftp',
    RCLONE_CONFIG_PEER_HOST: host,
    RCLONE_CONFIG_PEER_PORT: String(port),
    RCLONE_CONFIG_PEER_USER: user,
    RCLONE_CONFIG_PEER_PASS: disguised,
    RCLONE_CONFIG_PEER_TLS: String(tls === 'implicit'),
    RCLONE_CONFIG_PEER_EXPLICIT_TLS: String(tls === 'explicit'),
    RCLONE_CONFIG_PEER_CONCURRENCY: '2',
    // Its --ca-cert does not reach its FTP.
    SSL_CERT_FILE: caFile,
  };
  return run('rclone', ['--retries', '1', '--low-level-retries', '1', ...args], {
    home,
    env,
  });
}

export const rcloneDriver: ClientDriver = {
  name: 'rclone',
  ways: everyWay(['none', 'explicit', 'implicit'], ['passive']),
  upload: async (target, local, remote) =>
    void (await rclone(target, 'copyto', '--ignore-times', local, `peer:${remote}`)),
  download: async (target, remote, local) =>
    void (await rclone(target, 'copyto', '--ignore-times', `peer:${remote}`, local)),
  list: async (target, folder) =>
    (await rclone(target, 'lsf', `peer:${folder}`))
      .split('\n')
      .map((name) => name.replace(/\/$/, ''))
      .filter(Boolean),
  rename: async (target, from, to) => void (await rclone(target, 'moveto', `peer:${from}`, `peer:${to}`)),
  remove: async (target, path) => void (await rclone(target, 'deletefile', `peer:${path}`)),
  makeDirectory: async (target, path) => void (await rclone(target, 'mkdir', `peer:${path}`)),
  removeDirectory: async (target, path) => void (await rclone(target, 'rmdir', `peer:${path}`)),
  modified: async (target, path) =>
    Date.parse(`${(await rclone(target, 'lsf', '--format', 't', `peer:${path}`)).trim().replace(' ', 'T')}Z`),
  setModified: async (target, path, at) =>
    void (await rclone(
      target,
      'touch',
      '--timestamp',
      new Date(at).toISOString().slice(0, 19),
      `peer:${path}`,
    )),
};
