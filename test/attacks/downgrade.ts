/** Attacks on the control connection, so that the client asks for less: DCPA taken out of FEAT, AUTH and PROT refused. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { memoryTrust, type TrustStore } from '../../src/client/trust.js';
import { copy } from '../../src/engine/index.js';
import type { CopyOptions, Place } from '../../src/engine/options.js';
import { toFtpError } from '../../src/protocol/errors.js';
import type { SiteSettings } from '../../src/protocol/site.js';
import { issueCertificate } from '../peers/certs.js';
import type { Berth } from './berth.js';
import { type Credentials, forge } from './credentials.js';
import { type Lab, PAYLOAD, SIZE } from './lab.js';
import { ControlProxy, type ProxyPlan } from './proxy.js';
import { type Cell, compare, type Expected, type Row } from './rows.js';

/** Who ends the TLS of the control connection. */
type Key = 'own' | 'server';

interface Downgrade {
  readonly attack: string;
  readonly plan: Omit<ProxyPlan, 'credentials'>;
  readonly key: Key;
  /** The server was used before, with DCPA. */
  readonly known?: boolean;
  readonly options?: CopyOptions;
  readonly settings?: Partial<SiteSettings>;
  readonly expected: Expected;
}

const STRIP = { strip: /^ DCPA / };

const DOWNGRADES: readonly Downgrade[] = [
  {
    attack: 'takes DCPA out of FEAT, with a certificate of its own',
    plan: STRIP,
    key: 'own',
    expected: { source: /^0 passwords/, client: /key|pin|certificate/i },
  },
  {
    attack: 'refuses AUTH',
    plan: { refuse: { AUTH: '502 Command not implemented.' }, strip: /^ AUTH/ },
    key: 'own',
    expected: { source: /^0 passwords/, client: /AUTH|TLS/ },
  },
  {
    attack: 'the server lost DCPA since it was used last',
    plan: STRIP,
    key: 'server',
    known: true,
    expected: { client: /OFFERS NO DCPA ANY MORE/ },
  },
  {
    attack: 'refuses PROT P',
    plan: { refuse: { PROT: '534 Protection level denied.' } },
    key: 'server',
    expected: { client: /protected data|PROT/ },
  },
  {
    // The same without a memory and with a low floor, so that the attack is seen to work.
    attack: 'takes DCPA out of FEAT, no key checked, any security',
    plan: STRIP,
    key: 'own',
    settings: { insecure: true },
    options: { security: 'encrypted' },
    expected: { source: /^1 passwords/, client: /no FXP route|done, (?!verified)/ },
  },
];

async function credentialsOf(key: Key, { peer }: Berth): Promise<Credentials> {
  return key === 'own' ? forge('self-signed', peer.host) : issueCertificate(peer.host);
}

async function attempt(
  source: Place,
  destination: Place,
  options: CopyOptions,
): Promise<{ client: string; done: boolean }> {
  try {
    const { security, failed, files } = await copy(source, destination, { ...options, maxAttempts: 1 });
    return { client: failed > 0 ? 'failed' : `done, ${security}, ${files} file`, done: failed === 0 };
  } catch (error) {
    return { client: toFtpError(error).message, done: false };
  }
}

/** The destination's control connection is attacked. */
async function run(lab: Lab, { attack, plan, key, known, options, settings }: Downgrade): Promise<Row> {
  const [from, to] = [await lab.berth('jackstay'), await lab.berth('jackstay2')];
  const credentials = await credentialsOf(key, to);
  const proxy = await new ControlProxy({ ...plan, credentials }, to.router).start(to.router.host);
  const trust: TrustStore = memoryTrust();
  const { pin: _pin, ...open } = lab.site(to);
  const site: SiteSettings = {
    ...open,
    port: proxy.port,
    ...(settings?.insecure ? settings : { pin: to.pin }),
  };
  // The endpoint was met before: what an earlier copy has noted.
  if (known) await trust.set(to.router.host, proxy.port, { pin: to.pin, since: 0, dcpa: true });
  const name = `downgraded-${proxy.port}.bin`;
  try {
    const { client } = await attempt(
      { kind: 'site', site: lab.site(from), path: `/${PAYLOAD}` },
      { kind: 'site', site, path: `/${name}` },
      { ...options, trust },
    );
    const way = 'Jackstay to Jackstay, control connection';
    const source = `${proxy.passwords} passwords read`;
    return { attack, family: 'DCPA', way, seen: 0, altered: 0, source, destination: '-', client };
  } finally {
    proxy.stop();
    rmSync(join(to.peer.home, name), { force: true });
  }
}

export function downgradeCells(lab: Lab): Cell[] {
  return DOWNGRADES.map((each) => ({
    attack: each.attack,
    family: 'DCPA',
    way: 'Jackstay to Jackstay, control connection',
    absence: () => undefined,
    run: () => run(lab, each),
    complaints: (row) => compare(row, each.expected, SIZE),
  }));
}
