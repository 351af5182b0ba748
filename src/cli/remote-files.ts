import { Writable } from 'node:stream';
import { type Client, connect } from '../client/client.js';
import { FtpError } from '../protocol/errors.js';
import type { SiteSettings } from '../protocol/site.js';
import type { About, ConnectOptions, RemoteFiles } from './backend.js';

/** Log in to a server and give its files, over one session. Everything ends when the signal aborts. */
export async function connectFiles(site: SiteSettings, options: ConnectOptions): Promise<RemoteFiles> {
  const { onDialogue, ...rest } = options;
  const client = await connect(
    { ...site, maxSessions: 1 },
    {
      ...rest,
      onDialogue: (name, session, direction, text) =>
        onDialogue?.({ event: 'dialogue', site: name, session, direction, text }),
    },
  );
  return filesOf(client);
}

function filesOf(client: Client): RemoteFiles {
  return {
    about: about(client),
    list: (path) => client.list(path),
    stat: async (path) => {
      const entry = await client.stat(path);
      if (entry) return entry;
      throw refused(client, `there is no ${path}`);
    },
    download: async (path, sink, { offset }) =>
      void (await client.retrieve(path, keepOpen(sink), { offset })),
    remove: (path) => client.remove(path),
    removeTree: (path) => client.removeTree(path),
    mkdir: async (path, { parents }) => {
      if ((await client.makeDirectory(path, { parents })) || parents) return;
      throw refused(client, `${path} is there already`);
    },
    rename: (from, to) => client.rename(from, to),
    hash: (path, algorithm) => client.digest(path, algorithm === undefined ? {} : { algorithm }),
    close: () => client.close(),
  };
}

function about({ server: { name, greeting, home: _home, ...rest } }: Client): About {
  return { server: `${name}: ${greeting}`, ...rest };
}

function refused({ facts }: Client, text: string): FtpError {
  return new FtpError('refused', `${facts.site}: ${text}`, { site: facts.site, retry: 'never' });
}

/** A stream that passes everything on and leaves the other one open at its end. */
function keepOpen(sink: NodeJS.WritableStream): Writable {
  return new Writable({
    write: (chunk: Uint8Array, _encoding, done) => {
      sink.write(chunk, (error) => done(error ?? null));
    },
  });
}
