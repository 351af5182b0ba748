/** Lines that no FTP client sends: each gets its reply, the session goes on, another one at work does not notice. */
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ROWS } from '../../src/server/verbs/table.js';
import { PASSWORD, type Target, target, USER } from '../threats/kit.js';
import { drain, type Wire } from '../threats/wire.js';

const sum = (octets: Uint8Array): string => createHash('sha256').update(octets).digest('hex');

/** Does `work` while another session downloads and uploads without end; every one of its files must arrive whole. */
async function besideCanary<T>(served: Target, work: () => Promise<T>): Promise<T> {
  const content = randomBytes(500_000);
  writeFileSync(join(served.home, 'canary'), content);
  const canary = await served.login('127.0.0.8');
  let over = false;
  const singing = (async () => {
    let rounds = 0;
    for (; !over || rounds === 0; rounds++) {
      const { final, octets } = await canary.retrieve('canary');
      expect(final.code).toBe(226);
      expect(sum(octets)).toBe(sum(content));
      expect((await canary.store('canary-up', content)).code).toBe(226);
      expect(sum(readFileSync(join(served.home, 'canary-up')))).toBe(sum(content));
    }
    return rounds;
  })();
  try {
    return await work();
  } finally {
    over = true;
    await singing;
  }
}

/** Replies up to that of a command which nothing else answers alike. */
async function until(wire: Wire, code: number): Promise<number[]> {
  const codes: number[] = [];
  for (;;) {
    const reply = await wire.next();
    if (reply.code === code) return codes;
    codes.push(reply.code);
  }
}

test('all 256 octets in each position of a command', async () => {
  const served = await target();
  await besideCanary(served, async () => {
    const wire = await served.login();
    const command = Buffer.from('MDTM a.b\r\n');
    for (let octet = 0; octet < 256; octet++) {
      const places = Array.from(command, (_, at) => at);
      // 257 of PWD is the mark of the end; a blank line in front of it takes what a cut line left.
      const lines = places.flatMap((at) => [
        command.subarray(0, at),
        Buffer.from([octet]),
        command.subarray(at),
        Buffer.from('\r\nPWD\r\n'),
      ]);
      wire.write(Buffer.concat(lines));
      for (const at of places) {
        const codes = await until(wire, 257);
        const shown = `${octet} at ${at}: ${codes}`;
        expect(codes.length, shown).toBeGreaterThanOrEqual(1);
        expect(codes.length, shown).toBeLessThanOrEqual(3);
        for (const code of codes) expect([500, 501, 550, 553], shown).toContain(code);
      }
    }
    expect(wire.unread).toBe(0);
  });
  expect(served.events.filter(({ event }) => event === 'error')).toEqual([]);
});

test('binary noise, before and after the login, changes nothing', async () => {
  const served = await target();
  await besideCanary(served, async () => {
    for (let round = 0; round < 30; round++) {
      const stranger = await served.open();
      for (let i = 0; i < 5 && !stranger.socket.destroyed; i++) stranger.write(randomBytes(20_000));
      stranger.socket.end();
      await stranger.closed;
      const inside = await served.login();
      for (let i = 0; i < 5 && !inside.socket.destroyed; i++) inside.write(randomBytes(20_000));
      inside.socket.end();
      await inside.closed;
    }
  });
  expect(readdirSync(served.home).sort()).toEqual(['canary', 'canary-up']);
  expect(served.events.filter(({ event }) => event === 'error')).toEqual([]);
  await expect.poll(() => served.server.sessions).toBe(1);
});

test('Telnet: negotiations of any length and IAC at every place are no part of a command', async () => {
  const served = await target();
  const wire = await served.login();
  const IAC = 255;
  const negotiation = Buffer.from(
    Array.from({ length: 30_000 }, (_, i) => [IAC, 251 + (i % 4), i % 200]).flat(),
  );
  wire.write(negotiation);
  expect((await wire.send('NOOP')).code).toBe(200);
  // WILL and DO are refused, each once; WONT and DONT are no question (RFC 854).
  expect(wire.refusals).toBe(15_000);
  for (const sequence of [
    [IAC, 241],
    [IAC, 253, 1],
    [IAC, 244, IAC, 242],
    [IAC, 249],
  ]) {
    for (let at = 0; at <= 4; at++) {
      const noop = Buffer.from('NOOP\r\n');
      for (const octet of Buffer.concat([noop.subarray(0, at), Buffer.from(sequence), noop.subarray(at)])) {
        wire.write(Buffer.from([octet]));
      }
      expect((await wire.next()).code, `${sequence} at ${at}`).toBe(200);
    }
  }
});

test('lines over 4 KiB in any number of pieces: 500 and closed', async () => {
  const served = await target();
  await besideCanary(served, async () => {
    for (const piece of [1, 7, 1000, 4096, 100_000]) {
      const wire = await served.login();
      wire.heard = '';
      const line = Buffer.from(`SITE ${'x'.repeat(9_000)}\r\nDELE canary\r\n`);
      for (let at = 0; at < line.length && !wire.socket.destroyed; at += piece) {
        wire.write(line.subarray(at, at + piece));
      }
      await wire.closed;
      expect(wire.heard, `pieces of ${piece}`).toMatch(/^500 [^\r]*\r\n$/);
    }
  });
});

