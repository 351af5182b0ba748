import { agree, type Quirk } from './quirk.js';

/** Our own server: its greeting says nothing; no other offers CEPR and RANG. */
export const jackstay: Quirk = {
  name: 'Jackstay',
  recognise: ({ features }) =>
    agree(3, features.has('CEPR'), features.has('RANG'), features.has('AVBL') && features.has('MFF')),
  behaviour: { ahead: true, statProgress: 'always', dropsKept: true },
  advice: {
    'refuses-foreign-port':
      'Jackstay: `[fxp] mode = "listed"` and `peers` with the address of the other server would allow it.',
    'refuses-foreign-peer':
      'Jackstay: `[fxp] mode = "listed"` and `peers` with the address of the other server would allow it.',
    'requires-session-reuse': 'Jackstay: `[tls] data-session-reuse = "offered"` would allow it.',
    'no-dcpa': 'Jackstay: DCPA is offered under TLS once `[fxp] mode` is not "off".',
    'never-tls-client': 'Jackstay: CPSV and SSCN are offered once `[fxp] mode` is not "off".',
  },
};
