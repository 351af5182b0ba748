/** All the clients that the server is tried with. */
import type { ClientDriver } from './client.js';
import { curlDriver } from './curl.js';
import { ftplibDriver } from './ftplib.js';
import { lftpDriver } from './lftp.js';
import { basicFtpDriver, jackstayDriver } from './libraries.js';
import { ncftpDriver } from './ncftp.js';
import { rcloneDriver } from './rclone.js';
import { tnftpDriver } from './tnftp.js';
import { wgetDriver } from './wget.js';

export const CLIENT_DRIVERS: readonly ClientDriver[] = [
  ...[curlDriver, lftpDriver, ncftpDriver, tnftpDriver, wgetDriver, rcloneDriver],
  ...[ftplibDriver, basicFtpDriver, jackstayDriver],
];
