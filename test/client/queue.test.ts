import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Exchange, shownOf } from '../../src/client/exchange.js';
import { CommandQueue } from '../../src/client/queue.js';
import { TRANSFER_VERBS } from '../../src/protocol/codes.js';
import type { Reply } from '../../src/protocol/replies.js';

const reply = (code: number): Reply => ({ code, lines: [`${code} text`], text: 'text' });

interface Heard {
  final?: Reply;
  lost?: Error;
}

const heardBy = new WeakMap<Exchange, Heard>();

function exchange(verb: string): Exchange {
  const heard: Heard = {};
  const made: Exchange = {
    verb,
    argument: undefined,
    octets: Buffer.from(`${verb}\r\n`),
    transfer: TRANSFER_VERBS.has(verb),
    ahead: verb === 'PASV',
    timeout: 0,
    sink: {
      final: (got) => {
        heard.final = got;
      },
      lost: (error) => {
        heard.lost = error;
      },
    },
    sent: false,
    begun: false,
  };
  heardBy.set(made, heard);
  return made;
}

function queueOf(...verbs: string[]): CommandQueue {
  const queue = new CommandQueue();
  for (const verb of verbs) queue.add(exchange(verb));
  return queue;
}

/** Send what may be sent. @returns the verbs that left. */
function pump(queue: CommandQueue, lockstep = false): string[] {
  const left: string[] = [];
  for (const one of queue.ready(lockstep)) {
    one.sent = true;
    left.push(one.verb);
  }
  return left;
}

describe('what may be sent', () => {
  test.each<[string[], boolean, string[]]>([
    [['SIZE', 'MDTM', 'NOOP'], false, ['SIZE', 'MDTM', 'NOOP']],
    [['SIZE', 'MDTM', 'NOOP'], true, ['SIZE']],
    [['SIZE', 'RETR', 'SIZE'], false, ['SIZE', 'RETR']],
    [['RETR', 'SIZE', 'DELE'], false, ['RETR']],
    [['RETR', 'STAT', 'NOOP'], false, ['RETR', 'STAT']],
    [['RETR', 'STAT'], true, ['RETR', 'STAT']],
    [['RETR', 'SIZE', 'STAT'], false, ['RETR', 'STAT']],
    [['SIZE', 'RETR', 'STAT'], false, ['SIZE', 'RETR']],
    [['SIZE', 'STAT'], true, ['SIZE']],
    [['STOR', 'RETR'], false, ['STOR']],
    [['SIZE', 'STOR', 'PASV', 'SIZE'], false, ['SIZE', 'STOR', 'PASV']],
    [['STOR', 'SIZE', 'PASV'], false, ['STOR']],
    [['STOR', 'PASV'], true, ['STOR']],
    [[], false, []],
  ])('%j, one at a time: %s', (verbs, lockstep, expected) => {
    expect(pump(queueOf(...verbs), lockstep)).toEqual(expected);
  });

  test('whatever is queued, every command is sent once, in order but for STAT and NOOP', () => {
    const verb = fc.constantFrom('SIZE', 'RETR', 'STAT', 'NOOP', 'LIST', 'DELE');
    fc.assert(
      fc.property(fc.array(verb, { maxLength: 10 }), fc.boolean(), (verbs, lockstep) => {
        const queue = queueOf(...verbs);
        const sent: string[] = [];
        while (queue.length > 0) {
          sent.push(...pump(queue, lockstep));
          const oldest = queue.oldestSent;
          expect(oldest).toBeDefined();
          queue.settle(oldest!, reply(200));
        }
        const ordered = (list: string[]): string[] => list.filter((one) => one !== 'STAT' && one !== 'NOOP');
        expect(ordered(sent)).toEqual(ordered(verbs));
        expect(sent.toSorted()).toEqual(verbs.toSorted());
      }),
      { numRuns: 500 },
    );
  });
});

describe('whose a reply is', () => {
  test.each<[string[], number, string | undefined]>([
    [['SIZE', 'MDTM'], 213, 'SIZE'],
    [['RETR', 'STAT'], 213, 'STAT'],
    [['RETR', 'NOOP'], 200, 'NOOP'],
    [['RETR', 'NOOP'], 226, 'RETR'],
    [['RETR'], 213, undefined],
    [['RETR'], 200, undefined],
    [['RETR'], 150, 'RETR'],
    [['PASV'], 425, undefined],
    [['SIZE'], 226, undefined],
    [['PORT'], 425, 'PORT'],
    [[], 200, undefined],
  ])('%j sent, %d comes: %s', (verbs, code, expected) => {
    const queue = queueOf(...verbs);
    pump(queue);
    expect(queue.match(reply(code))?.verb).toBe(expected);
  });

  test('nothing sent, nothing matched', () => {
    expect(queueOf('SIZE').match(reply(213))).toBeUndefined();
  });
});

describe('how commands end', () => {
  test('a transfer under way has no deadline here, what waits for a reply has one', () => {
    const queue = queueOf('RETR', 'STAT', 'SIZE');
    pump(queue);
    expect(queue.awaited.map(({ verb }) => verb)).toEqual(['RETR', 'STAT']);
    queue.oldestSent!.begun = true;
    expect(queue.awaited.map(({ verb }) => verb)).toEqual(['STAT']);
  });

  test('an abort fails what was sent and keeps what was not', () => {
    const queue = queueOf('RETR', 'SIZE');
    pump(queue);
    const transfer = queue.oldestSent!;
    queue.failSent((one) => new Error(`${shownOf(one)} was aborted`));
    expect(heardBy.get(transfer)?.lost?.message).toBe('RETR was aborted');
    expect([queue.length, queue.verb]).toEqual([1, 'SIZE']);
  });

  test('the end of the connection fails all', () => {
    const queue = queueOf('SIZE', 'MDTM');
    const all = queue.unsent();
    queue.failAll((one) => new Error(shownOf(one)));
    expect(all.map((one) => heardBy.get(one)?.lost?.message)).toEqual(['SIZE', 'MDTM']);
    expect(queue.length).toBe(0);
  });

  test('where the server queues whatever comes, all that was not sent may leave, also behind transfers', () => {
    const queue = queueOf('RETR', 'RETR', 'SIZE');
    const order: string[] = [];
    for (const one of queue.unsent()) {
      one.sent = true;
      order.push(one.verb);
    }
    queue.add(exchange('RNFR'));
    expect(order).toEqual(['RETR', 'RETR', 'SIZE']);
    expect(queue.unsent().map(({ verb }) => verb)).toEqual(['RNFR']);
  });

  test('replies settle the oldest command, however many came before', () => {
    const queue = queueOf(...Array.from({ length: 1_000 }, (_, i) => (i % 2 ? 'STOR' : 'RETR')));
    for (const one of queue.unsent()) one.sent = true;
    for (let left = 1_000; left > 0; left--) {
      const one = queue.match(reply(226))!;
      expect(one.verb).toBe(left % 2 ? 'STOR' : 'RETR');
      queue.settle(one, reply(226));
      expect([queue.length, heardBy.get(one)?.final?.code]).toEqual([left - 1, 226]);
    }
    expect(queue.match(reply(226))).toBeUndefined();
  });
});
