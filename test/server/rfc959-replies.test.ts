/** RFC 959 5.4: for each command the replies that may follow, in each state of a session. */
import { expect, test } from 'vitest';
import { ROWS } from '../../src/server/verbs/table.js';
import { useServer } from './harness.js';

const ftp = useServer({ files: { file: 'x', 'dir/': '' } });

/** Replies that any command may have: syntax, not logged in, closing. */
const ANY = [500, 501, 421, 530];
/** RFC 959 5.4, preliminary replies left out. */
const LISTED: Record<string, readonly number[]> = {
  USER: [230, 331, 332],
  PASS: [230, 202, 332, 503],
  ACCT: [230, 202, 503],
  CWD: [250, 502, 550],
  CDUP: [200, 250, 502, 550],
  SMNT: [202, 250, 502, 550],
  REIN: [120, 220, 502],
  QUIT: [221],
  PORT: [200],
  PASV: [227, 502],
  MODE: [200, 504],
  TYPE: [200, 504],
  STRU: [200, 504],
  ALLO: [200, 202, 504],
  REST: [350, 502],
  STOR: [226, 250, 425, 426, 451, 551, 552, 532, 450, 452, 553],
  STOU: [226, 250, 425, 426, 451, 551, 552, 532, 450, 452, 553],
  RETR: [226, 250, 425, 426, 451, 450, 550],
  LIST: [226, 250, 425, 426, 451, 450, 502],
  NLST: [226, 250, 425, 426, 451, 450, 502],
  APPE: [226, 250, 425, 426, 451, 551, 552, 532, 450, 550, 452, 553, 502],
  RNFR: [350, 450, 550, 502],
  RNTO: [250, 532, 553, 502, 503],
  DELE: [250, 450, 550, 502],
  RMD: [250, 502, 550],
  MKD: [257, 502, 550],
  PWD: [257, 502, 550],
  ABOR: [225, 226, 502],
  SYST: [215, 502],
  STAT: [211, 212, 213, 450, 502],
  HELP: [211, 214, 502],
  SITE: [200, 202],
  NOOP: [200],
};
/** RFC 1123 4.1.2.11: another code may be used where it says more. */
const MORE: Record<string, readonly number[]> = {
  // A directory that is not there stays so: 550 by its meaning in 4.2.1.
  LIST: [550],
  NLST: [550],
  STAT: [550],
  // RFC 2577 3: an address that is refused.
  PORT: [504],
  // Space and quota, as for STOR.
  ALLO: [452, 552],
  SITE: [504],
};

const ARGUMENTS = ['', ' file', ' dir', ' none/none', ' A', ' 1', ' /', ' file/x'];

test('the list has every command of RFC 959', () => {
  const own = ROWS.filter(({ source, verb }) => source.startsWith('RFC 959') && !verb.startsWith('SITE '));
  expect([...own.map(({ verb }) => verb), 'REST'].sort()).toEqual(Object.keys(LISTED).sort());
});

test.each(Object.keys(LISTED))('RFC 959 5.4: replies to %s', async (verb) => {
  const allowed = [...ANY, ...LISTED[verb]!, ...(MORE[verb] ?? [])];
  const wrong: [string, number][] = [];
  for (const argument of ARGUMENTS) {
    for (const state of ['named', 'logged in', 'renaming', 'passive'] as const) {
      const client = await ftp().connect();
      if (state === 'named') await client.ok('USER user');
      else await client.login();
      if (state === 'renaming') await client.ok('RNFR dir');
      // Nobody connects: the transfer is aborted.
      if (state === 'passive') await client.ok('PASV');
      client.send(verb + argument);
      if (state === 'passive') client.send('ABOR');
      let reply = await client.read();
      if (reply.code < 200) reply = await client.read();
      if (!allowed.includes(reply.code)) wrong.push([`${state}: ${verb}${argument}`, reply.code]);
      client.destroy();
      ftp().put('file', 'x');
      ftp().put('dir/', '');
    }
  }
  expect(wrong).toEqual([]);
});

test('RFC 959 5.4: before the login nothing but access and information is answered otherwise than 530', async () => {
  const free = ['USER', 'PASS', 'QUIT', 'REIN', 'NOOP', 'HELP', 'SYST', 'STAT', 'ABOR'];
  const wrong: [string, number][] = [];
  const client = await ftp().connect();
  for (const verb of Object.keys(LISTED).filter((one) => !free.includes(one))) {
    for (const argument of ['', ' x']) {
      const code = await client.code(verb + argument);
      if (code !== 530) wrong.push([verb + argument, code]);
    }
  }
  expect(wrong).toEqual([]);
});
