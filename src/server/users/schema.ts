import type { ZodType } from 'zod';
import type { AddressRange } from '../../protocol/ranges.js';
import {
  type FxpSettings,
  fxpField,
  given,
  lineField,
  parsed,
  rangesField,
  rateField,
  sizeField,
  type Z,
} from '../toml/fields.js';
import type { Fault } from '../toml/read.js';
import { suggest } from '../toml/suggest.js';
import { readPhc } from './hash.js';
import type { Right, RightsRule } from './types.js';

/** What a user, a group or `[defaults]` may set. */
export interface AccountSettings {
  home?: string;
  rights?: RightsRule[];
  quota?: { bytes?: number; files?: number };
  rate?: { up?: number; down?: number };
  maxLogins?: number;
  allowFrom?: AddressRange[];
  fxp?: FxpSettings;
  /** Path of the account's tree to directory of this machine. */
  mounts?: Map<string, string>;
  links?: 'inside' | 'never';
  disabled?: boolean;
}

/** One user as written. */
export interface UserSettings extends AccountSettings {
  /** Argon2id in PHC form. */
  password: string;
  groups: string[];
}

/** The anonymous user as written; everything else of it is fixed. */
export interface AnonymousSettings
  extends Pick<AccountSettings, 'home' | 'rate' | 'maxLogins' | 'allowFrom'> {
  enabled: boolean;
}

/** A whole users file as written. */
export interface UsersFile {
  defaults: AccountSettings;
  anonymous: AnonymousSettings;
  groups: Map<string, AccountSettings>;
  users: Map<string, UserSettings>;
}

const RIGHTS: Record<string, Right> = { r: 'read', w: 'write', d: 'delete', l: 'list' };
const WORDS = new Set<string>(Object.values(RIGHTS));
const RIGHTS_FORM =
  'letters out of "rwdl" (read, write, delete, list) or a list of these words, for the whole tree or in a table by path';
const PATH_FORM =
  'absolute paths of the account\'s tree without ".", ".." and doubled slashes, such as "/incoming"';

/** RFC 1635 2: names of the anonymous user. */
export const ANONYMOUS_NAMES: ReadonlySet<string> = new Set(['anonymous', 'ftp']);

/** What is wrong with a user's or group's name; undefined when nothing is. */
export function nameFault(name: string): string | undefined {
  if (name === '' || name.length > 64) return 'must have 1 to 64 characters';
  if (/[\u0000-\u001f\u007f]/.test(name)) return 'must not hold control characters';
  // A name may become part of a home.
  if (/[/\\]/.test(name) || /^\.+$/.test(name)) return 'must not hold slashes, nor be dots only';
  if (name !== name.trim()) return 'must not begin or end with a blank';
  if (name === '__proto__') return 'is not possible';
  return undefined;
}

/** Absolute path of a tree in its normal form; undefined when it has none. */
export function treePath(text: string): string | undefined {
  if (/[\u0000-\u001f\u007f]/.test(text) || !text.startsWith('/')) return undefined;
  const parts = text.slice(1).replace(/\/$/, '').split('/');
  if (text === '/') return '/';
  return parts.some((part) => part === '' || part === '.' || part === '..')
    ? undefined
    : `/${parts.join('/')}`;
}

/** Rights of one path: `rwl` or `["read", "list"]`; undefined for anything else. */
export function readRights(value: unknown): Right[] | undefined {
  const words = typeof value === 'string' ? [...value].map((letter) => RIGHTS[letter] ?? '') : value;
  if (!Array.isArray(words) || !words.every((word): word is Right => WORDS.has(word))) return undefined;
  return [...new Set(words)];
}

function readRules(value: unknown): RightsRule[] | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const rights = readRights(value);
    return rights && [{ path: '/', rights }];
  }
  const rules = Object.entries(value).map(([path, one]) => ({
    path: treePath(path),
    rights: readRights(one),
  }));
  return rules.every((rule): rule is { path: string; rights: Right[] } => Boolean(rule.path && rule.rights))
    ? rules
    : undefined;
}

