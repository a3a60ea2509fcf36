/**
 * The messages of admins (docs/protocol.md): what is asked, and what is told, as the page has it.
 * Pure.
 */

/** What the daemon tells admins alone. */
export const TOLD = new Set(['viewers', 'invitations', 'invitation']);

const withSource = (type, source) => (source === null ? { type } : { type, source });

export const ask = {
  /** Who watches, from now on; or no more. */
  viewers: (on) => ({ type: 'watch_viewers', on }),
  end: (viewer) => ({ type: 'end_viewer', viewer }),
  /** A source for everybody; null: all of them. */
  pause: (source) => withSource('pause', source),
  resume: (source) => withSource('resume', source),
  invitations: () => ({ type: 'invitations' }),
  /** @param {{sources: string[] | null, expiresS: number, uses: number | null, role: string, name: string}} wanted */
  invite: ({ sources, expiresS, uses, role, name }) => ({
    type: 'invite',
    ...(sources === null ? {} : { sources }),
    expires_s: expiresS,
    ...(uses === null ? {} : { uses }),
    role,
    ...(name === '' ? {} : { name }),
  }),
  revoke: (invitation) => ({ type: 'revoke', invitation }),
};

/**
 * One who watches.
 * @typedef {object} Watcher
 * @property {number} viewer
 * @property {string | null} name
 * @property {'page' | 'whep'} by
 * @property {number} sinceMs since 1970
 * @property {string} from the address, without its last part
 * @property {boolean} connected
 * @property {{source: string, rung: object | null}[]} watching
 * @property {{kbps: number, lossPercent: number, rttMs: number | null} | null} link
 */

/** @returns {Watcher[]} of `viewers`: who came first is first */
export function watchersFrom({ viewers }) {
  return viewers
    .map((each) => ({
      viewer: each.viewer,
      name: each.name ?? null,
      by: each.by === 'whep' ? 'whep' : 'page',
      sinceMs: each.since_ms,
      from: each.from,
      connected: each.connected,
      watching: each.watching.map(({ source, rendition = null }) => ({ source, rung: rendition })),
      link: each.link ? { kbps: each.link.sent_kbps, lossPercent: each.link.loss * 100, rttMs: each.link.rtt_ms ?? null } : null,
    }))
    .sort((a, b) => a.viewer - b.viewer);
}

/**
 * @typedef {object} Invitation
 * @property {string} id
 * @property {string} name for whom, or empty
 * @property {string} role
 * @property {string[] | null} sources null: all
 * @property {number | null} expiresMs since 1970
 * @property {number | null} uses null: any number
 * @property {number} used
 */

/** @returns {Invitation} */
export const invitationFrom = (told) => ({
  id: told.invitation,
  name: told.name ?? '',
  role: told.role ?? 'viewer',
  sources: told.sources ?? null,
  expiresMs: told.expires_s === undefined ? null : told.expires_s * 1000,
  uses: told.uses ?? null,
  used: told.used ?? 0,
});

/** The path of a QR code's dark modules, one unit each, from rows of `0` and `1`. */
export function qrPath(rows) {
  let path = '';
  rows.forEach((row, y) => {
    for (const { index, 0: run } of row.matchAll(/1+/g)) path += `M${index} ${y}h${run.length}v1h${-run.length}z`;
  });
  return path;
}
