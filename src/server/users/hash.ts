import { randomBytes } from 'node:crypto';
import { FtpError } from '../../protocol/errors.js';

/** Argon2id, 19 MiB, 2 passes, 1 lane: the OWASP minimum, which leaves room for many logins at once. */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

/** The two functions that are used of @node-rs/argon2; both work in the thread pool, not in this thread. */
export interface Argon2 {
  hash(
    password: string,
    options?: { memoryCost: number; timeCost: number; parallelism: number },
  ): Promise<string>;
  verify(hashed: string, password: string): Promise<boolean>;
}

/** How many hashes may be worked on. */
export interface HasherOptions {
  /** At the same time; each takes 19 MiB and one of the four threads that files are read by too [2]. */
  atOnce?: number;
  /** Waiting behind those; more fail as busy [256]. */
  waiting?: number;
  /** Instead of the package. */
  argon2?: Argon2;
}

/** Makes and checks password hashes, a bounded number at once. */
export interface Hasher {
  /** @throws FtpError `local`, retry `later`, when too many wait. */
  hash(password: string): Promise<string>;
  /** @throws FtpError `local`, retry `later`, when too many wait. */
  verify(hashed: string, password: string): Promise<boolean>;
}

/** A hasher on @node-rs/argon2, which is loaded at the first use. */
export function argon2Hasher(options: HasherOptions = {}): Hasher {
  const { atOnce = 2, waiting = 256 } = options;
  const queue = new Queue(atOnce, waiting);
  const load = async (): Promise<Argon2> => options.argon2 ?? (await import('@node-rs/argon2'));
  return {
    hash: (password) => queue.run(async () => (await load()).hash(password, COST)),
    verify: (hashed, password) =>
      queue.run(async () => {
        try {
          return await (await load()).verify(hashed, password);
        } catch {
          // A hash that has the right shape and still cannot be read: nobody logs in with it.
          return false;
        }
      }),
  };
}

/** At most so many works at once, the rest in the order they came. */
class Queue {
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(
    private readonly atOnce: number,
    private readonly most: number,
  ) {}

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running < this.atOnce) this.#running += 1;
    else {
      if (this.#waiting.length >= this.most) throw busy();
      // Whoever ends hands its place over, so the count stays.
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running -= 1;
    }
  }
}

function busy(): FtpError {
  return new FtpError('local', 'too many passwords are being checked', {
    retry: 'later',
    advice: 'Try again in some seconds.',
  });
}

const PHC =
  /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,3})\$[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{22,171}$/;

/** An Argon2id hash in PHC form whose cost is bearable (at most 256 MiB, 16 passes, 8 lanes); undefined for anything else. */
export function readPhc(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const [, memory, passes, lanes] = PHC.exec(value)?.map(Number) ?? [];
  const fits =
    within(memory, 8, 262_144) && within(passes, 1, 16) && within(lanes, 1, 8) && memory! >= 8 * lanes!;
  return fits ? value : undefined;
}

function within(value: number | undefined, least: number, most: number): boolean {
  return value !== undefined && value >= least && value <= most;
}

/**
 * A hash that no password fits, with the cost that most of `hashes` have: what is checked for a name that does not exist, so
 * that it takes as long as one that does.
 */
export function dummyHash(hashes: Iterable<string> = []): string {
  const counts = new Map<string, number>();
  for (const hash of hashes) {
    const cost = hash.split('$')[3] ?? '';
    counts.set(cost, (counts.get(cost) ?? 0) + 1);
  }
  const [common] = [...counts].sort((a, b) => b[1] - a[1])[0] ?? [
    `m=${COST.memoryCost},t=${COST.timeCost},p=${COST.parallelism}`,
  ];
  return `$argon2id$v=19$${common}$${unpadded(randomBytes(16))}$${unpadded(randomBytes(32))}`;
}

function unpadded(octets: Buffer): string {
  return octets.toString('base64').replace(/=+$/, '');
}

/** What is wrong with a password; undefined when nothing is. It may be anything of one line. */
export function passwordFault(password: string): string | undefined {
  if (password === '') return 'must not be empty';
  if (Buffer.byteLength(password) > 1024) return 'must not be longer than 1024 octets';
  if (/[\u0000-\u001f\u007f]/.test(password))
    return 'must not hold control characters; look for a line end at its end';
  return undefined;
}
