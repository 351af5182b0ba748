/** RFC 2389: FEAT and OPTS. HELP and FEAT say what the table of verbs says. */
import { expect, test } from 'vitest';
import { ROWS, rowOf } from '../../src/server/verbs/table.js';
import { inner, useServer } from './harness.js';

const clear = useServer();
const secure = useServer({ tls: 'required', options: { modeZ: true, fxp: { mode: 'listed' } } });
const off = useServer({ tls: 'required', options: { fxp: { mode: 'off' } } });

test('RFC 2389 3.2: each feature is on a line of its own behind one blank; none twice', async () => {
  const reply = await (await clear().connect()).command('FEAT');
  expect(reply.code).toBe(211);
  const lines = inner(reply);
  expect(lines.filter((line) => !/^ [!-~]+( [ -~]*)?$/.test(line))).toEqual([]);
  expect(new Set(lines).size).toBe(lines.length);
  expect(reply.lines.at(-1)).toMatch(/^211 End/i);
});

test('RFC 2389 3.1: FEAT takes no argument and needs no login', async () => {
  const client = await clear().connect();
  expect(await client.code('FEAT x')).toBe(501);
  expect(await client.code('FEAT')).toBe(211);
});

test('RFC 2389 3.2: what RFC 959 has is not listed', async () => {
  const lines = inner(await (await clear().enter()).command('FEAT')).map((line) => line.trim().split(' ')[0]);
  const old = ROWS.filter(({ source }) => /^RFC 959 [^,]*$/.test(source)).map(({ verb }) => verb);
  expect(lines.filter((name) => name !== 'SITE' && old.includes(name!))).toEqual([]);
});

test('RFC 2389 3: every feature is that of a row, and each does what it says', async () => {
  const client = await secure().enterTls();
  const features = inner(await client.command('FEAT')).map((line) => line.slice(1));
  const names = features.map((line) => line.split(' ')[0]!);
  expect(names).toEqual(
    expect.arrayContaining([
      ...[
        'AUTH',
        'PBSZ',
        'PROT',
        'UTF8',
        'LANG',
        'EPRT',
        'EPSV',
        'MDTM',
        'SIZE',
        'REST',
        'TVFS',
        'MLST',
        'HOST',
      ],
      ...[
        'MFMT',
        'MFCT',
        'MFF',
        'HASH',
        'RANG',
        'XCRC',
        'XMD5',
        'XSHA256',
        'MODE',
        'AVBL',
        'CPSV',
        'SSCN',
        'PRET',
        'CEPR',
        'CLNT',
      ],
    ]),
  );
  for (const name of names) {
    if (['TVFS', 'UTF8', 'PARALLEL', 'MARKERS', 'DIGEST'].includes(name)) continue;
    expect([name, rowOf(name)?.verb]).toEqual([name, name]);
    expect([name, rowOf(name)?.refused]).toEqual([name, undefined]);
  }
});

test('RFC 2389 3: only what works here is listed', async () => {
  const plain = inner(await (await clear().enter()).command('FEAT')).join();
  for (const name of ['AUTH', 'PBSZ', 'PROT', 'CPSV', 'SSCN', 'MODE Z']) expect(plain).not.toContain(name);
  const listed = inner(await (await secure().enterTls()).command('FEAT')).join();
  for (const name of ['AUTH TLS', 'PBSZ', 'PROT', 'CPSV', 'SSCN', 'MODE Z'])
    expect(listed).toContain(` ${name}`);
  const without = inner(await (await off().enterTls()).command('FEAT')).join();
  for (const name of ['CPSV', 'SSCN', 'MODE Z']) expect(without).not.toContain(name);
});

const options: [string, number][] = [
  ['OPTS', 501],
  ['OPTS ', 501],
  ['OPTS NOSUCH', 501],
  ['OPTS RETR x', 501],
  ['OPTS UTF8 ON', 200],
  ['OPTS utf8 on', 200],
  ['OPTS UTF8 OFF', 504],
  ['OPTS MLST type;', 200],
  ['OPTS HASH SHA-256', 200],
  ['OPTS MODE Z LEVEL 6', 501],
];
test('RFC 2389 4: OPTS: 200 for what is known, an error for the rest', async () => {
  const client = await clear().enter();
  const got: [string, number][] = [];
  for (const [line] of options) got.push([line, await client.code(line)]);
  expect(got).toEqual(options);
});

test('HELP names every verb of the table, and each one has its own help', async () => {
  const client = await clear().connect();
  const all = (await client.command('HELP')).lines.join(' ').split(/[ *]+/);
  for (const { verb, aliases = [], summary, source, syntax } of ROWS) {
    expect([verb, summary.length > 5, source.length > 3]).toEqual([verb, true, true]);
    if (!verb.startsWith('SITE ')) expect(all).toContain(verb);
    for (const name of [verb, ...aliases]) {
      const reply = await client.command(`HELP ${name}`);
      expect([name, reply.code]).toEqual([name, 214]);
      expect(reply.lines.join('\n')).toContain(`${verb}${syntax && ` ${syntax}`}`);
    }
  }
  expect(await client.code('HELP NOSUCH')).toBe(502);
});

test('SITE HELP names every SITE command of the table', async () => {
  const lines = inner(await (await clear().enter()).command('SITE HELP')).join('\n');
  for (const { verb } of ROWS.filter((row) => row.verb.startsWith('SITE '))) expect(lines).toContain(verb);
});
