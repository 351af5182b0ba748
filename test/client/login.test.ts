/** Logins: TLS before all else, and never less than was asked for. */
import { describe, expect, it, onTestFinished } from 'vitest';
import type { SiteFacts } from '../../src/client/facts.js';
import { fullSite, login } from '../../src/client/login.js';
import { memoryTrust, type TrustStore } from '../../src/client/trust.js';
import { FtpError } from '../../src/protocol/errors.js';
import type { SiteSettings } from '../../src/protocol/site.js';
import { type Script, type ScriptServer, script } from './script-server.js';

const PASSWORD = 'marlinspike-9';

async function enter(
  server: ScriptServer,
  change: Partial<SiteSettings> = {},
  options: { trust?: TrustStore; commandTimeout?: number; known?: SiteFacts } = {},
) {
  const { host, port } = server;
  const site = fullSite({ name: 'S', host, port, user: 'u', password: PASSWORD, ...change });
  const entered = await login(site, { commandTimeout: 3_000, ...options });
  onTestFinished(() => entered.session.destroy(new FtpError('closed', 'the test is over')));
  return entered;
}

/** Logs in, which must fail; gives the error, and what the server had seen by then. */
async function refused(options: Script, change: Partial<SiteSettings> = {}, trust?: TrustStore) {
  const server = await script(options);
  const error = await enter(server, change, trust ? { trust } : {}).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(FtpError);
  const failure = error as FtpError;
  expect(failure.message).toContain('S');
  expect(failure.facts.advice).toBeTruthy();
  expect(JSON.stringify([failure.message, failure.facts])).not.toContain(PASSWORD);
  return { failure, commands: server.commands, server };
}

const EXPLICIT = { tls: 'explicit', insecure: true } as const;

describe('TLS that was asked for', () => {
  it.each(['502 not here', '500 what?', '530 not now', '200 ok', '431 no', '534 no'])(
    'AUTH answered %j: nothing more is sent',
    async (reply) => {
      const { failure, commands } = await refused({ answers: { AUTH: reply } }, EXPLICIT);
      expect(failure).toMatchObject({
        kind: 'tls',
        retry: 'never',
        facts: { site: 'S', command: 'AUTH TLS' },
      });
      expect(commands).toEqual(['AUTH TLS']);
    },
  );

  it('a greeting that says 230 does not skip it (CVE-2021-22946)', async () => {
    const { failure, commands } = await refused({ greeting: '230 logged in already' }, EXPLICIT);
    expect(failure).toMatchObject({ kind: 'tls', retry: 'never' });
    expect(commands).toEqual([]);
  });

  it.each([
    ['a second reply', '234 ok\r\n230 logged in\r\n'],
    ['the beginning of one', '234 ok\r\n331 '],
    ['an open multi-line reply', '234 ok\r\n220-more\r\n'],
  ])('text in clear behind the 234 ends it: %s (CVE-2021-22947)', async (_name, text) => {
    const auth: Script = {
      answers: {
        AUTH: (line) => {
          line.write(text);
          line.secure();
          return undefined;
        },
      },
    };
    const { failure, commands } = await refused(auth, EXPLICIT);
    expect(failure).toMatchObject({ kind: 'malformed', facts: { phase: 'tls' } });
    expect(failure.facts.advice).toContain('injecting');
    expect(commands).toEqual(['AUTH TLS']);
  });

  it('a 234 that was there before AUTH counts for nothing', async () => {
    const server = await script({ greeting: '220 ready\r\n234 go ahead' });
    const { facts } = await enter(server, EXPLICIT);
    expect(facts.tls).toBe(true);
    expect(server.commands[0]).toBe('AUTH TLS');
  });

  it('a server that goes on in clear behind its 234 is not believed', async () => {
    const { failure, commands } = await refused({ answers: { AUTH: '234 ok' } }, EXPLICIT, memoryTrust());
    expect(['timeout', 'tls']).toContain(failure.kind);
    expect(commands[0]).toBe('AUTH TLS');
    expect(commands.join()).not.toContain('USER');
  });

  it('implicit: TLS from the first octet, no AUTH', async () => {
    const server = await script({ tls: 'implicit' });
    const { facts } = await enter(server, { tls: 'implicit', insecure: true });
    expect(facts).toMatchObject({ tls: true, protP: true, pin: server.pin, certificate: 'insecure' });
    expect(server.commands.slice(0, 4)).toEqual(['USER u', `PASS ${PASSWORD}`, 'PBSZ 0', 'PROT P']);
  });

  it('implicit against a server in clear fails before a word', async () => {
    const { failure, commands } = await refused({}, { tls: 'implicit', insecure: true });
    expect(failure.kind).toBe('tls');
    expect(commands).toEqual([]);
  });

  it('PROT P refused: said in the facts, the login stands', async () => {
    const server = await script({ answers: { PROT: '536 no' } });
    expect((await enter(server, EXPLICIT)).facts).toMatchObject({ tls: true, protP: false });
  });
});

