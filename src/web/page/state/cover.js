/**
 * What lies over a picture instead of it, in keys of the dictionary. Pure.
 */

const CAUSES = new Set(['not_found', 'busy', 'permission', 'lost', 'stalled', 'encoder']);

/** The key of a failure's cause; a cause that the page does not know is `other`. */
export function causeKey(cause, media = ['video']) {
  if (!CAUSES.has(cause)) return 'cause.other';
  return cause === 'stalled' && !media.includes('video') ? 'cause.stalled.audio' : `cause.${cause}`;
}

/**
 * @param {import('./sources.js').Source} source
 * @param {object} now
 * @param {string} now.phase of the connection
 * @param {{source: string, media: string}[] | null} now.offered null before an offer
 * @param {boolean} now.playing whether a picture of it was shown in this session or is kept
 * @returns {{look: 'busy' | 'idle' | 'paused' | 'failed' | 'missing', title: string, body: string | null, detail: string,
 *   times?: number} | null} `times`: how often it has failed
 */
export function coverOf(source, { phase, offered, playing }) {
  if (phase !== 'connected') {
    return playing ? null : { look: 'busy', title: `status.${phase}`, body: null, detail: '' };
  }
  if (source.state === 'failed') {
    const { cause, media, detail, failures: times } = source;
    return { look: 'failed', title: causeKey(cause, media), body: `${causeKey(cause)}.body`, detail, times };
  }
  if (source.state === 'paused') {
    const body = source.by === 'admin' ? 'cover.paused.admin' : 'cover.paused.machine';
    return { look: 'paused', title: 'cover.paused', body, detail: '' };
  }
  if (offered !== null && !offered.some((track) => track.source === source.name)) {
    return { look: 'missing', title: 'cover.missing', body: 'cover.missing.body', detail: '' };
  }
  if (source.state === 'starting') {
    return { look: 'busy', title: 'cover.starting', body: 'cover.starting.body', detail: '' };
  }
  if (source.state === 'idle') return { look: 'idle', title: 'cover.idle', body: 'cover.idle.body', detail: '' };
  return playing ? null : { look: 'busy', title: 'cover.waiting', body: null, detail: '' };
}
