import { agree, type Quirk } from './quirk.js';

/** wzdftpd: runs the first command of a packet and discards the rest; CPSV lasts until SSCN OFF; a bare SSCN means OFF. */
export const wzdftpd: Quirk = {
  name: 'wzdftpd',
  recognise: ({ greeting, features }) =>
    agree(
      2,
      /wzd/i.test(greeting),
      features.has('NON-FREE') || features.lines.some((line) => /NON-FREE FTPD/i.test(line)),
      features.has('CPSV') && features.has('SSCN') && features.has('PRET'),
    ),
  behaviour: { lockstep: true, cpsvSticky: true, showsKeyAsClient: true },
  advice: {
    'refuses-foreign-port': 'wzdftpd: remove the flag F of that user (`site chuser <user> flags -F`).',
    'refuses-foreign-peer': 'wzdftpd: remove the flag F of that user (`site chuser <user> flags -F`).',
  },
};
