import { agree, type Quirk } from './quirk.js';

/** RaidenFTPd: SSCN, no CPSV; digests by XCRC and XMD5. */
export const raidenftpd: Quirk = {
  name: 'RaidenFTPd',
  recognise: ({ greeting, features, login }) =>
    agree(
      2,
      /raiden/i.test(greeting + login),
      features.has('SSCN') && !features.has('CPSV') && features.has('XCRC'),
      features.has('CLNT') && features.has('IDNT'),
    ),
  behaviour: { windowsNames: true },
  advice: {},
};
