import { agree, type Quirk } from './quirk.js';

/**
 * ProFTPD: SSCN, no CPSV; mod_tls wants a resumed session unless told otherwise; mod_digest for hashes. As TLS client it writes its
 * handshake into a corked socket (TCP_CORK), which the kernel holds back for 0.2 s: traced with 1.3.8.
 */
export const proftpd: Quirk = {
  name: 'ProFTPD',
  recognise: ({ greeting, features }) =>
    agree(
      2,
      /ProFTPD/i.test(greeting),
      features.has('MFF') && features.has('MFMT'),
      features.has('SITE MKDIR') ||
        /MKDIR|SYMLINK|UTIME/.test(features.value('SITE') ?? '') ||
        features.has('HASH'),
      features.has('SSCN') && !features.has('CPSV') && !features.has('PRET'),
    ),
  behaviour: { ahead: true, statProgress: 'store', showsKeyAsClient: true, slowTlsClient: true },
  advice: {
    'refuses-foreign-port':
      'ProFTPD: `AllowForeignAddress on` (or a <Class> of the other server) would allow it.',
    'refuses-foreign-peer':
      'ProFTPD: `AllowForeignAddress on` (or a <Class> of the other server) would allow it.',
    'requires-session-reuse': 'ProFTPD: `TLSOptions NoSessionReuseRequired` would allow it as TLS server.',
    'verifies-peer':
      'ProFTPD: `TLSVerifyServer off`, or a CA in `TLSCACertificateFile` that signed the other server, would allow it as TLS client.',
    truncates:
      'ProFTPD as TLS client loses the tail of files under TLS 1.3: let the destination be the TLS client, or limit TLSProtocol to TLSv1.2.',
  },
};
