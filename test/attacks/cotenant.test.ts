/** Another user of the same two servers, and sessions of TLS that were given to somebody else. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Tenement } from './cotenant.js';

const payload = randomBytes(100_000);
const fake = Buffer.from(payload.map((octet) => octet ^ 0x55));
let tenement: Tenement;
beforeAll(async () => {
  tenement = await Tenement.start({ payload, fake });
});
afterAll(() => tenement.close());

describe('another user pairs his session with mine', () => {
  for (const bond of ['SSCN', 'host'] as const) {
    it(`${bond}: he has the file`, async () => {
      const row = await tenement.swap(bond, 'fetch');
      expect(row).toMatchObject({ seen: payload.length, source: '226 Sent.' });
      expect(row.destination).toMatch(/^425/);
    });

    it(`${bond}: his file is stored as mine`, async () => {
      const row = await tenement.swap(bond, 'feed');
      expect(row).toMatchObject({ altered: payload.length, destination: '226 Stored.' });
      expect(row.source).toMatch(/^425/);
    });
  }

  it.each(['fetch', 'feed'] as const)('session: he is shut out and my copy is done (%s)', async (deed) => {
    const row = await tenement.swap('session', deed);
    expect(row).toMatchObject({ seen: 0, altered: 0, source: '226 Sent.', destination: '226 Stored.' });
  });
});

describe('a TLS session of a stranger', () => {
  it.each(['control', 'data'] as const)(
    'of his own %s connection counts for nothing under a pin',
    async (of) => {
      // Without a pin nobody is asked for more than TLS.
      const open = await tenement.resume(of, false);
      expect(open).toMatchObject({ seen: payload.length, source: '226 Sent.', valid: true });
      const pinned = await tenement.resume(of, true);
      expect(pinned).toMatchObject({ seen: 0, altered: 0, resumed: false, valid: true });
      expect(pinned).toMatchObject({ source: '226 Sent.', destination: '226 Stored.' });
    },
  );
});
