/** A running transfer's part of a rate. */
export interface RateShare {
  /** Octets per second now; 0 = no limit. */
  readonly rate: number;
  /** Where changes go; called at once when the share has changed since `join`. */
  onChange(setRate: (bytesPerSecond: number) => void): void;
  leave(): void;
}

interface Member {
  rate: number;
  told: number;
  setRate: ((bytesPerSecond: number) => void) | undefined;
}

/** Without a limit there is nothing to divide. */
const UNLIMITED: RateShare = { rate: 0, onChange: () => {}, leave: () => {} };

/** Rates that are divided evenly among the transfers that run under one name; who comes or goes changes all shares. */
export class RateShares {
  readonly #groups = new Map<string, Set<Member>>();

  /** @param limit octets per second for all of `key` together; 0 = no limit. */
  join(key: string, limit: number): RateShare {
    if (limit <= 0) return UNLIMITED;
    const group = this.#groups.get(key) ?? new Set<Member>();
    this.#groups.set(key, group);
    const member: Member = { rate: 0, told: 0, setRate: undefined };
    group.add(member);
    divide(group, limit);
    member.told = member.rate;
    return {
      get rate() {
        return member.rate;
      },
      onChange: (setRate) => {
        member.setRate = setRate;
        tell(member);
      },
      leave: () => {
        member.setRate = undefined;
        if (!group.delete(member)) return;
        if (group.size === 0 && this.#groups.get(key) === group) this.#groups.delete(key);
        divide(group, limit);
      },
    };
  }

  /** Names with running transfers. */
  get size(): number {
    return this.#groups.size;
  }
}

function divide(group: ReadonlySet<Member>, limit: number): void {
  // Never 0, which is no limit.
  const rate = limit > 0 ? Math.max(1, Math.floor(limit / group.size)) : 0;
  for (const member of group) {
    member.rate = rate;
    tell(member);
  }
}

function tell(member: Member): void {
  if (!member.setRate || member.told === member.rate) return;
  member.told = member.rate;
  member.setRate(member.rate);
}
