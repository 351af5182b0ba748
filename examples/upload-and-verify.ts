/**
 * Upload a file under a temporary name, compare digests, then rename it: nobody ever sees half of it.
 *
 *   node --import tsx examples/upload-and-verify.ts report.pdf ftps://alice:secret@ftp.example/incoming
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { connect, FtpError } from 'jackstay/client';

const [file = '', url = ''] = process.argv.slice(2);
const name = basename(file);
const client = await connect(url);
try {
  const { bytes, security } = await client.upload(file, `${name}.part`, {
    onProgress: (sent) => process.stderr.write(`\r${sent} octets`),
  });
  const { hex } = await client.digest(`${name}.part`, { algorithm: 'SHA-256' });
  const ours = createHash('sha256')
    .update(await readFile(file))
    .digest('hex');
  if (hex !== ours) throw new FtpError('verify', `${name} arrived altered: ${hex} instead of ${ours}`);
  await client.rename(`${name}.part`, name);
  console.log(`${name}: ${bytes} octets (${security}), SHA-256 ${hex}`);
} finally {
  await client.close();
}
