import type { PeerJudge, PeerVerdict } from '../net/plane/types.js';
import { octetsOf, scopeOf } from '../protocol/addresses.js';
import { type AddressRange, octetsInRange, parseRange, rangeOf } from '../protocol/ranges.js';
import type { FxpPolicy, PeerOrder } from './policy.js';

/** Lowest port of a data connection, the client's own included (RFC 2577 3). */
const LOWEST_PORT = 1024;

/** Services that tell a cloud's machine its secrets; link-local ones are denied with their scope. */
const METADATA = ['fd00:ec2::254', '100.100.100.200', '168.63.129.16', '192.0.0.192'].map(parseRange);
/** IPv4 inside IPv6: NAT64 (RFC 6052 2.1) and 6to4 (RFC 3056 2), with where the IPv4 address begins. */
const CARRIERS = [
  { range: parseRange('64:ff9b::/96'), at: 12 },
  { range: parseRange('2002::/16'), at: 2 },
];

const refuse = (why: string): PeerVerdict => ({ allow: false, why });

/** An address as it is judged: octets say who it is, however it was written; the zone says on which link. */
interface Address {
  octets: readonly number[];
  text: string;
  zone: string;
}

/** The same few addresses are judged for every file of a session. */
const read = new Map<string, Address | undefined>();
const MOST_READ = 1000;

function addressOf(text: string): Address | undefined {
  const known = read.get(text);
  if (known || read.has(text)) return known;
  const [plain = '', zone = ''] = text.split('%', 2);
  const octets = octetsOf(plain);
  const address = octets && { octets, text: plain, zone };
  if (read.size >= MOST_READ) read.clear();
  read.set(text, address);
  return address;
}

function isSame(a: Address, b: Address): boolean {
  const sameOctets =
    a.octets.length === b.octets.length && a.octets.every((octet, i) => octet === b.octets[i]);
  return sameOctets && (a.zone === b.zone || a.zone === '' || b.zone === '');
}

/** The address itself and the IPv4 address that it carries. */
function formsOf(address: Address): Address[] {
  const inner = CARRIERS.find(({ range }) => octetsInRange(address.octets, range));
  if (!inner) return [address];
  const octets = address.octets.slice(inner.at, inner.at + 4);
  return [address, { octets, text: octets.join('.'), zone: '' }];
}

const isIn = (address: Address, ranges: readonly AddressRange[]): boolean =>
  ranges.some((range) => octetsInRange(address.octets, range));

/** Why no data connection ever goes to such an address, whoever asks. */
function neverWhy(address: Address): string | undefined {
  const scope = scopeOf(address.text);
  const never = scope === 'unspecified' || scope === 'multicast' || scope === 'reserved';
  return never ? `the address is ${scope}` : undefined;
}

/** Why an address is denied unless `peers` lists it (CVE-2020-15152). */
function denyWhy(address: Address, policy: FxpPolicy): string | undefined {
  const scope = scopeOf(address.text);
  if (scope === 'loopback' || scope === 'link-local') return `the address is ${scope} and not listed`;
  if (isIn(address, METADATA)) return 'the address is that of a metadata service and not listed';
  return isIn(address, policy.deny) ? 'the address is on the deny list and not listed' : undefined;
}

function portWhy(port: number | undefined, lowest: number): string | undefined {
  if (port === undefined) return undefined;
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return `${port} is no port`;
  return port < lowest ? `port ${port} is below ${lowest}` : undefined;
}

/** Why the command or the account has no foreign peer at all. */
function orderWhy({ transfer, never, policy }: PeerOrder): string | undefined {
  if (never) return 'this account has no foreign peers';
  if (policy.mode === 'off') return 'FXP is off';
  if (transfer === 'listing') return 'a listing goes to the client only';
  if (transfer !== undefined && policy.direction !== 'both' && policy.direction !== transfer) {
    return `FXP is allowed to ${policy.direction} only`;
  }
  return undefined;
}

/** Why the mode does not let a foreign peer in that nothing else keeps out. */
function modeWhy(order: PeerOrder, listed: boolean, port: number | undefined): string | undefined {
  const { policy, pinned, activeClient } = order;
  const proves = pinned && (listed || port === undefined || !activeClient);
  if (proves || policy.mode === 'open' || (policy.mode === 'listed' && listed)) return undefined;
  if (pinned) return 'a pin alone lets no TLS client connect, and the address is not listed';
  return policy.mode === 'listed' ? 'the address is not listed' : 'no pin is in force';
}

function foreignWhy(order: PeerOrder, address: Address, port: number | undefined): string | undefined {
  const { policy } = order;
  const listed = isIn(address, policy.peers);
  const deny = listed ? undefined : formsOf(address).map((form) => denyWhy(form, policy));
  return (
    orderWhy(order) ??
    deny?.find((why) => why !== undefined) ??
    modeWhy(order, listed, port) ??
    portWhy(port, policy.minPort) ??
    (policy.requireTls && !order.protected ? 'FXP needs PROT P' : undefined)
  );
}

/** Why somebody who connects is not the one that DCPA named. */
function fromWhy({ from }: PeerOrder, peer: Address): string | undefined {
  const named = from === undefined ? undefined : addressOf(from);
  return named && !isSame(peer, named) ? `only ${from} may connect` : undefined;
}

/**
 * May a data connection go to, or come from, this address? THE decision for both doors: PORT and EPRT, and every connection
 * that reaches a passive port (RFC 2577, CVE-1999-0017). Pure; asked again at the transfer, when the direction is known.
 *
 * The client's own address is allowed from port 1024 on. Any other is a foreign peer: the policy decides.
 *
 * @param address literal, as named by the client or by the socket. @param port undefined for connections that came in.
 * @returns `why` is for logs: replies say the same whatever it is.
 */
export const judgeDataPeer: PeerJudge<PeerOrder> = (order, address, port) => {
  const peer = addressOf(address);
  const client = addressOf(order.control);
  if (!peer) return refuse('not a literal address');
  const never = formsOf(peer)
    .map(neverWhy)
    .find((why) => why !== undefined);
  const why = never ?? portWhy(port, LOWEST_PORT);
  if (why !== undefined) return refuse(why);
  const elsewhere = port === undefined ? fromWhy(order, peer) : undefined;
  if (client && isSame(peer, client)) {
    return elsewhere && order.transfer !== undefined ? refuse(elsewhere) : { allow: true, foreign: false };
  }
  if (elsewhere) return refuse(elsewhere);
  const foreign = foreignWhy(order, peer, port);
  return foreign === undefined ? { allow: true, foreign: true } : refuse(foreign);
};

/** What `os.networkInterfaces()` gives, as far as it counts here. */
export type Interfaces = Readonly<
  Record<string, readonly { address: string; cidr: string | null }[] | undefined>
>;

/**
 * The networks that this machine is on, for `FxpPolicy.deny`: its neighbours trust it more than a stranger (RFC 2577 2).
 *
 * @param interfaces as `os.networkInterfaces()` gives them. An interface without a prefix, or with none that says anything,
 * stands for its own address only.
 */
export function ownNetworks(interfaces: Interfaces): AddressRange[] {
  const ranges = new Map<string, AddressRange>();
  for (const { address, cidr } of Object.values(interfaces).flatMap((all) => all ?? [])) {
    const octets = addressOf(address)?.octets;
    if (!octets) continue;
    const bits = Number(/\/(\d+)$/.exec(cidr ?? '')?.[1] ?? 0);
    const range = rangeOf(octets, bits > 0 && bits <= octets.length * 8 ? bits : octets.length * 8);
    ranges.set(range.text, range);
  }
  return [...ranges.values()];
}
