import type { Attempt, Side } from './route.js';

/** An attempt before the facts of two servers are known. */
export type Shape = Pick<Attempt, 'fast' | 'passive' | 'technique' | 'tls' | 'pins'>;

export const other = (side: Side): Side => (side === 'source' ? 'destination' : 'source');
const short = (side: Side): string => (side === 'source' ? 'src' : 'dst');

export const SIDES: readonly Side[] = ['destination', 'source'];
const DOORS = ['PASV', 'EPSV'] as const;

/** Both prove their keys: who listens is TLS client, as the one who connects to an address it was told stays silent. */
function provenShapes(): Shape[] {
  return DOORS.flatMap((technique) =>
    SIDES.map(
      (passive) => ({ passive, technique, tls: { client: passive, by: 'DCPA' }, pins: 'both' }) as const,
    ),
  );
}

/**
 * One side demands the key of the other's control certificate. The one that has DCPA listens first: where it connects as TLS
 * client, it speaks to an address that it was told.
 */
function oneSidedShapes(pins: Side): Shape[] {
  const legacy = other(pins);
  const doors = DOORS.flatMap((technique) => [pins, legacy].map((passive) => ({ passive, technique })));
  return [
    ...doors.map((door) => ({ ...door, tls: { client: pins, by: 'DCPA' as const }, pins })),
    { passive: legacy, technique: 'CPSV', tls: { client: legacy, by: 'CPSV' }, pins },
    ...doors.map((door) => ({ ...door, tls: { client: legacy, by: 'SSCN' as const }, pins })),
  ];
}

/** TLS that nobody checks: the destination as TLS client loses nothing (a source that closes early cuts the tail). */
function encryptedShapes(): Shape[] {
  return SIDES.flatMap((client): Shape[] => [
    { passive: client, technique: 'CPSV', tls: { client, by: 'CPSV' } },
    ...DOORS.flatMap((technique) =>
      // A destination that is TLS client listens first; a source that is TLS client connects last (RFC 4217 7).
      [client, other(client)].map((passive) => ({
        passive,
        technique,
        tls: { client, by: 'SSCN' as const },
      })),
    ),
  ]);
}

const clearShapes = (): Shape[] =>
  DOORS.flatMap((technique) => SIDES.map((passive) => ({ passive, technique })));

/** In MODE E the sender connects (GFD.20 3.4); CPSV is for one connection of stream mode. */
const fastShapes = (shapes: readonly Shape[]): Shape[] =>
  shapes
    .filter(({ passive, technique }) => passive === 'destination' && technique !== 'CPSV')
    .map((shape) => ({ ...shape, fast: true }));

/** Every way to join two servers, best first: of those that prove the same, the fast lane before stream mode. */
export const allShapes = (): Shape[] =>
  [provenShapes(), ...SIDES.map(oneSidedShapes), encryptedShapes(), clearShapes()].flatMap((shapes) => [
    ...fastShapes(shapes),
    ...shapes,
  ]);

/** Stable name of an attempt of this shape. */
export function nameOf({ fast, ...shape }: Shape, downgrade: boolean): string {
  const name = streamName(shape, downgrade);
  return fast ? `fast ${name}` : name;
}

function streamName({ passive, technique, tls, pins }: Shape, downgrade: boolean): string {
  const door = `${technique}@${short(passive)}`;
  const role = tls?.by === 'SSCN' ? `SSCN@${short(tls.client)} ${door}` : door;
  if (pins !== undefined) return `${pins === 'both' ? 'DCPA' : `DCPA@${short(pins)}`} ${role}`;
  return downgrade ? `clear ${door}` : role;
}

/** True where this side demands the other's key. */
export const demands = ({ pins }: Pick<Attempt, 'pins'>, side: Side): boolean =>
  pins === 'both' || pins === side;

/** How many sides have to prove who they are: 2, 1 or 0. */
export const provers = ({ pins }: Pick<Attempt, 'pins'>): 0 | 1 | 2 =>
  pins === undefined ? 0 : pins === 'both' ? 2 : 1;
