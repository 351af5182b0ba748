import type { ServerEvent, SessionFacts, TransferFacts } from '../../../src/server/events.js';

export const SESSION: SessionFacts = {
  session: 7,
  address: '192.0.2.9',
  port: 40_000,
  user: 'alice',
  tls: true,
};

export const TRANSFER: TransferFacts = {
  verb: 'STOR',
  path: '/in/a.bin',
  direction: 'receive',
  bytes: 2048,
  seconds: 0.5,
  route: 'fxp',
  endpoint: 'passive',
  peer: {
    address: '198.51.100.4',
    port: 50_001,
    tls: { protocol: 'TLSv1.2', cipher: 'ECDHE', resumed: false },
  },
  outcome: 'complete',
};

/** One event of each kind, with `text` wherever a stranger has his say. */
export function everyEvent(text: string): ServerEvent[] {
  const session = { ...SESSION, user: text };
  return [
    { event: 'listening', host: '127.0.0.1', port: 2121, implicitTls: false },
    { event: 'connect', session },
    { event: 'refused', address: '192.0.2.1', why: text },
    { event: 'login', session, ok: false, why: text },
    { event: 'command', session, verb: 'LIST', code: 226 },
    { event: 'transfer', session, transfer: { ...TRANSFER, path: text } },
    { event: 'peer-refused', session, door: 'port', peer: text, why: text },
    { event: 'change', session, verb: 'RNTO', path: text, to: text },
    { event: 'close', session, why: text, seconds: 3 },
    { event: 'error', message: text, error: new Error(text) },
  ];
}
