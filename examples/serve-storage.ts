/**
 * A storage of your own: here every file is made when it is asked for. Whatever keeps files can stand behind these methods.
 *
 *   node --import tsx examples/serve-storage.ts
 */
import { connect } from 'jackstay/client';
import { createServer, FileError, memoryUsers, type Storage } from 'jackstay/server';

const names = ['one.txt', 'two.txt'];
const contentOf = (name: string): Buffer => Buffer.from(`This is ${name}.\n`);
const readOnly = async (): Promise<never> => {
  throw new FileError('denied', 'this storage only reads');
};

const storage: Storage = {
  async stat(path) {
    const name = path.slice(1);
    if (name === '') return { name, type: 'directory', size: 0, modify: 0 };
    if (!names.includes(name)) throw new FileError('not-found', 'no such file');
    return { name, type: 'file', size: contentOf(name).length, modify: 0 };
  },
  async *list() {
    yield await Promise.all(names.map((name) => this.stat(`/${name}`)));
  },
  async read(path, { start, end }) {
    const { size } = await this.stat(path);
    if (start > size) throw new FileError('bad-offset', 'the file ends before that');
    const content = contentOf(path.slice(1)).subarray(start, end);
    let sent = 0;
    return {
      size: content.length,
      read(into) {
        const count = content.copy(into, 0, sent);
        sent += count;
        return count;
      },
      close() {},
    };
  },
  admit: readOnly,
  write: readOnly,
  mkdir: readOnly,
  rmdir: readOnly,
  remove: readOnly,
  rename: readOnly,
};

const server = await createServer({ users: memoryUsers([{ name: 'alice', password: 'secret', storage }]) });
const { host, port } = server.addresses[0]!;
const client = await connect(`ftp://alice:secret@${host}:${port}/`);
for (const { name } of await client.list()) {
  process.stdout.write(`${name}: ${await client.read(name)}`);
}
await client.close();
await server.close();
