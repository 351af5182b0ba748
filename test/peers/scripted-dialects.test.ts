/** Every recorded habit of each dialect, asserted once by raw commands. */
import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { startDrftpd } from './scripted/drftpd.js';
import { startGlftpd } from './scripted/glftpd.js';
import { startIis } from './scripted/iis.js';
import { startIoftpd } from './scripted/ioftpd.js';
import { startRaiden } from './scripted/raiden.js';
import { rawConnect } from './scripted/raw-client.js';
import { download, fxp, Rig } from './scripted/raw-steps.js';
import { startOrdinary } from './scripted/server.js';
import { startWzdftpd } from './scripted/wzdftpd.js';

const rig = new Rig();
afterEach(() => rig.close());

const content = randomBytes(300_000);

describe('glftpd', () => {
  it('answers SSCN always with CLIENT, and keeps the state right', async () => {
    const peer = await rig.up(startGlftpd({ files: { file: content } }));
    const client = await rig.login(peer);
    for (const command of ['SSCN', 'SSCN ON', 'SSCN OFF']) {
      expect((await client.send(command)).text).toBe('200 SSCN:CLIENT METHOD');
    }
    expect((await download(client, peer, 'RETR file')).length).toBe(content.length);
  });

  it('forgets REST at PASV and keeps one sent after it', async () => {
    const peer = await rig.up(startGlftpd({ files: { file: '0123456789' } }));
    const client = await rig.login(peer);
    expect((await client.send('REST 4')).code).toBe(350);
    expect((await download(client, peer, 'RETR file')).toString()).toBe('0123456789');
    const endpoint = await client.send('PASV');
    await client.send('REST 4');
    client.write('RETR file\r\n');
    expect((await client.data(endpoint, peer.host, true)).toString()).toBe('456789');
    await client.next();
    expect((await client.next()).lines).toHaveLength(2);
    expect((await client.send('REST abc')).text).toBe('350 Invalid restart point');
  });

  it('reports progress while data move, refuses PWD, and keeps PASV for later', async () => {
    let open: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      open = resolve;
    });
    const hooks = { gate: (transfer: { moved: number }) => (transfer.moved > 0 ? held : undefined) };
    const peer = await rig.up(startGlftpd({ files: { file: content }, hooks }));
    const client = await rig.login(peer, false);
    const endpoint = await client.send('PASV');
    client.write('RETR file\r\n');
    const bytes = client.data(endpoint, peer.host, false);
    await client.next();
    await vi.waitFor(async () =>
      expect((await client.send('STAT')).text).toMatch(/^213 Status: [1-9]\d* of 300000 bytes transferred$/),
    );
    expect((await client.send('PWD')).code).toBe(500);
    client.write('PASV\r\nNOOP\r\n');
    open();
    expect([await client.next(), await client.next(), await client.next()].map(({ code }) => code)).toEqual([
      226, 227, 200,
    ]);
    expect((await bytes).length).toBe(content.length);
  });

  it('stops at ABOR with 426 and 226', async () => {
    const hooks = { gate: () => new Promise<void>(() => {}) };
    const peer = await rig.up(startGlftpd({ files: { file: content }, hooks }));
    const client = await rig.login(peer, false);
    const endpoint = await client.send('PASV');
    client.write('RETR file\r\n');
    const bytes = client.data(endpoint, peer.host, false);
    await client.next();
    expect((await client.send('ABOR')).code).toBe(426);
    expect((await client.next()).code).toBe(226);
    expect((await bytes).length).toBe(0);
  });

  it('has its own ways with listings, sizes, renames and addresses', async () => {
    const peer = await rig.up(startGlftpd({ files: { 'dir/a': '1', 'dir/b': '2' } }));
    const client = await rawConnect(peer);
    rig.keep(client);
    expect((await client.send('PROT P')).code).toBe(200);
    expect((await client.send('PROT C')).code).toBe(200);
    await client.send(`USER ${peer.user}`);
    expect((await client.send(`PASS ${peer.password}`)).lines.at(-1)).toMatch(/^230 {2}\[Ul: /);
    expect((await download(client, peer, 'NLST dir', false)).toString()).toBe('a\nb\n');
    expect((await download(client, peer, 'LIST nowhere', false)).length).toBe(0);
    expect((await client.send('STAT -l dir')).lines.slice(0, 3)).toEqual([
      '213- status of -l dir:',
      'total 0',
      expect.stringMatching(/^-rw.* a$/),
    ]);
    expect((await client.send('SIZE dir/a')).code).toBe(504);
    expect((await client.send('PBSZ 16384')).code).toBe(504);
    await client.send('RNFR dir/a');
    await client.send('PWD');
    expect((await client.send('RNTO dir/c')).code).toBe(503);
    await client.send('CEPR ON');
    expect((await client.send('EPSV')).text).toContain(`(|1|${peer.host}|`);
    expect((await client.send('MLSD')).code).toBe(500);
  });

  it('accepts a foreign PORT that it will not serve', async () => {
    const peer = await rig.up(startGlftpd({ fxp: false, losesUserFile: true, files: { file: content } }));
    const client = await rig.login(peer);
    expect((await client.send('PORT 127,200,0,1,4,1')).code).toBe(200);
    expect((await client.send('RETR file')).text).toBe('550 Unable to load your own user file!');
    expect((await client.next()).text).toBe('500 Transfers to 3rd party addresses are not supported.');
  });
});

