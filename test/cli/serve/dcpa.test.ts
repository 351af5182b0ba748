import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { ControlClient } from '../../server/control-client.js';
import { copy, dcpa, pinEachOther } from '../../server/dcpa-kit.js';
import { dial, type Line, PASSWORD, type Place, Program, place, served } from './program.js';

const ALLOW = process.getuid?.() === 0 ? ['--allow-root'] : [];

async function daemon(host: string): Promise<Place & { program: Program; client: ControlClient }> {
  const rest = '[fxp]\npeers = ["127.0.0.0/8"]\n[log]\naudit-file = "audit.log"';
  const made = await place('processes = 2', rest);
  const program = new Program(['--config', made.config, '--listen', `${host}:0`, ...ALLOW]);
  const client = await (await dial({ ...(await served(program)), host })).secure();
  await client.login('alice', PASSWORD);
  await client.ok('TYPE I');
  return { ...made, program, client };
}

it('two daemons of several processes copy under pins, and their audit logs say what was proven', async () => {
  const [a, b] = await Promise.all(['127.0.0.2', '127.0.0.3'].map(daemon));
  writeFileSync(join(a!.home, 'cargo'), 'rope and tar');
  const keys = await pinEachOther(a!.client, b!.client);
  for (const passive of ['from', 'to'] as const) {
    const codes = await copy(
      { client: a!.client, line: 'RETR cargo' },
      { client: b!.client, line: `STOR by-${passive}` },
      passive,
    );
    expect(codes).toEqual({ from: [150, 226], to: [150, 226] });
    expect(readFileSync(join(b!.home, `by-${passive}`), 'utf8')).toBe('rope and tar');
  }
  expect(await dcpa(b!.client)).toMatchObject({ last: 'ok', bytes: 12, self: keys.b });
  await Promise.all([a, b].map((one) => one!.program.signal('SIGTERM', 'stopped')));
  await Promise.all([a, b].map((one) => one!.program.ended));
  for (const [one, pin] of [
    [a!, keys.b],
    [b!, keys.a],
  ] as const) {
    const lines = readFileSync(join(one.folder, 'audit.log'), 'utf8').trim().split('\n');
    const moved = lines.map((line) => JSON.parse(line) as Line).filter(({ event }) => event === 'transfer');
    expect(moved).toHaveLength(2);
    for (const line of moved)
      expect(line).toMatchObject({
        security: 'verified',
        route: 'fxp',
        dataTls: { pin, protocol: 'TLSv1.3' },
      });
  }
});
