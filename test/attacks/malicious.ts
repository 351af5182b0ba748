/** One of the two servers is the attacker, and has DCPA. */
import { NAMED } from './berth.js';
import type { Lab, Placement } from './lab.js';
import { cellOf, rowOf } from './on-path.js';
import type { Cell, Expected } from './rows.js';
import type { Technique } from './techniques.js';
import { Victim } from './victim.js';

function lie(lab: Lab, attack: string, technique: Technique, expected: Expected): Cell {
  const run = async () => {
    const told = await lab.move(technique.source, technique.destination, technique.attempt);
    const row = rowOf(attack, technique, told, { seen: Buffer.alloc(0), fed: 0, connections: 0 }, lab);
    // What the attacker keeps itself is no success of an attack.
    return technique.destination === 'jackstay' ? row : { ...row, altered: 0 };
  };
  return cellOf(attack, technique, run, expected);
}

/** Names the address of a bystander. @param trusting the user lets passive replies name other addresses. */
function elsewhere(lab: Lab, technique: Technique, trusting: boolean, expected: Expected): Cell {
  const attack = `names a bystander’s address${trusting ? ', and the user allows it' : ''}`;
  const run = async () => {
    const victim = await Victim.start(NAMED.host);
    NAMED.port = victim.ports.open;
    try {
      const settings: Placement['settings'] = trusting ? { allowForeignPasv: true } : {};
      const told = await lab.move(technique.source, technique.destination, technique.attempt, { settings });
      await victim.settled();
      // What the bystander gets counts as seen.
      const row = rowOf(attack, technique, told, { seen: Buffer.alloc(0), fed: 0, connections: 0 }, lab);
      return { ...row, seen: victim.octets };
    } finally {
      await victim.stop();
    }
  };
  return cellOf(attack, technique, run, expected);
}

/** Ours with a server that lies. */
export function maliciousCells(lab: Lab): Cell[] {
  const from = (source: Technique['source'], attempt = 'DCPA PASV@dst'): Technique => ({
    family: 'DCPA',
    source,
    destination: 'jackstay',
    attempt,
  });
  const to = (destination: Technique['destination']): Technique => ({
    family: 'DCPA',
    source: 'jackstay',
    destination,
    attempt: 'DCPA PASV@src',
  });
  const alarm: Expected = { seen: 0, altered: 0, client: /not authenticated/ };
  return [
    lie(lab, 'the source names somebody else’s key', from('evil-key'), {
      ...alarm,
      destination: /^(425|522|426)/,
    }),
    lie(lab, 'the destination names somebody else’s key', to('evil-key'), {
      ...alarm,
      source: /^(425|522|426)/,
    }),
    elsewhere(lab, from('evil-address', 'DCPA PASV@src'), false, { ...alarm, destination: /^425/ }),
    elsewhere(lab, from('evil-address', 'DCPA PASV@src'), true, { ...alarm, destination: /^425/ }),
    lie(lab, 'answers 226 and keeps nothing', to('evil-nothing'), {
      destination: /^226/,
      client: /arrived|not there|550/,
    }),
    lie(lab, 'closes early and answers 226', from('evil-early'), {
      altered: 0,
      destination: /^426/,
      client: /426/,
    }),
    lie(lab, 'sends more than it says', from('evil-more'), { client: /octets|longer|changed/ }),
  ];
}
