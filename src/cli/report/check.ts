import type { CheckedRoute, CheckReport } from '../../engine/check.js';
import { count, routeWords } from '../format.js';
import { safe } from './text.js';

/** Features that decide about routes and proof; `--json` has all of them. */
const TELLING =
  /^(AUTH|DCPA|CPSV|SSCN|CEPR|PRET|EPSV|EPRT|MLST|MFMT|REST|HASH|XCRC|XMD5|XSHA\S*|MODE|SPAS|DCAU)\b/;

/** The report of `check` as lines for people, narrow enough for a terminal. */
export function checkLines(report: CheckReport): string[] {
  const directions = new Map<string, CheckedRoute[]>();
  for (const route of report.routes) {
    const key = `${safe(route.from)} -> ${safe(route.to)}`;
    directions.set(key, [...(directions.get(key) ?? []), route]);
  }
  return [
    ...[...directions].flatMap(([direction, routes]) => [
      direction,
      ...tried(routes),
      ...impossible(routes),
      '',
    ]),
    ...report.facts.map(({ site, server, features }) => {
      const known = features
        .filter((feature) => TELLING.test(feature))
        .map((feature) => feature.split(' ')[0]);
      return `${safe(site)} is ${safe(server)}: ${safe([...new Set(known)].join(' '))}`;
    }),
    ...report.advice.map(({ site, text }) => `advice for ${safe(site)}: ${safe(text)}`),
  ];
}

/** Routes that were tried; those that failed for the same reason share it. */
function tried(routes: readonly CheckedRoute[]): string[] {
  const ways = routes.filter(({ outcome }) => outcome !== 'unavailable');
  const width = Math.max(0, ...ways.map(({ route }) => routeWords(route).length));
  return ways.flatMap((way, at) => {
    const mark = way.chosen ? '*' : way.outcome === 'ok' ? '+' : '-';
    const time = way.milliseconds === undefined ? '' : `  ${Math.round(way.milliseconds)} ms`;
    const taken = way.chosen ? '  <- a copy takes this one' : '';
    const line = `  ${mark} ${routeWords(way.route).padEnd(width)}  ${way.security.padEnd(9)}  ${way.outcome}${time}${taken}`;
    const last = ways[at + 1]?.reason !== way.reason;
    return way.reason !== undefined && last ? [line, `      ${safe(way.reason)}`] : [line];
  });
}

/** The routes that the facts exclude, by reason. */
function impossible(routes: readonly CheckedRoute[]): string[] {
  const reasons = new Map<string, number>();
  for (const { outcome, reason = 'not possible' } of routes) {
    if (outcome === 'unavailable') reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  return [...reasons].map(([reason, n]) => `  x ${count(n, 'route')} not possible: ${safe(reason)}`);
}
