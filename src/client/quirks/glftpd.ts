import { agree, type Quirk } from './quirk.js';

/** glFTPd: CPSV, SSCN, CEPR; forgets REST when PASV or PORT follows; listing by STAT -l. */
export const glftpd: Quirk = {
  name: 'glFTPd',
  recognise: ({ greeting, features, login }) =>
    agree(
      2,
      /glftpd/i.test(greeting + login),
      features.has('CEPR'),
      features.has('CPSV') && features.has('SSCN') && !features.has('PRET'),
    ),
  behaviour: { showsKeyAsClient: true, controlListing: '-l', statProgress: 'always' },
  advice: {
    'refuses-foreign-port': 'glFTPd: `allow_fxp yes yes yes *` in glftpd.conf would allow it.',
    'refuses-foreign-peer': 'glFTPd: `allow_fxp yes yes yes *` in glftpd.conf would allow it.',
    truncates:
      'glFTPd as TLS client loses the tail of files under TLS 1.3: `SSL_CLEAN_SHUTDOWN 1`, or let the destination be the TLS client.',
  },
};
