/** The ways to join two servers that are attacked: clear FXP, CPSV and SSCN, one-sided and full DCPA. */
import { absence, type BerthId } from './berth.js';
import type { Family } from './rows.js';

export interface Technique {
  readonly family: Family;
  readonly source: BerthId;
  readonly destination: BerthId;
  /** Name of the attempt in the engine. */
  readonly attempt: string;
}

const way = (family: Family, source: BerthId, destination: BerthId, attempt: string): Technique => ({
  family,
  source,
  destination,
  attempt,
});

/** Real servers that know nothing of DCPA, and ours as one of them. */
export const STOCK: readonly Technique[] = [
  way('plain', 'vsftpd', 'proftpd', 'clear PASV@dst'),
  way('plain', 'pyftpdlib', 'vsftpd', 'clear EPSV@dst'),
  way('plain', 'proftpd', 'pureftpd', 'clear PASV@src'),
  way('CPSV', 'vsftpd', 'glftpd', 'CPSV@dst'),
  way('CPSV', 'proftpd', 'wzdftpd', 'CPSV@dst'),
  way('CPSV', 'glftpd', 'wzdftpd', 'CPSV@src'),
  way('SSCN', 'pureftpd', 'proftpd', 'SSCN@dst PASV@dst'),
  way('SSCN', 'vsftpd', 'proftpd', 'SSCN@dst EPSV@src'),
  way('SSCN', 'proftpd', 'pureftpd', 'SSCN@src PASV@dst'),
  way('SSCN', 'pyftpdlib', 'wzdftpd', 'SSCN@dst PASV@dst'),
  way('SSCN', 'jackstay-listed', 'proftpd', 'SSCN@dst PASV@dst'),
];

/** Checks the chain of its peer's certificate, as far as a stock server goes. */
export const CHECKED = way('SSCN', 'vsftpd', 'proftpd-verify', 'SSCN@dst PASV@dst');

/** Ours with one that knows nothing of DCPA. */
export const ONE_SIDED: readonly Technique[] = [
  way('one-sided', 'jackstay', 'vsftpd', 'DCPA@src PASV@src'),
  way('one-sided', 'jackstay', 'glftpd', 'DCPA@src CPSV@dst'),
  way('one-sided', 'vsftpd', 'jackstay', 'DCPA@dst PASV@dst'),
  way('one-sided', 'proftpd', 'jackstay', 'DCPA@dst SSCN@src PASV@dst'),
];

/** Two of ours. */
export const FULL: readonly Technique[] = ['PASV@dst', 'EPSV@dst', 'PASV@src', 'EPSV@src'].map((door) =>
  way('DCPA', 'jackstay', 'jackstay2', `DCPA ${door}`),
);

/** The name of a technique in the tables. */
export const nameOf = ({ source, destination, attempt }: Technique): string =>
  `${source} to ${destination}, ${attempt}`;

export const absenceOf = ({ source, destination }: Technique): string | undefined =>
  absence(source) ?? absence(destination);
