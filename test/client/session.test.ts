/** One control connection: order, strays, deadlines, aborts. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { Session, type SessionOptions } from '../../src/client/session.js';
import { FtpError } from '../../src/protocol/errors.js';
import { type Answer, type Script, type ScriptServer, script } from './script-server.js';

async function connect(
  server: ScriptServer,
  options: Partial<SessionOptions> = {},
): Promise<{ session: Session; dialogue: string[] }> {
  const dialogue: string[] = [];
  const session = await Session.connect({
    name: 'S',
    host: server.host,
    port: server.port,
    commandTimeout: 5_000,
    onDialogue: (direction, text) => void dialogue.push(`${direction} ${text}`),
    ...options,
  });
  onTestFinished(() => session.destroy(new FtpError('closed', 'the test is over')));
  return { session, dialogue };
}

/** A session behind its greeting. */
async function open(answers: Record<string, Answer>, options: Partial<SessionOptions> = {}) {
  const server = await script({ answers });
  const { session, dialogue } = await connect(server, options);
  await session.greeting();
  return { server, session, dialogue };
}

const codes = (replies: { code: number }[]): number[] => replies.map(({ code }) => code);
const SHORT = { commandTimeout: 300 };

describe('order', () => {
  it('replies go to their commands, one segment each in lockstep', async () => {
    const { server, session } = await open({ A1B: '201 a', BBB: '202 b', CCC: '203 c' });
    const replies = await Promise.all(['A1B', 'BBB', 'CCC'].map((verb) => session.request(verb)));
    expect(codes(replies)).toEqual([201, 202, 203]);
    expect(server.segments).toEqual([['A1B'], ['BBB'], ['CCC']]);
  });

  it('commands of one turn share a segment where the server queues', async () => {
    const { server, session } = await open({ AAA: '201 a', BBB: '202 b', CCC: '203 c' });
    session.lockstep = false;
    const replies = await Promise.all(['AAA', 'BBB', 'CCC'].map((verb) => session.request(verb)));
    expect(codes(replies)).toEqual([201, 202, 203]);
    expect(server.segments).toEqual([['AAA', 'BBB', 'CCC']]);
  });

  it('replies may share a segment, or come octet by octet', async () => {
    const trickle: Answer = async (line) => {
      for (const octet of '203-c\r\n203 c\r\n') {
        line.write(octet);
        await new Promise((resolve) => setImmediate(resolve));
      }
      return undefined;
    };
    const { session } = await open({ AAA: '201-a\r\n201 a\r\n202-b\r\n202 b', BBB: undefined, CCC: trickle });
    session.lockstep = false;
    const replies = await Promise.all(['AAA', 'BBB', 'CCC'].map((verb) => session.request(verb)));
    expect(codes(replies)).toEqual([201, 202, 203]);
  });

  it('a preliminary reply does not end a command that is no transfer', async () => {
    const { session } = await open({ AAA: '150 wait\r\n250 done' });
    expect((await session.request('AAA')).code).toBe(250);
  });

  it('nothing follows a transfer command but one NOOP or STAT at a time', async () => {
    const { server, session } = await open({
      RETR: '150 here',
      STAT: '213 42 of 100',
      SIZE: '213 7',
      NOOP: '200 ok',
    });
    session.lockstep = false;
    const transfer = session.begin('RETR', 'f');
    const status = session.request('STAT');
    const size = session.request('SIZE', 'f');
    await transfer.preliminary;
    expect((await status).text).toBe('42 of 100');
    expect(server.commands).toEqual(['RETR f', 'STAT']);
    server.say('226 done');
    expect((await transfer.final).code).toBe(226);
    expect((await size).text).toBe('7');
  });
});

