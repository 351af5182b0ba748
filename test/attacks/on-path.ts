/** Attacks from the path between the servers: read, alter, cut. */
import { absence } from './berth.js';
import { type Forgery, forge } from './credentials.js';
import { type Lab, type Placement, SIZE, type Told } from './lab.js';
import { Cutter, type Deed, type Loot, Middle } from './middle.js';
import { type Cell, compare, type Expected, type Row } from './rows.js';
import { absenceOf, CHECKED, nameOf, type Technique } from './techniques.js';

const NO_LOOT: Loot = { seen: Buffer.alloc(0), fed: 0, connections: 0 };

/** Octets that are those of the file. */
export function genuine(seen: Buffer, payload: Buffer): number {
  let count = 0;
  while (count < seen.length && seen[count] === payload[count]) count += 1;
  return count;
}

/** A row out of what the attacker has and what everybody said. */
export function rowOf(attack: string, technique: Technique, told: Told, loot: Loot, lab: Lab): Row {
  const { source, destination, client, altered } = told;
  const seen = genuine(loot.seen, lab.payload);
  return {
    attack,
    family: technique.family,
    way: nameOf(technique),
    seen,
    altered,
    source,
    destination,
    client,
  };
}

const DEEDS: Readonly<Record<Deed, string>> = {
  read: 'on the path, reads',
  alter: 'on the path, alters',
};

const FORGERIES: Readonly<Record<Forgery, string>> = {
  'self-signed': 'self-signed certificate',
  expired: 'expired certificate',
  authority: 'certificate of the authority for another name',
};

/** Man in the middle with certificates of its own. */
export function middle(
  lab: Lab,
  technique: Technique,
  deed: Deed,
  forgery: Forgery,
  expected: Expected,
): Cell {
  const checked = technique === CHECKED ? ', TLSVerifyServer on' : '';
  const attack =
    technique.family === 'plain' ? DEEDS[deed] : `${DEEDS[deed]}, ${FORGERIES[forgery]}${checked}`;
  const run = async (): Promise<Row> => {
    let attacker: Middle | undefined;
    const prepare: Placement['prepare'] = async (attempt, { passive }) => {
      const { host } = passive.peer;
      const end = (side: 'source' | 'destination') => (attempt.passive === side ? 'passive' : 'active');
      const client = attempt.tls && end(attempt.tls.client);
      const credentials = await forge(forgery, host);
      const maxVersion = technique.family === 'DCPA' ? undefined : ('TLSv1.2' as const);
      const { fake } = lab;
      attacker = new Middle({ deed, sender: end('source'), client, credentials, maxVersion, fake });
      passive.router.tap = attacker.tap;
    };
    const told = await lab.move(technique.source, technique.destination, technique.attempt, { prepare });
    return rowOf(attack, technique, told, attacker ?? NO_LOOT, lab);
  };
  return cellOf(attack, technique, run, expected);
}

/** The stream cut in its middle, without close_notify and without any key. */
export function truncation(lab: Lab, technique: Technique, expected: Expected): Cell {
  const attack = 'on the path, cuts';
  const run = async (): Promise<Row> => {
    const prepare: Placement['prepare'] = (attempt, { passive }) => {
      const sender = attempt.passive === 'source' ? 'passive' : 'active';
      passive.router.tap = new Cutter(sender, SIZE / 2).tap;
    };
    const told = await lab.move(technique.source, technique.destination, technique.attempt, { prepare });
    return rowOf(attack, technique, told, NO_LOOT, lab);
  };
  return cellOf(attack, technique, run, expected);
}

export function cellOf(
  attack: string,
  technique: Technique,
  run: () => Promise<Row>,
  expected: Expected,
): Cell {
  return {
    attack,
    family: technique.family,
    way: nameOf(technique),
    absence: () => absenceOf(technique) ?? absence(technique.destination),
    run,
    complaints: (row) => compare(row, expected, SIZE),
  };
}
