/**
 * Who watches: a row for each, live; each can be ended.
 */

import { formatter } from '../stats/format.js';
import { attribute, h, icon, text } from './dom.js';
import { sureButton } from './sure.js';

/** @param {object} actions of the page */
export function createWatchers(actions) {
  const count = h('p', { class: 'admin__note', role: 'status' });
  const list = h('ul', { class: 'admin__list', data: { testid: 'viewers' } });
  const rows = new Map();

  function row({ viewer, by }) {
    const parts = {
      name: h('span', { class: 'watcher__name' }),
      about: h('p', { class: 'watcher__about' }),
      sources: h('ul', { class: 'watcher__sources' }),
      figures: h('dl', { class: 'watcher__figures' }),
      end: sureButton({ testid: 'viewer-end', press: () => actions.endViewer(viewer) }),
    };
    const numbers = ['bitrate', 'loss', 'rtt'].map((key) => {
      const value = h('dd', { data: { stat: key } });
      parts.figures.append(h('div', {}, h('dt', { data: { t: `stats.${key}` } }), value));
      return value;
    });
    const element = h(
      'li',
      { class: 'watcher', data: { testid: 'viewer', viewer: String(viewer) } },
      icon(by === 'whep' ? 'launch' : 'person'),
      h('div', { class: 'watcher__text' }, h('p', {}, parts.name), parts.about, parts.sources),
      parts.figures,
      parts.end.root,
    );
    return { ...parts, numbers, element };
  }

  return {
    root: h('div', {}, count, list),
    render(state, t) {
      const { viewers, me, sources, lang } = state;
      const f = formatter(lang, t('stats.none'));
      const now = viewers ?? [];
      text(count, viewers === null ? t('admin.wait') : t(now.length === 1 ? 'admin.viewers.one' : 'admin.viewers.count', { count: f.count(now.length) }));
      for (const [viewer, { element }] of rows) {
        if (now.some((each) => each.viewer === viewer)) continue;
        element.remove();
        rows.delete(viewer);
      }
      for (const each of now) {
        let parts = rows.get(each.viewer);
        if (parts === undefined) {
          parts = row(each);
          rows.set(each.viewer, parts);
          list.append(parts.element);
        }
        const own = each.viewer === me;
        const name = each.name ?? t(each.by === 'whep' ? 'admin.viewer.whep' : 'admin.viewer.nameless');
        text(parts.name, own ? t('admin.viewer.you', { name }) : name);
        const since = t('admin.viewer.about', { address: each.from, time: f.moment(each.sinceMs) });
        text(parts.about, each.connected ? since : `${since} · ${t('admin.viewer.connecting')}`);
        const sent = each.watching.map(({ source, rung }) => {
          const title = sources.find(({ name: known }) => known === source)?.title ?? source;
          return rung === null ? title : `${title} · ${f.rung(rung)}`;
        });
        if (sent.length === 0) sent.push(t('admin.viewer.nothing'));
        while (parts.sources.children.length > sent.length) parts.sources.lastChild.remove();
        sent.forEach((words, index) => {
          if (parts.sources.children[index] === undefined) parts.sources.append(h('li'));
          text(parts.sources.children[index], words);
        });
        const { link } = each;
        const figures = [f.bitrate(link?.kbps), f.percent(link?.lossPercent), f.roundTrip(link?.rttMs)];
        figures.forEach((words, index) => text(parts.numbers[index], words));
        attribute(parts.element, 'data-connected', String(each.connected));
        // Its place stays, so that the figures are one below the other.
        attribute(parts.end.root, 'data-none', own);
        parts.end.render({ once: t('admin.viewer.end'), sure: t('admin.viewer.sure'), name });
      }
    },
  };
}
