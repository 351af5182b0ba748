/** One server of ours and one of others, which proves the key of its control connection without knowing it. */
import { readFileSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { check } from '../../../src/engine/index.js';
import { partialName } from '../../../src/engine/partial.js';
import { type AnyPeer, during, look, noise, PAST, plant, run, wholeOf } from '../../failures/bench.js';
import { type PeerName, requirePeer } from '../../peers/peer.js';
import { startProftpd } from '../../peers/real/proftpd.js';
import { startPureftpd } from '../../peers/real/pureftpd.js';
import { startPyftpdlib } from '../../peers/real/pyftpdlib.js';
import { startVsftpd } from '../../peers/real/vsftpd.js';
import { startGlftpd } from '../../peers/scripted/glftpd.js';
import { startWzdftpd } from '../../peers/scripted/wzdftpd.js';
import { at, own, pinned } from './kit.js';

const TREE = { 'tree/f': noise(2_000_000), 'tree/deep/g': 'x', 'tree/none': '' };

interface Stock {
  name: string;
  start: () => Promise<AnyPeer>;
  needs?: PeerName;
  /** Commands by which it can be the TLS client: then it proves its key in that role as well. */
  client: readonly ('CPSV' | 'SSCN')[];
  /** It wants resumed sessions as TLS server. */
  reuse?: true;
}

const reuse = { variant: 'reuse-required' } as const;
const STOCK: readonly Stock[] = [
  { name: 'ProFTPD', start: startProftpd, needs: 'proftpd', client: ['SSCN'] },
  {
    name: 'ProFTPD that wants resumed sessions',
    start: () => startProftpd(reuse),
    needs: 'proftpd',
    client: ['SSCN'],
    reuse: true,
  },
  { name: 'Pure-FTPd', start: startPureftpd, needs: 'pureftpd', client: [] },
  { name: 'vsftpd', start: startVsftpd, needs: 'vsftpd', client: [] },
  { name: 'pyftpdlib', start: startPyftpdlib, needs: 'pyftpdlib', client: [] },
  { name: 'glFTPd (scripted)', start: startGlftpd, client: ['CPSV', 'SSCN'] },
  { name: 'wzdftpd (scripted)', start: startWzdftpd, client: ['CPSV', 'SSCN'] },
];

const DOORS = ['PASV', 'EPSV'] as const;

/** The ways that must carry the probe, in order; ours is at `own`. */
function ways(own: 'src' | 'dst', { client, reuse: wants }: Stock): string[] {
  const stock = own === 'src' ? 'dst' : 'src';
  const doors = DOORS.flatMap((technique) => [`${technique}@${own}`, `${technique}@${stock}`]);
  return [
    ...(wants ? [] : doors),
    ...(client.includes('CPSV') ? [`CPSV@${stock}`] : []),
    ...(client.includes('SSCN') ? doors.map((door) => `SSCN@${stock} ${door}`) : []),
  ].map((way) => `DCPA@${own} ${way}`);
}

for (const stock of STOCK) {
  const absent = stock.needs && requirePeer(stock.needs);
  describe.skipIf(absent)(`${stock.name} ${absent ?? ''}`, () => {
    it('sends a tree to ours and takes one from it, and proves its key each time', async () => {
      const [peer, server] = [await during(stock.start()), await own({ files: TREE })];
      plant(peer, TREE);
      const [theirs, mine] = [pinned(peer, 'theirs'), pinned(server, 'mine')];
      const path = (name: string): string => join(peer.path, name);
      const floor = { security: 'one-sided' } as const;
      const there = await run(at(mine, 'tree'), at(theirs, path('copy')), floor);
      expect(wholeOf(there)).toMatchObject({ files: 3, security: 'one-sided', route: { pins: 'source' } });
      expect(look(join(peer.home, 'copy'))).toEqual(look(join(server.root, 'tree')));
      const back = await run(at(theirs, path('tree')), at(mine, 'back'), floor);
      expect(wholeOf(back)).toMatchObject({
        files: 3,
        security: 'one-sided',
        route: { pins: 'destination' },
      });
      expect(look(join(server.root, 'back'))).toEqual(look(join(peer.home, 'tree')));
      expect([...there.of('alarm'), ...back.of('alarm')]).toEqual([]);
      // One command for all files; where no digest can be compared, ours is asked what it moved.
      const asked = there.sent('mine', /^DCPA/);
      expect(asked.filter((text) => text !== 'DCPA').slice(-1)).toEqual([
        expect.stringMatching(/^DCPA (Self=host;)?Peer=sha-256:[0-9a-f]{64};Role=(client|server)$/),
      ]);
      const sizes = wholeOf(there).verified.digest === 0 ? 3 : 0;
      expect(asked.filter((text) => text === 'DCPA')).toHaveLength(sizes);
      // A try that failed at the other side only is told as well, where the pin is set anew behind it.
      expect(there.heard('mine', /^200 DCPA .*Last=ok;Bytes=/).length).toBeGreaterThanOrEqual(sizes);
    });

    it('is joined with ours by every door and in every TLS role that it has', async () => {
      const [peer, server] = [await during(stock.start()), await own()];
      const options = { security: 'one-sided' } as const;
      const report = await check(
        pinned(server, 'mine'),
        pinned(peer, 'theirs', { directory: peer.path }),
        options,
      );
      const ok = (from: string): string[] =>
        report.routes
          .filter((each) => each.from === from && each.outcome === 'ok')
          .map(({ attempt }) => attempt);
      expect(ok('mine').toSorted()).toEqual(ways('src', stock).toSorted());
      expect(ok('theirs').toSorted()).toEqual(ways('dst', stock).toSorted());
    });
  });
}

const alone = requirePeer('pureftpd');
describe.skipIf(alone)(`a file that was begun ${alone ?? ''}`, () => {
  it('goes on at the stock server, and ours counts what it sent of it', async () => {
    const whole = noise(300_000);
    const [peer, server] = [await during(startPureftpd()), await own({ files: { f: whole } })];
    utimesSync(join(server.root, 'f'), PAST, PAST);
    plant(peer, { [partialName('g', whole.length, PAST.getTime())]: whole.subarray(0, 200_000) });
    const ran = await run(at(pinned(server, 'mine'), 'f'), at(pinned(peer, 'theirs'), 'g'));
    expect(wholeOf(ran)).toMatchObject({ security: 'one-sided', verified: { size: 1 } });
    const rest = whole.length - (200_000 - 64 * 1024);
    expect(ran.sent('mine', /^REST/)).toEqual([`REST ${whole.length - rest}`]);
    expect(ran.heard('mine', /^200 DCPA .*Last=ok/)).toEqual([expect.stringMatching(`;Bytes=${rest}$`)]);
    expect(readFileSync(join(peer.home, 'g')).equals(whole)).toBe(true);
  });
});

const without = requirePeer('vsftpd');
describe.skipIf(without)(`vsftpd that wants resumed sessions ${without ?? ''}`, () => {
  it('cannot be joined with proof: its own words say why, and no alarm is raised', async () => {
    const [peer, server] = [await during(startVsftpd(reuse)), await own({ files: TREE })];
    const ran = await run(at(pinned(server, 'mine'), 'tree'), at(pinned(peer, 'theirs'), 'copy'), {
      security: 'one-sided',
    });
    expect(ran.error).toMatchObject({ kind: 'no-route' });
    expect(ran.error?.message).toContain('session reuse required');
    expect(ran.error?.facts.advice).toContain('require_ssl_reuse=NO');
    expect(ran.of('alarm')).toEqual([]);
  });
});
