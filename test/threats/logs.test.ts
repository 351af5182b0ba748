/** Rows 41 and 42, and two regressions: what logs show, and what one connection does to the others. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { openLogs } from '../../src/cli/serve/logs.js';
import { PASSWORD, target, USER } from './kit.js';
import { shake } from './wire.js';

test('threat 41: log and terminal injection: no raw control, C1 or reordering character reaches a line of a log', async () => {
  const served = await target();
  const wire = await served.login();
  const names = ['\u009b31mred', 'a\u202egpj.exe', 'b\u2028c', 'd\u0085e', 'f\ufeffg'];
  for (const name of names) await wire.must(257, `MKD ${name}`);
  await wire.must(500, 'MKD \x1b]0;title\x07');
  await wire.must(331, 'USER \u009b2Jroot');
  await wire.must(530, 'PASS x');
  for (const format of ['json', 'terminal'] as const) {
    const lines: string[] = [];
    const output = {
      write: (line: string) => void lines.push(line),
      reopen: () => {},
      drain: async () => {},
      flush: () => {},
    };
    const logs = openLogs({ level: 'debug', format, output, audit: output, pid: 1 });
    for (const event of served.events) logs.event(event);
    expect(lines.length).toBeGreaterThan(10);
    for (const line of lines) {
      expect(line).toMatch(/^[^\n]*\n$/);
      expect(line).not.toMatch(/[\0-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff]/);
    }
  }
});

test('threat 42: secrets in logs: no event, error or reply holds a password, wherever it was sent', async () => {
  const served = await target({ tls: { required: false } });
  const wrong = 'bowline-on-a-bight';
  const wire = await served.open();
  for (const line of [
    `PASS ${wrong}`,
    `pass ${wrong}`,
    `PASSWORD ${wrong}`,
    ` PASS ${wrong}`,
    `PASS\t${wrong}`,
  ]) {
    wire.heard = '';
    const sent = await wire.send(line).catch(() => undefined);
    if (!sent || sent.code === 421) break;
  }
  const again = await served.open();
  await again.must(331, `USER ${USER}`);
  await again.must(530, `PASS ${wrong}`);
  const right = await served.secured();
  await right.send(`ACCT ${wrong}`);
  await right.must(530, `SITE PSWD ${wrong} ${wrong}2`);
  await right.must(200, `SITE PSWD ${PASSWORD} ${wrong}3`);
  await right.send(`SITE PSWD ${wrong}3 ${PASSWORD}`);
  await right.send(`USER ${USER}`);
  await right.send(`PASS ${wrong}`);
  const everything = inspect(served.events, { depth: 20, maxStringLength: null, maxArrayLength: null });
  for (const secret of [wrong, PASSWORD]) {
    expect(everything).not.toContain(secret);
    for (const one of [wire, again, right]) expect(one.heard).not.toContain(secret);
  }
});

test('regression (pyftpdlib #166): a fault of one TLS connection is no fault of the server', async () => {
  const served = await target({ tls: true, threads: 1 });
  const canary = await served.secured();
  for (let i = 0; i < 10; i++) {
    const wire = await served.open();
    await wire.must(234, 'AUTH TLS');
    if (i % 2 === 0) wire.socket.resetAndDestroy();
    else {
      wire.write(Buffer.from([0x15, 3, 3, 0, 2, 2, 40]));
      await wire.closed;
    }
    const other = await served.secured();
    const raw = await other.dataTo(await other.passive(), '127.0.0.1');
    other.write('NLST\r\n');
    const data = await shake(raw);
    data.destroy();
    raw.resetAndDestroy();
    other.socket.destroy();
  }
  expect((await canary.send('NOOP')).code).toBe(200);
  expect(served.events.filter(({ event }) => event === 'error')).toEqual([]);
  await expect.poll(() => served.server.sessions).toBe(1);
});

test('regression (CVE-2012-6095): MKD in the middle of a race makes one directory, and only one says so', async () => {
  const served = await target({ threads: 1 });
  const wires = await Promise.all(Array.from({ length: 8 }, () => served.login()));
  const codes = await Promise.all(wires.map((wire) => wire.send('MKD hold').then(({ code }) => code)));
  expect(codes.sort()).toEqual([257, 550, 550, 550, 550, 550, 550, 550]);
  mkdirSync(join(served.home, 'other'));
});
