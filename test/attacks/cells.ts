/** Every attack on every technique, and what must come of it. */
import type { Forgery } from './credentials.js';
import type { Lab } from './lab.js';
import type { Deed } from './middle.js';
import { theft } from './off-path.js';
import { middle, truncation } from './on-path.js';
import type { Cell, Expected } from './rows.js';
import { CHECKED, FULL, ONE_SIDED, STOCK, type Technique } from './techniques.js';

const DONE: Expected = { source: /^226/, destination: /^226/, client: /^done/ };

/** Where the true peer waits for its TLS for ever: nothing more is learned from the wait. */
const SLOW = new Set(['SSCN@src PASV@dst', 'SSCN@dst PASV@dst pyftpdlib']);
const isSlow = ({ attempt, source }: Technique): boolean =>
  SLOW.has(attempt) || SLOW.has(`${attempt} ${source}`);

/** The attacks succeed: whoever reads, reads all, whoever alters or cuts is believed by the destination. */
export function stockCells(lab: Lab): Cell[] {
  const stolen: Expected = { client: /./ };
  const onAll = STOCK.flatMap((technique) => [
    middle(lab, technique, 'read', 'self-signed', { ...DONE, seen: 'all', altered: 0 }),
    middle(lab, technique, 'alter', 'expired', {
      seen: 'all',
      altered: 'some',
      source: /^226/,
      destination: /^226/,
    }),
    truncation(lab, technique, { altered: 'some', destination: /^226/ }),
  ]);
  const thefts = STOCK.filter((technique) => !isSlow(technique)).map((technique) =>
    theft(
      lab,
      technique,
      technique.attempt.endsWith('@src')
        ? { ...stolen, seen: 'all', altered: 0, source: /^226/ }
        : { ...stolen, altered: 'some', destination: /^226/ },
    ),
  );
  // The chain is checked, the name is not.
  const checked = [
    middle(lab, CHECKED, 'alter', 'self-signed', {
      seen: 'all',
      altered: 0,
      source: /^226/,
      destination: /^-/,
    }),
    middle(lab, CHECKED, 'alter', 'authority', { seen: 'all', altered: 'some', destination: /^226/ }),
  ];
  return [...onAll, ...thefts, ...checked];
}

/**
 * Two of ours: no octet read, none altered. Who comes first to the port is shut out and the copy is done; who sits in
 * the middle can only prevent it.
 */
export function fullCells(lab: Lab): Cell[] {
  const nothing = { seen: 0, altered: 0 } as const;
  const refused: Expected = { ...nothing, source: /^4/, destination: /^[45]/, client: /not authenticated/ };
  const inTheMiddle: [Deed, Forgery][] = [
    ['read', 'self-signed'],
    ['alter', 'expired'],
    ['alter', 'authority'],
  ];
  return FULL.flatMap((technique) => [
    ...inTheMiddle.map(([deed, forgery]) => middle(lab, technique, deed, forgery, refused)),
    truncation(lab, technique, { ...nothing, destination: /^426 .*close_notify/, client: /close_notify/ }),
    theft(lab, technique, { ...DONE, ...nothing, client: /^done, verified/ }),
  ]);
}

/** With DCPA at one side only: that side is safe, and the client says when the other one was used. */
export function oneSidedCells(lab: Lab): Cell[] {
  return ONE_SIDED.flatMap((technique) => {
    const ours = technique.source === 'jackstay' ? 'source' : 'destination';
    const refusal = /^(?:425 .*not authenticated|522)/;
    // Ours sends nothing to a stranger, and stores nothing of one.
    const safe: Expected =
      ours === 'source'
        ? { seen: 0, source: refusal, client: /not authenticated.*it is removed/s }
        : { altered: 0, destination: refusal, client: /not authenticated.*may have read it/s };
    const listens = technique.attempt.endsWith(ours === 'source' ? '@src' : '@dst');
    return [
      middle(lab, technique, 'alter', 'authority', safe),
      // Where the other one stores, it is the other one that may take a cut file for a whole one.
      truncation(
        lab,
        technique,
        ours === 'source'
          ? { seen: 0, client: /answered 426|arrived at/ }
          : { altered: 0, destination: /^426/ },
      ),
      theft(lab, technique, listens ? { ...DONE, seen: 0, altered: 0, client: /^done, one-sided/ } : safe),
    ];
  });
}
