/**
 * One session: from opening the WebSocket to its end. Speaks the protocol of docs/protocol.md;
 * never tries again by itself and touches no part of the page.
 */

import { TOLD } from './admin.js';
import { createByway } from './byway.js';
import { ServerClock } from './clock.js';
import { TRIAL_MS } from './fallback.js';
import { createMender } from './mender.js';
import { KIND } from './pictures.js';

/** The protocol version spoken here. */
export const VERSION = 1;

/** How long each step may take. */
const WELCOME_MS = 8000;
const OFFER_MS = 15_000;
const MEDIA_MS = 20_000;

/** Refusals after which coming back would end the same way. */
const HOPELESS = new Set(['no_codec', 'bad_version']);
/** Refusals after which this session cannot go on. */
const FATAL = new Set(['bad_sdp']);

/**
 * How a session ended.
 * @typedef {{kind: 'bye', reason: string, message: string, retryMs: number | null}
 *   | {kind: 'impossible', code: string, message: string}
 *   | {kind: 'lost', why: 'refused' | 'closed' | 'silent' | 'slow' | 'media' | 'sdp', message?: string}} End
 */

/**
 * What a session tells, each at most as often as it happens; `end` last and once.
 * @typedef {object} Handlers
 * @property {(welcome: object) => void} welcome
 * @property {(tracks: object[]) => void} tracks what each m-line carries
 * @property {(info: object, track: MediaStreamTrack, receiver: RTCRtpReceiver) => void} track
 * @property {(message: object) => void} source a source's new state
 * @property {(message: object) => void} sources there are others than before
 * @property {() => void} lacking this session cannot have all that there is; another one could
 * @property {(message: object) => void} rendition which rendition of a source comes, of which
 * @property {(state: 'joining' | 'connecting' | 'connected' | 'interrupted') => void} state
 * @property {(message: object) => void} admin what is told admins alone
 * @property {(channel: RTCDataChannel) => void} channel one of the daemon's data channels
 * @property {(message: object) => void} room what is told of rooms, and what this page does not know
 * @property {() => void} flows media has come: the session is what it was made for
 * @property {(how: {why: 'blocked' | 'lost' | 'absent', alone: boolean} | null) => void} pictures they have
 *   taken the place of WebRTC, `alone` where no connection is waited for; null: it is back
 * @property {(name: string, bitmap: ImageBitmap) => void} picture to be drawn at once
 * @property {(name: string, frame: object) => void} sound an Opus frame
 * @property {(frame: object) => void} participant a picture of somebody's camera
 * @property {() => void} doubt neither signalling nor media comes: see `doubtful`
 * @property {(code: string, message: string) => void} refused
 * @property {(end: End) => void} end
 */

/**
 * @param {object} options
 * @param {(events: object) => object} options.openSignalling
 * @param {(options: object) => object} options.createPeer
 * @param {string[]} options.videoCodecs
 * @param {(names: string[]) => string[]} options.wanted of all names, those to be sent
 * @param {(name: string) => number | null} options.chosen the rung that a person has chosen for a
 *   source; null leaves it to the daemon
 * @param {{setTimeout: Function, clearTimeout: Function, now: () => number}} options.timers
 * @param {import('./byway.js').View | null} [options.view] null: WebRTC or nothing
 * @param {(data: Uint8Array) => Promise<ImageBitmap>} options.decode
 * @param {'webrtc' | 'trial' | 'pictures' | 'absent'} [options.mode] `trial`: WebRTC or nothing, until it is
 *   told to `stay`; `pictures`: nothing else is tried; `absent`: nor could it be
 * @param {Handlers} options.on
 */
