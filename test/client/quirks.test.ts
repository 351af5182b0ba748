import { describe, expect, test } from 'vitest';
import { recognise } from '../../src/client/quirks/index.js';
import { Features, parseFeatures } from '../../src/protocol/features.js';
import { FEAT } from '../protocol/recorded.js';

const recorded = (name: keyof typeof FEAT): Features => {
  const lines = FEAT[name].split('\n');
  return parseFeatures({ code: 211, lines, text: '' });
};

describe('which server program it is', () => {
  test.each<[string, keyof typeof FEAT, string]>([
    ['ProFTPD', 'proftpd', '220 ProFTPD Server (Debian) [192.0.2.1]'],
    ['Pure-FTPd', 'pureftpd', '220---------- Welcome to Pure-FTPd [privsep] [TLS] ----------'],
    ['vsftpd', 'vsftpd', '220 (vsFTPd 3.0.3)'],
    ['pyftpdlib', 'pyftpdlib', '220 pyftpdlib 1.5.7 ready.'],
    ['inetutils ftpd', 'inetutils', '220 host FTP server (GNU inetutils 2.4) ready.'],
    ['GridFTP', 'gridftp', '220 host GridFTP Server 13.24 ready.'],
  ])('%s by its own banner and features', (name, feat, greeting) => {
    expect(recognise({ greeting, system: 'UNIX Type: L8', features: recorded(feat), login: '' }).name).toBe(
      name,
    );
  });

  test.each<[string, keyof typeof FEAT]>([
    ['ProFTPD', 'proftpd'],
    ['Pure-FTPd', 'pureftpd'],
    ['GridFTP', 'gridftp'],
    ['pyftpdlib', 'pyftpdlib'],
  ])('%s by its features alone, the banner hidden', (name, feat) => {
    expect(recognise({ greeting: '220 Welcome', system: '', features: recorded(feat), login: '' }).name).toBe(
      name,
    );
  });

  test('a banner alone proves nothing', () => {
    for (const greeting of [
      '220 ProFTPD',
      '220 (vsFTPd 3.0.3)',
      '220 pyftpdlib',
      '220 glFTPd',
      '220 drftpd',
    ]) {
      const { name, behaviour } = recognise({ greeting, system: '', features: new Features(), login: '' });
      expect([name, behaviour]).toEqual(['FTP server', {}]);
    }
  });
});
