/**
 * The numbers over one picture.
 */

import { formatter } from '../stats/format.js';
import { rungKey } from '../state/renditions.js';
import { h, text } from './dom.js';

/** What a small picture has room for. */
const SHORT = new Set(['fps', 'bitrate', 'latency']);

export function createStatsPanel() {
  const list = h('dl', { class: 'stats__list' });
  const root = h('section', { class: 'stats', hidden: true, data: { testid: 'stats' } }, list);
  const rows = new Map();

  /** A value of null hides the line, which keeps its place. */
  function line(key, name, value, note = '') {
    let row = rows.get(key);
    if (row === undefined) {
      const [term, number, small] = [h('dt'), h('span'), h('small')];
      const data = { stat: key, short: String(SHORT.has(key)) };
      const root = h('div', { class: 'stats__row', data }, term, h('dd', {}, number, small));
      row = { root, term, number, small };
      rows.set(key, row);
      list.append(root);
    }
    row.root.hidden = value === null;
    if (value === null) return;
    text(row.term, name);
    text(row.number, value);
    text(row.small, note);
  }

  return {
    root,
    /**
     * The same of what comes by the WebSocket.
     * @param {{video: object | null, audio: object | null}} came
     * @param {{rttMs: number | null}} link
     */
    renderPictures({ video, audio }, link, title, language, t) {
      root.hidden = video === null && audio === null;
      if (root.hidden) return;
      const none = t('stats.none');
      const f = formatter(language, none);
      root.setAttribute('aria-label', t('stats.title', { title }));
      for (const { root: row } of rows.values()) row.hidden = true;
      if (video !== null) {
        line('resolution', t('stats.resolution'), f.size(video.width, video.height));
        line('fps', t('stats.fps'), f.fps(video.fps));
        line('bitrate', t('stats.bitrate'), f.bitrate(video.kbps));
        line('latency', t('stats.latency'), f.ms(video.delayMs), video.delayMs === null ? '' : t('stats.latency.capture'));
        line('picture-size', t('stats.picture_size'), f.kilobytes(video.bytes));
        line('rtt', t('stats.rtt'), f.roundTrip(link.rttMs));
        line('codec', t('stats.codec'), 'JPEG');
      }
      if (audio !== null) line('audio', t('stats.audio'), f.bitrate(audio.kbps), 'Opus');
      line('route', t('stats.route'), t('route.pictures'));
    },
    /**
     * @param {object | null} numbers of the source: `{video, audio, captureMs, arrivalMs, rendition, failures}`,
     *   or null to hide the panel
     * @param {object} link of the connection
     * @param {string} title of the source
     * @param {string} language
     * @param {(key: string, values?: object) => string} t
     */
    render(numbers, link, title, language, t) {
      root.hidden = numbers === null;
      if (numbers === null) return;
      const none = t('stats.none');
      const f = formatter(language, none);
      root.setAttribute('aria-label', t('stats.title', { title }));
      const { video, audio } = numbers;
      if (video !== null) {
        const measured = numbers.captureMs !== null ? 'capture' : 'arrival';
        const age = numbers.captureMs ?? numbers.arrivalMs;
        line('resolution', t('stats.resolution'), f.size(video.width, video.height));
        line('rendition', t('stats.rendition'), ...renditionLine(numbers.rendition, f, t));
        line('fps', t('stats.fps'), f.fps(video.fps));
        line('bitrate', t('stats.bitrate'), f.bitrate(video.kbps));
        line('latency', t('stats.latency'), f.ms(age), age === null ? '' : t(`stats.latency.${measured}`));
        line('loss', t('stats.loss'), f.percent(video.lossPercent), lostNote(video.lost, f));
        line('rtt', t('stats.rtt'), f.roundTrip(link.rttMs));
        line('buffer', t('stats.buffer'), f.ms(video.bufferMs));
        line('decode', t('stats.decode'), f.ms(video.decodeMs));
        const frozen = video.freezes > 0 ? t('stats.frozen', { count: f.count(video.freezes) }) : '';
        line('dropped', t('stats.dropped'), f.count(video.dropped), frozen);
        line('picture-size', '', null);
        line('codec', t('stats.codec'), video.codec ?? none, video.profile ?? '');
      }
      if (audio !== null) {
        line('audio', t('stats.audio'), f.bitrate(audio.kbps), audio.codec ?? '');
        line('audio-loss', t('stats.loss'), f.percent(audio.lossPercent), lostNote(audio.lost, f));
        line('audio-buffer', t('stats.buffer'), f.ms(audio.bufferMs));
        line('concealed', t('stats.concealed'), f.percent(audio.concealedPercent));
      }
      line('failures', t('stats.failures'), numbers.failures > 0 ? f.count(numbers.failures) : null);
      const route = [link.route === null ? null : t(`route.${link.route}`), link.protocol];
      line('route', t('stats.route'), route.filter((part) => part !== null).join(' · ') || none);
    },
  };
}

const lostNote = (lost, f) => (lost > 0 ? f.count(lost) : '');

/** Who chose what comes, and what it is. */
function renditionLine(rendition, f, t) {
  if (rendition === null) return [null];
  const { automatic, rung, rungs } = rendition;
  const words = `${t(rungKey(rungs, rung))}, ${f.rung(rungs[rung])}`;
  return [t(automatic ? 'stats.rendition.automatic' : 'stats.rendition.chosen'), words];
}
