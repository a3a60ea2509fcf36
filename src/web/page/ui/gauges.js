/**
 * What is measured while the page runs: the statistics, once a second while they are shown, and
 * the level of each sound.
 */

import { FrameWatch, playoutAge } from '../stats/frames.js';
import { renditionOf } from '../state/renditions.js';
import { Sampler } from '../stats/report.js';

const STATS_MS = 1000;
const LEVEL_MS = 120;

/**
 * @param {object} options
 * @param {object} options.stage
 * @param {() => object | null} options.session
 */
export function createGauges({ stage, session }) {
  let sampler = new Sampler();
  let sampled = null;
  let timer = null;
  let state = null;
  let t = null;
  /** The frame watch of each tile. */
  const watches = new Map();

  function watchFrames() {
    for (const tile of stage.tiles()) {
      if (!tile.picture || watches.has(tile)) continue;
      const watch = new FrameWatch(
        tile.player.video,
        () => tile.player.receiver('video'),
        () => session()?.clock.offsetMs ?? null,
      );
      watches.set(tile, watch);
      watch.start();
    }
    for (const [tile, watch] of watches) {
      if (tile.root.isConnected) continue;
      watch.stop();
      watches.delete(tile);
    }
  }

  async function sample() {
    const current = session();
    if (current !== sampled) {
      sampled = current;
      sampler = new Sampler();
    }
    watchFrames();
    for (const tile of stage.tiles()) {
      const came = current?.summary(tile.name) ?? null;
      if (came !== null) tile.stats.renderPictures(came, { rttMs: current.clock.lastRoundTripMs }, titleOf(tile.name), state.lang, t);
    }
    if (current?.byPictures) return;
    const report = await current?.stats().catch(() => null);
    if (!report || timer === null || current !== session()) return;
    const mids = new Map();
    for (const tile of stage.tiles()) {
      for (const { mid, source, media } of state.offered ?? []) {
        const id = source === tile.name ? tile.player.receiver(media)?.track.id : undefined;
        if (id !== undefined) mids.set(id, mid);
      }
    }
    const { rows, link } = sampler.sample(report, state.offered ?? [], mids);
    for (const tile of stage.tiles()) {
      const row = (media) => rows.find((each) => each.source === tile.name && each.media === media) ?? null;
      const [video, audio] = [row('video'), row('audio')];
      const seen = watches.get(tile)?.summary ?? { captureMs: null, arrivalMs: null };
      const captureMs = seen.captureMs ?? (video === null ? null : playoutAge(video, current.clock.offsetMs));
      const rendition = renditionOf(state.renditions, tile.name);
      const numbers = { video, audio, captureMs, arrivalMs: seen.arrivalMs, rendition, failures: of(tile.name)?.failures ?? 0 };
      tile.stats.render(video === null && audio === null ? null : numbers, withPing(link, current), titleOf(tile.name), state.lang, t);
    }
  }

  const of = (name) => state.sources.find((source) => source.name === name);
  const titleOf = (name) => of(name)?.title ?? name;

  /** Before the media path has measured a round trip, the signalling's is the best there is. */
  const withPing = (link, current) => ({ ...link, rttMs: link.rttMs ?? current.clock.lastRoundTripMs });

  function start() {
    timer = setInterval(sample, STATS_MS);
    void sample();
  }

  function stop() {
    clearInterval(timer);
    timer = null;
    for (const watch of watches.values()) watch.stop();
    watches.clear();
    for (const tile of stage.tiles()) tile.stats.render(null);
  }

  /** The level of one receiver: from its packets where they carry it, from its statistics else. */
  async function levelOf(receiver) {
    const source = receiver.getSynchronizationSources?.()[0];
    if (source?.audioLevel !== undefined) return source.audioLevel;
    const report = await receiver.getStats().catch(() => new Map());
    return [...report.values()].find(({ type }) => type === 'inbound-rtp')?.audioLevel ?? 0;
  }

  async function showLevels() {
    if (!document.hidden) {
      for (const tile of stage.tiles()) {
        const receiver = tile.player.receiver('audio');
        if (receiver !== null) tile.level(await levelOf(receiver));
        else if (tile.player.audio !== null) tile.level(tile.player.level);
      }
    }
    setTimeout(showLevels, LEVEL_MS);
  }
  void showLevels();

  return {
    render(next, translate) {
      [state, t] = [next, translate];
      const wanted = state.stats && state.phase === 'connected';
      if (wanted && timer === null) start();
      else if (!wanted && timer !== null) stop();
    },
  };
}
