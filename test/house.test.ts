import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '..');

/** Folders of src, lowest first, and what each may import beside itself. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  protocol: [],
  net: ['protocol'],
  client: ['protocol', 'net'],
  engine: ['protocol', 'net', 'client'],
  server: ['protocol', 'net'],
  // What the package exports at its root: the library, never the command line.
  '': ['protocol', 'net', 'client', 'engine'],
  cli: ['protocol', 'net', 'client', 'engine', 'server', ''],
};

/** Packages that the server loads when they are used: password hashes, a certificate made at first start, the users file. */
const SERVER_PACKAGES = new Set([
  '@node-rs/argon2',
  '@peculiar/x509',
  'reflect-metadata',
  'smol-toml',
  'zod',
]);

/** Modules that reach the network. */
const SOCKETS = new Set([
  'net',
  'tls',
  'dgram',
  'http',
  'https',
  'http2',
  'dns',
  'dns/promises',
  'inspector',
]);
const LINES_IN_FILE = 400;
const LINES_IN_FUNCTION = 60;

interface Import {
  specifier: string;
  typeOnly: boolean;
  /** By `import()`: loaded when it is used. */
  dynamic: boolean;
}

interface Source {
  /** Path from the root of the repository. */
  path: string;
  file: ts.SourceFile;
  imports: Import[];
}

function filesIn(folder: string): string[] {
  const found = readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true });
  return found
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
    .sort();
}

function isTypeOnly(node: ts.ImportDeclaration | ts.ExportDeclaration): boolean {
  if (ts.isExportDeclaration(node)) return node.isTypeOnly;
  const clause = node.importClause;
  if (!clause) return false;
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const named = clause.namedBindings;
  return (
    clause.name === undefined &&
    named !== undefined &&
    ts.isNamedImports(named) &&
    named.elements.length > 0 &&
    named.elements.every((element) => element.isTypeOnly)
  );
}

function* nodesOf(node: ts.Node): Generator<ts.Node> {
  yield node;
  const children: ts.Node[] = [];
  ts.forEachChild(node, (child) => void children.push(child));
  for (const child of children) yield* nodesOf(child);
}

function importsOf(file: ts.SourceFile): Import[] {
  const found: Import[] = [];
  for (const node of nodesOf(file)) {
    if (
      (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) &&
      node.moduleSpecifier &&
      ts.isStringLiteral(node.moduleSpecifier)
    ) {
      found.push({ specifier: node.moduleSpecifier.text, typeOnly: isTypeOnly(node), dynamic: false });
    }
    const argument =
      ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword
        ? node.arguments[0]
        : undefined;
    if (argument && ts.isStringLiteralLike(argument))
      found.push({ specifier: argument.text, typeOnly: false, dynamic: true });
  }
  return found;
}

function read(path: string): Source {
  const file = ts.createSourceFile(
    path,
    readFileSync(join(ROOT, path), 'utf8'),
    ts.ScriptTarget.Latest,
    true,
  );
  return { path, file, imports: importsOf(file) };
}

const src = filesIn('src').map(read);
const everywhere = [...src, ...['test', 'bench', 'scripts', 'examples'].flatMap(filesIn).map(read)];

const folderOf = (path: string): string => {
  const [, folder, rest] = path.split('/');
  return rest === undefined ? '' : folder!;
};

const isOwn = (specifier: string): boolean => specifier.startsWith('.');
const targetOf = (path: string, specifier: string): string =>
  relative(ROOT, resolve(ROOT, dirname(path), specifier)).replace(/\.js$/, '.ts');

const lineOf = (file: ts.SourceFile, at: number): number => file.getLineAndCharacterOfPosition(at).line + 1;

/** Names that stand for the process as a whole, used in a file. */
function processUses({ path, file }: Source): string[] {
  const found: string[] = [];
  for (const node of nodesOf(file)) {
    if (!ts.isIdentifier(node) || (node.text !== 'process' && node.text !== 'console')) continue;
    const isProperty = ts.isPropertyAccessExpression(node.parent) && node.parent.name === node;
    if (!isProperty)
      found.push(`${path}:${lineOf(file, node.getStart())} ${node.parent.getText().slice(0, 40)}`);
  }
  return found;
}

/** Import cycles among the given edges, each as its path. */
function cycles(edges: ReadonlyMap<string, readonly string[]>): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path);
    if (at >= 0) {
      found.push([...trail.slice(at), path].join(' > '));
      return;
    }
    if (done.has(path)) return;
    for (const next of edges.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of edges.keys()) visit(path, []);
  return found;
}

test('there is something to check', () => {
  expect(src.length).toBeGreaterThan(80);
  expect(src.flatMap(({ imports }) => imports).length).toBeGreaterThan(300);
});