/** An argument that the syntax of each verb takes. */
const ARGUMENTS: Record<string, string> = {
  PORT: '127,0,0,1,200,10',
  EPRT: '|1|127.0.0.1|51210|',
  RANG: '1 2',
  MFMT: '20240101000000 x',
  MFCT: '20240101000000 x',
  MFF: 'Modify=20240101000000; x',
  PRET: 'RETR x',
  SITE: 'HELP',
  REST: '1',
  ALLO: '1',
};

test('every command before the login: 530, but for those that need none', async () => {
  const served = await target({ tls: { required: false } });
  const wire = await served.open();
  const rows = ROWS.filter(({ verb, when }) => when === 'login' && !verb.includes(' '));
  expect(rows.length).toBeGreaterThan(35);
  for (const { verb, argument, aliases = [] } of rows) {
    for (const name of [verb, ...aliases]) {
      const line = argument === 'none' ? name : `${name} ${ARGUMENTS[verb] ?? 'x'}`;
      expect((await wire.send(line)).code, line).toBe(530);
    }
  }
  // Nor with USER alone, nor after a wrong password.
  await wire.must(331, `USER ${USER}`);
  expect((await wire.send('PWD')).code).toBe(530);
  await wire.must(331, `USER ${USER}`);
  await wire.must(530, 'PASS wrong');
  expect((await wire.send('PWD')).code).toBe(530);
});

test('every command without its argument, or with one too many: 501', async () => {
  const served = await target({ tls: { required: false } });
  const wire = await served.secured();
  for (const { verb, argument } of ROWS) {
    if (['QUIT', 'REIN', 'CCC', 'AUTH'].includes(verb)) continue;
    if (argument === 'required') expect.soft((await wire.send(verb)).code, verb).toBe(501);
    if (argument === 'required')
      expect.soft((await wire.send(`${verb} `)).code, `${verb} and a blank`).toBe(501);
    if (argument === 'none') expect.soft((await wire.send(`${verb} x`)).code, `${verb} x`).toBe(501);
  }
  expect((await wire.send('NOOP')).code).toBe(200);
});

test('wrong order: the reply that says what comes first', async () => {
  const served = await target({ tls: { required: false } });
  const wire = await served.open();
  for (const [line, code] of [
    ['PASS x', 503],
    ['PBSZ 0', 503],
    ['PROT P', 503],
    ['CCC', 533],
    ['ADAT x', 503],
    ['RNTO x', 530],
  ] as const) {
    expect.soft((await wire.send(line)).code, line).toBe(code);
  }
  await wire.login(USER, PASSWORD);
  for (const [line, code] of [
    ['PASS x', 503],
    ['RNTO x', 503],
    ['RETR x', 425],
    ['STOR x', 425],
    ['LIST', 425],
    ['CPSV', 503],
    ['SSCN ON', 503],
    ['HOST a', 503],
    ['ABOR', 226],
    ['PASV x', 501],
    ['EPSV 9', 522],
    ['EPSV x', 501],
    ['PROT P', 503],
  ] as const) {
    expect.soft((await wire.send(line)).code, line).toBe(code);
  }
  await wire.secure();
  expect((await wire.send('AUTH TLS')).code).toBe(534);
  await wire.login(USER, PASSWORD);
  expect((await wire.send('PROT P')).code).toBe(503);
  await wire.must(200, 'PBSZ 0');
  expect((await wire.send('PROT X')).code).toBe(504);
  expect((await wire.send('PROT S')).code).toBe(536);
});

