/**
 * The numbers over one picture.
 */

import { formatter } from '../stats/format.js';
import { h, text } from './dom.js';

/** What a small picture has room for. */
const SHORT = new Set(['fps', 'bitrate', 'latency']);

export function createStatsPanel() {
  const list = h('dl', { class: 'stats__list' });
  const root = h('section', { class: 'stats', hidden: true, data: { testid: 'stats' } }, list);
  const rows = new Map();

  function line(key, name, value, note = '') {
    let row = rows.get(key);
    if (row === undefined) {
      const [term, number, small] = [h('dt'), h('span'), h('small')];
      row = { term, number, small };
      rows.set(key, row);
      list.append(
        h('div', { class: 'stats__row', data: { stat: key, short: String(SHORT.has(key)) } }, term, h('dd', {}, number, small)),
      );
    }
    text(row.term, name);
    text(row.number, value);
    text(row.small, note);
  }

  return {
    root,
    /**
     * @param {object | null} numbers of the source: `{video, audio, captureMs, arrivalMs}`, or null
     *   to hide the panel
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
        line('fps', t('stats.fps'), f.fps(video.fps));
        line('bitrate', t('stats.bitrate'), f.bitrate(video.kbps));
        line('latency', t('stats.latency'), f.ms(age), age === null ? '' : t(`stats.latency.${measured}`));
        line('loss', t('stats.loss'), f.percent(video.lossPercent), lostNote(video.lost, f));
        line('rtt', t('stats.rtt'), f.ms(link.rttMs));
        line('buffer', t('stats.buffer'), f.ms(video.bufferMs));
        line('decode', t('stats.decode'), f.ms(video.decodeMs));
        line('dropped', t('stats.dropped'), `${f.count(video.dropped)}, ${f.count(video.freezes)}`);
        line('codec', t('stats.codec'), video.codec ?? none);
      }
      if (audio !== null) {
        const rate = [audio.codec, f.bitrate(audio.kbps)].filter((part) => part !== null && part !== none);
        line('audio', t('stats.audio'), rate.join(' · ') || none);
        line('audio-loss', t('stats.loss'), f.percent(audio.lossPercent), lostNote(audio.lost, f));
        line('audio-buffer', t('stats.buffer'), f.ms(audio.bufferMs));
      }
      const route = [link.route === null ? null : t(`route.${link.route}`), link.protocol];
      line('route', t('stats.route'), route.filter((part) => part !== null).join(' · ') || none);
    },
  };
}

const lostNote = (lost, f) => (lost > 0 ? f.count(lost) : '');
