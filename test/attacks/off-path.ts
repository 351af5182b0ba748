/** Attacks from anywhere: whoever comes to a passive port before the true peer. */
import { forge } from './credentials.js';
import type { Lab, Placement, Told } from './lab.js';
import { cellOf, rowOf } from './on-path.js';
import type { Cell, Expected, Row } from './rows.js';
import type { Technique } from './techniques.js';
import { Thief } from './thief.js';

/** Address of a stranger. */
const STRANGER = '127.0.0.5';

/** Fetches where the listener sends, feeds where it receives. */
export function theft(lab: Lab, technique: Technique, expected: Expected): Cell {
  const fetches = /@src$/.test(technique.attempt.split(' ').at(-1)!);
  const attack = fetches ? 'off the path, fetches from the port' : 'off the path, feeds the port';
  const run = async (): Promise<Row> => {
    let thief: Thief | undefined;
    let struck: Promise<void> | undefined;
    const placement: Placement = {
      prepare: async (attempt, { passive }) => {
        const listens = attempt.passive;
        const role = attempt.tls && (attempt.tls.client === listens ? 'server' : 'client');
        const credentials = await forge('self-signed', passive.peer.host);
        const deed = fetches ? 'fetch' : 'feed';
        const maxVersion = technique.family === 'DCPA' ? undefined : ('TLSv1.2' as const);
        thief = new Thief({ from: STRANGER, deed, role, credentials, maxVersion, fake: lab.fake });
      },
      announced: (host, port) => {
        struck ??= thief?.strike(host, port);
      },
    };
    const told: Told = await lab.move(technique.source, technique.destination, technique.attempt, placement);
    await struck;
    return rowOf(attack, technique, told, thief!, lab);
  };
  return cellOf(attack, technique, run, expected);
}
