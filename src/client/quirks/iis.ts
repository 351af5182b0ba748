import { agree, type Quirk } from './quirk.js';

/** Microsoft IIS: one line per read, MS-DOS listings, foreign addresses refused by default, never a TLS client. */
export const iis: Quirk = {
  name: 'Microsoft IIS',
  recognise: ({ greeting, system, features }) =>
    agree(
      2,
      /Microsoft FTP/i.test(greeting),
      /Windows_NT/i.test(system),
      features.has('CCC') && features.has('HOST') && !features.has('MLST'),
    ),
  behaviour: { lockstep: true, changesTrailingBlanks: true, windowsNames: true },
  advice: {
    'refuses-foreign-port':
      'IIS: set `matchClientAddressForPort` to false (system.ftpServer/security/dataChannelSecurity).',
    'refuses-foreign-peer':
      'IIS: set `matchClientAddressForPasv` to false (system.ftpServer/security/dataChannelSecurity).',
    'never-tls-client': 'IIS knows neither CPSV nor SSCN: the other server must be the TLS client.',
  },
};
