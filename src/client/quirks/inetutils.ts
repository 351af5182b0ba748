import { agree, type Quirk } from './quirk.js';

/** GNU inetutils ftpd: refuses foreign PORT, never checks who connects to its passive port, no TLS. */
export const inetutils: Quirk = {
  name: 'inetutils ftpd',
  recognise: ({ greeting, features }) =>
    agree(
      2,
      /GNU inetutils|inetutils/i.test(greeting),
      features.has('LPRT') || features.has('LPSV'),
      features.names.length <= 8 && !features.has('AUTH'),
    ),
  behaviour: { noUrgent: true },
  advice: {
    'refuses-foreign-port':
      'inetutils ftpd always refuses PORT to another host: the other server must connect.',
  },
};