describe('wzdftpd', () => {
  it('runs the first command of a packet and throws the rest away', async () => {
    const peer = await rig.up(startWzdftpd());
    const client = await rig.login(peer);
    client.write('PWD\r\nNOOP\r\nSYST\r\nNOOP\r\n');
    expect((await client.next()).code).toBe(257);
    expect((await client.send('SYST')).code).toBe(215);
    expect(client.pending()).toBe(0);
  });

  it('takes any AUTH, and closes at a wrong password', async () => {
    const peer = await rig.up(startWzdftpd());
    const client = await rawConnect(peer);
    await client.secure('FOO');
    await client.send(`USER ${peer.user}`);
    expect((await client.send('PASS wrong')).code).toBe(421);
    await client.closed;
  });

  it('switches SSCN off at a query, and CPSV on until SSCN OFF', async () => {
    const peer = await rig.up(startWzdftpd({ files: { file: content } }));
    const source = await rig.up(startOrdinary({ files: { file: content } }));
    const [from, to] = await Promise.all([rig.login(source), rig.login(peer)]);
    expect((await to.send('SSCN ON')).text).toBe('200 SSCN:CLIENT METHOD');
    expect((await to.send('SSCN')).text).toBe('200 SSCN:SERVER METHOD');
    expect(await fxp(from, to, 'CPSV')).toEqual({ source: 226, sink: 226 });
    expect(await fxp(from, to, 'PASV', 'again')).toEqual({ source: 226, sink: 226 });
    await to.send('SSCN OFF');
    expect((await download(to, peer, 'RETR again')).equals(content)).toBe(true);
  });

  it('has its own replies', async () => {
    const peer = await rig.up(startWzdftpd({ files: { file: content, 'dir/': '' } }));
    const client = await rig.login(peer);
    const code = async (command: string): Promise<number> => (await client.send(command)).code;
    expect((await client.send('MKD new')).lines).toEqual(['257- command ok', '257 No message for this code']);
    expect(await code('MKD new')).toBe(553);
    expect(await code('RMD new')).toBe(258);
    expect((await client.send('SIZE dir')).text).toBe('213 4096');
    expect(await code('SIZE none')).toBe(501);
    expect(await code('MODE S')).toBe(502);
    expect(await code('REST abc')).toBe(501);
    expect((await client.send('MLST file')).lines[1]).toMatch(new RegExp(`^modify=.* ${peer.home}/file$`));
    expect((await client.send('FEAT')).lines).toContain(' NON-FREE FTPD SUCKS');
    expect(await code('EPSV ALL')).toBe(200);
    expect(await code('NOOP')).toBe(501);
    expect((await client.next()).code).toBe(200);
  });

  it('calls an upload done that nobody sent', async () => {
    const peer = await rig.up(startWzdftpd());
    const client = await rig.login(peer);
    const closed = await rig.up(startOrdinary());
    await closed.stop();
    await client.send(`PORT ${closed.host.replaceAll('.', ',')},${closed.port >> 8},${closed.port & 255}`);
    await client.send('STOR file');
    expect((await client.next()).code).toBe(226);
    expect(statSync(join(peer.home, 'file')).size).toBe(0);
  });
});