export function startSession({ openSignalling, createPeer, videoCodecs, wanted, chosen, view = null, decode, timers, mode = 'webrtc', on }) {
  const withPeer = mode === 'webrtc' || mode === 'trial';
  let onTrial = mode === 'trial';
  const fallsBack = () => view !== null && !onTrial;
  const clock = new ServerClock();
  let signalling = null;
  let peer = null;
  let iceServers = [];
  let names = [];
  /** Those that this session has joined; null before. */
  let joined = null;
  let tracks = [];
  /** What was last asked for, so that nothing is asked for twice. */
  let selected = null;
  let deadline = null;
  let over = false;
  /** The sources of which something comes when they are wanted. */
  const live = new Set();
  const mender = createMender({
    timers,
    stats: async () => (peer === null ? null : peer.stats()),
    expected: () => (selected ?? []).some((name) => live.has(name) && tracks.some(({ source }) => source === name)),
    on: {
      doubt() {
        signalling.hurry();
        doubt();
      },
      restart: () => signalling.send({ type: 'restart' }),
      came: () => flows(false),
      state(state) {
        if (state === 'interrupted') changeover.interrupted();
        else if (mender.expected) changeover.stands();
        else flows(true);
        if (changeover.state !== 'pictures') on.state(state);
      },
      lost: hopeless,
    },
  });
  const byway = createByway({
    timers,
    view,
    able: fallsBack,
    wanted,
    decode,
    send: (message) => signalling.send(message),
    ageOf: (timeMs) => clock.ageOf(timeMs, signalling.now()),
    on: {
      picture: (name, bitmap) => on.picture(name, bitmap),
      sound: (name, frame) => on.sound(name, frame),
      participant: (frame) => on.participant?.(frame),
      pictures(why) {
        settled();
        on.pictures({ why: mode === 'absent' ? mode : why, alone: !withPeer });
        on.state('connected');
      },
      webrtc() {
        on.pictures(null);
        on.state('connected');
      },
      alone() {
        mender.stop();
        peer?.close();
        peer = null;
        if (withPeer) on.pictures({ why: null, alone: true });
      },
      lost: () => end({ kind: 'lost', why: 'media' }),
    },
  });
  const { changeover } = byway;

  /** There is no media connection, nor will there be. */
  function hopeless() {
    if (fallsBack()) changeover.hopeless();
    else end({ kind: 'lost', why: 'media' });
  }

  function flows(sure) {
    changeover.flows(sure);
    on.flows?.();
  }

  const isDoubtful = () => !over && signalling.doubtful && !mender.flows;

  function doubt() {
    if (isDoubtful()) on.doubt();
  }

  function end(how) {
    if (over) return;
    close();
    on.end(how);
  }

  function close() {
    over = true;
    timers.clearTimeout(deadline);
    mender.stop();
    byway.stop();
    signalling?.close();
    peer?.close();
  }

  function within(ms, why) {
    timers.clearTimeout(deadline);
    deadline = timers.setTimeout(() => (why === 'media' ? hopeless() : end({ kind: 'lost', why })), ms);
  }

  function settled() {
    timers.clearTimeout(deadline);
    deadline = null;
  }

  function select() {
    const next = wanted(joined.filter((name) => names.includes(name)));
    if (selected !== null && next.join() === selected.join()) return;
    selected = next;
    signalling.send({ type: 'select', sources: next });
  }

  function choose(name) {
    const rung = chosen(name);
    signalling.send({ type: 'choose', source: name, ...(rung === null ? {} : { rung }) });
  }

  function mediaState(state) {
    if (state === 'connected') settled();
    if (state === 'failed') hopeless();
    else mender.peer(state);
  }

  async function answer({ sdp, tracks: offered }) {
    if (peer === null) {
      within(onTrial ? TRIAL_MS : MEDIA_MS, 'media');
      tracks = offered;
      changeover.offered();
      on.tracks(tracks);
      on.state('connecting');
    }
    // A later offer restarts ICE: the same m-lines on the same connection.
    try {
      ready();
      const text = await peer.accept(sdp);
      if (!over) signalling.send({ type: 'answer', sdp: text });
    } catch (error) {
      end({ kind: 'lost', why: 'sdp', message: error.message });
    }
  }

  function ready() {
    peer ??= createPeer({
      iceServers,
      onTrack(mid, track, receiver) {
        const info = tracks.find((each) => each.mid === mid);
        if (info !== undefined) on.track(info, track, receiver);
      },
      onCandidate: (mline, candidate) => signalling.send({ type: 'candidate', mline, candidate }),
      onChannel: (channel) => on.channel?.(channel),
      onState: mediaState,
    });
  }

  function isLive({ name, state }) {
    if (state === 'live') live.add(name);
    else live.delete(name);
  }

  /** Whether all of these sources, picture and sound, have been joined: before the offer, those of `joined`. */
  function covers(sources) {
    const carried = (name, media) => tracks.some((track) => track.source === name && track.media === media);
    return sources.every(({ name, media }) => joined?.includes(name) && (tracks.length === 0 || media.every((each) => carried(name, each))));
  }

  const handlers = {
    welcome(message) {
      names = message.sources.map((source) => source.name);
      byway.welcome(message.sources);
      message.sources.forEach(isLive);
      iceServers = message.ice_servers ?? [];
      signalling.startPings();
      on.welcome(message);
      if (over) return;
      if (names.length === 0) {
        // Nothing to be offered: being here is all there is.
        settled();
        on.state('connected');
        return;
      }
      joined = names;
      selected = wanted(names);
      if (!withPeer) {
        settled();
        // Pictures are what this session was made for: those that take their time are waited for.
        hopeless();
        changeover.came();
        return;
      }
      within(OFFER_MS, 'slow');
      on.state('joining');
      // What is hidden is not even started for this viewer.
      const all = selected.length === names.length;
      // Where there are no rooms nothing is said by data channels, and they cost the daemon threads.
      const data = (message.rooms ?? []).length > 0;
      signalling.send({ type: 'join', ...(all ? {} : { select: selected }), ...(data ? { data } : {}) });
      // A choice is the daemon's for one session; a new one has to be told.
      for (const name of names) if (chosen(name) !== null) choose(name);
    },
    offer(message) {
      if (withPeer && changeover.hope) void answer(message);
    },
    candidate({ mline, candidate }) {
      // Before the offer there is no peer: the daemon sends none then.
      peer?.addCandidate(mline, candidate);
    },
    source(message) {
      isLive(message);
      byway.source(message);
      on.source(message);
    },
    sources(message) {
      names = message.sources.map((source) => source.name);
      live.clear();
      message.sources.forEach(isLive);
      byway.relist(message.sources);
      on.sources(message);
      if (over) return;
      if (withPeer && changeover.hope) {
        if (joined !== null) select();
        if (!covers(message.sources)) on.lacking?.();
      }
      byway.look();
    },
    ice_servers({ ice_servers: servers }) {
      iceServers = servers;
      peer?.setServers(servers);
    },
    rendition: (message) => on.rendition(message),
    error({ code, message }) {
      if (code === 'connection_failed') {
        // The daemon has given it up, too; pictures go on.
        hopeless();
        return;
      }
      if (HOPELESS.has(code)) end({ kind: 'impossible', code, message });
      else if (FATAL.has(code)) end({ kind: 'lost', why: 'sdp', message });
      else on.refused(code, message);
    },
    bye({ reason, message, retry_ms: retryMs = null }) {
      end({ kind: 'bye', reason, message, retryMs });
    },
  };

  signalling = openSignalling({
    onOpen() {
      within(WELCOME_MS, 'slow');
      signalling.send({ type: 'hello', version: VERSION, video_codecs: videoCodecs });
    },
    onMessage(message) {
      if (over) return;
      // Later versions may say more than this page knows.
      if (Object.hasOwn(handlers, message.type)) handlers[message.type](message);
      else if (TOLD.has(message.type)) on.admin(message);
      else on.room?.(message);
    },
    onBinary(data) {
      if (!over) byway.pictures.take(data);
    },
    onPong: (sent, received, server) => clock.add(sent, received, server),
    onDoubt: doubt,
    onClose: (why) => end({ kind: 'lost', why }),
  });
  within(WELCOME_MS, 'slow');

  return {
    clock,
    /** Asks for what `wanted` says now. */
    select() {
      if (over || selected === null) return;
      if (withPeer && changeover.hope) select();
      byway.look();
    },
    /** Sizes on the screen are others, or the page is seen no more or again. */
    fit() {
      if (!over) byway.fit();
    },
    /** A trial has done well: it is the session from now on. */
    stay() {
      onTrial = false;
    },
    /** What comes of a source by the WebSocket: `{video, audio}`; null while WebRTC brings it. */
    summary: (name) => (changeover.state === 'pictures' ? byway.pictures.summary(name) : null),
    /** Whether pictures have taken WebRTC's place. */
    get byPictures() {
      return changeover.state === 'pictures';
    },
    /** Sends a picture of this page's own camera: false where too much waits already. @param {Uint8Array} bytes */
    sendPicture: (bytes) => !over && signalling.sendBytes(bytes),
    /** Says that a participant's picture is drawn. */
    seen(subject, number) {
      if (!over) signalling.send({ type: 'seen', subject_kind: KIND.participant, subject, number });
    },
    /** Tells what `chosen` says now of a source. */
    choose(name) {
      if (!over && changeover.hope && selected !== null && names.includes(name)) choose(name);
    },
    /** Says something that is no part of the session itself. @param {object} message of `admin.js`, or the room's */
    ask(message) {
      if (!over) signalling.send(message);
    },
    /** Makes sure that the connection lives: after sleep, or a change of network (`changed`). */
    hurry(changed = false) {
      if (over) return;
      signalling.hurry();
      if (changed) mender.networkChanged();
    },
    /** Whether the daemon should have been heard by now, and was not. */
    get doubtful() {
      return isDoubtful();
    },
    /** The servers that help connections to come about: the daemon's, and those between browsers. */
    get iceServers() {
      return iceServers;
    },
    /** @returns {Promise<RTCStatsReport | null>} */
    stats: async () => (over || peer === null ? null : peer.stats()),
    /** Leaves, politely. No event follows. */
    leave() {
      if (over) return;
      signalling.send({ type: 'leave' });
      close();
    },
  };
}
