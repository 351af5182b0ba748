import { agree, type Quirk } from './quirk.js';

/** ioFTPD: SSCN and CPSV on Windows, says UNIX in SYST; control listings. */
export const ioftpd: Quirk = {
  name: 'ioFTPD',
  recognise: ({ greeting, features, login }) =>
    agree(
      2,
      /ioftpd/i.test(greeting + login),
      /filename;start;end/i.test(features.value('XCRC') ?? ''),
      features.has('CPSV') && features.has('SSCN') && !features.has('CEPR'),
    ),
  behaviour: { controlListing: '-la', lockstep: true, windowsNames: true },
  advice: {},
};
