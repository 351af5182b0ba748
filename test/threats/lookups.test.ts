/** Row 39: names of users and of addresses that go into no query. */
import dns from 'node:dns';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { fileUsers } from '../../src/server/index.js';
import { argon2Hasher } from '../../src/server/users/hash.js';
import { PASSWORD, target, USER } from './kit.js';

afterEach(() => {
  vi.restoreAllMocks();
  syncBuiltinESMExports();
});

const NAMES = [
  "deckhand' OR '1'='1",
  "deckhand'--",
  'deckhand"; DROP TABLE users; --',
  '*',
  'deck*',
  '*)(uid=*',
  'deckhand)(|(password=*',
  '$(id)',
  '%{user}',
  '__proto__',
  'constructor',
];

test('threat 39: SQL and LDAP through user names: a name is compared, nobody gets in by a pattern', async () => {
  const served = await target({ limits: { loginFailuresPerMinute: 0 } });
  for (const name of NAMES) {
    const wire = await served.open();
    expect.soft((await wire.send(`USER ${name}`)).code, name).toBe(331);
    expect.soft((await wire.send(`PASS ${PASSWORD}`)).code, name).toBe(530);
    wire.close();
  }
});

test('threat 39: SQL and LDAP through user names: the same in a file of users', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'jackstay-users-'));
  try {
    const file = join(folder, 'users.toml');
    const hash = await argon2Hasher().hash(PASSWORD);
    writeFileSync(file, `[users.${USER}]\nhome = "${folder}"\npassword = "${hash}"\n`, { mode: 0o600 });
    const users = await fileUsers(file);
    expect(await users.login(USER, PASSWORD, '127.0.0.1')).toMatchObject({ name: USER });
    for (const name of NAMES)
      expect.soft(await users.login(name, PASSWORD, '127.0.0.1'), name).toBeUndefined();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('threat 39: reverse lookups: nobody asks for the name of an address, which its owner chooses', async () => {
  const asked = [
    vi.spyOn(dns, 'reverse'),
    vi.spyOn(dns, 'lookupService'),
    vi.spyOn(dns.promises, 'reverse'),
    vi.spyOn(dns.promises, 'lookupService'),
  ];
  // Also where a module has imported one of them by its name.
  syncBuiltinESMExports();
  const served = await target();
  const wire = await served.login();
  await wire.passive();
  await wire.send('PORT 127,0,0,1,200,1');
  wire.close();
  for (const spy of asked) expect(spy).not.toHaveBeenCalled();
});