describe('imports', () => {
  test('go downwards only: protocol < net < client < engine < cli', () => {
    const wrong = src.flatMap(({ path, imports }) => {
      const folder = folderOf(path);
      const allowed = [folder, ...(MAY_IMPORT[folder] ?? [])];
      return imports
        .filter(({ specifier }) => isOwn(specifier))
        .map(({ specifier }) => targetOf(path, specifier))
        .filter((target) => !target.startsWith('src/') || !allowed.includes(folderOf(target)))
        .map((target) => `${path} imports ${target}`);
    });
    expect(wrong).toEqual([]);
  });

  test('every folder of src has its place in the order', () => {
    const folders = new Set(src.map(({ path }) => folderOf(path)));
    expect([...folders].filter((folder) => MAY_IMPORT[folder] === undefined)).toEqual([]);
  });

  test('protocol imports nothing from outside, not even a type', () => {
    const outside = src
      .filter(({ path }) => folderOf(path) === 'protocol')
      .flatMap(({ path, imports }) => imports.map(({ specifier }) => ({ path, specifier })))
      .filter(({ specifier }) => !isOwn(specifier));
    expect(outside).toEqual([]);
  });

  test('the library needs no package: only cli has dependencies, and the server the few that it loads when used', () => {
    const packages = src
      .filter(({ path }) => folderOf(path) !== 'cli')
      .flatMap(({ path, imports }) => imports.map((one) => ({ path, ...one })))
      .filter(({ specifier }) => !isOwn(specifier) && !specifier.startsWith('node:'))
      .filter(
        ({ path, specifier, dynamic, typeOnly }) =>
          !(folderOf(path) === 'server' && SERVER_PACKAGES.has(specifier) && (dynamic || typeOnly)),
      );
    expect(packages).toEqual([]);
  });

  test('only net opens sockets or TLS; others may name the types', () => {
    const wrong = src
      .filter(({ path }) => folderOf(path) !== 'net')
      .flatMap(({ path, imports }) => imports.map((one) => ({ path, ...one })))
      .filter(({ specifier, typeOnly }) => !typeOnly && SOCKETS.has(specifier.replace(/^node:/, '')));
    expect(wrong).toEqual([]);
  });

  test('no cycles at run time', () => {
    const edges = new Map(
      src.map(({ path, imports }) => [
        path,
        imports
          .filter(({ specifier, typeOnly }) => isOwn(specifier) && !typeOnly)
          .map(({ specifier }) => targetOf(path, specifier)),
      ]),
    );
    for (const targets of edges.values()) for (const target of targets) expect(edges.has(target)).toBe(true);
    expect(cycles(edges)).toEqual([]);
  });
});

describe('size', () => {
  test(`no file over ${LINES_IN_FILE} lines`, () => {
    const long = everywhere
      .map(({ path, file }) => ({ path, lines: lineOf(file, file.text.trimEnd().length) }))
      .filter(({ lines }) => lines > LINES_IN_FILE);
    expect(long).toEqual([]);
  });

  test(`no function over ${LINES_IN_FUNCTION} lines`, () => {
    const long = everywhere
      .filter(({ path }) => !path.startsWith('test/'))
      .flatMap(({ path, file }) =>
        [...nodesOf(file)].filter(ts.isFunctionLike).map((node) => {
          const first = lineOf(file, node.getStart());
          return { at: `${path}:${first}`, lines: lineOf(file, node.end) - first + 1 };
        }),
      )
      .filter(({ lines }) => lines > LINES_IN_FUNCTION);
    expect(long).toEqual([]);
  });
});

describe('manners', () => {
  test('only cli touches the process: env, argv, output, exit', () => {
    expect(src.filter(({ path }) => folderOf(path) !== 'cli').flatMap(processUses)).toEqual([]);
  });

  test('no unfinished work, no switched-off checks', () => {
    const marks = new RegExp(
      ['TO' + 'DO', 'FIX' + 'ME', '@ts-' + '(?:ignore|nocheck|expect-error)', 'biome-' + 'ignore'].join('|'),
    );
    const wrong = everywhere.flatMap(({ path, file }) =>
      file.text
        .split('\n')
        .flatMap((line, i) => (marks.test(line) ? [`${path}:${i + 1} ${line.trim()}`] : [])),
    );
    expect(wrong).toEqual([]);
  });

  test('dependencies are pinned', () => {
    const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Record<
      'dependencies' | 'devDependencies',
      Record<string, string>
    >;
    const versions = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies });
    expect(versions.filter(([, version]) => !/^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version))).toEqual([]);
  });
});
