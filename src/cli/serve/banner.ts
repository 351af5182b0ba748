import { printable } from '../../protocol/names.js';
import type { ListenAddress } from '../../server/options.js';
import { count } from '../format.js';
import type { Accounts } from './accounts.js';
import { hostPort } from './describe.js';
import type { Start } from './start.js';

/** What is told at the start. */
export interface BannerFacts {
  start: Start;
  addresses: readonly ListenAddress[];
  accounts: Pick<Accounts, 'count' | 'anonymous'>;
  pid: number;
  metrics: ListenAddress | undefined;
}

const MODES = {
  off: 'off: no other server may be at the other end of a transfer',
  verified: 'verified: only servers that prove who they are',
  listed: 'listed: servers of the list, and those that prove who they are',
  open: 'open: every server that is not denied',
} as const;

/** The first words on a terminal: where it is, how to trust it, who may come in, how to end it. */
export function bannerLines(facts: BannerFacts): string[] {
  const { start, addresses, metrics, pid } = facts;
  const { config, certificate, target } = start;
  const listens = addresses.map(
    ({ host, port, implicitTls }) =>
      `${hostPort(host, port)}${implicitTls ? '  TLS from the first octet' : ''}`,
  );
  return [
    'Jackstay FTP server',
    '',
    ...rows('listens', listens),
    ...rows('TLS', [
      config.tls.required ? 'required' : 'offered; passwords may cross the network in the clear',
    ]),
    ...rows('certificate', [
      `${certificate.selfSigned ? 'self-signed' : 'of your own'}${certificate.made ? ', made now and kept' : ''}: ${certificate.file}`,
      `pin ${certificate.pin}`,
    ]),
    ...rows('FXP', [MODES[config.fxp.mode]]),
    ...rows('users', userLines(facts)),
    ...(target ? rows('runs as', [target.name]) : []),
    ...(metrics ? rows('metrics', [`http://${hostPort(metrics.host, metrics.port)}/metrics`]) : []),
    ...[...config.warnings, ...certificate.warnings].flatMap((text) => rows('warning', [text])),
    '',
    `Ctrl-C stops it, once more at once; kill -HUP ${pid} reads configuration, certificate and users again.`,
    '',
  ].map(printable);
}

function userLines({ start, accounts, addresses }: BannerFacts): string[] {
  const { config, quick, certificate } = start;
  if (quick) {
    const at = addresses[0];
    const url = `ftps://${encodeURIComponent(quick.name)}@${at ? hostPort(at.host, at.port) : ''}/`;
    return [
      `${quick.name}, in memory, with ${quick.home}`,
      `try it: jackstay ls ${url} --pin ${certificate.pin}`,
    ];
  }
  const anonymous = accounts.anonymous ? ', and anonymous' : '';
  if (accounts.count !== undefined && accounts.count > 0)
    return [`${count(accounts.count, 'user')}${anonymous} in ${config.usersFile}`];
  return [
    `none yet${anonymous} in ${config.usersFile}; add one with:`,
    `jackstay user add NAME --home DIR${config.file === undefined ? '' : ` --config ${config.file}`}`,
  ];
}

/** A name and what belongs to it, in columns. */
function rows(name: string, texts: readonly string[]): string[] {
  return texts.map((text, i) => `  ${(i === 0 ? name : '').padEnd(12)} ${text}`);
}
