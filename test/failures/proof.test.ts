/** Failures 12 and 13: files that are cut under two positive replies, and final replies that nobody looks at. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exitCodeOf } from '../../src/cli/exit.js';
import { requirePeer } from '../peers/peer.js';
import { startPyftpdlib } from '../peers/real/pyftpdlib.js';
import { featReply } from '../peers/scripted/dialect.js';
import { startGlftpd } from '../peers/scripted/glftpd.js';
import { type Lie, startLiar } from '../peers/scripted/liar.js';
import { startOrdinary } from '../peers/scripted/server.js';
import { startWzdftpd } from '../peers/scripted/wzdftpd.js';
import { at, during, look, noise, run, summaryOf, wholeOf } from './bench.js';

const absent = requirePeer('pyftpdlib');
const EXPLICIT = { tls: 'explicit' } as const;
const FILES = { 'tree/a': noise(300_000), 'tree/b': noise(50_000, 2) };
const source = () => during(startOrdinary({ files: FILES }));
/** What a server without digests answers to FEAT. */
const PLAIN = featReply(['MDTM', 'MLST size*;type*;modify*;', 'REST STREAM', 'SIZE']);
const QUICK = { maxAttempts: 2 } as const;

describe('12: a source that cuts files as TLS 1.3 client', () => {
  it('is not made client where the destination can be it', async () => {
    const a = await during(startGlftpd({ files: FILES }));
    const b = await during(startWzdftpd());
    const ran = await run(at(a, 'a', 'tree', EXPLICIT), at(b, 'b', 'copy', EXPLICIT));
    expect(wholeOf(ran)).toMatchObject({
      files: 2,
      route: { tlsClient: 'destination' },
      security: 'encrypted',
    });
    expect(ran.of('route-failed')).toEqual([]);
    expect(look(join(b.home, 'copy'))).toEqual(look(join(a.home, 'tree')));
  });

  it.skipIf(absent)(`never ends as success where it has to be client ${absent ?? ''}`, async () => {
    const a = await during(startGlftpd({ files: FILES }));
    const b = await during(startPyftpdlib());
    const ran = await run(at(a, 'a', 'tree', EXPLICIT), at(b, 'b', 'copy', EXPLICIT));
    expect(ran.error?.kind).toBe('no-route');
    expect(exitCodeOf(ran.error!)).toBe(3);
    expect(ran.error?.message).toContain('although both servers reported success');
    expect(ran.error?.facts.advice).toContain('SSL_CLEAN_SHUTDOWN 1');
    expect(ran.of('file-done')).toEqual([]);
    expect(look(b.home)).toEqual({ copy: 'dir' });
  });

  it.skipIf(absent)(`serves as client where it shuts down cleanly ${absent ?? ''}`, async () => {
    const a = await during(startGlftpd({ files: FILES, truncates: false }));
    const b = await during(startPyftpdlib());
    const ran = await run(at(a, 'a', 'tree', EXPLICIT), at(b, 'b', 'copy', EXPLICIT));
    expect(wholeOf(ran)).toMatchObject({ files: 2, route: { tlsClient: 'source' }, security: 'encrypted' });
    expect(look(join(b.home, 'copy'))).toEqual(look(join(a.home, 'tree')));
  });

  it.skipIf(absent)(`gives way to the relay where that is allowed ${absent ?? ''}`, async () => {
    const a = await during(startGlftpd({ files: FILES }));
    const b = await during(startPyftpdlib());
    const ran = await run(at(a, 'a', 'tree', EXPLICIT), at(b, 'b', 'copy', EXPLICIT), { relay: 'fallback' });
    expect(wholeOf(ran)).toMatchObject({ files: 2, route: { kind: 'relay' }, clientBytes: 350_000 });
    expect(look(join(b.home, 'copy'))).toEqual(look(join(a.home, 'tree')));
  });
});

