/**
 * The account that a peer serves: its password hashed as each server wants it, and user databases for servers
 * that know system users only.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { NOBODY } from './host.js';
import type { PeerGround } from './peer.js';

/** SHA-512 crypt(3) hash of a password: `$6$...`. */
export function cryptPassword(password: string): string {
  return execFileSync('openssl', ['passwd', '-6', '-stdin'], { input: password, encoding: 'utf8' }).trim();
}

/** Traditional DES crypt(3) hash, of the first eight characters only: all that some old programs understand. */
export function desCryptPassword(password: string): string {
  return execFileSync('perl', ['-e', 'print crypt(<STDIN>, "js")'], { input: password, encoding: 'utf8' });
}

/** One passwd(5) line for the peer's user, with the rights of nobody and `home` as its directory. */
export function passwdLine(ground: PeerGround, hash = cryptPassword(ground.password)): string {
  return `${ground.user}:${hash}:${NOBODY.uid}:${NOBODY.gid}::${ground.home}:/bin/sh\n`;
}

/**
 * Writes a user database and returns the environment in which a server sees it: nss_wrapper shows these files
 * in place of /etc/passwd and /etc/group, so that no account of the machine is made, changed or used.
 */
export function wrappedUsers(ground: PeerGround): Record<string, string> {
  const passwd = join(ground.work, 'passwd');
  const group = join(ground.work, 'group');
  const nobody = `${NOBODY.name}:*:${NOBODY.uid}:${NOBODY.gid}::/:/bin/false\n`;
  writeFileSync(passwd, passwdLine(ground) + nobody + 'root:*:0:0::/:/bin/sh\n');
  writeFileSync(group, `${NOBODY.group}:x:${NOBODY.gid}:\nroot:x:0:\n`);
  return { LD_PRELOAD: 'libnss_wrapper.so', NSS_WRAPPER_PASSWD: passwd, NSS_WRAPPER_GROUP: group };
}
