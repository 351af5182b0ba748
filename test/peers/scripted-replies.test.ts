/** Single replies of the dialects, and the options that every scripted server has. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { startDrftpd } from './scripted/drftpd.js';
import { startGlftpd } from './scripted/glftpd.js';
import { startIis } from './scripted/iis.js';
import { startIoftpd } from './scripted/ioftpd.js';
import { startRaiden } from './scripted/raiden.js';
import { type RawReply, rawConnect } from './scripted/raw-client.js';
import { download, Rig, upload } from './scripted/raw-steps.js';
import { startOrdinary } from './scripted/server.js';
import { startWzdftpd } from './scripted/wzdftpd.js';

const rig = new Rig();
afterEach(() => rig.close());

const FOREIGN = 'PORT 127,200,0,1,200,1';
const LOW = 'PORT 127,0,0,1,0,80';
const files = { file: '123456789', 'dir/inner': 'x' };

describe.each([
  [
    'glftpd',
    startGlftpd,
    {
      [FOREIGN]: 200,
      [LOW]: 200,
      'MKD a"b': 553,
      'MKD dir': 550,
      'STRU F': 200,
      'CLNT x': 500,
      'OPTS UTF8 ON': 500,
      'PRET RETR file': 500,
      'SIZE dir': 550,
    },
  ],
  [
    'wzdftpd',
    startWzdftpd,
    {
      [FOREIGN]: 200,
      [LOW]: 501,
      'MKD a"b': 553,
      'STRU F': 502,
      'CLNT x': 502,
      'OPTS UTF8 ON': 200,
      'PRET RETR file': 200,
      'STAT -l none': 550,
      'PBSZ 16384': 200,
    },
  ],
  ['drftpd', startDrftpd, { [LOW]: 200, EPSV: 502, 'XCRC file': 502, CPSV: 500, 'PRET LIST': 200 }],
  [
    'raidenftpd',
    startRaiden,
    { [FOREIGN]: 200, 'SSCN ON': 200, 'CLNT x': 200, 'MFMT 20200102030405 file': 213, 'MLST file': 250 },
  ],
  [
    'ioftpd',
    startIoftpd,
    {
      'SSCN on': 200,
      'SSCN x': 501,
      'CLNT x': 200,
      'MDTM 20200102030405 file': 253,
      'STAT -l': 212,
      MLSD: 500,
    },
  ],
  ['iis', startIis, { [FOREIGN]: 501, SSCN: 500, CPSV: 500, SYST: 215, 'MKD dir': 550, 'RETR none': 550 }],
  [
    'ordinary',
    startOrdinary,
    { 'SSCN ON': 200, 'SSCN on': 501, 'REST x': 501, [LOW]: 500, 'PROT S': 536, 'SITE WHO': 500 },
  ],
] as const)('%s', (_name, start, replies) => {
  it('answers as recorded', async () => {
    const client = await rig.login(await rig.up(start({ files })));
    const codes: Record<string, number> = {};
    for (const command of Object.keys(replies)) codes[command] = (await client.send(command)).code;
    expect(codes).toEqual(replies);
  });

  it('lists as TLS server, whatever SSCN says', async () => {
    const peer = await rig.up(start({ files }));
    const client = await rig.login(peer);
    await client.send('SSCN ON');
    expect((await download(client, peer, 'NLST dir')).toString()).toMatch(/^inner\r?\n$/);
  });
});

describe.each([
  ['glftpd', startGlftpd, 200, '425 Transfers to 3rd party addresses are not supported.'],
  ['wzdftpd', startWzdftpd, 501, '501 FXP not allowed'],
  ['drftpd', startDrftpd, 200, '426 You are not allowed to FXP from here.'],
  ['iis', startIis, 501, '425 Cannot open data connection.'],
] as const)('%s without FXP', (_name, start, code, refusal) => {
  it('refuses foreign addresses in its own words', async () => {
    const peer = await rig.up(start({ fxp: false }));
    const active = await rig.up(startOrdinary({ files }));
    const [to, from] = [await rig.login(peer), await rig.login(active)];
    expect((await to.send(FOREIGN)).code).toBe(code);
    await to.send('PRET STOR copy');
    const endpoint = await to.send('PASV');
    await from.send(`PORT ${/(\d+,){5}\d+/.exec(endpoint.text)?.[0]}`);
    to.write('STOR copy\r\n');
    from.write('RETR file\r\n');
    const replies: RawReply[] = [await to.next()];
    if ((replies[0]?.code ?? 0) < 200) replies.push(await to.next());
    expect(replies.at(-1)?.text).toBe(refusal);
  });
});

describe('beside a transfer', () => {
  /** A download that is held at its first byte until `open` is called. */
  async function hold(start: typeof startWzdftpd) {
    let open: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      open = resolve;
    });
    const peer = await rig.up(start({ files, hooks: { gate: () => held } }));
    const client = await rig.login(peer, false);
    await client.send('PRET RETR file');
    const endpoint = await client.send('PASV');
    client.write('RETR file\r\n');
    const bytes = client.data(endpoint, peer.host, false);
    await client.next();
    return { client, bytes, open };
  }

  it('wzdftpd cannot tell the progress, and loses what follows PWD in a packet', async () => {
    const { client, bytes, open } = await hold(startWzdftpd);
    expect((await client.send('STAT')).text).toBe('501 Argument too big');
    client.write('PWD\r\nPASV\r\nNOOP\r\n');
    expect((await client.next()).code).toBe(257);
    open();
    expect((await client.next()).code).toBe(226);
    expect((await client.send('SYST')).code).toBe(215);
    expect((await bytes).toString()).toBe(files.file);
  });

  it('drftpd puts the checksum into its 226', async () => {
    const { client, bytes, open } = await hold(startDrftpd);
    open();
    await bytes;
    expect((await client.next()).lines).toEqual([
      '226- Checksum from transfer: CBF43926',
      '226 Closing data connection',
    ]);
  });
});

