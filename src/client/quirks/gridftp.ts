import { agree, type Quirk } from './quirk.js';

/** Globus GridFTP: MODE E, SPAS, pipelining; its command reader drops octets above 127 (measured with 13.24). */
export const gridftp: Quirk = {
  name: 'GridFTP',
  recognise: ({ greeting, features }) =>
    agree(
      2,
      /GridFTP|Globus/i.test(greeting),
      features.has('SPAS') && features.has('SPOR'),
      features.has('ERET') || features.has('DCAU'),
    ),
  behaviour: { noUrgent: true, asciiNames: true },
  advice: {
    'refuses-foreign-port':
      'GridFTP: a server started with `-data-interface` or an IP allow list refuses other hosts.',
  },
};
