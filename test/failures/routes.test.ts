/** Failures 4, 5 and 10: refused PORTs, silent downgrades, wrong passive addresses. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exitCodeOf } from '../../src/cli/exit.js';
import { memoryTrust } from '../../src/client/trust.js';
import { type Peer, requirePeer } from '../peers/peer.js';
import { startProftpd } from '../peers/real/proftpd.js';
import { startPureftpd } from '../peers/real/pureftpd.js';
import { startVsftpd } from '../peers/real/vsftpd.js';
import { at, during, look, noise, plant, type Ran, run, wholeOf } from './bench.js';

const absent = requirePeer('proftpd') ?? requirePeer('pureftpd') ?? requirePeer('vsftpd');

const vsftpd = (port: boolean, passive: boolean): Promise<Peer> =>
  startVsftpd({
    extra: [`port_promiscuous=${port ? 'YES' : 'NO'}`, `pasv_promiscuous=${passive ? 'YES' : 'NO'}`],
  });

const NINETEEN = Object.fromEntries(Array.from({ length: 19 }, (_, i) => [`tree/f${i}`, noise(5_000, i)]));
const EXPLICIT = { tls: 'explicit' } as const;

/** Copies 19 files and tells how long it took. */
async function nineteen(a: Peer, b: Peer): Promise<Ran & { seconds: number }> {
  plant(a, NINETEEN);
  const ran = await run(at(a, 'a', 'tree'), at(b, 'b', 'copy'));
  const { seconds } = wholeOf(ran);
  console.log(`${a.name} -> ${b.name}: 19 files in ${seconds} s`);
  expect(wholeOf(ran)).toMatchObject({ files: 19, clientBytes: 0 });
  expect(look(join(b.home, 'copy'))).toEqual(look(join(a.home, 'tree')));
  return { ...ran, seconds };
}