describe('pipelined', () => {
  test('1,000 commands in one write: 1,000 replies in order, no one else waits', async () => {
    const served = await target({ threads: 1 });
    await besideCanary(served, async () => {
      const wire = await served.login();
      const lines = Array.from(
        { length: 1_000 },
        (_, i) => ['NOOP', 'PWD', 'TYPE I', 'STAT canary', 'MDTM no'][i % 5]!,
      );
      wire.write(lines.map((line) => `${line}\r\n`).join(''));
      for (const [i, line] of lines.entries()) {
        const wanted = { NOOP: 200, PWD: 257, 'TYPE I': 200, 'STAT canary': 213, 'MDTM no': 550 }[line];
        expect((await wire.next()).code, `${i}: ${line}`).toBe(wanted);
      }
      expect(wire.unread).toBe(0);
    });
  });

  test('1,000 PASV leave one port open', async () => {
    const served = await target();
    const wire = await served.login();
    wire.write('PASV\r\n'.repeat(1_000));
    const ports: number[] = [];
    for (let i = 0; i < 1_000; i++) {
      const { code, text } = await wire.next();
      expect(code).toBe(227);
      const [, high, low] = /(\d+),(\d+)\)/.exec(text) ?? [];
      ports.push(Number(high) * 256 + Number(low));
    }
    const last = ports.at(-1)!;
    for (const port of new Set(ports)) {
      if (port === last) continue;
      const data = await wire.dataTo(port).catch(() => undefined);
      // A number may have come up again for a listener that is kept ready: it drops whoever comes before it is handed out.
      if (data)
        await new Promise<void>((resolve) =>
          data
            .on('error', () => {})
            .once('close', resolve)
            .resume(),
        );
    }
    const data = await wire.dataTo(last);
    await wire.must(150, 'NLST');
    await drain(data);
    expect((await wire.next()).code).toBe(226);
  });

  test('1,000 commands behind a transfer wait for it, those that may not are answered at once', async () => {
    const served = await target({ threads: 1 });
    const wire = await served.login();
    const data = await wire.dataTo(await wire.passive(), '127.0.0.1');
    await wire.must(150, 'STOR cargo');
    expect((await wire.send('STAT')).code).toBe(213);
    expect((await wire.send('NOOP')).code).toBe(200);
    wire.write(`${'PWD\r\n'.repeat(999)}QUIT\r\n`);
    data.end('rope');
    expect((await wire.next()).code).toBe(226);
    for (let i = 0; i < 999; i++) expect((await wire.next()).code).toBe(257);
    expect((await wire.next()).code).toBe(221);
    await wire.closed;
    expect(readFileSync(join(served.home, 'cargo'), 'utf8')).toBe('rope');
  });

  test('1,000 STAT of a path in the middle of a transfer are answered in order', async () => {
    const served = await target({ threads: 1 });
    const wire = await served.login();
    writeFileSync(join(served.home, 'other'), '');
    const data = await wire.dataTo(await wire.passive(), '127.0.0.1');
    await wire.must(150, 'STOR cargo');
    wire.write('STAT other\r\nNOOP\r\n'.repeat(500));
    data.end('rope');
    const codes: number[] = [];
    for (let i = 0; i < 1_001; i++) codes.push((await wire.next()).code);
    expect(codes.filter((code) => code === 226)).toHaveLength(1);
    const stats = codes.filter((code) => code !== 226);
    for (const [i, code] of stats.entries()) expect(code, `reply ${i}`).toBe(i % 2 === 0 ? 213 : 200);
  });

  test('a login, a transfer and QUIT in one write', async () => {
    const served = await target({ threads: 1 });
    writeFileSync(join(served.home, 'cargo'), 'rope');
    const wire = await served.open();
    wire.write(`USER ${USER}\r\nPASS ${PASSWORD}\r\nTYPE I\r\nPASV\r\nRETR cargo\r\nRETR cargo\r\nQUIT\r\n`);
    for (const code of [331, 230, 200]) expect((await wire.next()).code).toBe(code);
    const { text } = await wire.next();
    const [, high, low] = /(\d+),(\d+)\)/.exec(text) ?? [];
    const received = drain(await wire.dataTo(Number(high) * 256 + Number(low), '127.0.0.1'));
    for (const code of [150, 226, 425, 221]) expect((await wire.next()).code).toBe(code);
    expect((await received).octets.toString()).toBe('rope');
  });

  test('commands and then the end of the stream: all are answered', async () => {
    const served = await target();
    const wire = await served.login();
    wire.socket.end(`${'PWD\r\n'.repeat(300)}STAT /\r\nPWD\r\n`);
    for (let i = 0; i < 300; i++) expect((await wire.next()).code).toBe(257);
    expect((await wire.next()).code).toBe(212);
    expect((await wire.next()).code).toBe(257);
    await wire.closed;
  });
});

test('names that are no UTF-8 are octets: stored, listed, renamed and removed as they are', async () => {
  const served = await target({ threads: 1 });
  const wire = await served.login();
  const names = [
    [0xe9],
    [0xff, 0xff, 0x61],
    [0xed, 0xa0, 0x80],
    [0xc0, 0xae, 0xc0, 0xae],
    [0xf5, 0x80],
    [0x61, 0x80, 0x62],
  ];
  for (const octets of names) {
    // 0xFF is sent twice (RFC 854).
    const sent = Buffer.from(octets.flatMap((octet) => (octet === 255 ? [255, 255] : [octet])));
    const command = async (verb: string): Promise<number> => {
      wire.write(Buffer.concat([Buffer.from(`${verb} `), sent, Buffer.from('\r\n')]));
      return (await wire.next()).code;
    };
    const shown = Buffer.from(octets).toString('hex');
    const data = await wire.dataTo(await wire.passive(), '127.0.0.1');
    expect(await command('STOR'), shown).toBe(150);
    data.end('rope');
    expect((await wire.next()).code).toBe(226);
    expect(readdirSync(served.home, { encoding: 'buffer' })[0]!.toString('hex')).toBe(shown);
    const list = drain(await wire.dataTo(await wire.passive(), '127.0.0.1'));
    await wire.must(150, 'MLSD');
    expect((await wire.next()).code).toBe(226);
    expect(
      (await list).octets.includes(Buffer.concat([Buffer.from(octets), Buffer.from('\r\n')])),
      shown,
    ).toBe(true);
    expect(await command('SIZE')).toBe(213);
    expect(await command('RNFR')).toBe(350);
    expect(await command('RNTO')).toBe(250);
    expect(await command('DELE')).toBe(250);
  }
  expect(readdirSync(served.home)).toEqual([]);
});
