/** Steps that the tests of the scripted servers share: start and log in with an end, move a file, move it between two. */
import { type RawClient, type RawReply, rawLogin, sextetOf } from './raw-client.js';
import type { ScriptedPeer } from './server.js';

/** Keeps what a test has opened and ends it in reverse order. */
export class Rig {
  private readonly closers: (() => Promise<void> | void)[] = [];

  async up<P extends ScriptedPeer>(starting: Promise<P>): Promise<P> {
    const peer = await starting;
    this.closers.push(() => peer.stop());
    return peer;
  }

  /** A logged-in client: TLS and PROT P, or clear. */
  async login(peer: ScriptedPeer, isPrivate = true): Promise<RawClient> {
    return this.keep(await rawLogin(peer, isPrivate));
  }

  keep(client: RawClient): RawClient {
    this.closers.push(() => client.close());
    return client;
  }

  async close(): Promise<void> {
    for (const close of this.closers.splice(0).reverse()) await close();
  }
}

/** Stores through PASV, with PRET before it where the server asks for that. Gives the final reply. */
export async function upload(
  client: RawClient,
  peer: ScriptedPeer,
  name: string,
  content: Buffer,
  isPrivate = true,
): Promise<RawReply> {
  if (peer.name === 'drftpd') await client.send(`PRET STOR ${name}`);
  const endpoint = await client.send('PASV');
  client.write(`STOR ${name}\r\n`);
  await client.data(endpoint, peer.host, isPrivate, content);
  await client.next();
  return client.next();
}

/** Runs RETR or a listing through PASV, takes both replies, and gives the bytes. */
export async function download(
  client: RawClient,
  peer: ScriptedPeer,
  command: string,
  isPrivate = true,
): Promise<Buffer> {
  if (peer.name === 'drftpd') await client.send(`PRET ${command}`);
  const endpoint = await client.send('PASV');
  client.write(`${command}\r\n`);
  const bytes = await client.data(endpoint, peer.host, isPrivate);
  await client.next();
  await client.next();
  return bytes;
}

/** One transfer of `file` between two servers, the target listening by `passive`. Gives the codes of the final replies. */
export async function fxp(
  from: RawClient,
  to: RawClient,
  passive: string,
  target = 'copy',
): Promise<{ source: number; sink: number }> {
  const endpoint = await to.send(passive);
  const aimed = await from.send(`PORT ${sextetOf(endpoint)}`);
  if (endpoint.code !== 227 || aimed.code !== 200) throw new Error(`${endpoint.text}\n${aimed.text}`);
  to.write(`STOR ${target}\r\n`);
  from.write('RETR file\r\n');
  await Promise.all([to.next(), from.next()]);
  const [sink, source] = await Promise.all([to.next(), from.next()]);
  return { source: source.code, sink: sink.code };
}
