import type { ZodType, z } from 'zod';
import { FtpError } from '../../protocol/errors.js';
import { printable } from '../../protocol/names.js';
import { lineOf, outline, type Statement } from './outline.js';
import { suggest } from './suggest.js';

/** Something wrong in a settings file. */
export interface Fault {
  /** Keys from the root. */
  path: readonly PropertyKey[];
  /** What is wrong and what would be right, in one sentence without its full stop. */
  says: string;
  /** Tables that this was judged by beside its own: what is wrong in them makes the fault doubtful, and it is not told. */
  relies?: readonly (readonly string[])[];
}

/** A TOML text with its values and where they stand. */
export interface Settings<T> {
  value: T;
  statements(): readonly Statement[];
}

/** Words that must not be shown even where they are wrong. */
const SECRET = new Set(['password']);

/**
 * Parse TOML and check it. `check` finds what a schema cannot say; it runs only on values that fit the schema.
 *
 * @param file name for messages.
 * @throws FtpError `usage` that lists every fault with its line; unknown keys come with what was probably meant.
 */
export async function readSettings<T>(
  file: string,
  text: string,
  schema: ZodType<T>,
  check: (value: T) => Fault[] = () => [],
): Promise<Settings<T>> {
  const raw = await parseToml(file, text);
  const { value, faults } = checked(raw, schema, check);
  if (value !== undefined && faults.length === 0) return { value, statements: () => outline(text) };
  const statements = outline(text);
  const lines = faults
    .map((fault) => ({ line: lineOf(statements, fault.path), text: faultText(fault, raw) }))
    .sort((a, b) => a.line - b.line)
    .map((fault) => `  line ${fault.line}: ${fault.text}`);
  throw new FtpError('usage', `${file} is not valid:\n${lines.join('\n')}`, {
    advice: `Correct the ${lines.length === 1 ? 'line' : 'lines'} named above.`,
  });
}

/** What does not fit the schema is left out for `check`, so that one run names the faults of both. */
function checked<T>(
  raw: unknown,
  schema: ZodType<T>,
  check: (value: T) => Fault[],
): { value?: T; faults: Fault[] } {
  const result = schema.safeParse(raw);
  if (result.success) return { value: result.data, faults: check(result.data) };
  const faults = result.error.issues.flatMap((issue) => faultsOf(issue, schema, raw));
  const copy = structuredClone(raw);
  for (const fault of faults) remove(copy, fault.path);
  // A key that must be there takes its table along.
  const missing = schema.safeParse(copy).error?.issues ?? [];
  for (const { path } of missing) remove(copy, path.slice(0, -1));
  const rest = schema.safeParse(copy);
  if (!rest.success) return { faults };
  const broken = new Set(faults.map((fault) => textOf(fault.path.slice(0, -1))));
  const relies = ({ path, relies = [] }: Fault) => [path.slice(0, -1), ...relies].map(textOf);
  return {
    faults: [...faults, ...check(rest.data).filter((fault) => !relies(fault).some((one) => broken.has(one)))],
  };
}

const textOf = (path: readonly PropertyKey[]): string => JSON.stringify(path.map(String));

function remove(root: unknown, path: readonly PropertyKey[]): void {
  const last = path.at(-1);
  const holder = valueAt(root, path.slice(0, -1));
  if (last === undefined || typeof holder !== 'object' || holder === null) return;
  Reflect.deleteProperty(holder, last);
}

/** @throws FtpError `usage` with line and column, never with the text, which may hold a secret. */
export async function parseToml(file: string, text: string): Promise<Record<string, unknown>> {
  const { parse, TomlError } = await import('smol-toml');
  try {
    return parse(text);
  } catch (error) {
    const { line, column } = error instanceof TomlError ? error : { line: 1, column: 1 };
    const [first = ''] = error instanceof Error ? error.message.split('\n') : [];
    const why = first.replace(/^Invalid TOML document: /, '');
    throw new FtpError('usage', `${file} is not TOML: line ${line}, column ${column}: ${printable(why)}`, {
      advice: 'Correct that line; text needs quotes.',
    });
  }
}

function faultText({ path, says }: Fault, raw: unknown): string {
  const names = path.filter((part) => typeof part === 'string');
  const table = names.slice(0, -1).map((part) => printable(part));
  const key = printable(names.at(-1) ?? '');
  const where = `${table.length > 0 ? `[${table.join('.')}] ` : ''}${key}`;
  const shown = SECRET.has(key) ? '' : shownValue(valueAt(raw, path));
  return `${where}${shown === '' ? '' : ` = ${shown}`}${where === '' ? '' : ': '}${says}`;
}

function valueAt(raw: unknown, path: readonly PropertyKey[]): unknown {
  let value = raw;
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[part];
  }
  return value;
}

function shownValue(value: unknown): string {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return '';
  const text = printable(typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? ''));
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

function faultsOf(issue: z.core.$ZodIssue, schema: ZodType, raw: unknown): Fault[] {
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(schema, issue.path);
    return issue.keys.map((key) => ({ path: [...issue.path, key], says: unknownKey(key, known) }));
  }
  if (issue.code === 'invalid_key') {
    const says = issue.issues.map((inner) => inner.message).join('; ');
    return [{ path: issue.path, says: `the name ${says}` }];
  }
  if (valueAt(raw, issue.path) === undefined) return [{ path: issue.path, says: 'is missing' }];
  return [{ path: issue.path, says: wordingOf(issue) }];
}

function unknownKey(key: string, known: readonly string[]): string {
  const near = suggest(key, known);
  if (near !== undefined) return `there is no such key; did you mean ${near}?`;
  return `there is no such key; there are ${known.join(', ')}`;
}

function wordingOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_value':
      return `must be ${oneOf(issue.values.map(String))}`;
    case 'invalid_type':
      return `must be ${TYPES[issue.expected] ?? issue.expected}`;
    case 'too_small':
      return issue.origin === 'number' ? `must be at least ${issue.minimum}` : 'must not be empty';
    case 'too_big':
      return issue.origin === 'number'
        ? `must be at most ${issue.maximum}`
        : `must not be longer than ${issue.maximum}`;
    default:
      return issue.message;
  }
}

const TYPES: Record<string, string> = {
  string: 'text in quotes',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list in brackets',
  object: 'a table',
  record: 'a table',
};

function oneOf(words: readonly string[]): string {
  if (words.length < 2) return words.join('');
  return `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

/** Keys that the schema knows at a path. */
export function keysAt(schema: ZodType, path: readonly PropertyKey[]): string[] {
  let node: z.core.$ZodType | undefined = bare(schema);
  for (const part of path) {
    const { def } = node._zod as { def: Definition };
    if (def.shape) node = def.shape[String(part)];
    else node = def.valueType ?? def.element;
    if (node === undefined) return [];
    node = bare(node);
  }
  return Object.keys((node._zod.def as Definition).shape ?? {});
}

/** The parts of a schema's own description that lead to its keys. */
interface Definition extends z.core.$ZodTypeDef {
  shape?: Record<string, z.core.$ZodType>;
  innerType?: z.core.$ZodType;
  valueType?: z.core.$ZodType;
  element?: z.core.$ZodType;
  /** Of a transform: what is read. */
  in?: z.core.$ZodType;
}

/** Without `optional`, `default` and transforms. */
function bare(schema: z.core.$ZodType): z.core.$ZodType {
  let node = schema;
  for (;;) {
    const { innerType, in: read } = node._zod.def as Definition;
    const inner = innerType ?? read;
    if (inner === undefined) return node;
    node = inner;
  }
}
