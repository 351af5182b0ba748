/** What every comparison is made of: cells that are measured in rounds, and the samples that come out. */

/** One contender in one setting. */
export interface Cell {
  /** Names the setting; its parts, divided by ` | `, are the first columns of the table. */
  readonly setting: string;
  readonly contender: string;
  /** How much it moves: files, or MiB of one file. Less than the setting's where a contender would need minutes. */
  readonly amount: number;
  /** About how many seconds one run takes: for the estimate, and for the time after which it is ended. */
  readonly expected: number;
}

/** What one run of a cell gave. */
export interface Measured {
  /** From the start of the client's process to its end. */
  readonly seconds: number;
  /** Everything arrived as it was sent, octet for octet, and nothing else. */
  readonly identical: boolean;
  /** Why it does not count; absent where it does. */
  readonly failure?: string;
  /** How the client says that it went: kind of route and what it proved. */
  readonly said?: string;
  /** Further figures, by name; units are in the name (`clientCpuSeconds`, `clientMebibytes`, `serverCpuSeconds`). */
  readonly values: Readonly<Record<string, number>>;
}

export interface Sample extends Measured {
  readonly setting: string;
  readonly contender: string;
  readonly round: number;
  readonly amount: number;
}

/** The file in bench/results. */
export interface Result {
  readonly date: string;
  readonly machine: { readonly cores: number; readonly cpu: string; readonly node: string };
  /** Load of the machine in the minute before the first round: what else it did. */
  readonly loadBefore: number;
  readonly runs: number;
  readonly versions: Readonly<Record<string, string>>;
  readonly samples: readonly Sample[];
}

/** What a comparison is asked for. */
export interface Scale {
  /** Everything small, to see that it works. */
  readonly quick: boolean;
  /** Folder for CPU profiles of our client and servers. */
  readonly profile: string | undefined;
}

/** Servers that run and files that wait. */
export interface Ground {
  readonly versions: Readonly<Record<string, string>>;
  /** @param label names this run; no other run has the same. */
  measure(cell: Cell, label: string): Promise<Measured>;
  close(): Promise<void>;
}

export interface Comparison {
  /** Of the result's file, of the markers in the page, and for `--only`. */
  readonly name: string;
  /** Rounds where nothing else is asked for [3]. */
  readonly runs?: number;
  /** All cells of a round. */
  cells(scale: Scale): readonly Cell[];
  /** Starts what the cells need. */
  open(cells: readonly Cell[], scale: Scale): Promise<Ground>;
  /** Seconds that opening takes, about. */
  readonly opening: number;
  /** The Markdown between the markers, from what was measured. */
  section(result: Result): string;
}
