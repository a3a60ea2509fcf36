/**
 * What the connection stands on: the path, encryption, codecs, candidate pairs and candidates.
 */

import { h } from '../ui/dom.js';
import { tablesOf } from './connection.js';
import { facts, table } from './parts.js';

export function createConnection({ format }) {
  let drawn = '';
  const body = h('div', { class: 'connection', data: { testid: 'connection' } });
  const root = h('section', { class: 'ipanel ipanel--scroll' }, body);

  function draw(report, announced, state, t) {
    const f = format(state.lang);
    const tables = tablesOf(report);
    if (tables.security === null && tables.pairs.length === 0) {
      body.replaceChildren(h('p', { class: 'inote' }, t('inspect.connection.none')));
      return;
    }
    const words = { f, t, untold: t('inspect.untold') };
    body.replaceChildren(
      path(tables.pairs.find(({ chosen }) => chosen), words),
      part(t('inspect.security'), t('inspect.security.note'), encryption(tables.security, announced, words)),
      part(t('inspect.codecs'), null, codecs(tables.codecs, state, words)),
      part(t('inspect.pairs'), t('inspect.pairs.note'), pairs(tables.pairs, words)),
      h(
        'div',
        { class: 'twin' },
        part(t('inspect.candidates.local'), null, candidates(tables.local, 'local-candidates', words)),
        part(t('inspect.candidates.remote'), null, candidates(tables.remote, 'remote-candidates', words)),
      ),
    );
  }

  return {
    root,
    /** @param {{local: string | null, remote: string | null}} announced fingerprints */
    render(report, announced, state, t) {
      if (root.hidden) return;
      if (report === null) {
        if (drawn !== `none ${state.lang}`) body.replaceChildren(h('p', { class: 'inote' }, t('inspect.connection.none')));
        drawn = `none ${state.lang}`;
        return;
      }
      drawn = '';
      // What somebody is marking to copy stays as it is.
      const marked = getSelection();
      if (marked !== null && !marked.isCollapsed && body.contains(marked.anchorNode)) return;
      draw(report, announced, state, t);
    },
  };
}

const part = (title, note, ...content) => h('section', { class: 'ipart' }, h('h3', { class: 'ipart__title' }, title), note === null ? null : h('p', { class: 'inote' }, note), ...content);

/** The chosen pair at a glance. */
function path(pair, { f, t, untold }) {
  if (pair === undefined) return h('p', { class: 'inote' }, t('inspect.connection.none'));
  const end = (lane, { kind, address, protocol }) =>
    h(
      'div',
      { class: 'path__end' },
      h('span', { class: 'path__who' }, t(`inspect.lane.${lane}`)),
      h('b', { class: 'path__address' }, address ?? t('inspect.candidate.hidden')),
      h('span', { class: 'path__kind' }, [kind, protocol].filter((each) => each !== null).join(' · ') || untold),
    );
  return h(
    'section',
    { class: 'path', 'aria-label': t('inspect.path'), data: { testid: 'chosen-path' } },
    end('browser', pair.local),
    h('div', { class: 'path__line' }, h('span', {}, f.trip(pair.rttMs)), h('i', { 'aria-hidden': 'true' })),
    end('daemon', pair.remote),
  );
}

function encryption(security, announced, { t, untold, f }) {
  if (security === null) return h('p', { class: 'inote' }, untold);
  // Browsers do not always tell; with DTLS standing, what was announced is what is used.
  const known = security.dtlsState === 'connected' ? announced : { local: null, remote: null };
  return facts(
    [
      [t('inspect.security.dtls'), security.dtlsVersion, 'dtls-version'],
      [t('inspect.security.cipher'), security.dtlsCipher, 'dtls-cipher'],
      [t('inspect.security.srtp'), security.srtpCipher, 'srtp-cipher'],
      [t('inspect.security.role'), security.dtlsRole],
      [t('inspect.security.ice'), security.iceRole],
      [t('inspect.security.changes'), security.changes === null ? null : f.number(security.changes)],
      [t('inspect.security.local'), security.local ?? known.local],
      [t('inspect.security.remote'), security.remote ?? known.remote],
    ],
    untold,
  );
}

function codecs(found, state, { t, f }) {
  // Browsers name the decoder only to pages that use a camera or microphone.
  const decoders = found.some(({ decoder }) => decoder !== null);
  const keys = ['source', 'name', 'profile', 'type', 'clock', ...(decoders ? ['decoder'] : [])];
  const columns = keys.map((key) => ({ key, words: t(`inspect.codec.${key}`) }));
  const none = t('inspect.none');
  const title = (codec) => {
    const track = state.offered?.find(({ mid }) => mid === codec.mid);
    return state.sources.find(({ name }) => name === track?.source)?.title ?? codec.mid ?? codec.media ?? none;
  };
  const rows = found.map((codec) => ({
    data: { codec: codec.name },
    cells: [
      `${title(codec)} · ${codec.media ?? none}`,
      h('b', {}, codec.name),
      codec.profile === null ? none : t('inspect.codec.level', { profile: codec.profile.profile ?? none, level: codec.profile.level }),
      String(codec.payloadType ?? none),
      codec.clock === null ? none : `${f.number(codec.clock)} Hz${codec.channels > 1 ? ` × ${codec.channels}` : ''}`,
      [codec.decoder, codec.hardware === true ? t('inspect.codec.hardware') : null].filter((each) => each !== null).join(', ') || none,
    ].slice(0, columns.length),
  }));
  return table(columns, rows, { label: t('inspect.codecs'), testid: 'codecs' });
}

function pairs(found, { t, f }) {
  const keys = ['state', 'local', 'remote', 'rtt', 'received', 'sent', 'checks'];
  const columns = keys.map((key) => ({ key, words: t(`inspect.pair.${key}`) }));
  const none = t('inspect.none');
  const end = ({ kind, address, protocol }) =>
    h('span', { class: 'end' }, h('span', { class: 'end__address' }, address ?? t('inspect.candidate.hidden')), h('small', {}, [kind, protocol].filter((each) => each !== null).join(' · ') || none));
  const rows = found.map((pair) => ({
    data: { pair: pair.id, chosen: String(pair.chosen), state: pair.state ?? '' },
    cells: [
      h('span', { class: 'pairstate' }, h('code', {}, pair.state ?? none), pair.chosen ? h('span', { class: 'tag tag--good' }, t('inspect.pair.chosen')) : null),
      end(pair.local),
      end(pair.remote),
      f.trip(pair.rttMs),
      f.bytes(pair.received),
      f.bytes(pair.sent),
      f.number(pair.checks),
    ],
  }));
  return table(columns, rows, { label: t('inspect.pairs'), testid: 'pairs' });
}

const KINDS = ['host', 'srflx', 'prflx', 'relay'];

function candidates(found, testid, { t, f }) {
  const columns = ['kind', 'address', 'protocol', 'priority'].map((key) => ({ key, words: t(`inspect.candidate.${key}`) }));
  const none = t('inspect.none');
  const rows = found.map(({ kind, address, protocol, priority }) => ({
    cells: [
      KINDS.includes(kind) ? t(`inspect.kind.${kind}`) : (kind ?? none),
      h('span', { class: 'end__address' }, address ?? t('inspect.candidate.hidden')),
      protocol ?? none,
      f.number(priority),
    ],
  }));
  return table(columns, rows, { label: testid, testid });
}
