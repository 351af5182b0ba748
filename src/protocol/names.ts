/** Verdict on a name: `why` completes the sentence "the name ...". */
export type NameVerdict = { ok: true } | { ok: false; why: string };

/** What is refused beyond what can never be a name. */
export interface NameRules {
  /** The name must also be one on Windows: no `\ : < > " | ? *`, no device names, no dot or blank at the end. */
  windows?: boolean;
  /** Most octets in UTF-8. Default 255, the limit of the common file systems. */
  limit?: number;
}

const DEVICES = /^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3])$/i;
const refuse = (why: string): NameVerdict => ({ ok: false, why });
const hex = (code: number): string => code.toString(16).toUpperCase().padStart(4, '0');

/** Octets of one code point in UTF-8; 0 for half of a pair. An octet kept by `decodeText` counts as itself. */
function octetsOf(code: number): number {
  if (code < 0x80) return 1;
  if (code < 0x800) return 2;
  if (code >= 0xdc80 && code <= 0xdcff) return 1;
  if (code >= 0xd800 && code <= 0xdfff) return 0;
  return code < 0x10000 ? 3 : 4;
}

function windowsFault(name: string): string | undefined {
  const bad = /[\\:<>"|?*]/.exec(name);
  if (bad) return `holds ${bad[0]}, which no Windows name may`;
  if (name.endsWith('.') || name.endsWith(' ')) return 'ends with a dot or blank, which Windows drops';
  const stem = name.split('.', 1)[0] ?? '';
  return DEVICES.test(stem.trimEnd()) ? 'is a device on Windows' : undefined;
}

/**
 * Whether a name is one clean path component, fit to be written or sent to another server. Names in listings are
 * chosen by strangers: `../x`, `/etc/x`, `a\r\nDELE b`. Refuses the empty name, `.`, `..`, `/`, control characters
 * (U+0000 to U+001F, U+007F), ill-formed Unicode, and names that are too long. Never throws.
 */
export function checkName(name: string, rules: NameRules = {}): NameVerdict {
  const { windows = false, limit = 255 } = rules;
  if (name === '') return refuse('is empty');
  if (name === '.' || name === '..') return refuse(`is ${name}, which is a directory already there`);
  let octets = 0;
  for (const char of name) {
    const code = char.codePointAt(0) ?? 0;
    if (code < 0x20 || code === 0x7f) return refuse(`holds the control character U+${hex(code)}`);
    if (char === '/') return refuse('holds /, so it is a path');
    const width = octetsOf(code);
    if (width === 0) return refuse('is no well-formed Unicode');
    octets += width;
    if (octets > limit) return refuse(`is longer than ${limit} octets`);
  }
  const fault = windows ? windowsFault(name) : undefined;
  return fault === undefined ? { ok: true } : refuse(fault);
}

/** C0, DEL, C1, marks that reorder text (UAX 9), line and paragraph separators, halves of pairs. */
const UNPRINTABLE = /[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\p{Cs}]/gu;

/** The name for terminals and logs: characters that steer a terminal or reorder text become `\u{XXXX}`. */
export function printable(name: string): string {
  return name.replace(UNPRINTABLE, (char) => `\\u{${hex(char.codePointAt(0) ?? 0)}}`);
}
