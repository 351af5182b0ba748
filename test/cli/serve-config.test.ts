import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig, parseConfig, toServerOptions } from '../../src/cli/serve/config.js';
import { configSchema } from '../../src/cli/serve/schema.js';
import { parseRange } from '../../src/protocol/ranges.js';
import { keysAt } from '../../src/server/toml/read.js';
import { memoryUsers } from '../../src/server/users/memory.js';
import { temporaryFolder } from './harness.js';

const EXAMPLE = readFileSync(new URL('../../docs/jackstay.toml', import.meta.url), 'utf8');
const FILE = '/etc/jackstay/jackstay.toml';

/** The example with its commented keys put in force: those with a default, or those without. */
function uncommented(which: 'defaults' | 'examples'): string {
  let isDefault = true;
  return EXAMPLE.split('\n')
    .map((line) => {
      if (line.startsWith('# No default')) isDefault = false;
      if (!/^# [a-z-]+ = /.test(line)) return line;
      const wanted = isDefault === (which === 'defaults');
      isDefault = true;
      return wanted ? line.slice(2) : line;
    })
    .join('\n');
}

const faultsOf = (text: string): Promise<string> =>
  parseConfig(text, FILE).then(
    () => 'no fault',
    (error: Error) => error.message,
  );

describe('docs/jackstay.toml', () => {
  it('is all defaults as it stands', async () => {
    expect(await parseConfig(EXAMPLE, FILE)).toEqual(await parseConfig('', FILE));
  });

  it('shows the real default of each key that has one', async () => {
    const text = uncommented('defaults');
    expect(text.match(/^[a-z-]+ = /gm)!.length).toBeGreaterThan(30);
    expect(await parseConfig(text, FILE)).toEqual(await parseConfig('', FILE));
  });

  it('gives examples for the others that are taken', async () => {
    const { passive, certificate, metrics, runAs } = await parseConfig(uncommented('examples'), FILE);
    expect({ passive, certificate, metrics, runAs }).toEqual({
      passive: { ports: { from: 50_000, to: 50_999 }, address: '203.0.113.5' },
      certificate: { cert: '/etc/jackstay/server.crt', key: '/etc/jackstay/server.key' },
      metrics: { listen: { host: '127.0.0.1', port: 9121 }, hosts: [] },
      runAs: { user: 'jackstay' },
    });
  });

  it('has every key, and none that does not exist', () => {
    const shown = EXAMPLE.split(/^\[/m)
      .slice(1)
      .map((part) => [
        part.slice(0, part.indexOf(']')),
        [...part.matchAll(/^# ([a-z-]+) = /gm)].map((match) => match[1]!).sort(),
      ]);
    const tables = keysAt(configSchema, []);
    expect(Object.fromEntries(shown)).toEqual(
      Object.fromEntries(tables.map((table) => [table, keysAt(configSchema, [table]).sort()])),
    );
  });
});

describe('a configuration', () => {
  it('without a file is safe', async () => {
    const dirs = { config: '/home/someone/.config/jackstay', state: '/x' };
    const config = await loadConfig(undefined, { dirs });
    expect(config).toMatchObject({
      file: undefined,
      listen: [{ host: '0.0.0.0', port: 2121 }],
      usersFile: '/home/someone/.config/jackstay/users.toml',
      tls: { required: true, closeNotify: 'required', minVersion: 'TLSv1.2' },
      fxp: { mode: 'verified', requireTls: true, minPort: 1024 },
      allowRoot: false,
      umask: 0o027,
      warnings: [],
    });
    await expect(loadConfig('/nowhere/x.toml', { dirs })).rejects.toMatchObject({ kind: 'local' });
  });

  it('of the design is taken as it is written there', async () => {
    const folder = await temporaryFolder();
    await writeFile(
      join(folder, 'jackstay.toml'),
      `[server]
listen = ["0.0.0.0:2121", "[::1]:0"]
implicit-tls = "0.0.0.0:990"
passive-ports = "50000-50999"
passive-address = "203.0.113.5"
processes = "auto"
users-file = "users.toml"
[tls]
cert = "server.crt"
key = "/srv/server.key"
required = true
data-session-reuse = "offered"
[fxp]
mode = "listed"
peers = ["192.0.2.0/24", "Mirror.Example"]
direction = "send"
require-tls = true
min-port = 2000
`,
    );
    const config = await loadConfig(undefined, { dirs: { config: folder, state: folder } });
    expect(config).toMatchObject({
      file: join(folder, 'jackstay.toml'),
      listen: [
        { host: '0.0.0.0', port: 2121 },
        { host: '::1', port: 0 },
        { host: '0.0.0.0', port: 990, implicitTls: true },
      ],
      passive: { ports: { from: 50_000, to: 50_999 }, address: '203.0.113.5' },
      processes: 'auto',
      usersFile: join(folder, 'users.toml'),
      certificate: { cert: join(folder, 'server.crt'), key: '/srv/server.key' },
      fxp: { mode: 'listed', direction: 'send', minPort: 2000, peers: { hosts: ['mirror.example'] } },
    });
    const users = memoryUsers([]);
    const own = parseRange('10.0.0.0/8');
    const peer = parseRange('198.51.100.7');
    const options = toServerOptions(config, {
      users,
      certificate: { cert: 'C', key: 'K' },
      peers: [peer],
      ownNetworks: [own],
    });
    expect(options).toMatchObject({
      users,
      tls: { cert: 'C', key: 'K', required: true, dataSessionReuse: 'offered' },
      fxp: { mode: 'listed', peers: [parseRange('192.0.2.0/24'), peer], deny: [own], minPort: 2000 },
      limits: { connections: 10_000, connectionsPerAddress: 200, idleTimeout: 300_000 },
    });
    expect(options).not.toHaveProperty('threads');
  });

  it('names all faults at once: of syntax, of keys, of what contradicts', async () => {
    const message = await faultsOf(`[server]
listen = "0.0.0.0"
passive-ports = "50999-50000"
idle-timeout = 5

[tls]
cert = "server.crt"

[fxp]
mode = "sometimes"
peers = ["192.0.2.0/33", "a b"]
min-port = 0

[limits]
max-conections = 5
login-timeout = "0"

[fpx]
mode = "off"
`);
    const parts = [
      'line 2: [server] listen = "0.0.0.0": must be ADDRESS:PORT',
      'line 3: [server] passive-ports = "50999-50000": must be a range',
      'line 4: [server] idle-timeout = 5: there is no such key',
      'line 7: [tls] cert = "server.crt": needs its private key',
      'line 10: [fxp] mode = "sometimes": must be off, verified, listed or open',
      'line 11: [fxp] peers = ["192.0.2.0/33","a b"]:',
      'line 11: [fxp] peers = ["192.0.2.0/33","a b"]:',
      'line 12: [fxp] min-port = 0: must be at least 1',
      'line 15: [limits] max-conections = 5: there is no such key; did you mean max-connections?',
      'line 16: [limits] login-timeout = "0": must be a time',
      'line 18: fpx: there is no such key; did you mean fxp?',
    ];
    const lines = message.split('\n').slice(1);
    expect(lines.map((line, i) => line.slice(2, 2 + (parts[i]?.length ?? 99)))).toEqual(parts);
  });

  it.each([
    ['[tls]\nkey = "k"', 'needs its certificate'],
    ['[server]\nlisten = ["127.0.0.1:21", "127.0.0.1:21"]', 'is listened on twice'],
    ['[server]\nlisten = "127.0.0.1:21"\nimplicit-tls = "127.0.0.1:21"', 'is listened on twice'],
    ['[server]\nlisten = "127.0.0.1:50001"\npassive-ports = "50000-50999"', 'must not hold 50001'],
    ['[server]\npassive-address = "0.0.0.0"', 'not the address of a machine'],
    ['[server]\npassive-address = "2001:db8::1"', 'must be an IPv4 address'],
    ['[server]\npassive-ports = "20-30"', 'from 1024'],
    ['[server]\nlisten = "0.0.0.0:99999"', 'ADDRESS:PORT'],
    ['[server]\nlisten = "01.2.3.4:21"', 'ADDRESS:PORT'],
    ['[server]\nlisten = []', 'must hold an address'],
    ['[server]\nprocesses = 0', '1 to 64'],
    ['[server]\nprocesses = 1.5', '1 to 64'],
    ['[server]\numask = 27', 'three octal digits'],
    ['[server]\nrun-as = "a b"', 'USER:GROUP'],
    ['[server]\nbanner = "a\\nb"', 'control characters'],
    ['[limits]\nmax-connections = 10\nmax-connections-per-ip = 11', 'max-connections, which is 10'],
    ['[limits]\nmax-connections = -1', 'at least 0'],
    ['[limits]\nmax-connections = 99999999999999999999', 'line 2, column'],
    ['[limits]\nmax-connections = inf', 'max-connections = Infinity: must be a number'],
    ['[limits]\nidle-timeout = 2020-01-01', 'a time with its unit'],
    ['fxp = "open"', 'must be a table'],
    ['[metrics]\nlisten = "9121"', 'ADDRESS:PORT'],
    ['[log]\nlevel = "loud"', 'error, warn, info or debug'],
    ['[__proto__]\nx = 1', 'no such key'],
    ['[server]\nlisten = "\u0000"', 'is not TOML'],
  ])('%j is refused', async (text, part) => {
    expect(await faultsOf(text)).toContain(part);
  });

  it.each([
    ['[fxp]\nmode = "open"\nrequire-tls = false', 'anyone may be the other end'],
    ['[fxp]\nmode = "listed"', 'without peers'],
    ['[tls]\nrequired = false', 'in the clear'],
    ['[tls]\nclose-notify = "optional"', 'cut upload'],
    ['[server]\nlisten = "0.0.0.0:990"', 'implicit-tls is meant'],
    ['[limits]\nidle-timeout = "1m"', 'RFC 1123'],
    ['[server]\nrun-as = "ftp"\nallow-root = true', 'beside run-as'],
    ['[metrics]\nlisten = "0.0.0.0:9121"', 'whoever reaches it'],
  ])('%j is allowed with a warning', async (text, part) => {
    expect((await parseConfig(text, FILE)).warnings).toEqual([expect.stringContaining(part)]);
  });
});
