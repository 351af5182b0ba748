/** DCPA in tests: two servers of ours with a control client each, and what is said to them. */
import { parseDcpaReply } from '../../src/protocol/dcpa.js';
import { parseRange } from '../../src/protocol/ranges.js';
import type { ServerOptions } from '../../src/server/options.js';
import { issueCertificate } from '../peers/certs.js';
import { type ControlClient, type Setup, startServer, type TestServer } from './harness.js';
import { epsvPort, type StrictReply } from './strict-replies.js';

/** The default policy, and loopback lifted from the deny list. */
export const LOOPBACK = { peers: [parseRange('127.0.0.0/8'), parseRange('::1')] } as const;

/** A server under TLS at this address, with a certificate of its own; FXP mode `verified`. */
export function pinnedServer(host: string, setup: Setup = {}): Promise<TestServer> {
  const { options, ...more } = setup;
  const { cert, key } = issueCertificate(host);
  const limits: ServerOptions['limits'] = { levelDelay: 0, ...options?.limits };
  return startServer({
    tls: { cert, key },
    host,
    ...more,
    options: { ...options, limits, fxp: { peers: [...LOOPBACK.peers], ...options?.fxp } },
  });
}

/** What a server says of its DCPA. @throws when it refuses. */
export async function dcpa(client: ControlClient, argument = ''): Promise<{ self: string } & Said> {
  const answer = await client.command(`DCPA ${argument}`.trim());
  const said = answer.code === 200 ? parseDcpaReply(answer.text) : undefined;
  if (!said) throw new Error(answer.lines.join(' / '));
  return { self: '', ...said };
}
type Said = NonNullable<ReturnType<typeof parseDcpaReply>>;

/** Each shows its key and pins the other's. @returns the keys. */
export async function pinEachOther(
  a: ControlClient,
  b: ControlClient,
  more = '',
): Promise<{ a: string; b: string }> {
  const keys = { a: (await dcpa(a, 'Self=session')).self, b: (await dcpa(b, 'Self=session')).self };
  await dcpa(a, `Peer=sha-256:${keys.b}${more}`);
  await dcpa(b, `Peer=sha-256:${keys.a}${more}`);
  return keys;
}

/** The passive end listens, the active end is told where. */
export async function aim(passive: ControlClient, active: ControlClient): Promise<void> {
  const port = epsvPort(await passive.ok('EPSV'));
  const family = passive.host.includes(':') ? 2 : 1;
  await active.ok(`EPRT |${family}|${passive.host}|${port}|`);
}

/** Replies up to the final one. */
export async function outcome(client: ControlClient): Promise<StrictReply[]> {
  const replies = [await client.read()];
  while (replies.at(-1)!.code < 200) replies.push(await client.read());
  return replies;
}

/** One copy between two servers; the active end begins. @returns the codes of both. */
export async function copy(
  from: { client: ControlClient; line: string },
  to: { client: ControlClient; line: string },
  passive: 'from' | 'to',
): Promise<{ from: number[]; to: number[] }> {
  const [waits, dials] = passive === 'to' ? [to, from] : [from, to];
  await aim(waits.client, dials.client);
  dials.client.send(dials.line);
  waits.client.send(waits.line);
  const [sent, stored] = await Promise.all([outcome(from.client), outcome(to.client)]);
  return { from: sent.map(({ code }) => code), to: stored.map(({ code }) => code) };
}
