/** The files of a scripted server: a temporary folder seen through FTP paths. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, posix } from 'node:path';

export class Tree {
  readonly home: string;

  /** @param files paths relative to the home, and their contents. */
  constructor(name: string, files: Readonly<Record<string, string | Uint8Array>> = {}) {
    this.home = mkdtempSync(join(tmpdir(), `jackstay-${name}-`));
    for (const [path, content] of Object.entries(files)) {
      const real = this.real(path);
      mkdirSync(dirname(real), { recursive: true });
      if (!path.endsWith('/')) writeFileSync(real, content);
      else mkdirSync(real, { recursive: true });
    }
  }

  /** The absolute FTP path of an argument, seen from a working directory; never above `/`. */
  resolve(directory: string, argument: string): string {
    return posix.resolve('/', directory, argument);
  }

  /** The path on the disk of an absolute FTP path. */
  real(path: string): string {
    return join(this.home, posix.resolve('/', path));
  }

  remove(): void {
    rmSync(this.home, { recursive: true, force: true });
  }
}

/** The path on which a listing command is to work, without the switches of ls before it, and those switches. */
export function listArgument(argument: string): { flags: string; path: string } {
  const found = /^((?:-\S+ ?)*)(.*)$/s.exec(argument);
  return { flags: found?.[1] ?? '', path: found?.[2] ?? '' };
}
