/** Rows 1 to 4 of the threat table: the server as a tool against third parties. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseRange } from '../../src/protocol/ranges.js';
import type { FxpPolicy } from '../../src/server/policy.js';
import { STRANGER, sink, target, VICTIM } from './kit.js';
import { drain, sextet } from './wire.js';

/** Policies as an operator may have them; loopback is denied in each unless it is listed. */
const POLICIES: Record<string, Partial<FxpPolicy> | undefined> = {
  'the default': undefined,
  off: { mode: 'off' },
  'listed, someone else': { mode: 'listed', peers: [parseRange('192.0.2.0/24')], requireTls: false },
  open: { mode: 'open', requireTls: false },
};

describe.each(Object.entries(POLICIES))('fxp = %s', (_name, fxp) => {
  test('threat 1: FTP bounce: PORT and EPRT to a third host have one reply, nothing reaches it', async () => {
    const served = await target({ threads: 1, ...(fxp && { fxp }) });
    writeFileSync(join(served.home, 'mail'), 'MAIL FROM:<x@example.org>\r\n');
    const open = await sink();
    const wire = await served.login();
    const closed = open.port - 1;
    const replies = new Set<string>();
    for (const port of [open.port, closed, 25, 1023, 1024]) {
      replies.add((await wire.send(`PORT ${sextet(VICTIM, port)}`)).text);
      expect((await wire.send('RETR mail')).code).toBe(425);
      replies.add((await wire.send(`EPRT |1|${VICTIM}|${port}|`)).text);
      expect((await wire.send('LIST')).code).toBe(425);
    }
    expect([...replies]).toEqual(['504 Data connections to that address are not made.']);
    expect(open.connections).toBe(0);
    expect(served.events.filter(({ event }) => event === 'peer-refused')).toHaveLength(10);
  });
});

test('threat 1: FTP bounce: every spelling of an address is the address', async () => {
  const served = await target({ fxp: { mode: 'open', requireTls: false } });
  const wire = await served.login();
  const refused = [
    'PORT 0,0,0,0,200,10',
    'PORT 127,0,0,6,200,10',
    'PORT 169,254,169,254,200,10',
    'PORT 224,0,0,1,200,10',
    'PORT 255,255,255,255,200,10',
    'PORT 127,0,0,1,0,25',
    'PORT 127,0,0,1,0,0',
    'PORT 127,0,0,1,3,255',
    'EPRT |1|127.0.0.6|5000|',
    'EPRT |2|::1|5000|',
    'EPRT |2|::|5000|',
    'EPRT |2|::ffff:127.0.0.6|5000|',
    'EPRT |2|::ffff:7f00:6|5000|',
    'EPRT |2|fe80::1|5000|',
    'EPRT |2|ff02::1|5000|',
    'EPRT |2|64:ff9b::127.0.0.6|5000|',
    'EPRT |2|2002:7f00:6::1|5000|',
    'EPRT |2|fd00:ec2::254|5000|',
    'EPRT |1|127.0.0.1|0|',
    'EPRT |1|127.0.0.1|1023|',
  ];
  for (const line of refused) {
    expect
      .soft((await wire.send(line)).text, line)
      .toBe('504 Data connections to that address are not made.');
  }
  const malformed = [
    'PORT 127,0,0,1,256,10',
    'PORT 127,0,0,1,90486',
    'PORT 127,0,0,1,1,90486',
    'PORT 127,0,0,999,1,1',
    'PORT 0x7f,0,0,6,200,10',
    'PORT 2130706438,200,10',
    'PORT 127,0,0,6,-1,10',
    'PORT 127.0.0.6,200,10',
    'PORT 127,0,0,6,200,10,1',
    'PORT ,,,,,',
    'EPRT |1|127.0.0.6|90486|',
    'EPRT |1|127.0.0.6|-1|',
    'EPRT |1|0177.0.0.6|5000|',
    'EPRT |1|0x7f000006|5000|',
    'EPRT |1|127.6|5000|',
    'EPRT |1|localhost|5000|',
    'EPRT |2|127.0.0.6|5000|',
    'EPRT |1|127.0.0.6|5000',
    'EPRT |1|127.0.0.6|5000|1|',
  ];
  for (const line of malformed) expect.soft((await wire.send(line)).code, line).toBe(501);
  expect((await wire.send('EPRT |3|127.0.0.6|5000|')).code).toBe(522);
  expect((await wire.send('RETR x')).code).toBe(425);
});

test('threat 1: FTP bounce: the client’s own address is served from port 1024 on', async () => {
  const served = await target({ threads: 1 });
  writeFileSync(join(served.home, 'cargo'), 'rope and tar');
  const own = await sink('127.0.0.1');
  const wire = await served.login('127.0.0.1');
  await wire.must(200, `PORT ${sextet('127.0.0.1', own.port)}`);
  await wire.must(150, 'RETR cargo');
  expect((await wire.next()).code).toBe(226);
  await expect.poll(() => own.octets.toString()).toBe('rope and tar');
});

test('threat 1: FTP bounce: an endpoint whose direction the policy forbids is refused at the transfer', async () => {
  const peers = [parseRange(`${VICTIM}/32`)];
  const served = await target({ fxp: { mode: 'listed', peers, direction: 'receive', requireTls: false } });
  writeFileSync(join(served.home, 'cargo'), 'rope and tar');
  const victim = await sink();
  const wire = await served.login();
  for (const command of ['RETR cargo', 'LIST', 'NLST', 'MLSD']) {
    await wire.must(200, `PORT ${sextet(VICTIM, victim.port)}`);
    expect((await wire.send(command)).text, command).toBe('425 The data connection could not be opened.');
  }
  expect(victim.connections).toBe(0);
});

