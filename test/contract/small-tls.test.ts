/** ProFTPD to ProFTPD under TLS: small files by the source as TLS client, large ones by the destination, and all of them whole. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { copy, type EngineEvent } from '../../src/engine/index.js';
import { type Peer, requirePeer } from '../peers/peer.js';
import { startProftpd } from '../peers/real/proftpd.js';

const started: Peer[] = [];
afterEach(() => Promise.all(started.splice(0).map((peer) => peer.stop())));

const SIZES = [3_000_000, 10_240, 0, 1, 65_536, 65_537, 2_000_000, 4_096, 30_000, 100];

describe.skipIf(requirePeer('proftpd'))('a mixture of sizes between two ProFTPD servers under TLS', () => {
  it.each([1, 4])('%d transfers at once', async (parallel) => {
    const [a, b] = [await startProftpd(), await startProftpd()];
    started.push(a, b);
    mkdirSync(join(a.home, 'from'));
    SIZES.forEach((size, n) => {
      writeFileSync(join(a.home, 'from', `f${n}`), randomBytes(size));
    });
    a.own();
    const events: EngineEvent[] = [];
    const place = ({ host, port, user, password }: Peer, path: string) => ({
      kind: 'site' as const,
      site: { host, port, user, password, tls: 'explicit' as const, insecure: true },
      path,
    });
    const summary = await copy(place(a, '/from'), place(b, '/to'), {
      parallel,
      onEvent: (event) => events.push(event),
    });
    expect(summary).toMatchObject({ files: SIZES.length, failed: 0, security: 'encrypted' });
    SIZES.forEach((_size, n) => {
      const [sent, arrived] = [join(a.home, 'from', `f${n}`), join(b.home, 'to', `f${n}`)];
      expect(readFileSync(arrived).equals(readFileSync(sent)), `f${n}`).toBe(true);
    });
    const clients = { small: new Set<string>(), large: new Set<string>() };
    for (const event of events) {
      if (event.event !== 'file-done') continue;
      // ProFTPD computes no digest of an empty file.
      expect(event.proof).toBe(event.size === 0 ? 'size' : 'digest');
      clients[event.size > 65_536 ? 'large' : 'small'].add(event.route.tlsClient ?? 'none');
    }
    expect([...clients.large]).toEqual(['destination']);
    // The pilot, whatever its size, went the way that was found.
    expect(clients.small.has('source')).toBe(true);
  });
});