describe('replies that nobody asked for', () => {
  it('are dropped while nothing is under way', async () => {
    const { server, session, dialogue } = await open({ PWD: '257 "/"' });
    server.say('425 Rejected data connection from foreign address 127.0.0.9');
    await expect.poll(() => dialogue).toContain('* stray reply, dropped');
    expect((await session.request('PWD')).code).toBe(257);
    expect(session.idle).toBe(true);
  });

  it('a 425 is not the answer to PASV (pyftpdlib, a stranger on its port)', async () => {
    const { session } = await open({ PASV: '425 Rejected data connection\r\n227 ok (127,0,0,1,4,5)' });
    expect((await session.request('PASV')).code).toBe(227);
  });

  it('a 226 that comes late is not the answer to the next command', async () => {
    const { session } = await open({ SIZE: '226 late\r\n213 7' });
    expect((await session.request('SIZE', 'f')).code).toBe(213);
  });

  it('a 421 before the end is told as the reason', async () => {
    const { server, session } = await open({ AAA: undefined });
    server.say('421 Idle for too long');
    await expect.poll(() => session.idle).toBe(false);
    server.cut();
    await expect.poll(() => session.closed?.message).toBe('S ended the session: 421 Idle for too long');
    expect(session.closed?.facts).toMatchObject({ site: 'S', reply: { code: 421 }, retry: 'later' });
    expect(session.closed?.facts.advice).toContain('--parallel');
  });

  it('a 421 as the answer to a command is that answer', async () => {
    const { session } = await open({ PASV: '421 no port free' });
    expect((await session.request('PASV')).code).toBe(421);
  });
});

describe('multi-line replies', () => {
  it('only the same code ends them', async () => {
    const { session } = await open({ FEAT: '211-one\r\n 212 not the end\r\n212 neither\r\n211 end' });
    expect((await session.request('FEAT')).lines).toHaveLength(4);
  });

  it('one that another code ends is read after the deadline, and the next ones, too', async () => {
    const answer = '211-Features:\r\n SIZE\r\n200 End';
    const { session } = await open({ FEAT: answer, OPTS: answer, PWD: '257 "/"' }, SHORT);
    expect((await session.request('FEAT')).code).toBe(200);
    expect((await session.request('OPTS')).code).toBe(200);
    expect((await session.request('PWD')).code).toBe(257);
  });
});

describe('deadlines', () => {
  it('a missing reply ends the session, and every waiting command with it', async () => {
    const { server, session } = await open({ AAA: undefined }, SHORT);
    const waiting = [session.request('AAA'), session.request('BBB')];
    const ends = await Promise.allSettled(waiting);
    for (const end of ends) {
      expect(end).toMatchObject({
        status: 'rejected',
        reason: {
          kind: 'timeout',
          message: 'S: no reply to AAA within 0.3 s',
          facts: { site: 'S', retry: 'later' },
        },
      });
    }
    expect(server.commands).toEqual(['AAA']);
    await expect.poll(() => server.open()).toBe(0);
    await expect(session.request('PWD')).rejects.toThrow('no reply to AAA');
  });

  it('a late reply is not the answer to the next command: the connection is gone', async () => {
    const { server, session } = await open({ AAA: undefined }, SHORT);
    await expect(session.request('AAA')).rejects.toThrow();
    server.say('250 late');
    expect(session.closed).toBeDefined();
  });

  it('text that is no reply is shown', async () => {
    const { session } = await open({ AAA: 'HTTP/1.1 400 Bad Request' }, SHORT);
    await expect(session.request('AAA')).rejects.toThrow('only "HTTP/1.1 400 Bad Request" instead');
  });

  it('120 is waited out, and text before the greeting is passed over', async () => {
    const server = await script({
      greeting: 'Welcome, stranger.\r\n120 ready in a moment\r\n220-hello\r\n220 ready',
    });
    const { session } = await connect(server);
    expect(await session.greeting()).toMatchObject({ code: 220, text: 'ready' });
  });

  it('a server that closes names the command that had no answer', async () => {
    const { server, session } = await open({ AAA: undefined });
    const waiting = session.request('AAA', 'x');
    await expect.poll(() => server.commands).toContain('AAA x');
    server.cut();
    await expect(waiting).rejects.toMatchObject({
      kind: 'closed',
      message: expect.stringMatching(/^S: .*\(after AAA x\)$/),
      facts: { site: 'S', command: 'AAA x', retry: 'later' },
    });
  });
});

