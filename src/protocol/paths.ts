import type { Reply } from './replies.js';

/**
 * Path in a 257 reply (RFC 959 appendix II): from the first `"`, `""` stands for one quote, until a single `"`.
 *
 * Servers that do not double quotes are understood as long as the quote is followed by something other than a blank
 * or the end. Tolerates no quotes at all and an unbalanced quote (CVE-2017-1000254): the text to the end of the line.
 */
export function parsePathReply(reply: Reply): string {
  const text = reply.lines[0]!.slice(4);
  const start = text.indexOf('"');
  if (start < 0)
    return text
      .trim()
      .split('  ')[0]!
      .replace(/^'(.*)'$/, '$1');
  let path = '';
  for (let i = start + 1; i < text.length; i++) {
    if (text[i] !== '"') path += text[i];
    else if (text[i + 1] === '"') path += text[i++];
    else if (text[i + 1] === undefined || /[ .\t]/.test(text[i + 1]!)) return path;
    else path += '"';
  }
  return path;
}

/** Join directory and name with one slash; an empty directory gives the name alone. */
export function joinPath(directory: string, name: string): string {
  if (directory === '') return name;
  return directory.endsWith('/') ? directory + name : `${directory}/${name}`;
}

/** Last component; '' for `/` and ''. Trailing slashes are ignored. */
export function baseName(path: string): string {
  const bare = path.replace(/\/+$/, '');
  return bare.slice(bare.lastIndexOf('/') + 1);
}

/** All but the last component; '' when there is none, '/' for a name in the root. */
export function dirName(path: string): string {
  const bare = path.replace(/\/+$/, '');
  const at = bare.lastIndexOf('/');
  return at < 0 ? '' : at === 0 ? '/' : bare.slice(0, at);
}

/**
 * A path as an argument: servers hand LIST, NLST and STAT to `ls`, so a leading `-` would be read as options.
 */
export function guardDash(path: string): string {
  return path.startsWith('-') ? `./${path}` : path;
}