test('threat 2: mail forging by bounce: under TLS a listed peer that is no TLS server gets no octet of the file', async () => {
  const peers = [parseRange(`${VICTIM}/32`)];
  const served = await target({ tls: true, threads: 1, fxp: { mode: 'listed', peers } });
  writeFileSync(join(served.home, 'mail'), 'MAIL FROM:<x@example.org>\r\n');
  const mail = await sink(VICTIM, 0, '220 mail.example.org ESMTP\r\n');
  const wire = await served.secured();
  // This server is the TLS server of the data connection: it says nothing before the peer's ClientHello.
  await wire.must(200, `PORT ${sextet(VICTIM, mail.port)}`);
  expect((await wire.send('RETR mail')).code).toBe(425);
  expect(mail.connections).toBe(1);
  expect(mail.octets.toString('latin1')).not.toMatch(/[\x20-\x7e]{4}/);
  // As TLS client it sends a ClientHello, and nothing of the file.
  await wire.must(200, 'SSCN ON');
  await wire.must(200, `PORT ${sextet(VICTIM, mail.port)}`);
  expect((await wire.send('RETR mail')).code).toBe(425);
  expect(mail.octets.includes('MAIL')).toBe(false);
});

test('threat 2: mail forging by bounce: without PROT P a listed peer is refused at PORT', async () => {
  const peers = [parseRange(`${VICTIM}/32`)];
  const served = await target({ tls: { required: false }, fxp: { mode: 'listed', peers } });
  const mail = await sink();
  const wire = await served.login();
  expect((await wire.send(`PORT ${sextet(VICTIM, mail.port)}`)).code).toBe(504);
  expect((await wire.send('RETR mail')).code).toBe(425);
  expect(mail.connections).toBe(0);
});

test('threat 3: connect-at-PORT oracle: PORT only notes the address, also that of a listed peer', async () => {
  const peers = [parseRange(`${VICTIM}/32`)];
  const served = await target({ threads: 1, fxp: { mode: 'listed', peers, requireTls: false } });
  writeFileSync(join(served.home, 'cargo'), 'rope and tar');
  const victim = await sink();
  const wire = await served.login();
  // Open or closed, the reply is the same, and nothing is connected before the transfer.
  const replies = new Set<string>();
  for (const port of [victim.port, victim.port - 1]) {
    replies.add((await wire.send(`PORT ${sextet(VICTIM, port)}`)).text);
    replies.add((await wire.send(`EPRT |1|${VICTIM}|${port}|`)).text);
  }
  expect(replies.size).toBe(1);
  await wire.must(200, `PORT ${sextet(VICTIM, victim.port)}`);
  for (const command of ['NOOP', 'PWD', 'RETR missing', 'SIZE cargo']) await wire.send(command);
  expect(victim.connections).toBe(0);
  // Still nothing after a transfer that cannot be: the file is opened first.
  await wire.must(200, `PORT ${sextet(VICTIM, victim.port)}`);
  expect((await wire.send('RETR missing')).code).toBe(550);
  expect(victim.connections).toBe(0);
  await wire.must(200, `PORT ${sextet(VICTIM, victim.port)}`);
  await wire.must(150, 'RETR cargo');
  expect((await wire.next()).code).toBe(226);
  expect(victim.connections).toBe(1);
});

test('threat 4: SSRF through PORT: what is denied stays denied with FXP open, until it is listed', async () => {
  const denied = [parseRange('198.51.100.0/24')];
  const served = await target({ fxp: { mode: 'open', requireTls: false, deny: denied } });
  const wire = await served.login();
  const inside = [
    '127.0.0.6',
    '127.255.0.1',
    '169.254.169.254',
    '100.100.100.200',
    '198.51.100.9',
    '239.1.1.1',
  ];
  for (const host of inside) {
    expect.soft((await wire.send(`PORT ${sextet(host, 8080)}`)).code, host).toBe(504);
  }
  expect((await wire.send(`PORT ${sextet('203.0.113.9', 8080)}`)).code).toBe(200);
  expect((await wire.send(`PORT ${sextet('203.0.113.9', 80)}`)).code).toBe(504);
  const listed = await target({
    fxp: { mode: 'listed', peers: [parseRange('127.0.0.6/32')], requireTls: false, deny: denied },
  });
  const other = await listed.login();
  expect((await other.send(`PORT ${sextet('127.0.0.6', 8080)}`)).code).toBe(200);
  expect((await other.send(`PORT ${sextet('127.0.0.7', 8080)}`)).code).toBe(504);
  // Multicast is no peer, listed or not.
  const wide = await target({
    fxp: { mode: 'listed', peers: [parseRange('0.0.0.0/0')], requireTls: false },
  });
  expect((await (await wide.login()).send(`PORT ${sextet('224.0.0.1', 8080)}`)).code).toBe(504);
});

test('threat 1: FTP bounce: a stranger’s session is judged by its own address, not by another client’s', async () => {
  const served = await target();
  const client = await sink('127.0.0.1');
  const stranger = await served.login(STRANGER);
  expect((await stranger.send(`PORT ${sextet('127.0.0.1', client.port)}`)).code).toBe(504);
  const own = await sink(STRANGER);
  await stranger.must(200, `PORT ${sextet(STRANGER, own.port)}`);
  const came = own.connection();
  await stranger.must(150, 'NLST');
  await drain(await came);
  expect(client.connections).toBe(0);
});
