/** What a name in a directory is. `special` covers devices, sockets and pipes. */
export type EntryType = 'file' | 'dir' | 'link' | 'special' | 'unknown';

/** How exactly a modification time is known. */
export type TimePrecision = 'second' | 'minute' | 'day';

/** One entry of a directory, whatever format the listing had. */
export interface Entry {
  /** Name as one path component, not checked for safety: see `checkName`. */
  name: string;
  type: EntryType;
  /** Octets; absent where the format does not tell (MVS) or for directories. */
  size?: number;
  /** False where the size is only an estimate (VMS blocks). Absent means exact. */
  sizeExact?: boolean;
  /** Milliseconds since 1970-01-01 UTC. Unix and DOS listings carry no zone: taken as UTC. */
  modified?: number;
  modifiedPrecision?: TimePrecision;
  /** Permission bits, 0 to 0o7777. */
  mode?: number;
  owner?: string;
  group?: string;
  /** Target of a symbolic link as the server told it. */
  target?: string;
  /** RFC 3659 7.5.5 perm fact, lower case letters. */
  perm?: string;
  /** RFC 3659 7.5.2 unique fact. */
  unique?: string;
  /** Remaining MLSx facts, keys in lower case. */
  facts?: Record<string, string>;
}
