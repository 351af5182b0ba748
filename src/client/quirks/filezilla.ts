import { agree, type Quirk } from './quirk.js';

/** FileZilla Server 1.x: resumed TLS sessions are a must, never a TLS client. */
export const filezilla: Quirk = {
  name: 'FileZilla Server',
  recognise: ({ greeting, features, login }) =>
    agree(
      2,
      /FileZilla Server/i.test(greeting + login),
      features.has('EPSV') && features.has('MLST') && features.has('TVFS') && features.has('HASH'),
    ),
  behaviour: { noUrgent: true },
  advice: {
    'requires-session-reuse':
      'FileZilla Server 1.x always wants resumed TLS sessions: no secure FXP; use --relay fallback.',
    'never-tls-client':
      'FileZilla Server knows neither CPSV nor SSCN: the other server must be the TLS client.',
  },
};
