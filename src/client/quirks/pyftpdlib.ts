import { agree, type Quirk } from './quirk.js';

/**
 * pyftpdlib: connects at PORT, drops data that comes before STOR, kills a transfer on PASV. Measured with 1.5.7: ABOR does
 * not clear the queued file, and of 100 files sent over four sessions at once one or two hang.
 */
export const pyftpdlib: Quirk = {
  name: 'pyftpdlib',
  recognise: ({ greeting, features }) =>
    agree(
      2,
      /pyftpdlib/i.test(greeting),
      features.has('TVFS') && features.has('MFMT') && !features.has('MFF'),
      features.has('PROT') === features.has('PBSZ') &&
        features.has('EPRT') &&
        !features.has('MDTM-SET') &&
        features.has('MLST') &&
        features.has('UTF8') &&
        !features.has('ESTP') &&
        !features.has('SSCN'),
    ),
  behaviour: {
    retrFirstUnderTls: true,
    promptPreliminary: true,
    lockstep: true,
    statProgress: 'always',
    staleAfterAbort: true,
    oneAtATime: true,
  },
  advice: {
    'refuses-foreign-port': 'pyftpdlib: `handler.permit_foreign_addresses = True` would allow it.',
    'refuses-foreign-peer': 'pyftpdlib: `handler.permit_foreign_addresses = True` would allow it.',
    'never-tls-client': 'pyftpdlib knows neither CPSV nor SSCN: the other server must be the TLS client.',
  },
};