describe('13: final replies', () => {
  const lies: [Lie, boolean, RegExp][] = [
    ['short', false, /arrived at b with \d+ octets of \d+ although both servers reported success/],
    ['short', true, /arrived altered at b: MD5/],
    ['altered', false, /arrived altered at b: MD5/],
    ['nothing-stored', false, /b reported success, but there is no /],
  ];
  it.each(lies)('226 for a file that is %s (SIZE lies: %s) is no success', async (lie, sizeLies, message) => {
    const a = await source();
    const b = await during(startLiar({ lie, sizeLies }));
    const ran = await run(at(a, 'a', 'tree'), at(b, 'b', 'copy'), QUICK);
    expect(summaryOf(ran)).toMatchObject({ files: 0, failed: 2 });
    for (const failed of ran.of('file-failed')) {
      expect(failed.message).toMatch(message);
      expect(failed).not.toHaveProperty('leftover');
    }
    expect(look(join(b.home, 'copy'))).toEqual({});
  });

  it('what only a digest could find is called proven by size, not by digest', async () => {
    const a = await source();
    const b = await during(startLiar({ lie: 'altered', dialect: { features: PLAIN } }));
    const ran = await run(at(a, 'a', 'tree'), at(b, 'b', 'copy'), QUICK);
    expect(summaryOf(ran).verified).toEqual({ digest: 0, size: 2, none: 0 });
    const strict = await run(at(a, 'a', 'tree'), at(b, 'b', 'strict'), { ...QUICK, verify: 'digest' });
    expect(strict.error?.kind).toBe('policy');
    expect(strict.error?.message).toContain('have no digest in common');
    expect(strict.of('file-done')).toEqual([]);
  });

  it.each(['426 Connection closed; transfer aborted', '550 Quota check failed', '452 Disk full'])(
    'a destination that ends with %s has failed',
    async (reply) => {
      const a = await source();
      const b = await during(startOrdinary({ dialect: { completed: () => reply, features: PLAIN } }));
      const path = { source: at(a, 'a', 'tree/b'), destination: at(b, 'b', 'b') };
      const ran = await run(path.source, path.destination, QUICK);
      expect(summaryOf(ran)).toMatchObject({ files: 0, failed: 1 });
      expect(ran.of('file-failed')[0]?.message).toContain(`b: STOR`);
      expect(ran.of('file-failed')[0]?.message).toContain(reply);
    },
  );

  it.each(['426 Connection closed; transfer aborted', '550 Read error'])(
    'a source that ends with %s has failed, although the destination has the file',
    async (reply) => {
      const completed = (_session: unknown, { verb }: { verb: string }): string =>
        verb === 'RETR' ? reply : '226 Done';
      const a = await during(startOrdinary({ files: FILES, dialect: { completed } }));
      const b = await during(startOrdinary({ dialect: { features: PLAIN } }));
      const ran = await run(at(a, 'a', 'tree/b'), at(b, 'b', 'b'), QUICK);
      expect(summaryOf(ran)).toMatchObject({ files: 0, failed: 1 });
      expect(ran.of('file-failed')[0]?.message).toContain(`a: RETR /tree/b was answered ${reply}`);
      expect(Object.keys(look(b.home))).not.toContain('b');
    },
  );

  it('a 426 is believed until a second look has proven the file by its digest', async () => {
    const a = await source();
    const completed = (_session: unknown, { verb }: { verb: string }): string =>
      verb === 'STOR' ? '426 Connection closed; transfer aborted' : '226 Done';
    const b = await during(startOrdinary({ dialect: { completed } }));
    const ran = await run(at(a, 'a', 'tree/b'), at(b, 'b', 'b'), QUICK);
    expect(wholeOf(ran).verified).toEqual({ digest: 1, size: 0, none: 0 });
    expect(ran.of('retry')).toHaveLength(1);
    expect(ran.sent('b', /^STOR/)).toHaveLength(1);
  });

  it('each server is asked for its own path: the source for the source, the destination for what arrived', async () => {
    const a = await source();
    const b = await during(startOrdinary());
    const ran = await run(at(a, 'a', 'tree'), at(b, 'b', 'copy'), { parallel: 1 });
    expect(wholeOf(ran)).toMatchObject({ files: 2, verified: { digest: 2, size: 0, none: 0 } });
    const asked = (site: string): string[] => ran.sent(site, /^(SIZE|XMD5)/).sort();
    expect(asked('a')).toEqual(['SIZE /tree/a', 'SIZE /tree/b', 'XMD5 /tree/a', 'XMD5 /tree/b']);
    const arrived = asked('b').map((line) => line.replace(/\.[0-9a-f]{8}\.jackstay$/, ' arriving'));
    expect(arrived).toEqual([
      'SIZE /copy/a arriving',
      'SIZE /copy/b arriving',
      'XMD5 /copy/a arriving',
      'XMD5 /copy/b arriving',
    ]);
    expect(look(join(b.home, 'copy'))).toEqual(look(join(a.home, 'tree')));
  });
});