function readMounts(value: unknown): Map<string, string> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const mounts = new Map<string, string>();
  for (const [path, folder] of Object.entries(value)) {
    const at = treePath(path);
    if (at === undefined || at === '/' || typeof folder !== 'string' || folder === '') return undefined;
    if (folder.includes('\0') || mounts.has(at)) return undefined;
    mounts.set(at, folder);
  }
  return mounts;
}

function accountFields(z: Z) {
  const count = z
    .int()
    .min(0)
    .max(2 ** 48);
  return {
    home: lineField(z).optional(),
    rights: parsed(z, readRules, RIGHTS_FORM).optional(),
    quota: z
      .strictObject({ bytes: sizeField(z).optional(), files: count.optional() })
      .transform((quota) => given(quota))
      .optional(),
    rate: z
      .strictObject({ up: rateField(z).optional(), down: rateField(z).optional() })
      .transform((rate) => given(rate))
      .optional(),
    'max-logins': count.optional(),
    'allow-from': rangesField(z).optional(),
    fxp: fxpField(z).optional(),
    mounts: parsed(z, readMounts, `a table from ${PATH_FORM} to directories; "/" is the home`).optional(),
    links: z.enum(['inside', 'never']).optional(),
    disabled: z.boolean().optional(),
  };
}

type Fields = { [K in keyof ReturnType<typeof accountFields>]?: unknown };

function toSettings<T extends Fields>(fields: T) {
  const { 'max-logins': maxLogins, 'allow-from': allowFrom, ...rest } = fields;
  return given({ ...rest, maxLogins, allowFrom }) as AccountSettings;
}

function anonymousField(z: Z) {
  const { home, rate, 'max-logins': maxLogins, 'allow-from': allowFrom } = accountFields(z);
  return z
    .strictObject({
      enabled: z.boolean().default(false),
      home,
      rate,
      'max-logins': maxLogins,
      'allow-from': allowFrom,
    })
    .transform(({ enabled, ...fields }): AnonymousSettings => ({ enabled, ...toSettings(fields) }));
}

/** The schema of `users.toml`. */
export function usersSchema(z: Z): ZodType<UsersFile> {
  const name = z.string().superRefine((text, context) => {
    const fault = nameFault(text);
    if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
  });
  const account = z.strictObject(accountFields(z)).transform(toSettings);
  const user = z
    .strictObject({
      password: parsed(z, readPhc, 'an Argon2id hash made by: jackstay user passwd NAME'),
      groups: z.array(z.string()).max(100).default([]),
      ...accountFields(z),
    })
    .transform(
      ({ password, groups, ...fields }): UserSettings => ({ ...toSettings(fields), password, groups }),
    );
  return z
    .strictObject({
      defaults: account.optional(),
      anonymous: anonymousField(z).optional(),
      groups: z.record(name, account).optional(),
      users: z.record(name, user).optional(),
    })
    .transform(
      ({ defaults = {}, anonymous = { enabled: false }, groups = {}, users = {} }): UsersFile => ({
        defaults,
        anonymous,
        groups: new Map(Object.entries(groups)),
        users: new Map(Object.entries(users)),
      }),
    );
}

/** What the schema cannot say: groups that do not exist, users without a home, names that are taken. */
export function usersFaults(file: UsersFile): Fault[] {
  const faults: Fault[] = [];
  if (file.anonymous.enabled && file.anonymous.home === undefined) {
    faults.push({ path: ['anonymous', 'home'], says: 'is missing: anonymous needs a directory of its own' });
  }
  for (const [name, user] of file.users) {
    if (ANONYMOUS_NAMES.has(name)) {
      faults.push({
        path: ['users', name],
        says: 'is the anonymous user, who is switched on by [anonymous] enabled = true',
      });
    }
    for (const group of user.groups.filter((one) => !file.groups.has(one))) {
      const near = suggest(group, file.groups.keys());
      faults.push({
        path: ['users', name, 'groups'],
        says: `there is no [groups.${group}]${near === undefined ? '' : `; did you mean ${near}?`}`,
      });
    }
    const above = [user, ...user.groups.map((group) => file.groups.get(group)), file.defaults];
    if (above.every((one) => one?.home === undefined)) {
      faults.push({
        path: ['users', name, 'home'],
        says: 'is missing, here and in every group',
        relies: [['defaults'], ...user.groups.map((group) => ['groups', group])],
      });
    }
  }
  return faults;
}
