import { agree, type Quirk } from './quirk.js';

/** drftpd: PRET before PASV, slaves with their own addresses, 226 after ABOR. */
export const drftpd: Quirk = {
  name: 'drftpd',
  recognise: ({ greeting, features, login }) =>
    agree(
      2,
      /drftpd/i.test(greeting + login),
      features.has('PRET') && features.has('CPSV') && features.has('SSCN'),
      features.has('XDUPE') || features.has('SSCN'),
    ) && !/wzd/i.test(greeting),
  behaviour: { needsPret: true, lockstep: true, controlListing: '-l' },
  advice: {
    'refuses-foreign-port':
      'drftpd: remove `deny_upfxp` / `deny_dnfxp` for that path and user in perms.conf.',
    'refuses-foreign-peer':
      'drftpd: remove `deny_upfxp` / `deny_dnfxp` for that path and user in perms.conf.',
  },
};
