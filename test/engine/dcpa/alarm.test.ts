/** A key that is not proven: named, never followed by less; what a server without DCPA did for a stranger is undone or told. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { memoryTrust } from '../../../src/client/trust.js';
import { during, noise, plant, run, SHORT, wholeOf } from '../../failures/bench.js';
import { jackstay, stateFolder } from '../../failures/command.js';
import { requirePeer } from '../../peers/peer.js';
import { startPureftpd } from '../../peers/real/pureftpd.js';
import { at, disguise, inTheWay, own, pinned, splice } from './kit.js';

const SECRET = noise(50_000);
/** Servers of ours name an address that is not theirs here. */
const LED = { allowForeignPasv: true };

describe('somebody between two servers that have DCPA', () => {
  it('gets nothing, is named with the servers and the port, and nothing weaker is tried', async () => {
    let target = { host: '' };
    const { middle, passive } = await inTheWay((socket, seen) => splice(socket, seen, target));
    const a = await own({ mode: 'open', files: { f: SECRET } });
    const b = await own({ mode: 'open', passive });
    target = b;
    // Only this door: from the other one the attacker is not in the way.
    const ran = await run(at(pinned(a, 'one'), 'f'), at(pinned(b, 'two', LED), 'g'), SHORT);
    expect(middle.arrivals).toBeGreaterThan(0);
    expect(middle.seen).toBe(0);
    const alarms = ran.of('alarm');
    expect(alarms[0]).toMatchObject({ route: { by: 'DCPA', pins: 'both', passive: 'destination' } });
    expect(alarms[0]?.message).toContain(
      `the data connection from one to two (${middle.host} port ${middle.port}) was not authenticated`,
    );
    expect(alarms[0]?.advice).toContain('--security encrypted');
    expect(ran.sent('two', /^CPSV|^SSCN|^PROT C/)).toEqual([]);
    // The way round the attacker is as safe, and taken.
    expect(wholeOf(ran)).toMatchObject({ security: 'verified', route: { passive: 'source' } });
  });

  it('on both ways ends the run, with the reason; a floor that was asked for lets it go on', async () => {
    const targets = { a: { host: '' }, b: { host: '' } };
    const first = await inTheWay((socket, seen) => splice(socket, seen, targets.a));
    const second = await inTheWay((socket, seen) => splice(socket, seen, targets.b));
    const a = await own({ mode: 'open', files: { f: SECRET }, passive: first.passive });
    const b = await own({ mode: 'open', passive: second.passive });
    Object.assign(targets, { a, b });
    const pair = [at(pinned(a, 'one', LED), 'f'), at(pinned(b, 'two', LED), 'g')] as const;
    const ended = await run(...pair, SHORT);
    expect(ended.error).toMatchObject({ kind: 'no-route' });
    expect(ended.error?.message).toContain('was not authenticated');
    expect(ended.error?.facts.advice).toContain('--security encrypted');
    expect(ended.of('alarm').length).toBeGreaterThanOrEqual(2);
    expect(first.middle.seen + second.middle.seen).toBe(0);
    expect(readdirSync(b.root)).toEqual([]);
    expect(ended.sent('two', /^CPSV|^SSCN/)).toEqual([]);

    // CPSV: the attacker reads along, and nobody notices. That is what the alarm is for.
    const careless = await run(...pair, { ...SHORT, security: 'encrypted' });
    expect(careless.of('alarm').length).toBeGreaterThanOrEqual(2);
    expect(wholeOf(careless)).toMatchObject({ security: 'encrypted' });
    expect(first.middle.seen + second.middle.seen).toBeGreaterThanOrEqual(SECRET.length);
  });
});

const absent = requirePeer('pureftpd');
describe.skipIf(absent)(`a stock server led astray ${absent ?? ''}`, () => {
  it('as destination: what a stranger fed it is removed', async () => {
    const { passive, middle } = await inTheWay((socket) => {
      const feeder = disguise(socket, 'client');
      feeder.once('secureConnect', () => feeder.end(SECRET.map((octet) => octet ^ 1)));
    });
    const [a, b] = [await own({ files: { f: SECRET }, passive }), await during(startPureftpd())];
    const ran = await run(at(pinned(a, 'ours', LED), 'f'), at(pinned(b, 'stock'), 'g'), SHORT);
    expect(middle.arrivals).toBeGreaterThan(0);
    const [alarm] = ran.of('alarm');
    expect(alarm?.route).toMatchObject({ pins: 'source' });
    expect(alarm?.message).toContain(`from stock to ours (${middle.host} port ${middle.port})`);
    expect(alarm?.message).toContain('stock says that it received a file');
    expect(ran.sent('stock', /^DELE/).length).toBeGreaterThan(0);
    // Ours connects in the end, and demands the key of the stock server all the same.
    expect(wholeOf(ran)).toMatchObject({ security: 'one-sided', route: { pins: 'source' } });
    expect(readdirSync(b.home)).toEqual(['g']);
  });

  it('as source: that somebody may have read the file is said', async () => {
    const { passive, middle } = await inTheWay((socket, seen) => {
      disguise(socket, 'client').on('data', (chunk) => {
        seen.seen += chunk.length;
      });
    });
    const [a, b] = [await during(startPureftpd()), await own({ passive, mode: 'verified' })];
    plant(a, { f: SECRET });
    const ran = await run(at(pinned(a, 'stock'), 'f'), at(pinned(b, 'ours', LED), 'g'), SHORT);
    expect(middle.seen).toBeGreaterThanOrEqual(SECRET.length);
    const [alarm] = ran.of('alarm');
    expect(alarm?.message).toContain('stock says that it sent /f: somebody else may have read it');
    expect(existsSync(join(b.root, 'g')) && wholeOf(ran).security).toBe('one-sided');
  });
});

