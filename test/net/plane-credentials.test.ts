/** Contexts of pinned identities: made once for a login that is at work, forgotten soon after. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Credentials } from '../../src/net/plane/secure.js';
import { sessionIdentity } from '../../src/server/session-certificate.js';
import { material } from './plane/peer.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const identity = () => {
  const { cert, key } = sessionIdentity();
  return { identity: { cert, key } };
};

test('an identity keeps its contexts from file to file, and no two share them', () => {
  const keys = new Credentials(material());
  const [mine, theirs] = [identity(), identity()];
  const made = keys.pinned(mine);
  expect(keys.pinned(mine).server).toBe(made.server);
  expect(keys.pinned(theirs).server).not.toBe(made.server);
  expect(keys.pinned({}).server).not.toBe(keys.server);
});

test('half a minute after its last use it is forgotten', () => {
  const keys = new Credentials(material());
  const mine = identity();
  const made = keys.pinned(mine);
  vi.advanceTimersByTime(29_000);
  expect(keys.pinned(mine)).toBe(made);
  vi.advanceTimersByTime(29_000);
  expect(keys.pinned(mine)).toBe(made);
  vi.advanceTimersByTime(30_000);
  expect(keys.pinned(mine)).not.toBe(made);
});

test('of too many the oldest goes', () => {
  const keys = new Credentials(material());
  const mine = identity();
  const first = keys.pinned(mine);
  for (let n = 0; n < 64; n++) keys.pinned(identity());
  expect(keys.pinned(mine)).not.toBe(first);
});
