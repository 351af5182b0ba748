import type { ServerEvent } from '../../server/events.js';
import { type Fields, hostPort, sessionFields, transferFields } from './describe.js';

/** A line of the audit log without its time and process. */
export type AuditRecord = Record<string, unknown> & { event: string };

/** What the audit log keeps of an event; undefined for events that concern nobody's files or access. */
export function auditOf(e: ServerEvent): AuditRecord | undefined {
  switch (e.event) {
    case 'transfer':
      return withEnds(transferFields(e.transfer, sessionFields(e.session, { event: e.event })), e);
    case 'peer-refused':
      return { event: e.event, ...sessionFields(e.session), door: e.door, peer: e.peer, why: e.why };
    case 'login':
      return {
        event: e.event,
        ...sessionFields(e.session),
        ok: e.ok,
        ...(e.why !== undefined && { why: e.why }),
      };
    case 'change':
      return {
        event: e.event,
        ...sessionFields(e.session),
        verb: e.verb,
        path: e.path,
        ...(e.to !== undefined && { to: e.to }),
      };
    case 'refused':
      return { event: e.event, address: e.address, why: e.why };
    default:
      return undefined;
  }
}

/** Adds where the octets came from and went to: the virtual path at this end, the data peer at the other. */
function withEnds(
  fields: Fields,
  { session, transfer }: Extract<ServerEvent, { event: 'transfer' }>,
): AuditRecord {
  const { peer, path, direction } = transfer;
  const far = peer ? hostPort(peer.address, peer.port) : session.address;
  fields.from = direction === 'send' ? path : far;
  fields.to = direction === 'send' ? far : path;
  return fields as AuditRecord;
}
