import { familyOf } from '../protocol/addresses.js';
import { isSiteFull } from '../protocol/codes.js';
import { FtpError, toFtpError } from '../protocol/errors.js';
import { type Features, parseFeatures } from '../protocol/features.js';
import { parsePathReply } from '../protocol/paths.js';
import { type Reply, replyText } from '../protocol/replies.js';
import type { SiteSettings } from '../protocol/site.js';
import { type CertificateProof, judgeCertificate } from './certificate.js';
import { makeFacts, type SiteFacts } from './facts.js';
import { recognise } from './quirks/index.js';
import { type DialogueSink, Session } from './session.js';
import type { TrustStore } from './trust.js';

/** A site with its defaults filled in. */
export type FullSite = SiteSettings &
  Required<Pick<SiteSettings, 'name' | 'port' | 'tls' | 'user' | 'password' | 'maxSessions'>>;

export interface LoginOptions {
  trust?: TrustStore | undefined;
  signal?: AbortSignal | undefined;
  commandTimeout?: number | undefined;
  connectTimeout?: number | undefined;
  onDialogue?: DialogueSink | undefined;
  /** Facts of an earlier login to the same site: FEAT, SYST, OPTS and PWD are not asked again. */
  known?: SiteFacts | undefined;
  onSession?: (session: Buffer) => void;
  /** Send one command at a time: a burst has lost an earlier session of this site. */
  cautious?: boolean;
}

/** Phase of an error in the first burst. */
const PROBE = 'burst';
/** Milliseconds for it: a server that discards what it read ahead never answers the rest. */
const PROBE_TIMEOUT = 3_000;
/** Milliseconds for a login in one segment: the server may ask a directory service about the password. */
const LOGIN_BURST_TIMEOUT = 10_000;

/** Fill in defaults. Port 990 means implicit TLS unless said otherwise; no user means anonymous (RFC 1635). */
export function fullSite(site: SiteSettings): FullSite {
  const tls = site.tls ?? (site.port === 990 ? 'implicit' : 'none');
  const port = site.port ?? (tls === 'implicit' ? 990 : 21);
  const anonymous = site.user === undefined || site.user === 'anonymous' || site.user === 'ftp';
  return {
    ...site,
    tls,
    port,
    name: site.name ?? (site.port === undefined ? site.host : `${site.host}:${site.port}`),
    user: site.user ?? 'anonymous',
    password: site.password ?? (anonymous ? 'anonymous@' : ''),
    maxSessions: site.maxSessions ?? 4,
  };
}

/** Connect, secure, log in and set the session up for transfers. @throws FtpError; the session is ended before. */
export async function login(
  site: FullSite,
  options: LoginOptions,
): Promise<{ session: Session; facts: SiteFacts }> {
  const session = await Session.connect({
    name: site.name,
    host: site.host,
    port: site.port,
    localAddress: site.localAddress,
    charset: site.charset,
    commandTimeout: options.commandTimeout,
    connectTimeout: options.connectTimeout,
    signal: options.signal,
    onDialogue: options.onDialogue,
    secrets: [site.password, site.account ?? ''].filter((secret) => secret !== '' && secret !== 'anonymous@'),
  });
  try {
    return { session, facts: await introduce(session, site, options) };
  } catch (error) {
    session.destroy(new FtpError('closed', `${site.name}: login was given up`));
    if (toFtpError(error).facts.phase === PROBE && !options.cautious) {
      if (options.known) losesLogins.add(options.known);
      return login(site, { ...options, cautious: true });
    }
    throw error;
  }
}

async function introduce(session: Session, site: FullSite, options: LoginOptions): Promise<SiteFacts> {
  let certificate: CertificateProof | undefined;
  if (site.tls === 'implicit') certificate = await startTls(session, site, options);
  const greeting = await session.greeting();
  if (greeting.code >= 400) throw fullOrRefused(session, 'the connection', greeting);
  const already = greeting.code === 230 || greeting.code === 232;
  if (site.tls === 'explicit') {
    // CVE-2021-22946: a greeting that claims a login would skip TLS.
    if (already) throw noTls(session, 'it greeted with a finished login instead', greeting);
    certificate = await authTls(session, site, options);
  }
  if (options.known && !already && mayBurst(site, options)) {
    await authenticateAtOnce(session, site, options.known);
    await enter(session, site);
    return options.known;
  }
  const texts = already ? [replyText(greeting)] : await authenticate(session, site);
  const protP = certificate !== undefined && (await protect(session));
  if (options.known) {
    session.lockstep = options.known.queues !== true;
    // RFC 2640 3.1: UTF-8 is agreed upon anew in each session.
    const utf8 = options.known.features.has('UTF8') && !options.known.missing.has('OPTS UTF8');
    await Promise.all([utf8 && session.request('OPTS', 'UTF8 ON'), session.request('TYPE', 'I')]);
    await enter(session, site);
    return options.known;
  }
  return describe(session, site, {
    greeting: replyText(greeting),
    login: texts.join('\n'),
    protP,
    certificate,
    cautious: options.cautious ?? false,
  });
}

