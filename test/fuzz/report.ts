/** Covered of all. */
export type Share = [covered: number, all: number];

/** What one target's run told. */
export interface FuzzReport {
  target: string;
  inputs: number;
  /** Milliseconds of the slowest input. */
  slowest: number;
  /** Octets of resident memory after a tenth of the inputs, and at the end. */
  early: number;
  memory: number;
  files: { path: string; statements: Share; branches: Share; functions: Share }[];
}
