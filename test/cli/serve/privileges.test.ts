import { execFileSync, spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import {
  asUser,
  checkRoot,
  dropPrivileges,
  findRunAs,
  type Ids,
  type Target,
} from '../../../src/cli/serve/privileges.js';

const FTP: Target = { name: 'user ftp', user: 'ftp', uid: 900, group: 901 };

/** A process with root's rights that notes what it is told; `keeps` = what it does not give up. */
function root(keeps: { group?: boolean; groups?: number[]; user?: boolean } = {}) {
  const calls: string[] = [];
  let [uid, gid, groups] = [0, 0, [0, 4]];
  const ids: Ids = {
    getuid: () => uid,
    geteuid: () => uid,
    getgid: () => gid,
    getegid: () => gid,
    getgroups: () => groups,
    initgroups: (user, group) => {
      calls.push(`initgroups ${user} ${group}`);
      groups = keeps.groups ?? [Number(group)];
    },
    setgroups: (all) => {
      calls.push(`setgroups ${all.join(',')}`);
      groups = all.map(Number);
    },
    setgid: (id) => {
      calls.push(`setgid ${id}`);
      if (!keeps.group) gid = Number(id);
    },
    setuid: (id) => {
      calls.push(`setuid ${id}`);
      if (id === 0 && uid !== 0 && !keeps.user) throw new Error('EPERM');
      uid = Number(id);
    },
  };
  return { ids, calls };
}

describe('threats.md row 38: root', () => {
  it('is refused unless a user to become is configured, or it is allowed', () => {
    const { ids } = root();
    expect(() => checkRoot(ids, { allowRoot: false })).toThrow(/started as root and no other user/);
    expect(() => checkRoot(ids, { allowRoot: true })).not.toThrow();
    expect(() => checkRoot(ids, { allowRoot: false, target: FTP })).not.toThrow();
  });

  it('is no matter for an ordinary user, who can become nobody else', () => {
    const ids: Ids = { getuid: () => 900, geteuid: () => 900 };
    expect(() => checkRoot(ids, { allowRoot: false })).not.toThrow();
    expect(() => checkRoot(ids, { allowRoot: false, target: FTP })).not.toThrow();
    expect(() => checkRoot(ids, { allowRoot: false, target: { ...FTP, uid: 5 } })).toThrow(
      /only root can change/,
    );
  });

  it('is no matter on a system without such users', () => {
    expect(() => checkRoot({}, { allowRoot: false, target: FTP })).not.toThrow();
  });

  it('is given up in the order groups, group, user, and proven gone', () => {
    const { ids, calls } = root();
    dropPrivileges(ids, FTP);
    expect(calls).toEqual(['initgroups ftp 901', 'setgid 901', 'setuid 900', 'setuid 0']);
    const other = root();
    dropPrivileges(other.ids, { ...FTP, user: 900 });
    expect(other.calls[0]).toBe('setgroups 901');
  });

  it.each([
    [{ groups: [901, 0] }, 'the group of root is among the supplementary groups'],
    [{ group: true }, 'the group is still that of root'],
    [{ user: true }, 'it could become root again'],
  ])('that stays in part is an error: %o', (keeps, why) => {
    expect(() => dropPrivileges(root(keeps).ids, FTP)).toThrow(why);
  });

  it.each([
    [{ user: 'root' }, /has root's rights/],
    [{ user: '0' }, /has root's rights/],
    [{ user: 'daemon', group: '0' }, /has root's rights/],
    [{ user: 'daemon', group: 'root' }, /has root's rights/],
    [{ user: 'no-such-user-here' }, /this machine knows no user no-such-user-here/],
    [{ user: '-u' }, /this machine knows no user -u/],
  ])('cannot be the user to become: %o', (runAs, why) => {
    expect(() => findRunAs(runAs)).toThrow(why);
  });

  it('the primary group of the user is asked of the system', () => {
    const ids = { '-u': 900, '-g': 901 };
    expect(findRunAs({ user: 'ftp' }, (option) => ids[option])).toEqual(FTP);
    expect(findRunAs({ user: '900', group: 'web' }, (option) => ids[option])).toEqual({
      ...{ name: 'user 900, group web', user: 900, uid: 900, group: 'web' },
    });
  });
});

const isRoot = process.getuid?.() === 0;
const reason = isRoot ? '' : ' (skipped: not root)';
describe.skipIf(!isRoot)(`with the real system${reason}`, () => {
  /** Run lines in a process of its own with the module at hand; gives what it printed. */
  function inProcess(lines: string): string {
    const module = new URL('../../../src/cli/serve/privileges.ts', import.meta.url).href;
    const code = `import * as p from '${module}'; import fs from 'node:fs'; import { Worker } from 'node:worker_threads';\n${lines}`;
    const { stdout, stderr } = spawnSync(
      process.execPath,
      ['--import', 'tsx', '--input-type=module', '-e', code],
      { encoding: 'utf8' },
    );
    if (stderr !== '') throw new Error(stderr);
    return stdout.trim();
  }
  const number = (option: string): number =>
    Number(execFileSync('id', [option, 'nobody'], { encoding: 'utf8' }));

  it('every thread of the process has the rights of the user and no others, and no capability', () => {
    const out = inProcess(`
      const worker = new Worker('setInterval(() => {}, 1000)', { eval: true });
      await new Promise((done) => worker.once('online', done));
      p.dropPrivileges(process, p.findRunAs({ user: 'nobody' }));
      for (const task of fs.readdirSync('/proc/self/task')) {
        const status = fs.readFileSync('/proc/self/task/' + task + '/status', 'utf8');
        console.log(status.match(/^(Uid|Gid|Groups|CapEff|CapPrm):.*$/gm).join(' ').replace(/\\s+/g, ' ').trim());
      }
      await worker.terminate();`);
    const [uid, gid] = [number('-u'), number('-g')];
    const wanted = `Uid: ${Array(4).fill(uid).join(' ')} Gid: ${Array(4).fill(gid).join(' ')} Groups: ${gid} CapPrm: 0000000000000000 CapEff: 0000000000000000`;
    const tasks = out.split('\n');
    expect(tasks.length).toBeGreaterThan(2);
    expect(new Set(tasks)).toEqual(new Set([wanted]));
  });

  it('work for the user to come has its rights, and root has its own again afterwards, also after an error', () => {
    const out = inProcess(`
      const target = p.findRunAs({ user: 'nobody' });
      console.log(await p.asUser(process, target, async () => process.geteuid() + ' ' + process.getegid()));
      console.log(process.geteuid() + ' ' + process.getegid());
      await p.asUser(process, target, async () => { throw new Error('x'); }).catch((error) => console.log(error.message));
      console.log(process.geteuid() + ' ' + process.getegid());`);
    expect(out.split('\n')).toEqual([`${number('-u')} ${number('-g')}`, '0 0', 'x', '0 0']);
  });
});

it('without a user to become, work is just done', async () => {
  expect(await asUser(root().ids, undefined, async () => 5)).toBe(5);
});
