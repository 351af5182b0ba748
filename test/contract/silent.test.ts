/** A server that drops strangers without a word: the engine must not hang, and must say which door is shut. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { copy } from '../../src/engine/copy.js';
import { requirePeer } from '../peers/peer.js';
import { type JackstayPeer, startJackstay } from '../peers/real/jackstay.js';
import { startVsftpd } from '../peers/real/vsftpd.js';
import type { RunningPeer } from './peers.js';

const started: RunningPeer[] = [];
afterEach(() => Promise.all(started.splice(0).map((peer) => peer.stop())));

const place = (peer: RunningPeer, path: string, name: string) => ({
  kind: 'site' as const,
  site: {
    name,
    host: peer.host,
    port: peer.port,
    user: peer.user,
    password: peer.password,
    tls: 'none' as const,
  },
  path,
});

async function strict(): Promise<JackstayPeer> {
  const peer = await startJackstay({ variant: 'strict', quiet: true });
  started.push(peer);
  return peer;
}

describe.skipIf(requirePeer('vsftpd'))('FXP with a server of ours whose FXP is off', () => {
  it.each(['source', 'destination'] as const)(
    'as the %s ends without a route, with both doors named',
    async (side) => {
      const [shut, open] = [await strict(), await startVsftpd()];
      started.push(open);
      const [from, to] = side === 'source' ? [shut, open] : [open, shut];
      writeFileSync(join(from.home, 'file'), Buffer.alloc(300_000, 7));
      from.own();
      const run = copy(
        place(from, '/file', from === shut ? 'shut' : 'open'),
        place(to, '/file', to === shut ? 'shut' : 'open'),
      );
      await expect(run).rejects.toMatchObject({
        kind: 'no-route',
        message: expect.stringContaining('shut went on waiting after open had connected'),
        facts: { advice: expect.stringContaining('mode = "listed"') },
      });
    },
  );
});