async function startTls(session: Session, site: FullSite, options: LoginOptions): Promise<CertificateProof> {
  const { onSession, signal } = options;
  const peer = await session.secure({
    host: site.host,
    alpn: ['ftp'],
    signal,
    ...(onSession ? { onSession } : {}),
  });
  return judgeCertificate(peer, site, options.trust);
}

function noTls(session: Session, why: string, reply: Reply): FtpError {
  return new FtpError(
    'tls',
    `${session.name} does not offer TLS: ${why} (${reply.code} ${replyText(reply)})`,
    {
      site: session.name,
      command: 'AUTH TLS',
      reply: { code: reply.code, text: replyText(reply) },
      retry: 'never',
      phase: 'tls',
      advice:
        'Nothing was sent in clear. If this server has no TLS, use an ftp:// address and know that passwords and files are readable on the way.',
    },
  );
}

async function authTls(session: Session, site: FullSite, options: LoginOptions): Promise<CertificateProof> {
  const reply = await session.request('AUTH', 'TLS');
  if (reply.code !== 234 && reply.code !== 334) throw noTls(session, 'AUTH TLS was refused', reply);
  return startTls(session, site, options);
}

function fullOrRefused(session: Session, command: string, reply: Reply): FtpError {
  const advice = isSiteFull(reply)
    ? 'The login limit is reached: fewer sessions (--parallel), or wait.'
    : undefined;
  return session.refusal(command, reply, advice);
}

/** USER, PASS, ACCT (RFC 959 5.4), HOST before them where asked (RFC 7151). Returns the texts of the replies. */
async function authenticate(session: Session, site: FullSite): Promise<string[]> {
  const texts: string[] = [];
  if (site.virtualHost !== undefined) await session.command('HOST', site.virtualHost);
  let reply = await session.request('USER', site.user);
  if (reply.code === 331) reply = await session.request('PASS', site.password);
  if (reply.code === 332) {
    if (site.account === undefined) {
      throw new FtpError('login', `${session.name} wants an account (332) and the site has none`, {
        site: session.name,
        advice: 'Set the account of that site.',
      });
    }
    reply = await session.request('ACCT', site.account);
  }
  texts.push(...reply.lines);
  mustBeIn(session, site, reply);
  return texts;
}

/** @throws FtpError `refused` where the site is full, `login` otherwise, unless the reply says that the user is in. */
function mustBeIn(session: Session, site: FullSite, reply: Reply): void {
  if (reply.code >= 200 && reply.code < 300) return;
  if (isSiteFull(reply)) throw fullOrRefused(session, `USER ${site.user}`, reply);
  // Through the session: a server that repeats the password must not bring it into the message.
  const said = session.refusal(`USER ${site.user}`, reply).facts.reply!;
  throw new FtpError(
    'login',
    `${session.name} refused the login of ${site.user}: ${said.code} ${said.text}`,
    {
      site: session.name,
      command: `USER ${site.user}`,
      reply: said,
      retry: reply.code < 500 ? 'later' : 'never',
      phase: 'login',
      advice: /tls|ssl|secure/i.test(replyText(reply))
        ? 'This server wants TLS: use ftps:// instead of ftp://.'
        : 'Check user and password.',
    },
  );
}

/** Servers that lost what came behind USER or PASS once. */
const losesLogins = new WeakSet<SiteFacts>();

/** One more session of a server that was seen to answer several commands of one segment, without ACCT and HOST. */
const mayBurst = (site: FullSite, { known, cautious }: LoginOptions): boolean =>
  known?.queues === true &&
  !cautious &&
  !losesLogins.has(known) &&
  site.account === undefined &&
  site.virtualHost === undefined;

