/**
 * The call as a part of the page: joins its logic to its views, its buttons and the room.
 */

import { createCall } from '../../call/call.js';
import { createDevices } from '../../call/devices.js';
import { createMeter } from '../../call/levels.js';
import { pageName } from '../../call/pair.js';
import { createPairs } from '../../call/pairs.js';
import { createRelay } from '../../call/relay.js';
import { firstOf } from '../../i18n/i18n.js';
import { createCallBar, createCallButton } from './bar.js';
import { createJoin } from './join.js';
import { createTalkKey } from './talkkey.js';
import { createCallTiles } from './tiles.js';

/** What the page's state says of the call before there is any. */
export const NO_CALL = Object.freeze({
  phase: 'out',
  muted: false,
  deaf: false,
  live: false,
  talking: false,
  camera: false,
  screen: false,
  hasMicrophone: false,
  canShare: false,
  asking: false,
  speaker: '',
  inside: false,
  most: 0,
  inCall: [],
  people: [],
});

/** Phases of the page in which nobody is in a call. */
const OVER = new Set(['ended', 'failed', 'signed-out']);

/**
 * @param {object} options
 * @param {{tiles: HTMLElement, bar: HTMLElement, join: HTMLDialogElement}} options.elements
 * @param {object} options.room
 * @param {() => RTCIceServer[]} options.iceServers
 * @param {() => object | null} options.session that of net/session.js, for pictures
 * @param {(data: Uint8Array) => Promise<ImageBitmap>} options.decode
 * @param {(connection: RTCPeerConnection, name: string) => Function} options.inspect the inspector's
 * @param {object} options.store
 * @param {object} options.actions
 * @param {object} options.timers
 */
