/** Two servers of ours, a tree between them, and the proof that it arrived. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FtpError } from '../../protocol/errors.js';
import type { Backend } from '../backend.js';
import { type Leg, type LegOptions, runLegs } from './legs.js';
import { type OwnServer, startPair } from './own-server.js';
import type { Screen } from './report.js';
import { makeTree, type TreeMade, type TreePlan } from './tree.js';

/** What the demonstration can be told. */
export interface DemoOptions extends LegOptions {
  copy: Backend['copy'];
  /** Default: files up to 64 MiB. */
  tree?: TreePlan | undefined;
  /** Folders that also go back [large, odd names]. */
  parts?: readonly string[] | undefined;
}

/** Run it; servers and files are gone afterwards. @returns true when every file arrived and every octet is the same. */
export async function ownDemo(options: DemoOptions): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'jackstay-demo-'));
  let servers: OwnServer[] = [];
  try {
    const pair = await startPair(folder, ['first', 'second']);
    servers = pair;
    const made = makeTree(join(pair[0].home, 'tree'), options.tree);
    tell(options.screen, pair, made);
    return await runLegs(legsOf(pair, made, options), options);
  } finally {
    for (const server of servers) await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function tell(screen: Screen, [first, second]: [OwnServer, OwnServer], made: TreeMade): void {
  const at = ({ site }: OwnServer): string => `${site.host} port ${site.port}`;
  screen.write(`
Two Jackstay servers run on this machine: "first" at ${at(first)}, "second" at ${at(second)}.
TLS is required, and each sends and takes files only where the other one has proven its key (DCPA).
A tree lies on the first: ${made.files} files in ${made.directories} directories, ${made.bytes} octets.
`);
}

function legsOf([first, second]: [OwnServer, OwnServer], made: TreeMade, options: DemoOptions): Leg[] {
  const leg = (
    title: string,
    from: [OwnServer, string],
    to: [OwnServer, string],
    total: Leg['total'],
  ): Leg => ({
    title,
    words: [from, to].map(([server, path]) => `${server.site.name}:${path}`),
    from: join(from[0].home, from[1]),
    to: join(to[0].home, to[1]),
    total,
    copy: async (onEvent) => {
      try {
        const [source, target] = [from, to].map(([server, path]) => ({
          kind: 'site' as const,
          site: server.site,
          path,
        }));
        const { signal } = options;
        const summary = await options.copy(source!, target!, { onEvent, ...(signal && { signal }) });
        return summary.failed === 0 ? { summary } : { failure: `${summary.failed} files failed` };
      } catch (error) {
        if (!(error instanceof FtpError)) throw error;
        return { failure: error.message };
      }
    },
  });
  const parts = options.parts ?? ['large', 'odd names'];
  return [
    leg('The whole tree, first to second', [first, 'tree'], [second, 'tree'], made),
    ...parts.map((part) =>
      leg(
        `The folder "${part}" back, second to first`,
        [second, `tree/${part}`],
        [first, `back/${part}`],
        made.parts.get(part) ?? { files: 0, bytes: 0 },
      ),
    ),
  ];
}
