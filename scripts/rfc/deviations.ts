/** Where the server does not do what a text says, and why. */
export interface Deviation {
  /** RFC and section. */
  source: string;
  what: string;
  why: string;
}

export const DEVIATIONS: readonly Deviation[] = [
  {
    source: 'RFC 959 3.2',
    what: 'The default data port is not used: a transfer without PASV, EPSV, PORT or EPRT is 425.',
    why: 'RFC 1123 4.1.2.5 wants a new port for every transfer; an address nobody named is not connected to (RFC 2577 3).',
  },
  {
    source: 'RFC 959 3.1.1, 3.1.2, 3.4',
    what: 'EBCDIC, ASA format control, local bytes of other sizes, record and page structure, block and compressed mode: 504.',
    why: 'RFC 1123 4.1.2.13 asks for none of them where files are octets.',
  },
  {
    source: 'RFC 959 4.1.2',
    what: 'PORT and EPRT of a foreign address, or of a port below 1024, are 504 unless the FXP policy allows them.',
    why: 'RFC 2577 3: no bounce.',
  },
  {
    source: 'RFC 959 5.4',
    what: 'LIST, NLST and STAT of what is not there: 550 beside the 450 that is listed. ALLO: 452 and 552. SITE: 504.',
    why: 'RFC 1123 4.1.2.11 allows another code where it says more: what is not there will not be there later.',
  },
  {
    source: 'RFC 959 4.1.3',
    what: 'NLST and LIST know no patterns; LIST -R is 504. Options of ls are skipped.',
    why: 'Patterns and recursion let a client make the server work without end (CVE-2011-0418, CVE-2010-2632).',
  },
  {
    source: 'RFC 959 4.1.1, RFC 4217 13',
    what: 'REIN under TLS is 502.',
    why: 'It would go back to clear text on the same connection.',
  },
  {
    source: 'RFC 2228 3, RFC 4217 5',
    what: 'CCC is 534; ADAT, MIC, CONF and ENC are refused.',
    why: 'Commands could be added to a connection that is clear again; the others belong to mechanisms other than TLS.',
  },
  {
    source: 'RFC 3659 4, 5',
    what: 'In TYPE A, SIZE is 550, and a transfer behind REST is 554.',
    why: 'Both count octets as they are sent, which takes reading the whole file.',
  },
  {
    source: 'RFC 3659 7.2',
    what: 'In MODE Z, MLSD is compressed as LIST is.',
    why: 'Clients of MODE Z, which came later, expect it of every data connection.',
  },
  {
    source: 'RFC 3659 7.5.1',
    what: 'MLSD does not list the directory itself (cdir) or its parent (pdir).',
    why: 'Both are optional, and clients that mirror trees do better without.',
  },
  {
    source: 'RFC 2640 4',
    what: 'Replies are in English only; octets of names that are no UTF-8 are kept as they are.',
    why: 'No name that is on the disk may be out of reach.',
  },
  {
    source: 'draft-preston-ftpext-deflate',
    what: 'MODE Z is off unless the operator wants it; an upload that grows more than 200-fold is ended with 426.',
    why: 'A small upload must not fill the disk.',
  },
];
