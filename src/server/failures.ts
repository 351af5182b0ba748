import type { FileError, FileErrorCode, TransferFailure } from '../net/plane/types.js';
import { reply, type ServerReply } from './reply.js';

/** Replies to what storages report (RFC 959 4.2.1, RFC 3659 for `bad-offset`). The storage's own words are not passed on. */
const REPLIES: Record<FileErrorCode, readonly [number, string]> = {
  'not-found': [550, 'No such file or directory.'],
  exists: [550, 'That name is taken.'],
  denied: [550, 'Permission denied.'],
  'not-directory': [550, 'That is not a directory.'],
  'is-directory': [550, 'That is not a file.'],
  'not-empty': [550, 'The directory is not empty.'],
  'no-space': [452, 'No space is left on the server.'],
  quota: [552, 'The quota is used up.'],
  'bad-name': [550, 'That name is not allowed here.'],
  'bad-offset': [554, 'The file ends before that offset.'],
  busy: [450, 'The file is in use; try again later.'],
  unsupported: [504, 'This storage cannot do that.'],
  io: [451, 'The storage reported an error; the log has more.'],
};

const codes = new Set<string>(Object.keys(REPLIES));

/**
 * A failed file operation as a reply.
 *
 * @param naming the command gives a file its name (STOR, STOU, RNTO): what is wrong is the name, and RFC 959 5.4 has 553.
 */
export function fileReply(error: Pick<FileError, 'code'>, naming = false): ServerReply {
  const [code, text] = REPLIES[error.code];
  return reply(naming && (code === 550 || code === 504) ? 553 : code, text);
}

/** The same for every way in which no data connection came about (threats.md row 1): an attacker learns nothing from it. */
export const NO_CONNECTION = reply(425, 'The data connection could not be opened.');

/** Under a pin, at the end that connects: the same for a closed port, a silent one and a wrong key. */
export const NOT_AUTHENTICATED = reply(425, 'Data connection not authenticated.');
/** Under a pin, at the end that listens: somebody came, and nobody proved a key that is pinned. */
const NO_PROOF = reply(522, 'No data connection was authenticated: wrong key, no certificate or no TLS.');

/** What a failed transfer was to be. */
export interface Attempted {
  foreign: boolean;
  endpoint: 'passive' | 'active';
  /** A key was pinned. */
  pinned: boolean;
  /** As for `fileReply`. */
  naming?: boolean;
}

function unconnected({ stage }: TransferFailure, { pinned, endpoint }: Attempted): ServerReply {
  if (!pinned) return NO_CONNECTION;
  if (endpoint === 'active') return NOT_AUTHENTICATED;
  return stage === 'connect' ? NO_CONNECTION : NO_PROOF;
}

/** A failed transfer as its final reply. */
export function transferReply(failure: TransferFailure, attempted: Attempted): ServerReply {
  const { foreign, naming } = attempted;
  switch (failure.stage) {
    case 'file':
      return codes.has(failure.code)
        ? fileReply({ code: failure.code as FileErrorCode }, naming)
        : reply(451, 'The storage failed.');
    case 'refused':
      // The client itself may know what its TLS lacks; a foreign peer learns nothing.
      return !foreign && failure.code === 'NOT_RESUMED'
        ? reply(522, 'The data connection must resume the TLS session of this control connection.')
        : unconnected(failure, attempted);
    case 'connect':
    case 'handshake':
      return unconnected(failure, attempted);
    case 'differs':
      return reply(551, `Not stored: ${failure.message}.`);
    case 'quota':
      return reply(552, 'The quota is used up; the transfer was stopped.');
    case 'truncated':
      return reply(426, 'The data connection ended without close_notify: the file may be cut.');
    case 'aborted':
      return reply(426, 'Transfer aborted.');
    case 'stall':
      return reply(426, 'No octet came or went for too long; the data connection was closed.');
    case 'transfer':
      return reply(426, 'The data connection broke; the transfer is not complete.');
  }
}
