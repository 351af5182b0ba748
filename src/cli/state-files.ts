import { z } from 'zod';

// What the state files may hold. Loaded when there is one to be read: a first run needs none of it.

const time = z.number().int().nonnegative();

/** `trust.json`. */
export const trustFile = z.strictObject({
  version: z.literal(1),
  keys: z.record(
    z.string(),
    z.strictObject({
      pin: z.string().regex(/^[0-9a-f]{64}$/),
      since: time,
      dcpa: z.literal(true).exactOptional(),
    }),
  ),
});

const order = z.enum(['plain', 'burst', 'ahead']);

/** `routes.json`. */
export const routeFile = z.strictObject({
  version: z.literal(1),
  routes: z.record(
    z.string(),
    z.strictObject({
      route: z.strictObject({
        kind: z.enum(['fxp', 'fast', 'relay', 'local']),
        passive: z.enum(['source', 'destination']).exactOptional(),
        technique: z.enum(['PASV', 'EPSV', 'CPSV']).exactOptional(),
        tlsClient: z.enum(['source', 'destination']).exactOptional(),
        by: z.enum(['CPSV', 'SSCN', 'DCPA']).exactOptional(),
        pins: z.enum(['both', 'source', 'destination']).exactOptional(),
        family: z.union([z.literal(4), z.literal(6)]).exactOptional(),
      }),
      security: z.enum(['clear', 'encrypted', 'one-sided', 'verified']),
      attempt: z.string(),
      fast: z.literal(false).exactOptional(),
      since: time,
    }),
  ),
  /** By site: the order of commands that it stands. */
  orders: z
    .record(z.string(), z.strictObject({ order, most: order, reason: z.string(), since: time }))
    .exactOptional(),
});

const plain = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .regex(/^[^\u0000-\u001f\u007f]*$/, 'control characters');

/** Two characters at least: one alone is a Windows drive. */
const siteName = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{1,63}$/,
    'a name has 2 to 64 letters, digits, dots, dashes or underscores',
  );

const savedSite = z.strictObject({
  host: plain(255),
  port: z.number().int().min(1).max(65535).exactOptional(),
  tls: z.enum(['none', 'explicit', 'implicit']).exactOptional(),
  user: plain(255).exactOptional(),
  account: plain(255).exactOptional(),
  virtualHost: plain(255).exactOptional(),
  directory: plain(4096).exactOptional(),
  pin: z
    .string()
    .regex(/^[0-9a-f]{64}$/, '64 lower-case hexadecimal digits')
    .exactOptional(),
  insecure: z.boolean().exactOptional(),
  maxSessions: z.number().int().min(1).max(64).exactOptional(),
  charset: z.enum(['utf8', 'latin1']).exactOptional(),
  dataMode: z.enum(['passive', 'active']).exactOptional(),
  allowForeignPasv: z.boolean().exactOptional(),
  localAddress: plain(64).exactOptional(),
});

/** `sites.json`. */
export const siteFile = z.strictObject({ version: z.literal(1), sites: z.record(siteName, savedSite) });

/** A site about to be saved. */
export const namedSite = z.strictObject({ name: siteName, site: savedSite });

/** Passwords by site. */
export const passwords = z.record(z.string(), z.string());
const base64 = z.string().regex(/^[A-Za-z0-9+/]+=*$/);
/** Passwords under a key made of a master password. */
export const sealedBox = z.strictObject({
  kdf: z.literal('scrypt'),
  cost: z
    .number()
    .int()
    .min(2 ** 14)
    .max(2 ** 20),
  salt: base64,
  nonce: base64,
  data: base64,
});
/** `secrets.json`. */
export const secretFile = z.union([
  z.strictObject({ version: z.literal(1), passwords }),
  z.strictObject({ version: z.literal(1), sealed: sealedBox }),
]);