describe('DCPA that was there', () => {
  it('is missed: refused with advice, and accepted once it is forgotten', async () => {
    const trust = memoryTrust();
    const [a, b] = [await own({ files: { f: SECRET } }), await own()];
    const pair = [at(pinned(a, 'one'), 'f'), at(pinned(b, 'two'), 'g')] as const;
    expect(wholeOf(await run(...pair, { trust }))).toMatchObject({ security: 'verified' });
    expect(await trust.get(b.host, b.port)).toMatchObject({ dcpa: true });

    // As after an older program took its place: same address, same key, no DCPA.
    const older = await own({ host: b.host, mode: 'off' });
    const known = (await trust.get(b.host, b.port))!;
    await trust.set(older.host, older.port, known);
    const again = [pair[0], at(pinned(older, 'two'), 'g')] as const;
    const missed = await run(...again, { trust });
    expect(missed.error).toMatchObject({ kind: 'tls', facts: { site: 'two', phase: 'certificate' } });
    expect(missed.error?.message).toMatch(/^two OFFERS NO DCPA ANY MORE/);
    expect(missed.error?.facts.advice).toContain(`jackstay site forget ${older.host}:${older.port}`);
    expect(missed.sent('two', /^(STOR|PASV|PORT)/)).toEqual([]);

    await trust.forget(older.host, older.port);
    const accepted = await run(...again, { trust });
    expect(accepted.error).toMatchObject({ kind: 'no-route' });
  });

  it('is missed by the command line with code 4, and forgotten by `site forget`', async () => {
    const state = stateFolder();
    const [a, b] = [await own({ files: { f: 'x' } }), await own()];
    const url = (server: typeof a, path: string) =>
      `ftps://user:secret@${server.host}:${server.port}/${path}`;
    const said = async (...words: string[]) => await jackstay(words, state).ended;
    // Twice: the key of the first contact proves nothing yet.
    for (const [name, security] of [
      ['g', 'encrypted'],
      ['h', 'verified'],
    ] as const) {
      const { code, out } = await said('copy', url(a, 'f'), url(b, name), '--security', security);
      expect({ code, name }).toEqual({ code: 0, name });
      if (security === 'verified') expect(out).toContain('verified: both servers proved their keys (DCPA)');
      else expect(out).toContain('encrypted: both servers proved their keys (DCPA), but not every');
    }
    await b.server.close();
    const older = await own({ host: b.host, mode: 'off' });
    const forget = `${older.host}:${older.port}`;
    expect((await said('site', 'forget', forget)).code).toBe(2);
    const { code, out } = await said('site', 'forget', `${b.host}:${b.port}`);
    expect([code, out]).toEqual([
      0,
      expect.stringMatching(/^forgot the key of 127\.[\d.]+:\d+: sha256 [0-9a-f]{64}\n$/),
    ]);
  });
});

describe.skipIf(absent)(`the floor verified with a stock server ${absent ?? ''}`, () => {
  it('is refused with code 3, who lacks DCPA, and what would do', async () => {
    const [a, b] = [await own({ files: { f: 'x' } }), await during(startPureftpd())];
    const state = stateFolder();
    const url = `ftps://user:secret@${a.host}:${a.port}/f`;
    const to = `ftps://${b.user}:${b.password}@${b.host}:${b.port}/g`;
    const { code, err } = await jackstay(['copy', url, to, '--security', 'verified'], state).ended;
    expect(code).toBe(3);
    expect(err).toContain(`${b.host}:${b.port} has no DCPA: the best with it is one-sided`);
    expect(err).toContain('--security one-sided');
    expect(err).toContain('--relay fallback');
    expect(existsSync(join(b.home, 'g'))).toBe(false);
  });
});
