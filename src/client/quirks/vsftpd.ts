import { agree, type Quirk } from './quirk.js';

/** vsftpd: never a TLS client; wants resumed TLS sessions and the client's own address by default. */
export const vsftpd: Quirk = {
  name: 'vsftpd',
  recognise: ({ greeting, features, login }) =>
    agree(
      2,
      /vsFTPd/i.test(greeting),
      features.has('EPRT') &&
        features.has('EPSV') &&
        features.has('MDTM') &&
        features.has('PASV') &&
        !features.has('MLST'),
      /^230 Login successful\.$/m.test(login),
    ),
  behaviour: { ahead: true, noUrgent: true },
  advice: {
    'refuses-foreign-port': 'vsftpd: `port_promiscuous=YES` would allow it.',
    'refuses-foreign-peer': 'vsftpd: `pasv_promiscuous=YES` would allow it.',
    'requires-session-reuse': 'vsftpd: `require_ssl_reuse=NO` would allow it.',
    'never-tls-client': 'vsftpd knows neither CPSV nor SSCN: the other server must be the TLS client.',
  },
};
