import type { Reply } from './replies.js';

/**
 * Path in a 257 reply (RFC 959 appendix II): from the first `"`, `""` stands for one quote, until a single `"`.
 *
 * Servers that do not double quotes are understood as long as another quote follows and no blank or dot does.
 * Tolerates no quotes at all (`/x`, `'/x'`, `DEV:[A.B]`, `C:\x`, `'HLQ.X.'` whose apostrophes belong to it) and an
 * unbalanced quote (CVE-2017-1000254): the text to the end of the line.
 */
export function parsePathReply(reply: Reply): string {
  const texts = reply.lines.map((line) => line.replace(/^\d{3}(?:[ \t-]|$)/, ''));
  const text = texts.find((line) => line.includes('"')) ?? texts[0]!;
  const start = text.indexOf('"');
  if (start < 0) return unquotedPath(text.trim());
  let path = '';
  for (let i = start + 1; i < text.length; i++) {
    if (text[i] !== '"') path += text[i];
    else if (text[i + 1] === '"') path += text[i++];
    else if (/^(?:[ .\t]|[^"]*$)/.test(text.slice(i + 1))) return path;
    else path += '"';
  }
  return path;
}

function unquotedPath(text: string): string {
  const [, quoted] = /^'([^']*)'/.exec(text) ?? [];
  // MVS: apostrophes make a data set name absolute, they are part of it.
  if (quoted !== undefined) return quoted.startsWith('/') ? quoted : `'${quoted}'`;
  return text.split('  ', 1)[0]!;
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