describe.skipIf(absent)(`routes ${absent ?? ''}`, () => {
  it('4: source refuses foreign PORT: refused once, then 19 of 19 with the source listening', async () => {
    const ran = await nineteen(await during(vsftpd(false, true)), await during(startProftpd()));
    expect(ran.heard('a', /^5\d\d .*PORT/)).toHaveLength(1);
    expect(ran.of('route-failed')).toHaveLength(1);
    expect(wholeOf(ran).route).toMatchObject({ passive: 'source' });
    expect(ran.sent('a', /^PORT/)).toHaveLength(1);
    expect(ran.seconds).toBeLessThan(5);
  });

  it('4: destination refuses foreign PORT: 19 of 19, nothing refused', async () => {
    const ran = await nineteen(await during(startProftpd()), await during(vsftpd(false, true)));
    expect(ran.of('route-failed')).toEqual([]);
    expect(wholeOf(ran).route).toMatchObject({ passive: 'destination' });
    expect(ran.seconds).toBeLessThan(5);
  });

  it('4: destination refuses foreign peers: refused once, then 19 of 19 with the source listening', async () => {
    const ran = await nineteen(await during(startProftpd()), await during(vsftpd(true, false)));
    expect(ran.of('route-failed')).toHaveLength(1);
    expect(wholeOf(ran).route).toMatchObject({ passive: 'source' });
    expect(ran.heard('b', /^425 Security: Bad IP/)).toHaveLength(1);
    expect(ran.seconds).toBeLessThan(5);
  });

  it('4: source refuses foreign peers: 19 of 19, nothing refused', async () => {
    const ran = await nineteen(await during(vsftpd(true, false)), await during(startProftpd()));
    expect(ran.of('route-failed')).toEqual([]);
    expect(wholeOf(ran).route).toMatchObject({ passive: 'destination' });
    expect(ran.seconds).toBeLessThan(5);
  });

  it('4: source refuses PORT and destination refuses peers: no route, the servers and settings named', async () => {
    const [a, b] = await Promise.all([
      during(vsftpd(false, false)),
      during(startProftpd({ variant: 'strict' })),
    ]);
    plant(a, NINETEEN);
    const ran = await run(at(a, 'left', 'tree'), at(b, 'right', 'copy'));
    expect(ran.error?.kind).toBe('no-route');
    expect(exitCodeOf(ran.error!)).toBe(3);
    expect(ran.error?.message).toMatch(
      /^no FXP route from left to right at security clear: left answered PORT /,
    );
    expect(ran.error?.facts.advice).toContain('left: vsftpd: `port_promiscuous=YES` would allow it.');
    expect(ran.error?.facts.advice).toContain('right: ProFTPD: `AllowForeignAddress on`');
    expect(ran.sent('left', /^PORT/).length + ran.sent('right', /^PORT/).length).toBe(2);
    expect(look(join(b.home))).toEqual({ copy: 'dir' });
  });

  it('5: an ftps pair is never lowered to PROT C on its own', async () => {
    const [a, b] = await Promise.all([during(startVsftpd()), during(startPureftpd())]);
    plant(a, NINETEEN);
    const ran = await run(at(a, 'a', 'tree', EXPLICIT), at(b, 'b', 'copy', EXPLICIT));
    expect(ran.error?.kind).toBe('no-route');
    expect(exitCodeOf(ran.error!)).toBe(3);
    expect([...ran.sent('a', /^(PROT C|RETR)/), ...ran.sent('b', /^(PROT C|STOR)/)]).toEqual([]);
    expect(ran.error?.facts.advice).toContain('vsftpd knows neither CPSV nor SSCN');
    expect(ran.error?.facts.advice).toContain('Pure-FTPd knows neither CPSV nor SSCN');
  });

  it('5: it is in clear where that was asked for, and called clear', async () => {
    const [a, b] = await Promise.all([during(startVsftpd()), during(startPureftpd())]);
    plant(a, NINETEEN);
    const ran = await run(at(a, 'a', 'tree', EXPLICIT), at(b, 'b', 'copy', EXPLICIT), { security: 'clear' });
    expect(wholeOf(ran)).toMatchObject({ files: 19, security: 'clear' });
    expect(ran.sent('a', /^PROT C/).length).toBeGreaterThan(0);
    expect(ran.of('file-done').every(({ security }) => security === 'clear')).toBe(true);
    expect(look(join(b.home, 'copy'))).toEqual(look(join(a.home, 'tree')));
  });

  it('5: a pair that can is encrypted from the first file to the last', async () => {
    const [a, b] = await Promise.all([during(startPureftpd()), during(startProftpd())]);
    plant(a, { 'tree/f1': noise(5_000), 'tree/f2': '', 'tree/sub/f3': noise(70_000) });
    const ran = await run(at(a, 'a', 'tree', EXPLICIT), at(b, 'b', 'copy', EXPLICIT));
    expect(wholeOf(ran)).toMatchObject({ files: 3, security: 'encrypted' });
    expect([...ran.sent('a', /^PROT C/), ...ran.sent('b', /^PROT C/)]).toEqual([]);
    expect(look(join(b.home, 'copy'))).toEqual(look(join(a.home, 'tree')));
  });

  it('5: a changed certificate is an alarm, before the password is sent', async () => {
    const [a, b] = await Promise.all([during(startProftpd()), during(startProftpd())]);
    plant(a, NINETEEN);
    const trust = memoryTrust();
    await trust.set(b.host, b.port, { pin: '0'.repeat(64), since: Date.UTC(2025, 0, 2) });
    const ran = await run(at(a, 'a', 'tree', EXPLICIT), at(b, 'b', 'copy', EXPLICIT), { trust });
    expect(ran.error?.kind).toBe('tls');
    expect(ran.error?.message).toMatch(/^b: THE CERTIFICATE CHANGED: .* since 2025-01-02/);
    expect(exitCodeOf(ran.error!)).toBe(4);
    expect(ran.sent('b')).toEqual(['AUTH TLS']);
    expect(look(b.home)).toEqual({});
  });

  it.each([
    ['ProFTPD', () => startProftpd({ extra: ['MasqueradeAddress 10.99.99.99'] })],
    ['vsftpd', () => startVsftpd({ extra: ['pasv_address=10.99.99.99'] })],
    ['Pure-FTPd', () => startPureftpd({ extra: ['--forcepassiveip', '10.99.99.99'] })],
  ])('10: two %s that announce a wrong address are reached at the control peer', async (_name, start) => {
    const [a, b] = await Promise.all([during(start()), during(start())]);
    const ran = await nineteen(a, b);
    expect(ran.heard('b', /^227 .*10,99,99,99/).length).toBeGreaterThan(0);
    expect(ran.sent('a', /^PORT/).length).toBeGreaterThan(0);
    expect(ran.sent('a', /^PORT 10,99/)).toEqual([]);
  });
});
