import { expect, test } from 'vitest';
import { announcedSize } from '../../src/protocol/announced.js';

test.each<[string, number, string, number | undefined]>([
  ['ProFTPD', 150, 'Opening BINARY mode data connection for /tree/f (10240 bytes)', 10240],
  ['vsftpd', 150, 'Opening BINARY mode data connection for f (0 bytes).', 0],
  ['a name that looks like a size', 150, 'Opening data connection for f (7 bytes) of yours', undefined],
  ['a name with a size before the size', 150, 'Opening data connection for (7 bytes) (8 bytes)', 8],
  ['pyftpdlib', 150, 'File status okay. About to open data connection.', undefined],
  ['an approximate size', 150, '10.0 kbytes to download', undefined],
  ['no 150', 226, 'Done (10 bytes)', undefined],
  ['more than a number holds', 150, 'Opening (9999999999999999 bytes)', undefined],
])('%s', (_what, code, text, octets) => {
  expect(announcedSize({ code, text })).toBe(octets);
});
