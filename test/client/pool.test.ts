/** The sessions of one site: limits, waiting, replacement. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Connection } from '../../src/client/connection.js';
import { type PoolOptions, SitePool } from '../../src/client/pool.js';
import { FtpError } from '../../src/protocol/errors.js';
import type { SiteSettings } from '../../src/protocol/site.js';
import { type Answer, type ScriptServer, script } from './script-server.js';

const pools: SitePool[] = [];
afterEach(async () => {
  vi.useRealTimers();
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
});

function poolOf(
  { host, port }: ScriptServer,
  site: Partial<SiteSettings> = {},
  options: PoolOptions = {},
): SitePool {
  const pool = new SitePool(
    { name: 'S', host, port, user: 'u', password: 'pw-7', ...site },
    { commandTimeout: 3_000, ...options },
  );
  pools.push(pool);
  return pool;
}

/** PASS of a server that grants `most` logins at once. */
function granting(most: number, words = '530 Sorry, too many connections from this user'): Answer {
  let granted = 0;
  return () => (++granted > most ? words : '230 in');
}

describe('limits', () => {
  it('at most maxSessions live; who asks for more waits for one to come back', async () => {
    const server = await script();
    const pool = poolOf(server, { maxSessions: 2 });
    const [a, b] = await Promise.all([pool.lease(), pool.lease()]);
    const third = pool.lease();
    expect(await pool.lease(false)).toBeUndefined();
    expect(server.open()).toBe(2);
    pool.release(a);
    expect(await third).toBe(a);
    pool.release(b);
    expect(await pool.lease(false)).toBe(b);
  });

  it.each([
    '530 Sorry, too many connections from this user',
    '530 Sorry, the maximum number of clients (2) for this user are connected',
    '421 Too many connections (2) from this IP',
    '530 User u is restricted to 2 simultaneous logins',
  ])('a server that grants two and says %j lowers the limit', async (words) => {
    const server = await script({ answers: { PASS: granting(2, words) } });
    const pool = poolOf(server, { maxSessions: 8 });
    const first = [await pool.lease(), await pool.lease()];
    const third = pool.lease();
    await expect.poll(() => pool.limit).toBe(2);
    pool.release(first[0]!);
    expect(await third).toBe(first[0]);
  });

  it('the first login refused so is an error: there is nothing to wait for', async () => {
    const server = await script({ answers: { PASS: granting(0) } });
    await expect(poolOf(server).lease()).rejects.toMatchObject({
      kind: 'refused',
      retry: 'later',
      facts: { site: 'S', reply: { code: 530 }, advice: expect.stringContaining('--parallel') },
    });
  });

  it('a wrong password reaches everybody who waits for a login', async () => {
    const server = await script({ answers: { PASS: '530 Login incorrect' } });
    const pool = poolOf(server, { maxSessions: 2 });
    const ends = await Promise.allSettled([pool.lease(), pool.lease()]);
    for (const end of ends) expect(end).toMatchObject({ status: 'rejected', reason: { kind: 'login' } });
  });
});

describe('replacement', () => {
  it('a session that died while idle is not lent again', async () => {
    const server = await script();
    const pool = poolOf(server, { maxSessions: 1 });
    const first = await pool.lease();
    pool.release(first);
    server.cut();
    await expect.poll(() => first.session.closed).toBeDefined();
    const second = await pool.lease();
    expect(second).not.toBe(first);
    expect((await second.session.request('NOOP')).code).toBe(200);
  });

  it('a session that dies while lent makes room for who waits', async () => {
    const server = await script();
    const pool = poolOf(server, { maxSessions: 1 });
    const first = await pool.lease();
    const waiting = pool.lease();
    first.session.destroy(new FtpError('closed', 'cut'));
    expect(await waiting).not.toBe(first);
  });

  it('one that comes back with a command under way is ended', async () => {
    const server = await script({ answers: { AAA: undefined } });
    const pool = poolOf(server, { maxSessions: 1 });
    const first = await pool.lease();
    const command = first.session.request('AAA').catch((error: FtpError) => error.kind);
    pool.release(first);
    expect(await command).toBe('closed');
    expect(first.session.closed?.message).toContain('not in order');
    expect(await pool.lease()).not.toBe(first);
  });

  it('one that heard 421 is not lent again', async () => {
    const server = await script();
    const pool = poolOf(server, { maxSessions: 1 });
    const first = await pool.lease();
    server.say('421 Idle for too long');
    await expect.poll(() => first.session.idle).toBe(false);
    pool.release(first);
    expect(await pool.lease()).not.toBe(first);
  });

  /** Gives a session back, lets a minute pass for the pool, and takes one. */
  async function afterAMinute(
    noop: Answer,
  ): Promise<{ first: Connection; second: Connection; server: ScriptServer }> {
    const server = await script({ answers: { NOOP: noop } });
    const pool = poolOf(server, { maxSessions: 1 });
    const first = await pool.lease();
    pool.release(first);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 60_000 });
    return { first, second: await pool.lease(), server };
  }

  it('a stale one is asked NOOP before it is lent', async () => {
    const { first, second, server } = await afterAMinute('200 still here');
    expect(second).toBe(first);
    expect(server.commands.at(-1)).toBe('NOOP');
  });

  it('a stale one that answers no more is replaced', async () => {
    const { first, second } = await afterAMinute((line) => {
      line.end();
      return undefined;
    });
    expect(second).not.toBe(first);
  });

  it('a stale one that refuses NOOP is replaced and ended', async () => {
    const { first, second, server } = await afterAMinute('421 too late');
    expect(second).not.toBe(first);
    await expect.poll(() => server.open()).toBe(1);
  });
});

describe('later sessions', () => {
  it('do not ask again what is known of the site', async () => {
    const server = await script();
    const pool = poolOf(server);
    await pool.lease();
    const before = server.commands.length;
    await pool.lease();
    expect(server.commands.slice(before)).toEqual(['USER u', 'PASS pw-7', 'OPTS UTF8 ON', 'TYPE I']);
  });
});

describe('the end', () => {
  it('QUIT on idle sessions; who waits is told; nothing is lent afterwards', async () => {
    const server = await script();
    const pool = poolOf(server, { maxSessions: 1 });
    const first = await pool.lease();
    const waiting = pool.lease().catch((error: FtpError) => error.kind);
    await pool.close();
    expect(await waiting).toBe('closed');
    await expect(pool.lease()).rejects.toMatchObject({ kind: 'closed' });
    pool.release(first);
    await expect.poll(() => server.open()).toBe(0);
  });

  it('a signal ends a lease that waits for its login', async () => {
    const server = await script({ answers: { PASS: undefined } });
    const abort = new AbortController();
    const leasing = poolOf(server, {}, { signal: abort.signal }).lease();
    await expect.poll(() => server.commands.at(-1)).toContain('PASS');
    abort.abort();
    await expect(leasing).rejects.toMatchObject({ kind: 'aborted' });
  });

  it('a signal ends a lease that waits for its turn', async () => {
    const server = await script();
    const abort = new AbortController();
    const pool = poolOf(server, { maxSessions: 1 }, { signal: abort.signal });
    await pool.lease();
    const waiting = pool.lease();
    abort.abort();
    await expect(waiting).rejects.toMatchObject({ kind: 'aborted' });
  });
});