describe('trust', () => {
  const EXPLICIT_ONLY = { tls: 'explicit' } as const;

  it('first use is remembered, the second proves it, a change is an alarm', async () => {
    const trust = memoryTrust();
    const server = await script();
    expect((await enter(server, EXPLICIT_ONLY, { trust })).facts.certificate).toBe('first-use');
    expect((await trust.get(server.host, server.port))?.pin).toBe(server.pin);
    expect((await enter(server, EXPLICIT_ONLY, { trust })).facts.certificate).toBe('remembered');
    await trust.set(server.host, server.port, { pin: 'ab'.repeat(32), since: 0 });
    const before = server.commands.length;
    await expect(enter(server, EXPLICIT_ONLY, { trust })).rejects.toMatchObject({
      kind: 'tls',
      retry: 'never',
      facts: { phase: 'certificate' },
      message: expect.stringContaining('CHANGED'),
    });
    expect(server.commands.slice(before)).toEqual(['AUTH TLS']);
  });

  it('a pin decides alone, in either case of its letters', async () => {
    const server = await script();
    const trust = memoryTrust();
    await trust.set(server.host, server.port, { pin: 'ab'.repeat(32), since: 0 });
    const site = { ...EXPLICIT_ONLY, pin: server.pin.toUpperCase() };
    expect((await enter(server, site, { trust })).facts.certificate).toBe('pin');
    const wrong = { ...EXPLICIT_ONLY, pin: 'cd'.repeat(32), insecure: true };
    await expect(enter(server, wrong)).rejects.toMatchObject({
      kind: 'tls',
      facts: { phase: 'certificate' },
    });
  });

  it('nothing is remembered with insecure', async () => {
    const server = await script();
    const trust = memoryTrust();
    expect((await enter(server, EXPLICIT, { trust })).facts.certificate).toBe('insecure');
    expect(await trust.get(server.host, server.port)).toBeUndefined();
  });

  it('hosts are compared without regard to case, and can be forgotten', async () => {
    const trust = memoryTrust();
    await trust.set('Host.Example', 21, { pin: 'x', since: 1 });
    expect((await trust.get('host.EXAMPLE', 21))?.pin).toBe('x');
    expect(await trust.get('host.example', 22)).toBeUndefined();
    await trust.forget('HOST.example', 21);
    expect(await trust.get('host.example', 21)).toBeUndefined();
  });
});

