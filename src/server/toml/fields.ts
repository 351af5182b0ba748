import type { z as Zod, ZodType } from 'zod';
import { toFtpError } from '../../protocol/errors.js';
import { type AddressRange, parseRange } from '../../protocol/ranges.js';
import type { FxpPolicy } from '../policy.js';
import { RATE_FORM, readRate, readSize, readTime, SIZE_FORM, TIME_FORM } from './units.js';

/** The zod package, which is loaded when a file is read. */
export type Z = typeof Zod;

/** Peers as written: address blocks, and host names that are still to be resolved. */
export interface PeerList {
  ranges: AddressRange[];
  hosts: string[];
}

/** The keys of an `fxp` table of a user or a group: the deny list is the server's alone. */
export interface FxpSettings extends Partial<Omit<FxpPolicy, 'peers' | 'deny'>> {
  peers?: PeerList;
}

/** A value that `read` understands, else a fault that says what it must be. */
export function parsed<T>(z: Z, read: (value: unknown) => T | undefined, form: string) {
  return z.unknown().transform((value, context): T => {
    const result = read(value);
    if (result !== undefined) return result;
    context.addIssue({ code: 'custom', message: `must be ${form}` });
    return z.NEVER;
  });
}

/** Octets. */
export const sizeField = (z: Z) => parsed(z, readSize, SIZE_FORM);
/** Octets per second. */
export const rateField = (z: Z) => parsed(z, readRate, RATE_FORM);
/** Milliseconds. */
export const timeField = (z: Z) => parsed(z, readTime, TIME_FORM);

/** Text of one line. */
export function lineField(z: Z, longest = 4096) {
  return z
    .string()
    .min(1)
    .max(longest)
    .regex(/^[^\u0000-\u001f\u007f]*$/, 'must not hold control characters');
}

/** A list of which every entry is read by itself; each that cannot be has its own fault. */
export function listField<T>(z: Z, read: (text: string) => T) {
  return z
    .array(z.string())
    .max(10_000)
    .transform((texts, context): T[] =>
      texts.flatMap((text) => {
        try {
          return [read(text)];
        } catch (error) {
          context.addIssue({ code: 'custom', message: toFtpError(error).message });
          return [];
        }
      }),
    );
}

/** Address blocks: CIDR or single addresses. */
export const rangesField = (z: Z) => listField(z, parseRange);

// RFC 1123 2.1: letters, digits, hyphens; the last label is not all digits, else it is an address.
const HOST = /^(?=.{1,253}$)(?:(?!-)[A-Za-z0-9-]{1,63}(?<!-)\.)*(?!\d+$)(?!-)[A-Za-z0-9-]{1,63}(?<!-)\.?$/;

function readPeer(text: string): AddressRange | string {
  return HOST.test(text) ? text.toLowerCase() : parseRange(text);
}

/** The fields of an `[fxp]` table. */
export function fxpFields(z: Z) {
  return {
    mode: z.enum(['off', 'verified', 'listed', 'open']).optional(),
    peers: listField(z, readPeer)
      .transform(
        (all): PeerList => ({
          ranges: all.filter((one) => typeof one !== 'string'),
          hosts: all.filter((one) => typeof one === 'string'),
        }),
      )
      .optional(),
    direction: z.enum(['send', 'receive', 'both']).optional(),
    'require-tls': z.boolean().optional(),
    'min-port': z.int().min(1).max(65_535).optional(),
  };
}

/** An `[fxp]` table as the policy knows its parts. */
export function fxpField(z: Z): ZodType<FxpSettings> {
  return z
    .strictObject(fxpFields(z))
    .transform(
      ({ mode, peers, direction, 'require-tls': requireTls, 'min-port': minPort }): FxpSettings =>
        given({ mode, peers, direction, requireTls, minPort }),
    );
}

/** Without the fields that are undefined. */
export function given<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