describe('iis', () => {
  it('takes one command from a packet', async () => {
    const client = await rig.login(await rig.up(startIis()));
    client.write('PWD\r\nNOOP\r\n');
    expect((await client.next()).code).toBe(257);
    expect((await client.send('SYST')).code).toBe(215);
    expect(client.pending()).toBe(0);
  });
});

describe('options', () => {
  it('limits logins and demands TLS', async () => {
    const peer = await rig.up(startGlftpd({ maxLogins: 1, requireTls: true }));
    await rig.login(peer);
    const second = rig.keep(await rawConnect(peer));
    expect((await second.send(`USER ${peer.user}`)).code).toBe(530);
    await second.secure();
    await second.send(`USER ${peer.user}`);
    expect((await second.send(`PASS ${peer.password}`)).text).toContain(
      'restricted to 2 simultaneous logins',
    );
    expect([peer.connections(), peer.accepted()]).toEqual([2, 2]);
  });

  it('tells a wrong passive address, and needs none to be asked for TLS', async () => {
    const client = await rig.login(
      await rig.up(startOrdinary({ passiveAddress: '10.99.99.99', tls: 'none' })),
      false,
    );
    expect((await client.send('PASV')).text).toContain('(10,99,99,99,');
    expect((await client.send('AUTH TLS')).code).toBe(502);
  });

  it('gives up a passive port that nobody connects to', async () => {
    const client = await rig.login(await rig.up(startGlftpd({ files, dialect: { acceptTimeoutMs: 1 } })));
    await client.send('PASV');
    expect((await client.send('RETR file')).text).toBe("425 Can't open passive connection.");
  });

  it('converts line ends in TYPE A', async () => {
    const peer = await rig.up(startOrdinary({ files: { text: 'a\nb\n' } }));
    const client = await rig.login(peer);
    await client.send('TYPE A');
    expect((await download(client, peer, 'RETR text')).toString()).toBe('a\r\nb\r\n');
    await upload(client, peer, 'copy', Buffer.from('a\r\nb\rc\r\n'));
    expect(statSync(join(peer.home, 'copy')).size).toBe('a\nb\rc\n'.length);
  });

  it('records both sides of the dialogue', async () => {
    const peer = await rig.up(startOrdinary());
    const client = await rig.login(peer, false);
    await client.send('NOOP');
    expect(peer.transcript()).toContain('1> NOOP\n1< 200 NOOP command successful');
    client.close();
    await vi.waitFor(() => expect(peer.connections()).toBe(0));
  });
});
