import { formatList, formatMlst, isListable } from '../../protocol/listing/write.js';
import { encodeText } from '../../protocol/text.js';
import { FileError, type FileFacts, type Source, type Storage } from '../storage/types.js';
import { isWithin, rightsAt } from '../users/rights.js';
import type { Right, RightsRule } from '../users/types.js';
import type { ListingOrder } from './types.js';

/** Octets after which a read is content: sending and reading the directory overlap. */
const ENOUGH = 64 * 1024;

/**
 * The perm fact (RFC 3659 7.5.5) of a file or directory with these rights: what the rights allow, not what the operating
 * system may still refuse.
 */
export function permOf(type: FileFacts['type'], rights: readonly Right[]): string {
  const has = (right: Right) => rights.includes(right);
  let perm = '';
  if (type === 'directory') {
    if (has('write')) perm += 'c';
    if (has('delete')) perm += 'd';
    perm += 'e';
    if (has('write')) perm += 'f';
    if (has('list')) perm += 'l';
    if (has('write')) perm += 'm';
    return has('delete') ? perm + 'p' : perm;
  }
  if (has('write') && type === 'file') perm += 'a';
  if (has('delete')) perm += 'd';
  if (has('write')) perm += 'f';
  if (has('read') && type === 'file') perm += 'r';
  return has('write') && type === 'file' ? perm + 'w' : perm;
}

const HIDDEN: readonly Right[] = [];
const orHidden = (rights: readonly Right[]): readonly Right[] => (rights.length === 0 ? HIDDEN : rights);

/** Rights of the entries of one directory, looked up once and not for each of them. */
class EntryRights {
  readonly #others: readonly Right[];
  readonly #named = new Map<string, readonly Right[]>();
  readonly #perms = new Map<readonly Right[], Map<FileFacts['type'], string>>();

  constructor(rules: readonly RightsRule[], directory: string) {
    const top = directory === '/' ? '/' : `${directory}/`;
    this.#others = orHidden(rightsAt(rules, directory));
    for (const { path } of rules) {
      if (path === directory || !isWithin(path, directory)) continue;
      const name = path.slice(top.length).split('/', 1)[0]!;
      // A directory without rights shows when something below it has some: it is on the way there.
      const leads = rules.some((rule) => rule.rights.length > 0 && isWithin(rule.path, top + name));
      const rights = rightsAt(rules, top + name);
      this.#named.set(name, leads ? rights : orHidden(rights));
    }
  }

  /** Perm fact; undefined when nothing at all may be done with the entry, which is then not shown. */
  perm(name: string, type: FileFacts['type']): string | undefined {
    const rights = this.#named.get(name) ?? this.#others;
    if (rights === HIDDEN) return undefined;
    let perms = this.#perms.get(rights);
    if (!perms) {
      perms = new Map();
      this.#perms.set(rights, perms);
    }
    let perm = perms.get(type);
    if (perm === undefined) {
      perm = permOf(type, rights);
      perms.set(type, perm);
    }
    return perm;
  }
}

/**
 * A listing as octets, lines ended by CR LF: made while it is sent, a batch of entries at a time. It is sent as it is,
 * in type I of the data plane.
 *
 * Left out: names that no listing can carry (`isListable`), names without an octet for each character where the client
 * reads latin1, entries below a mount point, entries without any right, and in LIST and NLST those that begin with a dot,
 * unless they were asked for.
 */
export class ListingSource implements Source {
  readonly size = undefined;
  readonly #order: ListingOrder;
  readonly #rights: EntryRights;
  readonly #mounts: ReadonlySet<string>;
  readonly #now = Date.now();
  readonly #batches: AsyncIterator<readonly FileFacts[]>;
  #pending: Buffer;
  #sent = 0;
  #ended = false;

  /** @param entries of the directory; mount points come before them. */
  constructor(order: ListingOrder, entries: AsyncIterable<readonly FileFacts[]>, rightsIn: string) {
    this.#order = order;
    this.#rights = new EntryRights(order.rules, rightsIn);
    this.#mounts = new Set(order.extra.map(({ name }) => name));
    this.#batches = entries[Symbol.asyncIterator]();
    this.#pending = this.#encode(order.extra.map((file) => this.#line(file)).join(''));
  }

  read(into: Buffer): number | Promise<number> {
    const count = this.#drain(into, 0);
    if (this.#ended || count >= Math.min(into.length, ENOUGH)) return count;
    return this.#fill(into, count);
  }

  #drain(into: Buffer, at: number): number {
    const count = this.#pending.copy(into, at, this.#sent);
    this.#sent += count;
    return count;
  }

  async #fill(into: Buffer, from: number): Promise<number> {
    const enough = Math.min(into.length, ENOUGH);
    let at = from;
    while (at < enough) {
      const next = await this.#batches.next();
      if (next.done) {
        this.#ended = true;
        break;
      }
      let text = '';
      for (const file of next.value) if (!this.#mounts.has(file.name)) text += this.#line(file);
      this.#pending = this.#encode(text);
      this.#sent = 0;
      at += this.#drain(into, at);
    }
    return at;
  }

  #encode(text: string): Buffer {
    return this.#order.charset === 'latin1' ? Buffer.from(text, 'latin1') : encodeText(text);
  }

  /** The line of an entry with its end, or '' where it is left out. */
  #line(file: FileFacts): string {
    const { format, facts, hidden, prefix, charset } = this.#order;
    const { name } = file;
    if (!hidden && format !== 'mlsd' && name.startsWith('.')) return '';
    if (!isListable(name) || (charset === 'latin1' && /[^\0-\xff]/.test(name))) return '';
    const perm = this.#rights.perm(name, file.type);
    if (perm === undefined) return '';
    if (format === 'mlsd') return `${prefix}${formatMlst(file, facts, perm)}\r\n`;
    if (format === 'nlst') return `${prefix}${name}\r\n`;
    // `ls` writes ` -> target` behind a link, so a link with an arrow in its name would be read as another one.
    if (file.type === 'link' && name.includes(' -> ')) return '';
    return `${formatList(file, this.#now)}\r\n`;
  }

  async close(): Promise<void> {
    this.#ended = true;
    await this.#batches.return?.();
  }
}

async function* only(file: FileFacts): AsyncGenerator<readonly FileFacts[]> {
  yield [file];
}

/**
 * Begins a listing. LIST and NLST of a file give the line of that file.
 * @throws FileError `not-found`, `not-directory` (MLSD of a file, RFC 3659 7.2.1), `denied`.
 */
export async function openListing(
  storage: Pick<Storage, 'stat' | 'list'>,
  order: ListingOrder,
): Promise<ListingSource> {
  const facts = await storage.stat(order.path);
  if (facts.type === 'directory') return new ListingSource(order, storage.list(order.path), order.shown);
  if (order.format === 'mlsd') throw new FileError('not-directory', 'it is not a directory');
  const slash = order.shown.lastIndexOf('/');
  const name = order.shown.slice(slash + 1);
  // What NLST repeats before names is the path that was asked for: here its directory.
  const prefix = order.prefix.slice(0, order.prefix.slice(0, -1).lastIndexOf('/') + 1);
  const whole = { ...order, hidden: true, extra: [], prefix };
  return new ListingSource(whole, only({ ...facts, name }), order.shown.slice(0, slash) || '/');
}
