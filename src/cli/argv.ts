import { maskUrl } from '../protocol/url.js';

/** The words with the passwords of their URLs replaced by `***`. */
export function maskWords(words: readonly string[]): string[] {
  return words.map((word) => {
    // `--flag=URL`
    const flag = /^(--?[A-Za-z-]+=)(.*)$/s.exec(word);
    return flag ? flag[1]! + maskUrl(flag[2]!) : maskUrl(word);
  });
}

/**
 * Replace the process title, which is what `ps` shows, where a word holds a password. On Linux and macOS this overwrites the
 * arguments in memory. Between start and this call the word was visible: only the other ways to give a password are safe.
 */
export function hideSecrets(words: readonly string[], target: { title: string } = process): void {
  const masked = maskWords(words);
  if (masked.some((word, i) => word !== words[i])) target.title = ['jackstay', ...masked].join(' ');
}

/** One word quoted for a POSIX shell. */
export function shellQuote(word: string): string {
  if (/^[A-Za-z0-9_@%+=:,./~-]+$/.test(word)) return word;
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** The command line that does the same again, secrets masked, quoted for a POSIX shell. */
export function resumeLine(words: readonly string[]): string {
  return ['jackstay', ...maskWords(words).map(shellQuote)].join(' ');
}
