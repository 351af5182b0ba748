/** Sites that grant fewer sessions than files could be sent at once. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { copy } from '../../src/engine/copy.js';
import type { EngineEvent } from '../../src/engine/events.js';
import type { Place } from '../../src/engine/options.js';
import type { Peer } from '../peers/peer.js';
import { startProftpd } from '../peers/real/proftpd.js';

const FILES = 40;

async function started(): Promise<Peer> {
  const peer = await startProftpd({ tls: false });
  onTestFinished(() => peer.stop());
  return peer;
}

const at = ({ host, port, user, password }: Peer, path: string, maxSessions: number): Place => ({
  kind: 'site',
  site: { host, port, user, password, maxSessions },
  path,
});

describe('a site that grants few sessions', () => {
  it.each([
    ['one', 1, 4],
    ['two', 2, 8],
    ['two, the number left to the program', 2, 'auto'],
  ] as const)('%s: every file arrives, nobody waits for ever', async (_, sessions, parallel) => {
    const [source, destination] = [await started(), await started()];
    mkdirSync(join(source.home, 'tree'));
    for (let n = 0; n < FILES; n++) writeFileSync(join(source.home, 'tree', `f${n}`), `${n}`.repeat(n));
    source.own();
    const events: EngineEvent[] = [];
    const summary = await copy(at(source, '/tree', 16), at(destination, '/copy', sessions), {
      parallel,
      onEvent: (event) => events.push(event),
    });
    expect(summary).toMatchObject({ files: FILES, failed: 0 });
    expect(readdirSync(join(destination.home, 'copy'))).toHaveLength(FILES);
    const logins = events.filter((event) => event.event === 'login').map(({ site }) => site);
    const name = `${destination.host}:${destination.port}`;
    expect(logins.filter((site) => site === name)).toHaveLength(sessions);
  });
});