describe('drftpd', () => {
  it('wants PRET, and PROT P for SSCN', async () => {
    const peer = await rig.up(startDrftpd({ files: { file: content } }));
    const client = await rig.login(peer);
    expect((await client.send('PASV')).text).toBe(
      '500 You need to use a client supporting PRET (PRE Transfer) to use PASV',
    );
    expect((await client.send('PRET STOR file')).code).toBe(553);
    expect((await client.send('PRET RETR none')).code).toBe(550);
    await client.send('PRET RETR file');
    const endpoint = await client.send('PASV');
    expect(endpoint.lines).toHaveLength(2);
    expect(endpoint.lines[0]).not.toMatch(/\d,\d/);
    expect((await client.send('SSCN ON')).text).toBe('220 SSCN:CLIENT METHOD');
    await client.send('PROT C');
    expect((await client.send('SSCN OFF')).code).toBe(500);
  });

  it('answers ABOR with one 226', async () => {
    const hooks = { gate: () => new Promise<void>(() => {}) };
    const peer = await rig.up(startDrftpd({ files: { file: content }, hooks }));
    const client = await rig.login(peer, false);
    await client.send('PRET RETR file');
    const endpoint = await client.send('PASV');
    client.write('RETR file\r\n');
    const bytes = client.data(endpoint, peer.host, false);
    await client.next();
    expect((await client.send('ABOR')).text).toBe('226 Transfer aborted');
    expect((await client.send('NOOP')).code).toBe(200);
    expect((await bytes).length).toBe(0);
  });

  it('keeps the role of a lower-case cpsv', async () => {
    const source = await rig.up(startOrdinary({ files: { file: content } }));
    const sink = await rig.up(startDrftpd());
    const [from, to] = await Promise.all([rig.login(source), rig.login(sink)]);
    await to.send('PRET STOR copy');
    expect(await fxp(from, to, 'cpsv')).toEqual({ source: 226, sink: 226 });
    expect((await to.send('SSCN')).text).toBe('220 SSCN:CLIENT METHOD');
  });
});

describe('raidenftpd, ioftpd and iis', () => {
  it('raidenftpd sets times and sums files', async () => {
    const peer = await rig.up(startRaiden({ files: { 'a file': '123456789' } }));
    const client = await rig.login(peer);
    expect((await client.send('MDTM 20200102030405 a file')).code).toBe(253);
    expect((await client.send('MDTM a file')).text).toBe('213 20200102030405');
    expect((await client.send('XCRC "a file"')).text).toBe('250 cbf43926');
    expect((await client.send('XMD5 a file')).text).toBe('250 25f9e794323b453885f5181f1b624d0b');
    expect((await client.send('SSCN')).text).toBe('200 SSCN:SERVER METHOD');
    expect((await client.send('CPSV')).code).toBe(500);
  });

  it('ioftpd calls itself UNIX and drops a stranger that sends IDNT', async () => {
    const peer = await rig.up(startIoftpd());
    const client = await rig.login(peer);
    expect((await client.send('SYST')).text).toBe('215 UNIX Type: L8');
    client.write('IDNT user@192.0.2.1:host\r\n');
    await client.closed;
    expect(client.pending()).toBe(0);
  });

  it('iis lists in the MS-DOS style and takes UTF-8 names after OPTS', async () => {
    const peer = await rig.up(startIis({ files: { 'dir/': '', 'für.txt': 'x' } }));
    const client = await rig.login(peer);
    expect((await client.send('SIZE für.txt')).code).toBe(550);
    expect((await client.send('OPTS UTF8 ON')).code).toBe(200);
    expect((await client.send('SIZE für.txt')).text).toBe('213 1');
    const listing = (await download(client, peer, 'LIST')).toString();
    expect(listing).toMatch(/^\d\d-\d\d-\d\d {2}\d\d:\d\d[AP]M {7}<DIR> {10}dir\r\n/);
    expect(listing).toMatch(/ 1 für\.txt\r\n$/);
    expect((await client.send('MLSD')).code).toBe(500);
  });
});
