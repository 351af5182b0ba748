import { drftpd } from './drftpd.js';
import { filezilla } from './filezilla.js';
import { glftpd } from './glftpd.js';
import { gridftp } from './gridftp.js';
import { iis } from './iis.js';
import { inetutils } from './inetutils.js';
import { ioftpd } from './ioftpd.js';
import { jackstay } from './jackstay.js';
import { proftpd } from './proftpd.js';
import { pureftpd } from './pureftpd.js';
import { pyftpdlib } from './pyftpdlib.js';
import type { Evidence, Quirk } from './quirk.js';
import { raidenftpd } from './raidenftpd.js';
import { vsftpd } from './vsftpd.js';
import { wzdftpd } from './wzdftpd.js';

/** A new server: one file beside this one, and one word here. The first that recognises the evidence is taken. */
const QUIRKS: readonly Quirk[] = [
  jackstay,
  wzdftpd,
  drftpd,
  glftpd,
  ioftpd,
  raidenftpd,
  proftpd,
  pureftpd,
  vsftpd,
  pyftpdlib,
  iis,
  gridftp,
  filezilla,
  inetutils,
];

const UNKNOWN: Quirk = { name: 'FTP server', recognise: () => true, behaviour: {}, advice: {} };

/** The server program that the evidence points to. */
export function recognise(evidence: Evidence): Quirk {
  return QUIRKS.find((quirk) => quirk.recognise(evidence)) ?? UNKNOWN;
}

export type { Behaviour, Evidence, Obstacle, Quirk } from './quirk.js';
