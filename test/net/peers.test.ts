import { describe, expect, test } from 'vitest';
import { peerNames } from '../../src/net/peers.js';
import { inRanges } from '../../src/protocol/ranges.js';

/** A resolver whose answers and clock are set by the test. */
function bench() {
  const answers = new Map<string, readonly string[] | Error>();
  const asked: string[] = [];
  const problems: string[] = [];
  const clock = { now: 0 };
  const names = peerNames({
    lifetime: 60,
    grace: 1000,
    now: () => clock.now,
    lookup: async (name) => {
      asked.push(name);
      const answer = answers.get(name) ?? Object.assign(new Error('none'), { code: 'ENOTFOUND' });
      if (answer instanceof Error) throw answer;
      return answer;
    },
    onProblem: (name, why) => problems.push(`${name}: ${why}`),
  });
  const texts = async (...list: string[]): Promise<string[]> =>
    (await names.resolve(list)).map(({ text }) => text);
  return { answers, asked, problems, clock, names, texts };
}

describe('peerNames', () => {
  test('every address of every name, as ranges of one', async () => {
    const { answers, names, texts } = bench();
    answers.set('a.example.org', ['192.0.2.7', '2001:db8::7']).set('b.example.org', ['10.1.2.3']);
    expect(await texts('A.example.org', 'b.example.org')).toEqual(['192.0.2.7', '2001:db8::7', '10.1.2.3']);
    const ranges = await names.resolve(['a.example.org']);
    expect(inRanges('::ffff:192.0.2.7', ranges)).toBe(true);
    expect(inRanges('192.0.2.8', ranges)).toBe(false);
  });

  test('asked once while the answer is fresh, also by many at once', async () => {
    const { answers, asked, clock, texts } = bench();
    answers.set('a', ['192.0.2.7']);
    await Promise.all([texts('a'), texts('a', 'a'), texts('a')]);
    clock.now = 59;
    await texts('a');
    expect(asked).toEqual(['a']);
    answers.set('a', ['192.0.2.8']);
    clock.now = 60;
    expect(await texts('a')).toEqual(['192.0.2.8']);
    expect(asked).toEqual(['a', 'a']);
  });

  test('the last answer holds while there is no other, then the name is nobody', async () => {
    const { answers, clock, problems, texts } = bench();
    answers.set('a', ['192.0.2.7']);
    await texts('a');
    answers.delete('a');
    clock.now = 500;
    expect(await texts('a')).toEqual(['192.0.2.7']);
    clock.now = 1001;
    expect(await texts('a')).toEqual([]);
    expect(problems).toEqual(['a: ENOTFOUND']);
  });

  test('a problem is told again only after it was well in between', async () => {
    const { answers, clock, problems, texts } = bench();
    await texts('a');
    clock.now = 100;
    await texts('a');
    answers.set('a', ['192.0.2.7']);
    clock.now = 200;
    await texts('a');
    answers.set('a', new Error('gone'));
    clock.now = 300;
    await texts('a');
    expect(problems).toEqual(['a: ENOTFOUND', 'a: gone']);
  });

  test.each([
    '127.0.0.1',
    '::1',
    '169.254.169.254',
    'fe80::1',
    '0.0.0.0',
    '224.0.0.1',
    '::ffff:127.0.0.1',
    '64:ff9b::7f00:1',
    'x',
  ])('an answer does not list %s (DNS rebinding)', async (address) => {
    const { answers, problems, texts } = bench();
    answers.set('a', [address]).set('b', [address, '192.0.2.7']);
    expect(await texts('a', 'b')).toEqual(['192.0.2.7']);
    expect(problems).toEqual([expect.stringMatching(/^a: its addresses/)]);
  });

  test('a resolver that never answers is not waited for', async () => {
    const problems: string[] = [];
    const names = peerNames({
      lookup: () => new Promise(() => {}),
      timeout: 10,
      onProblem: (_name, why) => problems.push(why),
    });
    expect(await names.resolve(['a'])).toEqual([]);
    expect(problems).toHaveLength(1);
  });

  test("the system's resolver", async () => {
    const problems: string[] = [];
    const names = peerNames({ onProblem: (name, why) => problems.push(`${name}: ${why}`) });
    // Its own address is one that no name may stand for.
    expect(await names.resolve(['localhost'])).toEqual([]);
    expect(problems).toEqual([expect.stringMatching(/^localhost: its addresses/)]);
  });
});
