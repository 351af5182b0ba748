/**
 * List everything below a directory, largest files first.
 *
 *   node --import tsx examples/list.ts ftp://ftp.example/pub
 */
import { connect } from 'jackstay/client';
import { printable } from 'jackstay/protocol';

const client = await connect(process.argv[2] ?? '');
console.log(`${client.server.name}, control connection: ${client.server.tls || 'clear'}`);
const files: { path: string; size: number }[] = [];
for await (const { path, entry } of client.walk()) {
  if (entry.type === 'file') files.push({ path, size: entry.size ?? 0 });
}
await client.close();

files.sort((a, b) => b.size - a.size);
// Names are chosen by strangers: characters that steer a terminal are shown, not obeyed.
for (const { path, size } of files) console.log(`${String(size).padStart(12)}  ${printable(path)}`);
