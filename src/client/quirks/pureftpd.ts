import { agree, type Quirk } from './quirk.js';

/** Pure-FTPd: never a TLS client, so secure FXP needs a partner that can be one. */
export const pureftpd: Quirk = {
  name: 'Pure-FTPd',
  recognise: ({ greeting, features, login }) =>
    agree(
      2,
      /Pure-?FTPd/i.test(greeting + login),
      features.has('ESTA') && features.has('ESTP'),
      features.has('IDLE') || features.has('PRET'),
    ),
  behaviour: { ahead: true, noUrgent: true, changesTrailingBlanks: true },
  advice: {
    'refuses-foreign-port':
      'Pure-FTPd: start it with `-w` (AllowUserFXP yes) to allow FXP for users that logged in.',
    'refuses-foreign-peer':
      'Pure-FTPd: start it with `-w` (AllowUserFXP yes) to allow FXP for users that logged in.',
    'never-tls-client': 'Pure-FTPd knows neither CPSV nor SSCN: the other server must be the TLS client.',
  },
};
