import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { check, copy } from '../../src/engine/index.js';
import { type Peer, requirePeer } from '../peers/peer.js';
import { startPureftpd } from '../peers/real/pureftpd.js';
import { startPyftpdlib } from '../peers/real/pyftpdlib.js';

const without = Object.values(networkInterfaces())
  .flat()
  .some((one) => one?.address === '::1')
  ? undefined
  : 'this machine has no ::1';
const absent = without ?? requirePeer('pureftpd') ?? requirePeer('pyftpdlib');

describe.skipIf(absent !== undefined)(`IPv6 ${absent ?? ''}`, () => {
  let pure: Peer;
  let py: Peer;
  const content = randomBytes(300_000);

  beforeAll(async () => {
    [pure, py] = await Promise.all([
      startPureftpd({ host: '::1' }),
      startPyftpdlib({ host: '::1', tls: false }),
    ]);
    for (const peer of [pure, py]) {
      writeFileSync(join(peer.home, 'file'), content);
      peer.own();
    }
  });
  afterAll(() => Promise.all([pure.stop(), py.stop()]));

  const site = ({ name, host, port, user, password }: Peer) => ({ name, host, port, user, password });

  it('joins two servers by EPSV and EPRT, both ways', async () => {
    for (const [from, to] of [
      [pure, py],
      [py, pure],
    ] as const) {
      const said: string[] = [];
      const summary = await copy(
        { kind: 'site', site: site(from), path: '/file' },
        { kind: 'site', site: site(to), path: '/arrived' },
        {
          onEvent: (event) => event.event === 'dialogue' && event.direction === '>' && said.push(event.text),
        },
      );
      expect(summary).toMatchObject({ files: 1, failed: 0, route: { technique: 'EPSV', family: 6 } });
      expect(readFileSync(join(to.home, 'arrived')).equals(content)).toBe(true);
      expect(said.filter((text) => text.startsWith('EPRT |2|::1|'))).toHaveLength(1);
      expect(said.filter((text) => /^(PORT|PASV)/.test(text))).toEqual([]);
    }
  });

  it('check says that PASV carries IPv4 only', async () => {
    const { routes } = await check(site(pure), site(py));
    expect(routes.filter(({ outcome }) => outcome === 'ok').map(({ attempt }) => attempt)).toEqual([
      'EPSV@dst',
      'EPSV@src',
      'EPSV@dst',
      'EPSV@src',
    ]);
    const others = routes.filter(({ attempt }) => attempt.startsWith('PASV'));
    expect(others.map(({ outcome, reason }) => [outcome, reason])).toEqual(
      others.map(() => ['unavailable', 'PASV carries IPv4 only']),
    );
  });
});
