import type { Right, RightsRule } from './types.js';

const EVERYTHING: readonly Right[] = ['read', 'write', 'delete', 'list'];

/** True when `path` is `top` or lies below it; both normal and absolute. */
export function isWithin(path: string, top: string): boolean {
  return top === '/' || path === top || path.startsWith(`${top}/`);
}

/** What the rules grant at a path of the account's tree: those of the longest path that fits; no rules at all grant everything. */
export function rightsAt(rules: readonly RightsRule[], path: string): readonly Right[] {
  if (rules.length === 0) return EVERYTHING;
  let best: RightsRule | undefined;
  for (const rule of rules) {
    if (isWithin(path, rule.path) && (!best || rule.path.length > best.path.length)) best = rule;
  }
  return best?.rights ?? [];
}
