/** Runs ftp-srv on one address, from the JSON object in JACKSTAY_FTP_SRV: host, port, user, password, home, key, cert. */
import { createRequire } from 'node:module';

const { FtpSrv } = createRequire(import.meta.url)('ftp-srv');
const bunyan = createRequire(createRequire(import.meta.url).resolve('ftp-srv'))('bunyan');

const { host, port, user, password, home, key, cert } = JSON.parse(process.env.JACKSTAY_FTP_SRV ?? '{}');
const server = new FtpSrv({
  url: `ftp://${host}:${port}`,
  pasv_url: host,
  pasv_min: 20_000,
  pasv_max: 60_000,
  anonymous: false,
  tls: key === undefined ? false : { key, cert },
  log: bunyan.createLogger({ name: 'ftp-srv', level: 'fatal' }),
});
server.on('login', ({ username, password: given }, resolve, reject) => {
  if (username === user && given === password) resolve({ root: home });
  else reject(new Error('wrong user or password'));
});
server.listen();
