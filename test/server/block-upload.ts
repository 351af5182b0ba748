import type { ControlClient, TestServer } from './harness.js';

/** A session in MODE E, and the connection on which it receives. */
export interface BlockUpload {
  client: ControlClient;
  send: (octets: Buffer) => void;
}

/** Logged in, in MODE E, with one connection to where the server listens. */
export async function blockUpload(server: TestServer): Promise<BlockUpload> {
  const client = await server.enter();
  await client.ok('MODE E');
  const link = await client.data('PASV');
  return { client, send: (octets) => void link.socket.then((socket) => socket.write(octets)) };
}
