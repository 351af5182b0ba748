import { formatDcpaFeature, formatDcpaReply, parseDcpa } from '../../protocol/dcpa.js';
import { reply, type ServerReply } from '../reply.js';
import type { Session } from '../session.js';
import type { VerbRow } from './row.js';
import { offersFxpTls } from './security.js';

function dcpa(session: Session, argument: string): ServerReply {
  const { identity } = session.link.tls ?? {};
  if (!identity) return reply(503, 'DCPA comes after AUTH TLS.');
  if (session.account?.anonymous || session.policy.mode === 'off') {
    return reply(534, 'Server-to-server transfers are off for this account.');
  }
  const command = parseDcpa(argument);
  if (command.kind === 'bad') return reply(command.code, command.text);
  if (command.kind === 'off') session.dcpa.off();
  if (command.kind === 'set') {
    session.dcpa.set(command);
    // CPSV said which role before; the last word counts.
    if (command.role && session.dcpa.pinned && session.pending) session.pending.client = false;
  }
  return reply(200, formatDcpaReply(session.dcpa.state(identity)));
}

export const rows: VerbRow[] = [
  {
    verb: 'DCPA',
    source: 'docs/dcpa.md',
    syntax: '[OFF | <facts>]',
    argument: 'optional',
    summary: 'Key that data connections of files show, keys one of which their peer must prove, TLS role.',
    when: 'login',
    features: (session) =>
      offersFxpTls(session) ? [formatDcpaFeature({ identities: ['session', 'host'] })] : [],
    run: dcpa,
  },
];
