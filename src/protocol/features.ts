import type { Reply } from './replies.js';

/** What a server said in FEAT (RFC 2389 3.2). Keys in upper case, values as sent. */
export class Features {
  readonly #lines = new Map<string, string[]>();

  constructor(lines: Iterable<[string, string]> = []) {
    for (const [name, value] of lines) {
      const key = name.toUpperCase();
      const values = this.#lines.get(key) ?? [];
      if (!values.includes(value)) this.#lines.set(key, [...values, value]);
    }
  }

  /** Whether it is advertised; the name in upper case. */
  has(name: string): boolean {
    return this.#lines.has(name);
  }

  /** What follows the name, or undefined; several lines of one name (`AUTH TLS`, `AUTH SSL`) are joined by `;`. */
  value(name: string): string | undefined {
    return this.#lines
      .get(name)
      ?.filter((value) => value !== '')
      .join(';');
  }

  /** Advertised is not the same as working: forget a feature that answered 5yz. */
  forget(name: string): void {
    this.#lines.delete(name);
  }

  get names(): string[] {
    return [...this.#lines.keys()];
  }

  /** Lines as they would be shown: `NAME value`. */
  get lines(): string[] {
    return [...this.#lines].flatMap(([name, values]) =>
      values.map((value) => (value === '' ? name : `${name} ${value}`)),
    );
  }

  /** Digest algorithms of `HASH a*;b;c`, the selected one first (draft-bryan-ftpext-hash). */
  get hashAlgorithms(): string[] {
    const names = (this.value('HASH') ?? '').split(';').map((name) => name.trim());
    const clean = names.filter((name) => /^[A-Za-z0-9-]+\*?$/.test(name));
    const selected = clean.filter((name) => name.endsWith('*'));
    return [...selected, ...clean.filter((name) => !name.endsWith('*'))].map((name) =>
      name.replace('*', '').toUpperCase(),
    );
  }
}

/**
 * Reply to FEAT -> features. Tolerates lines without the leading space, lines with `211-` in front, TAB and lower case.
 * A negative reply gives no features.
 */
export function parseFeatures(reply: Reply): Features {
  if (reply.code !== 211 && reply.code !== 214) return new Features();
  const inner = reply.lines.slice(1, -1).map((line) => line.replace(/^21[14][- ]/, '').trim());
  const entries = inner.flatMap((line): [string, string][] => {
    const at = line.search(/[ \t]/);
    const name = at < 0 ? line : line.slice(0, at);
    return /^[A-Za-z][A-Za-z0-9-]*$/.test(name) ? [[name, at < 0 ? '' : line.slice(at + 1).trim()]] : [];
  });
  return new Features(entries);
}
