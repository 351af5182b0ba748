/** The servers of the laboratory, each behind a router that an attacker may own. */
import { X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pinOf } from '../../src/net/tls.js';
import type { ServerLimits } from '../../src/server/options.js';
import { issueCertificate } from '../peers/certs.js';
import { allocateHost, freePort } from '../peers/host.js';
import { type PeerName, requirePeer } from '../peers/peer.js';
import { startJackstay } from '../peers/real/jackstay.js';
import { startProftpd } from '../peers/real/proftpd.js';
import { startPureftpd } from '../peers/real/pureftpd.js';
import { startPyftpdlib } from '../peers/real/pyftpdlib.js';
import { startVsftpd } from '../peers/real/vsftpd.js';
import { type Dialect, ORDINARY } from '../peers/scripted/dialect.js';
import { GLFTPD, startGlftpd } from '../peers/scripted/glftpd.js';
import type { ScriptedOptions } from '../peers/scripted/server.js';
import { startWzdftpd, WZDFTPD } from '../peers/scripted/wzdftpd.js';
import { type Evil, startEvil } from './evil.js';
import { type PortRange, Router } from './router.js';

/** glFTPd and wzdftpd speak as measured on the real programs; the others are the programs. */
export type BerthId = keyof typeof STARTS;

/** What the laboratory needs of a server. */
export interface Served {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly home: string;
  own?(): void;
  stop(): Promise<void>;
}

export interface Berth {
  readonly id: BerthId;
  readonly title: string;
  readonly peer: Served;
  readonly router: Router;
  /** SHA-256 of the public key that the server shows on its control connections. */
  readonly pin: string;
}

interface Place {
  /** Address of the router, which the server calls its own in 227. */
  readonly address: string;
  readonly ports: PortRange;
  /** Told each port that a scripted server opens. */
  readonly opened: (port: number) => void;
}

/** Few ports, as behind a firewall. */
const PORTS = 24;

/** Short, so that a wait for a peer that never proves itself costs seconds; what is answered stays the same. Failures are not counted. */
const LIMITS: Partial<ServerLimits> = { dataTimeout: 3_000, levelDelay: 1_000, foreignFailuresPerMinute: 0 };

function scripted(dialect: Dialect, { address, opened }: Place): ScriptedOptions {
  const passive: Dialect['passive'] = (session, host, port) => {
    opened(port);
    return dialect.passive(session, host, port);
  };
  return { passiveAddress: address, dialect: { passive } };
}

const proftpd =
  (verifiesChain: boolean) =>
  ({ address, ports: { from, to } }: Place) =>
    startProftpd({
      verifiesChain,
      extra: [`MasqueradeAddress ${address}`, `PassivePorts ${from} ${to}`],
    });

const jackstay =
  (variant: 'listed' | 'verified') =>
  ({ address, ports }: Place) =>
    startJackstay({
      quiet: true,
      server: {
        passive: { address, ports: { ...ports } },
        limits: LIMITS,
        // The addresses of the laboratory are loopback, which no mode reaches unless it is listed.
        fxp: { mode: variant, requireTls: variant === 'verified' },
      },
    });

interface Start {
  readonly title: string;
  /** A script in this process, which tells each port that it opens. */
  readonly scripted?: boolean;
  readonly needs?: PeerName;
  start(place: Place): Promise<Served>;
}

/** Whom an evil server names in its own place. */
export const NAMED = { host: '127.0.0.8', port: 0 };

/** Somebody else's server that takes part in DCPA and is not honest. */
const evil = (how: Evil): Start => ({
  title: `a server that lies (${how})`,
  scripted: true,
  start: ({ address, opened }) =>
    startEvil(how, { passiveAddress: address }, (session, host, port) => {
      opened(port);
      return how === 'address'
        ? ORDINARY.passive(session, NAMED.host, NAMED.port)
        : ORDINARY.passive(session, host, port);
    }),
});

const PROFTPD: Pick<Start, 'title' | 'needs'> = { title: 'ProFTPD', needs: 'proftpd' };

const STARTS = {
  proftpd: { ...PROFTPD, start: proftpd(false) },
  /** Checks the chain of the peer's certificate, its default, which the other one has switched off. */
  'proftpd-verify': {
    ...PROFTPD,
    title: 'ProFTPD (TLSVerifyServer on)',
    start: proftpd(true),
  },
  vsftpd: {
    title: 'vsftpd',
    needs: 'vsftpd',
    start: ({ address, ports: { from, to } }: Place) =>
      startVsftpd({
        extra: [`pasv_address=${address}`, `pasv_min_port=${from}`, `pasv_max_port=${to}`],
      }),
  },
  pureftpd: {
    title: 'Pure-FTPd',
    needs: 'pureftpd',
    start: ({ address, ports: { from, to } }: Place) =>
      startPureftpd({ extra: ['--forcepassiveip', address, '--passiveportrange', `${from}:${to}`] }),
  },
  /** Connects only: its passive address cannot be set here. */
  pyftpdlib: { title: 'pyftpdlib', needs: 'pyftpdlib', start: () => startPyftpdlib({ quiet: true }) },
  glftpd: { title: 'glFTPd', scripted: true, start: (place: Place) => startGlftpd(scripted(GLFTPD, place)) },
  wzdftpd: {
    title: 'wzdftpd',
    scripted: true,
    start: (place: Place) => startWzdftpd(scripted(WZDFTPD, place)),
  },
  /** Serves listed peers without a pin, as every FTP server that knows SSCN does. */
  'jackstay-listed': { title: 'Jackstay (FXP listed)', start: jackstay('listed') },
  jackstay: { title: 'Jackstay', start: jackstay('verified') },
  /** A second one of the same kind. */
  jackstay2: { title: 'Jackstay', start: jackstay('verified') },
  'evil-key': evil('key'),
  'evil-address': evil('address'),
  'evil-nothing': evil('nothing'),
  'evil-early': evil('early'),
  'evil-more': evil('more'),
} as const satisfies Record<string, Start>;

/** Why this machine does not have a server, or undefined. */
export function absence(id: BerthId): string | undefined {
  const { needs }: Start = STARTS[id];
  return needs && requirePeer(needs);
}

const pinOfHost = (host: string): string => pinOf(new X509Certificate(issueCertificate(host).cert));

/** Starts a server, its router before it, and puts `payload` under its name into its home. */
export async function moor(id: BerthId, payload: { name: string; content: Buffer }): Promise<Berth> {
  const address = allocateHost();
  const from = await freePort(address);
  const ports = from + PORTS > 65_535 ? { from: from - PORTS, to: from - 1 } : { from, to: from + PORTS - 1 };
  let router: Router | undefined;
  const { title, scripted: isScripted = false, start }: Start = STARTS[id];
  const opened = (port: number): void => void router?.open(port);
  const peer = await start({ address, ports, opened });
  writeFileSync(join(peer.home, payload.name), payload.content);
  peer.own?.();
  router = await Router.start(address, peer, isScripted ? undefined : ports);
  return { id, title, peer, router, pin: pinOfHost(peer.host) };
}