describe('the words of a login', () => {
  it('HOST goes before USER (RFC 7151)', async () => {
    const server = await script({ answers: { HOST: '220 that host' } });
    await enter(server, { virtualHost: 'ftp.example' });
    expect(server.commands.slice(0, 2)).toEqual(['HOST ftp.example', 'USER u']);
  });

  it('a refused HOST ends it before the name is told', async () => {
    const { failure, commands } = await refused(
      { answers: { HOST: '504 no such host' } },
      { virtualHost: 'x.example' },
    );
    expect(failure).toMatchObject({
      kind: 'refused',
      facts: { command: 'HOST x.example', reply: { code: 504 } },
    });
    expect(commands).toEqual(['HOST x.example']);
  });

  it('ACCT answers a 332, where the site has one', async () => {
    const server = await script({ answers: { PASS: '332 account?', ACCT: '230 in' } });
    await enter(server, { account: 'ledger-5' });
    expect(server.commands).toContain('ACCT ledger-5');
    const { failure } = await refused({ answers: { PASS: '332 account?' } });
    expect(failure).toMatchObject({ kind: 'login', facts: { advice: 'Set the account of that site.' } });
  });

  it('no PASS where USER is enough, no USER where the greeting is', async () => {
    const short = await script({ answers: { USER: '230 in' } });
    await enter(short);
    expect(short.commands.join()).not.toContain('PASS');
    const none = await script({ greeting: '230 in' });
    await enter(none);
    expect(none.commands.join()).not.toMatch(/USER|PASS/);
  });

  it('120 before 220', async () => {
    const server = await script({ greeting: '120 soon\r\n220 ready' });
    expect((await enter(server)).facts.greeting).toBe('ready');
  });

  it.each([
    ['421 Too many connections (2) from this IP', /--parallel|wait/],
    ['530 go away', /user who may/],
  ])('a greeting of %j is told', async (greeting, advice) => {
    const { failure, commands } = await refused({ greeting });
    expect(failure.kind).toBe('refused');
    expect(failure.message).toContain(greeting);
    expect(failure.facts.advice).toMatch(advice);
    expect(commands).toEqual([]);
  });

  it('a server that wants TLS is understood', async () => {
    const { failure } = await refused({
      answers: { USER: '530 Non-anonymous sessions must use encryption (SSL).' },
    });
    expect(failure.facts.advice).toContain('ftps://');
  });

  it('a reply that repeats the password is masked', async () => {
    const { failure } = await refused({ answers: { PASS: `530 ${PASSWORD} is wrong` } });
    expect(failure.message).toContain('530 **** is wrong');
  });

  it('a password with a line end is refused, and not sent', async () => {
    const { failure, commands } = await refused({}, { password: 'a\r\nDELE x' });
    expect(failure.kind).toBe('usage');
    expect(commands).toEqual(['USER u']);
  });

  it('a home with quotes, and one that is no path', async () => {
    const quoted = await script({ answers: { PWD: '257 "/x/a""b" is it' } });
    expect((await enter(quoted)).facts.home).toBe('/x/a"b');
    const none = await script({ answers: { PWD: '550 no' } });
    expect((await enter(none)).facts.home).toBe('/');
  });

  it('a server that swallows what comes behind the first command is spoken to one by one', async () => {
    const seen = new WeakMap<object, number>();
    // Answers only the first command of each segment, as wzdftpd does.
    const server = await script();
    const lazy = await script({
      answers: Object.fromEntries(
        ['OPTS', 'SYST', 'TYPE', 'PWD'].map((verb) => [
          verb,
          (line: object) => {
            const many = (lazy.segments.at(-1)?.length ?? 0) > 1;
            const first = lazy.segments.at(-1)?.[0]?.startsWith(verb);
            seen.set(line, (seen.get(line) ?? 0) + 1);
            if (many && !first) return undefined;
            return verb === 'PWD' ? '257 "/"' : verb === 'SYST' ? '215 UNIX' : '200 ok';
          },
        ]),
      ),
    });
    const { facts, session } = await enter(lazy, {}, { commandTimeout: 400 });
    expect([facts.queues, session.lockstep]).toEqual([false, true]);
    const { facts: plain, session: fast } = await enter(server);
    expect([plain.queues, fast.lockstep]).toEqual([true, false]);
  });
});

describe('one more session of a known server', () => {
  const again = (server: ScriptServer, known: SiteFacts, change: Partial<SiteSettings> = {}) =>
    enter(server, change, { known, commandTimeout: 1_000 });

  it.each([
    ['in the clear', undefined, {}, ['USER u', `PASS ${PASSWORD}`, 'OPTS UTF8 ON', 'TYPE I']],
    [
      'under TLS',
      'explicit',
      EXPLICIT,
      ['USER u', `PASS ${PASSWORD}`, 'OPTS UTF8 ON', 'TYPE I', 'PBSZ 0', 'PROT P'],
    ],
  ] as const)('logs in with one segment, %s', async (_, tls, change, segment) => {
    const server = await script(tls ? { tls } : {});
    const { facts } = await enter(server, change);
    expect(facts.queues).toBe(true);
    server.segments.length = 0;
    const { session } = await again(server, facts, change);
    expect(server.segments.at(-1)).toEqual(segment);
    expect(session.idle).toBe(true);
    expect((await session.request('NOOP')).code).toBe(200);
  });

  it('takes a USER that is enough, and tells a login that is refused now', async () => {
    let refusal: string | undefined;
    const server = await script({
      answers: { USER: () => refusal ?? '230 in', PASS: '503 already in' },
    });
    const { facts } = await enter(server);
    await again(server, facts);
    refusal = '530 not today';
    await expect(again(server, facts)).rejects.toMatchObject({
      kind: 'login',
      facts: { reply: { code: 530 } },
    });
  });

  it('goes back to one command at a time where the rest of the segment is lost, and stays there', async () => {
    let alone = false;
    const server = await script({
      answers: {
        PASS: (line) => {
          const segment = server.segments.at(-1) ?? [];
          alone = segment.length === 1;
          if (!alone) line.end();
          return alone ? '230 in' : undefined;
        },
      },
    });
    const { facts } = await enter(server);
    const before = server.commands.length;
    await again(server, facts);
    expect(alone).toBe(true);
    expect(server.commands.slice(before).filter((word) => word === 'USER u')).toHaveLength(2);
    await again(server, facts);
    expect(server.commands.slice(before).filter((word) => word === 'USER u')).toHaveLength(3);
  });
});