describe('abort', () => {
  /** What servers say to ABOR in a transfer (RFC 959 4.1.3, and what they made of it). */
  it.each<[string, string, number]>([
    ['426 then 226', '426 cut\r\n226 aborted', 426],
    ['only 226', '226 aborted', 226],
    ['426 then 225', '426 cut\r\n225 nothing to abort', 426],
    ['only 426', '426 cut', 426],
    ['451 then 226', '451 local\r\n226 aborted', 451],
    ['500, for it does not know ABOR', '500 what?', 500],
  ])('%s: the session goes on', async (_name, reply, final) => {
    const { server, session } = await open({ RETR: '150 here', ABOR: reply, NOOP: '200 ok', PWD: '257 "/"' });
    const transfer = session.begin('RETR', 'f');
    await transfer.preliminary;
    const [usable, end] = await Promise.all([session.abort(), transfer.final]);
    expect([usable, end.code]).toEqual([true, final]);
    expect(server.commands).toEqual(['RETR f', 'ABOR', 'NOOP']);
    expect((await session.request('PWD')).code).toBe(257);
    expect(session.idle).toBe(true);
  });

  it('silence ends the session', async () => {
    const { session } = await open({ RETR: '150 here', ABOR: undefined }, SHORT);
    const transfer = session.begin('RETR', 'f');
    await transfer.preliminary;
    const final = transfer.final.catch((error: FtpError) => error.kind);
    expect(await session.abort()).toBe(false);
    expect(await final).toBe('timeout');
    expect(session.closed?.message).toBe('S: no answer to ABOR within 0.3 s');
  });

  it('a command given meanwhile waits, and gets its own reply', async () => {
    const { server, session } = await open({
      RETR: '150 here',
      ABOR: '426 cut\r\n226 aborted',
      SIZE: '213 7',
    });
    session.lockstep = false;
    const transfer = session.begin('RETR', 'f');
    await transfer.preliminary;
    const aborting = session.abort();
    const size = session.request('SIZE', 'f');
    expect(await aborting).toBe(true);
    expect((await size).text).toBe('7');
    expect(server.commands).toEqual(['RETR f', 'ABOR', 'NOOP', 'SIZE f']);
  });

  it('a transfer that got no reply at all fails', async () => {
    const { session } = await open({ RETR: undefined, ABOR: '226 nothing to abort' });
    const transfer = session.begin('RETR', 'f');
    expect(await session.abort()).toBe(true);
    expect((await transfer.final).code).toBe(226);
  });

  it('without a transfer it does no harm', async () => {
    const { session } = await open({ ABOR: '225 nothing to abort', PWD: '257 "/"' });
    expect(await session.abort()).toBe(true);
    expect((await session.request('PWD')).code).toBe(257);
  });
});

describe('what is written and shown', () => {
  it('an argument with a line end is refused before anything is sent', async () => {
    const { server, session } = await open({});
    await expect(session.request('DELE', 'a\r\nDELE b')).rejects.toMatchObject({ kind: 'usage' });
    await session.request('NOOP');
    expect(server.commands).toEqual(['NOOP']);
  });

  it('secrets are masked in dialogue, errors and replies that repeat them', async () => {
    const { session, dialogue } = await open(
      { PASS: '530 PASS hunter22 is wrong' },
      { secrets: ['hunter22'] },
    );
    const refused = session.command('PASS', 'hunter22');
    await expect(refused).rejects.toMatchObject({ facts: { reply: { text: 'PASS **** is wrong' } } });
    const text = JSON.stringify(dialogue) + String(await refused.catch((error: Error) => error.message));
    expect(text).not.toContain('hunter22');
  });

  it('control characters of a server do not reach a terminal by a message', async () => {
    const { session } = await open({ DELE: '550 \x1b]0;owned\x07no' });
    await expect(session.command('DELE', 'f')).rejects.toThrow('550 \\u{001B}]0;owned\\u{0007}no');
  });

  it('names keep octets that are no UTF-8', async () => {
    const { server, session } = await open({ DELE: '250 ok' });
    await session.request('DELE', 'caf\udce9');
    expect(server.commands).toEqual(['DELE caf\xe9']);
  });
});

describe('endless input', () => {
  it.each<[string, Script]>([
    ['a line', { greeting: 'x'.repeat(100_000) }],
    ['lines that are no reply', { greeting: 'noise\r\n'.repeat(20_000) }],
    ['a multi-line reply', { greeting: '220-hello\r\n'.repeat(200_000) }],
  ])('%s is given up, and the connection with it', async (_name, options) => {
    const server = await script(options);
    const { session } = await connect(server);
    await expect(session.greeting()).rejects.toMatchObject({ kind: 'malformed', facts: { site: 'S' } });
    await expect.poll(() => server.open()).toBe(0);
  });
});