/**
 * All commands of a login in one segment: one round trip where there were three, under TLS five. A server that loses the
 * rest behind USER or PASS is logged in to again, one command at a time.
 */
async function authenticateAtOnce(session: Session, site: FullSite, known: SiteFacts): Promise<void> {
  session.lockstep = false;
  const options = { timeout: Math.min(LOGIN_BURST_TIMEOUT, session.commandTimeout) };
  const ask = (verb: string, argument: string): Promise<Reply> => session.request(verb, argument, options);
  const utf8 = known.features.has('UTF8') && !known.missing.has('OPTS UTF8');
  const [user, pass, , type, prot] = await Promise.all([
    ask('USER', site.user),
    ask('PASS', site.password),
    utf8 ? ask('OPTS', 'UTF8 ON') : undefined,
    ask('TYPE', 'I'),
    known.protP ? Promise.all([ask('PBSZ', '0'), ask('PROT', 'P')]).then(([, reply]) => reply) : undefined,
  ]).catch((error: unknown) => {
    const failure = toFtpError(error);
    throw new FtpError(failure.kind, failure.message, { ...failure.facts, phase: PROBE });
  });
  mustBeIn(session, site, user.code === 331 ? pass : user);
  if (type.code >= 400) throw session.refusal('TYPE I', type);
  if (prot && prot.code >= 300) throw session.refusal('PROT P', prot);
}

/** `PBSZ 0`, `PROT P` (RFC 4217 8, 9). False where the server cannot protect data connections. */
async function protect(session: Session): Promise<boolean> {
  await session.request('PBSZ', '0');
  const reply = await session.request('PROT', 'P');
  return reply.code >= 200 && reply.code < 300;
}

interface Introduction {
  greeting: string;
  login: string;
  protP: boolean;
  certificate: CertificateProof | undefined;
  /** One command at a time. */
  cautious: boolean;
}

/** CWD to the directory of the site, where it has one: relative paths begin there. */
async function enter(session: Session, { directory }: FullSite): Promise<boolean> {
  if (directory === undefined || directory === '') return false;
  const reply = await session.request('CWD', directory);
  if (reply.code < 400) return true;
  throw session.refusal(`CWD ${directory}`, reply, 'Check the directory of that site.');
}

/**
 * FEAT, then what it leads to. The four commands behind it leave in one segment unless the server is known not to take
 * that: their answers prove that it queues commands.
 */
async function describe(session: Session, site: FullSite, intro: Introduction): Promise<SiteFacts> {
  const features: Features = parseFeatures(await session.request('FEAT'));
  const evidence = { greeting: intro.greeting, login: intro.login, features };
  const cautious = intro.cautious || recognise({ ...evidence, system: '' }).behaviour.lockstep === true;
  session.lockstep = cautious;
  const options = cautious ? {} : { timeout: Math.min(PROBE_TIMEOUT, session.commandTimeout) };
  const utf8 = features.has('UTF8') ? session.request('OPTS', 'UTF8 ON', options) : undefined;
  const [agreed, syst, type, pwd] = await Promise.all([
    utf8,
    session.request('SYST', undefined, options),
    session.request('TYPE', 'I', options),
    session.request('PWD', undefined, options),
  ]).catch((error: unknown) => {
    const failure = toFtpError(error);
    throw cautious
      ? failure
      : new FtpError(failure.kind, failure.message, { ...failure.facts, phase: PROBE });
  });
  if (type.code >= 400) throw session.refusal('TYPE I', type);
  const address = session.peerAddress;
  const facts = makeFacts({
    site: session.name,
    ...evidence,
    system: syst.code === 215 ? syst.text : '',
    tls: intro.certificate !== undefined,
    protP: intro.protP,
    family: familyOf(address) === 6 ? 6 : 4,
    address,
    home: pwd.code === 257 ? parsePathReply(pwd) : '/',
    ...(intro.certificate ? { certificate: intro.certificate } : {}),
    ...(session.tls ? { pin: session.tls.pin } : {}),
  });
  if (agreed && agreed.code >= 400) facts.missing.add('OPTS UTF8');
  facts.queues = !cautious && pwd.code === 257;
  session.lockstep = !facts.queues;
  if (await enter(session, site)) facts.home = parsePathReply(await session.command('PWD'));
  return facts;
}