export function createCallPart({ elements, room, iceServers, session, decode, inspect, store, actions, timers }) {
  let asking = 0;
  /** The phase that was last shown: the dialog closes when the call has begun. */
  let joinedFrom = 'out';
  const devices = createDevices({
    media: navigator.mediaDevices,
    on: {
      change: () => call?.devicesChanged(),
      unplugged: (kind, label) => actions.note(`call.unplugged.${kind}${label === null ? '' : '.other'}`, { label }),
      screenEnded: () => call.devicesChanged(),
    },
  });
  const meter = createMeter({ AudioContext: globalThis.AudioContext, streamOf: (track) => new MediaStream([track]) });
  const pairs = createPairs({
    me: () => room.me?.id ?? null,
    send: (to, body) => room.signal(to, body),
    iceServers,
    RTCPeerConnection: globalThis.RTCPeerConnection,
    timers,
    page: pageName(),
    inspect: (connection, id) => inspect(connection, room.participant(id)?.name ?? String(id)),
  });
  room.on('entered', ({ resumed }) => (resumed ? pairs.signallingBack() : pairs.clear()));
  room.on('out', () => pairs.clear());
  room.on('signal', ({ from, body }) => pairs.signal(from, body));
  const wallNow = () => performance.timeOrigin + performance.now();
  const relay = createRelay({
    send: (bytes) => session()?.sendPicture(bytes) ?? false,
    seen: (subject, number) => session()?.seen(subject, number),
    decode,
    timers,
    wallNow,
  });
  document.addEventListener('visibilitychange', () => relay.hold(document.hidden));
  const call = createCall({
    room,
    pairs,
    devices,
    meter,
    timers,
    wallNow,
    on: {
      change: update,
      level: (id, value, speaks) => tiles.level(id, value, speaks),
      over(problem) {
        join.close();
        actions.note(`call.over.${problem}`, { count: room.limits.calls });
      },
    },
  });
  // What was said to somebody while away was not brought.
  room.on('changed', ({ id, away }, before) => before.away && !away && id !== room.me?.id && pairs.with(id).signallingBack());
  // After the call has let go of it.
  room.on('left', ({ id }) => {
    pairs.left(id);
    relay.forget(id);
  });
  room.on('change', update);

  const tiles = createCallTiles(elements.tiles, { onBlocked: actions.blocked, onCheck: actions.check, onShowing: (id, sizes) => call.showing(id, sizes), onCanvas: relay.show });

  /** Opens devices, and says what was in the way. */
  async function open(work, kinds, aloud = true) {
    asking += 1;
    update();
    await work();
    asking -= 1;
    update();
    for (const kind of kinds) if (aloud) complain(kind);
  }

  function complain(kind) {
    const problem = devices.problem(kind);
    if (problem === null || join.isOpen) return;
    const keys = [`call.problem.${kind}.${problem}`, `call.problem.${problem}`, 'call.problem.failed'];
    actions.note(firstOf((key) => key, keys));
  }

  const does = {
    toggleMicrophone: () => open(() => call.setMuted(call.live && !call.talking), ['microphone']),
    toggleCamera: () => open(() => call.setCamera(devices.track('camera') === null), ['camera']),
    toggleScreen: () => open(() => call.setScreen(devices.track('screen') === null), ['screen']),
    toggleDeaf: () => call.setDeaf(!call.deaf),
    openSettings: () => join.open(),
    leave: () => call.leave(),
  };
  const bar = createCallBar(elements.bar, does);
  const join = createJoin(elements.join, {
    devices,
    meter,
    hasSpeakers: 'setSinkId' in HTMLMediaElement.prototype,
    onJoin: () => call.join(),
    onChoose(kind, id) {
      store.set({ callDevices: { ...store.get().callDevices, [kind]: id } });
      void open(() => devices.choose(kind, id), []);
    },
    onSwitch(kind) {
      if (call.phase !== 'out') return void (kind === 'camera' ? does.toggleCamera() : does.toggleMicrophone());
      if (kind === 'camera') store.set({ callCamera: devices.track('camera') === null });
      if (devices.track(kind) !== null) devices.close(kind);
      else void open(() => devices.open([kind]), []);
    },
    onClose() {
      if (call.phase !== 'out') return;
      devices.closeAll();
      meter.use(null);
    },
  });
  const talkKey = createTalkKey({ wanted: () => call.phase === 'in' && call.muted && devices.track('microphone') !== null, talk: (is) => call.talk(is) });

  function person(participant) {
    const own = participant.id === room.me?.id;
    const { id, name, colour, away, deaf } = participant;
    const base = { id, name, colour, own, away: away && !own, call: participant.call };
    if (!own) {
      const { camera, microphone, screen } = participant;
      const { state, tracks } = call.others.find((other) => other.id === id) ?? { state: 'connecting', tracks: [] };
      const relayed = state === 'unreachable' && participant.pictures;
      return { ...base, camera, microphone, screen, deaf, state, relayed, tracks: Object.fromEntries(tracks) };
    }
    const track = (kind) => devices.track(kind);
    return {
      ...base,
      camera: track('camera') !== null,
      microphone: call.live,
      screen: track('screen') !== null,
      deaf: call.deaf,
      state: 'connected',
      relayed: false,
      tracks: { camera: track('camera'), screen: track('screen') },
    };
  }

  /** Puts what is now into the page's state, once a turn. */
  let due = false;
  function update() {
    if (due) return;
    due = true;
    queueMicrotask(() => {
      due = false;
      relay.use(call.phase === 'in' ? devices.track('camera') : null, call.others.some(({ state }) => state === 'unreachable'));
      const inCall = room.participants.filter((each) => each.call || (each.id === room.me?.id && call.phase === 'in'));
      const me = inCall.filter(({ id }) => id === room.me?.id);
      const others = inCall.filter(({ id }) => id !== room.me?.id);
      store.set({
        call: Object.freeze({
          phase: call.phase,
          muted: call.muted,
          deaf: call.deaf,
          live: call.live,
          talking: call.talking,
          camera: devices.track('camera') !== null,
          screen: devices.track('screen') !== null,
          hasMicrophone: devices.track('microphone') !== null,
          canShare: devices.canShareScreen || !devices.secure,
          asking: asking > 0,
          speaker: devices.chosen('speaker'),
          inside: room.inside && room.mayTalk,
          most: room.limits.calls,
          inCall: [...others, ...me].map(({ id, name }) => ({ id, name, own: id === room.me?.id })),
          people: call.phase === 'in' ? [...others, ...me].map(person) : [],
        }),
      });
    });
  }

  // Who leaves the page leaves the call: the others hear it at once.
  addEventListener('pagehide', () => {
    call.leave();
    pairs.closeAll();
  });

  /** Shows the devices, and from there joins; in a call: the devices. */
  async function openJoin() {
    join.open();
    if (call.phase !== 'out' || asking > 0) return;
    const { callCamera, callDevices } = store.get();
    await devices.restore(callDevices);
    await open(() => devices.open(callCamera ? ['microphone', 'camera'] : ['microphone']), []);
    if (call.phase === 'out' && !join.isOpen) devices.closeAll();
  }

  return {
    /** The connections between two browsers, for all that goes over them. */
    pairs,

    /** For the page's own controls. */
    tools: createCallButton(openJoin),

    /** After a click: plays what was blocked. */
    resume: () => tiles.resume(),
    networkChanged: () => pairs.networkChanged(),
    /** Whoever uses the page next is somebody else: no connection between two browsers stays. */
    forget() {
      call.leave();
      pairs.clear();
    },
    /** A picture of somebody's camera, by the WebSocket. */
    participant: relay.take,

    render(state, t) {
      if (OVER.has(state.phase)) {
        call.leave();
        join.close();
      }
      if (state.call.phase === 'in' && joinedFrom !== 'in') join.close();
      joinedFrom = state.call.phase;
      tiles.render(state, t);
      bar.render(state, t);
      join.render(state, t);
      talkKey.check();
    },
  };
}
