/** AUTH: what the client does wrong ends in silence, a fault of ours is told. */
import { expect, test } from 'vitest';
import { FtpError } from '../../src/protocol/errors.js';
import type { Core } from '../../src/server/core.js';
import type { Session } from '../../src/server/session.js';
import { rowOf } from '../../src/server/verbs/table.js';

/** Replies of AUTH over a connection whose handshake ends like this. */
async function auth(error: Error): Promise<number[]> {
  const core: Pick<Core, 'secure'> = { secure: {} as NonNullable<Core['secure']> };
  const link = { tls: undefined, startTls: () => Promise.reject(error) };
  const answer = rowOf('AUTH')!.run({ core, link } as unknown as Session, 'TLS', () => {});
  const codes: number[] = [];
  if (!(Symbol.asyncIterator in answer)) throw new Error('AUTH answers twice');
  for await (const one of answer) if ('code' in one) codes.push(one.code);
  return codes;
}

test.each(['tls', 'timeout', 'closed'] as const)('%s: the connection ends, nobody is told', async (kind) => {
  expect(await auth(new FtpError(kind, 'the client is gone'))).toEqual([234]);
});

test('anything else reaches the log', async () => {
  const fault = new TypeError('a fault of ours');
  await expect(auth(fault)).rejects.toBe(fault);
  await expect(auth(new FtpError('usage', 'under TLS already'))).rejects.toThrow(/already/);
});
