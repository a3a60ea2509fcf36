/**
 * The connection test as a whole: asks for the page, then tries every way at once. Touches no part of
 * the page.
 */

import { linkOf } from '../stats/report.js';
import { diagnose } from './diagnosis.js';
import { probe } from './probe.js';

/**
 * @param {object} options
 * @param {{check: () => Promise<{authorized: boolean}>}} options.access
 * @param {() => number} options.now in ms
 * @param {() => object | null} options.session the one that runs
 * @param {object} options.probing what `probe` takes
 * @returns {Promise<ReturnType<typeof diagnose>>} never rejects
 */
export async function checkUp({ access, now, session, probing }) {
  const begun = now();
  let authorized;
  try {
    ({ authorized } = await access.check());
  } catch {
    return diagnose({ page: { error: true } });
  }
  const page = { ms: now() - begun };
  if (!authorized) return diagnose({ page });
  const [udp, tcp, relay] = await Promise.all(['udp', 'tcp', 'relay'].map((way) => probe(way, probing)));
  const report = await session()?.stats().catch(() => null);
  return diagnose({ page, authorized, ways: { udp, tcp, relay }, now: report ? linkOf(report) : null });
}
