/** Data through this machine: only where it was asked for, as safe as is said, and resumed. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { EngineEvent } from '../../src/engine/events.js';
import type { SiteSettings } from '../../src/protocol/site.js';
import { requirePeer } from '../peers/peer.js';
import { startProftpd } from '../peers/real/proftpd.js';
import { startPureftpd } from '../peers/real/pureftpd.js';
import { startVsftpd } from '../peers/real/vsftpd.js';
import { startOrdinary } from '../peers/scripted/server.js';
import { at, during, look, noise, plant, run, summaryOf, wholeOf } from './bench.js';

const absent = requirePeer('proftpd') ?? requirePeer('pureftpd') ?? requirePeer('vsftpd');
const FILES = { 'tree/a': noise(200_000), 'tree/sub/b': noise(70_000, 2), 'tree/empty': '' };
const OCTETS = 270_000;

describe.skipIf(absent)(`relay ${absent ?? ''}`, () => {
  it('always: every octet crosses this client, and it is said', async () => {
    const [a, b] = await Promise.all([during(startProftpd()), during(startPureftpd())]);
    plant(a, FILES);
    const ran = await run(at(a, 'a', 'tree'), at(b, 'b', 'copy'), { relay: 'always' });
    expect(wholeOf(ran)).toMatchObject({ files: 3, bytes: OCTETS, clientBytes: OCTETS, security: 'clear' });
    expect(wholeOf(ran).route).toEqual({ kind: 'relay' });
    expect(ran.of('file-done').every(({ route }) => route.kind === 'relay')).toBe(true);
    expect(ran.sent('a', /^(PORT|EPRT)/)).toEqual([]);
    expect(look(join(b.home, 'copy'), true)).toEqual(look(join(a.home, 'tree'), true));
  });

  it('fallback: not used where the servers can be joined', async () => {
    const [a, b] = await Promise.all([during(startProftpd()), during(startPureftpd())]);
    plant(a, FILES);
    const ran = await run(at(a, 'a', 'tree'), at(b, 'b', 'copy'), { relay: 'fallback' });
    expect(wholeOf(ran)).toMatchObject({ files: 3, clientBytes: 0, route: { kind: 'fxp' } });
    expect(ran.of('warning')).toEqual([]);
  });

  it('fallback: used where they refuse each other, and the reason is told once', async () => {
    const strict = { variant: 'strict' } as const;
    const [a, b] = await Promise.all([during(startVsftpd(strict)), during(startPureftpd(strict))]);
    plant(a, FILES);
    const ran = await run(at(a, 'a', 'tree'), at(b, 'b', 'copy'), { relay: 'fallback' });
    expect(wholeOf(ran)).toMatchObject({ files: 3, clientBytes: OCTETS, route: { kind: 'relay' } });
    const [warning, ...more] = ran.of('warning');
    expect(more).toEqual([]);
    expect(warning?.message).toMatch(/^relaying through this client: no FXP route from a to b/);
    expect(warning?.advice).toContain('vsftpd: `port_promiscuous=YES`');
    expect(look(join(b.home, 'copy'))).toEqual(look(join(a.home, 'tree')));
  });

  it('never: the same pair is refused', async () => {
    const strict = { variant: 'strict' } as const;
    const [a, b] = await Promise.all([during(startVsftpd(strict)), during(startPureftpd(strict))]);
    plant(a, FILES);
    const ran = await run(at(a, 'a', 'tree'), at(b, 'b', 'copy'));
    expect(ran.error?.kind).toBe('no-route');
    expect(ran.error?.facts.advice).toContain('--relay fallback');
    expect(summaryOf({ ...ran, error: undefined, summary: ran.of('summary')[0] }).clientBytes).toBe(0);
  });

  it('a relay that was stopped goes on where it was', async () => {
    const [a, b] = await Promise.all([during(startProftpd()), during(startPureftpd())]);
    const size = 3_000_000;
    plant(a, { 'tree/big': noise(size), 'tree/small': 'x' });
    const stop = new AbortController();
    const onEvent = (event: EngineEvent): void => {
      if (event.event === 'progress' && event.bytes > 1_000_000) stop.abort();
    };
    const places = [at(a, 'a', 'tree'), at(b, 'b', 'copy')] as const;
    const first = await run(...places, {
      relay: 'always',
      limitRate: 2_000_000,
      parallel: 1,
      signal: stop.signal,
      onEvent,
    });
    expect(first.error?.kind).toBe('aborted');
    const partial = Object.keys(look(b.home)).find((path) => /big\.[0-9a-f]{8}\.jackstay$/.test(path));
    const have = statSync(join(b.home, partial ?? 'missing')).size;
    expect(have).toBeGreaterThan(500_000);

    const second = await run(...places, { relay: 'always' });
    const missing = size - have;
    expect(wholeOf(second).bytes).toBeGreaterThanOrEqual(missing);
    expect(wholeOf(second).bytes).toBeLessThanOrEqual(missing + 1);
    expect(second.sent('a', /^REST/)).toEqual([`REST ${have}`]);
    expect(second.sent('b', /^REST/)).toEqual([`REST ${have}`]);
    expect(look(join(b.home, 'copy'))).toEqual(look(join(a.home, 'tree')));
  });
});

describe('security of a relay', () => {
  const ended = async (pins: [boolean, boolean], change: Partial<SiteSettings> = {}) => {
    const a = await during(startOrdinary({ files: FILES }));
    const b = await during(startOrdinary());
    const settings = (pin: string, known: boolean): Partial<SiteSettings> => ({
      tls: 'explicit',
      ...(known ? { pin } : {}),
      ...change,
    });
    return {
      places: [
        at(a, 'a', 'tree', settings(a.pin, pins[0])),
        at(b, 'b', 'copy', settings(b.pin, pins[1])),
      ] as const,
    };
  };

  it.each([
    ['verified', [true, true]],
    ['one-sided', [true, false]],
    ['one-sided', [false, true]],
    ['encrypted', [false, false]],
  ] as ['verified', [boolean, boolean]][])('%s with pinned keys %j', async (security, pins) => {
    const { places } = await ended(pins);
    const ran = await run(...places, { relay: 'always', security });
    expect(wholeOf(ran)).toMatchObject({ files: 3, security });
    expect(ran.of('file-done').every((done) => done.security === security)).toBe(true);
  });

  it.each([
    ['verified', [true, false]],
    ['one-sided', [false, false]],
  ] as ['verified', [boolean, boolean]][])('the floor %s refuses pinned keys %j', async (security, pins) => {
    const { places } = await ended(pins);
    const ran = await run(...places, { relay: 'always', security });
    expect(ran.error?.kind).toBe('no-route');
    expect(ran.error?.message).toContain(`and the floor is ${security}`);
    expect(ran.error?.facts.advice).toContain('--pin');
    expect([...ran.sent('a', /^RETR/), ...ran.sent('b', /^STOR/)]).toEqual([]);
  });

  it('is not called verified where another key would be accepted on the data connection', async () => {
    const { places } = await ended([true, true], { allowForeignPasv: true });
    const ran = await run(...places, { relay: 'always' });
    expect(wholeOf(ran)).toMatchObject({ files: 3, security: 'encrypted' });
  });
});
