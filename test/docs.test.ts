import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { runCli } from './cli/harness.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const PAGES = [
  ...readdirSync(ROOT).filter((name) => name.endsWith('.md')),
  ...readdirSync(join(ROOT, 'docs'), { withFileTypes: true }).flatMap((entry) =>
    entry.isFile() ? [`docs/${entry.name}`] : [],
  ),
];
const commands = read('docs/commands.md');

/** Words in the first column of a part of a command's help. */
async function helpColumn(words: string[], part: 'Commands' | 'Options'): Promise<string[]> {
  const { out } = await runCli([...words, '--help']);
  const text = new RegExp(`^${part}:\n((?: .*\n)+)`, 'm').exec(out)?.[1] ?? '';
  return text.split('\n').flatMap((line) => /^ {2}(\S.*?)(?: {2}|$)/.exec(line)?.[1] ?? []);
}

describe('docs/commands.md', () => {
  it('has every command and every flag of it', async () => {
    const names = (await helpColumn([], 'Commands')).map((row) => row.split(' ')[0]!);
    const inner: string[] = [];
    for (const group of ['site', 'user']) {
      for (const row of await helpColumn([group], 'Commands')) inner.push(`${group} ${row.split(' ')[0]}`);
    }
    const missing: string[] = [];
    for (const name of [...names, ...inner].filter((each) => !each.includes('help'))) {
      if (!commands.includes(`jackstay ${name}`)) missing.push(name);
      for (const flag of (await helpColumn(name.split(' '), 'Options')).flatMap(
        (row) => row.match(/--?[a-z-]+/gi) ?? [],
      )) {
        if (!/^(?:-h|--help)$/.test(flag) && !commands.includes(`\`${flag}`)) missing.push(`${name} ${flag}`);
      }
    }
    expect(names).toContain('copy');
    expect(inner).toEqual(expect.arrayContaining(['site add', 'user add']));
    expect(missing).toEqual([]);
  });

  it('has no flag that does not exist', async () => {
    const names = (await helpColumn([], 'Commands')).map((row) => row.split(' ')[0]!);
    const all = await Promise.all(
      [
        ...names,
        ...['site add', 'site list', 'site test', 'user add', 'user passwd', 'user list', 'user remove'],
      ].map((name) => helpColumn(name.split(' '), 'Options')),
    );
    const known = new Set(all.flat().flatMap((row) => row.match(/--[a-z-]+/g) ?? []));
    const told = PAGES.flatMap((page) => read(page).match(/(?<=[\s`(])--[a-z][a-z-]+/g) ?? []);
    const others = new Set([
      '--import',
      '--runs',
      '--files',
      '--delay',
      '--no-perms',
      '--repeat',
      '--check',
      '--peers',
      '--inputs',
      '--target',
      '--minutes',
      '--clients',
      '--seed',
      '--memory',
      '--quick',
      '--only',
      '--servers',
      '--render',
      '--estimate',
      '--match',
      '--profile',
    ]);
    expect(told.length).toBeGreaterThan(40);
    expect(told.filter((flag) => !known.has(flag) && !others.has(flag))).toEqual([]);
  });

  it('has every event and every field of it', () => {
    const source = ts.createSourceFile(
      'events.ts',
      read('src/engine/events.ts'),
      ts.ScriptTarget.ES2022,
      true,
    );
    const rows = new Map(
      // The first row of a name is the event's; later tables have fields of the same names.
      commands
        .split('\n')
        .reverse()
        .flatMap((line): [string, string][] => {
          const name = /^\| `([a-z-]+)` \|/.exec(line)?.[1];
          return name === undefined ? [] : [[name, line]];
        }),
    );
    const missing: string[] = [];
    let seen = 0;
    const visit = (node: ts.Node): void => {
      if (ts.isTypeLiteralNode(node)) {
        const fields = node.members.filter(ts.isPropertySignature);
        const event = fields
          .find((field) => field.name.getText() === 'event')
          ?.type?.getText()
          .replaceAll("'", '');
        if (event !== undefined) {
          seen += 1;
          const row = rows.get(event) ?? '';
          for (const field of fields.map((each) => each.name.getText()))
            if (field !== 'event' && !row.includes(`\`${field}\``)) missing.push(`${event}.${field}`);
        }
      }
      if (
        ts.isInterfaceDeclaration(node) &&
        (node.name.text === 'Summary' || node.name.text === 'RouteInfo')
      ) {
        for (const member of node.members.map((each) => each.name?.getText() ?? ''))
          if (!commands.includes(`\`${member}\``)) missing.push(`${node.name.text}.${member}`);
      }
      ts.forEachChild(node, visit);
    };
    visit(source);
    expect(seen).toBeGreaterThan(12);
    expect(missing).toEqual([]);
  });

  it('has the exit codes of the help', async () => {
    const { out } = await runCli(['--help']);
    const codes = out.slice(out.indexOf('Exit codes')).match(/\b\d+(?= )/g) ?? [];
    expect(codes).toEqual(['0', '1', '2', '3', '4', '5', '130']);
    for (const code of codes) expect(commands).toMatch(new RegExp(`^\\| ${code} \\|`, 'm'));
  });
});

describe('every page', () => {
  it.each(PAGES)('%s: its links lead somewhere', (page) => {
    const links = [...read(page).matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)].map((match) => match[1]!);
    const broken = links.filter(
      (link) => !/^https?:/.test(link) && !existsSync(resolve(ROOT, dirname(page), link)),
    );
    expect(broken).toEqual([]);
  });

  it('names only npm scripts that exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = PAGES.flatMap((page) =>
      [...read(page).matchAll(/npm run ([a-z:]+)/g)].map((match) => match[1]!),
    );
    expect(named.length).toBeGreaterThan(1);
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });
});

it('the advice of every server is in docs/troubleshooting.md', () => {
  const page = read('docs/troubleshooting.md');
  const settings = readdirSync(join(ROOT, 'src/client/quirks')).flatMap((name) => {
    return [
      ...read(`src/client/quirks/${name}`).matchAll(/['"][^'"]*?: [^'"]*?`([A-Za-z_]+)[^`]*`[^'"]*['"],/g),
    ].map((match) => match[1]!);
  });
  expect(settings.length).toBeGreaterThan(6);
  expect(settings.filter((setting) => !page.includes(setting))).toEqual([]);
});
