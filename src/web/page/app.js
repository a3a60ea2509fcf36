/**
 * The page's composition root: makes the parts, joins them, starts. Decides nothing by itself.
 */

import { createActions } from './actions.js';
import { chooseLanguage, translate, translator } from './i18n/i18n.js';
import { createInspectorDoor } from './inspector/door.js';
import { createRecorder } from './inspector/recorder.js';
import { createMeeting, NO_MEETING } from './meeting.js';
import { createAccess, loginIn } from './net/access.js';
import { invitationFrom, watchersFrom } from './net/admin.js';
import { checkUp } from './net/checkup.js';
import { videoCodecs } from './net/codecs.js';
import { createPeer } from './net/peer.js';
import { startSession } from './net/session.js';
import { openSignalling } from './net/signalling.js';
import { createSupervisor } from './net/supervisor.js';
import { watchNetwork } from './net/network.js';
import { createSpeakers, hasOpus } from './sound/opus.js';
import { chosenRung, renditionOf, withRendition } from './state/renditions.js';
import { loadSettings, settingsSaver } from './state/settings.js';
import { sourcesFrom, withState } from './state/sources.js';
import { createStore } from './state/store.js';
import { createCallPart, NO_CALL } from './ui/call/part.js';
import { createFilesPart, NO_FILES } from './ui/filespart.js';
import { createAdmin } from './ui/admin.js';
import { createCheck } from './ui/check.js';
import { createFrame } from './ui/frame.js';
import { createGauges } from './ui/gauges.js';
import { createHelp, shortcut } from './ui/help.js';
import { createBanner, createNotice, createToasts } from './ui/notice.js';
import { fullscreenElement, watchIdle } from './ui/screen.js';
import { createSignIn } from './ui/signin.js';
import { createByway } from './ui/byway.js';
import { createStage } from './ui/stage.js';
import { createToolbar } from './ui/toolbar.js';

const root = document.documentElement;
const byId = (id) => document.getElementById(id);
const timers = {
  setTimeout: (run, ms) => setTimeout(run, ms),
  clearTimeout: (timer) => clearTimeout(timer),
  now: () => performance.now(),
};
const storage = (() => {
  try {
    return localStorage;
  } catch {
    return null;
  }
})();

/**
 * Refusals that mend themselves: a candidate of many; a choice of a list that has become shorter,
 * which is given up when the list comes; a restart while one is under way.
 */
const QUIET_REFUSALS = new Set(['bad_candidate', 'unknown_rung', 'out_of_order']);

/** Takes the way in from the address, and from the address bar: it is not left in the history. */
function takeLink() {
  if (!/(token|invite)=/.test(location.hash)) return null;
  const login = loginIn(location.hash);
  history.replaceState(null, '', location.pathname + location.search);
  return login;
}

const access = createAccess({ fetch: (...request) => fetch(...request), link: takeLink() });
const settings = loadSettings(storage);
const languageOf = (chosen) => chosen ?? chooseLanguage(navigator.languages ?? [navigator.language]);

const store = createStore({
  ...settings,
  lang: languageOf(settings.language),
  phase: 'connecting',
  cause: null,
  message: '',
  attempt: 0,
  retryAt: null,
  access: null,
  accounts: false,
  authorized: false,
  /** The account that one has signed in with, or null; and what one may do. */
  name: null,
  role: 'viewer',
  refusal: null,
  title: '',
  software: '',
  sources: [],
  /** Which rendition of each source comes, of which: `Rendition` by name. */
  renditions: {},
  /** While pictures come by the WebSocket: why, and when WebRTC is tried again; else null. */
  pictures: null,
  /** What each m-line of this session carries; null before the offer. */
  offered: null,
  /** For admins: who watches and who is invited, each null until told; the invitation just made; and
   * which viewer this page is. */
  viewers: null,
  invitations: null,
  invited: null,
  me: null,
  /** What the browser plays only after a click. */
  blocked: null,
  /** The element that fills the screen: the page, one picture, or null. */
  fullscreen: null,
  /** Whether the inspector stands beside the pictures. */
  inspecting: false,
  /** Whether its parts have been fetched. */
  inspectorReady: false,
  toasts: [],
  ...NO_MEETING,
  ...NO_FILES,
  call: NO_CALL,
});

const parts = {};
/** Those of the last session: a call goes on while there is none. */
let iceServers = [];
const actions = createActions({
  store,
  access,
  supervisor: () => parts.supervisor,
  stage: () => parts.stage,
  speakers: () => parts.speakers,
  help: () => parts.help,
  check: () => parts.check,
  admin: () => parts.admin,
  meeting: () => parts.meeting,
  call: () => parts.call,
  files: () => parts.files,
});

const wanted = (names) => names.filter((name) => !store.get().hidden.includes(name));

/** What a session needs of the browser: the page's own, and those that try the connection. */
const transports = {
  timers,
  openSignalling: (events) =>
    openSignalling({
      ...events,
      timers,
      WebSocket,
      url: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws`,
      now: () => performance.timeOrigin + performance.now(),
    }),
  createPeer: (options) => createPeer({ ...options, RTCPeerConnection }),
  get videoCodecs() {
    return videoCodecs(globalThis.RTCRtpReceiver?.getCapabilities?.('video'));
  },
};

/** Notes how each connection is made, for the inspector; that of the page, not those of the connection test. */
const recorder = createRecorder({ now: timers.now });

/** What a session has to know of the screen to ask for pictures by the WebSocket. */
const view = {
  width: (name) => parts.stage.width(name),
  visible: () => !document.hidden,
  sound: hasOpus(),
};

const decode = (data) => createImageBitmap(new Blob([data], { type: 'image/jpeg' }));

parts.speakers = createSpeakers({ blocked: () => actions.blocked('sound') });
parts.supervisor = createSupervisor({
  access,
  timers,
  random: Math.random,
  webrtc: typeof RTCPeerConnection !== 'undefined',
  hidden: () => document.hidden,
  startSession(on, mode) {
    const { keep, ...watched } = recorder.watched(transports, mode === 'trial');
    return startSession({
      ...transports,
      ...watched,
      on: {
        ...on,
        flows() {
          keep();
          on.flows?.();
        },
      },
      mode,
      view,
      decode,
      wanted,
      chosen: (name) => chosenRung(store.get().chosenRungs, name),
    });
  },
  onStatus: ({ phase, cause, message, attempt, retryAt }) => {
    const over = ['signed-out', 'ended', 'failed'].includes(phase);
    store.set({ phase, cause, message, attempt, retryAt, ...(over ? { sources: [], offered: null } : {}) });
    if (phase === 'signed-out') parts.meeting?.on.signedOut();
  },
  onPictures(pictures, alone) {
    const before = store.get().pictures;
    store.set({ pictures });
    if (before === null && pictures !== null) parts.stage.tiles().forEach((tile) => tile.player.yield());
    if (before !== null && pictures === null) parts.stage.tiles().forEach((tile) => tile.player.release());
    if (alone) parts.meeting.on.alone();
  },
  onAccess: ({ refusal = null, ...entry }) => store.set({ ...entry, refusal }),
  on: {
    welcome(welcome) {
      const { software } = store.get();
      if (software !== '' && software !== welcome.software) {
        actions.note('notice.updated', {}, { action: 'notice.reload', press: 'reload' });
      }
      const { title } = welcome;
      const sources = sourcesFrom(welcome);
      const me = welcome.viewer;
      iceServers = welcome.ice_servers ?? [];
      store.set({ title, me, software: welcome.software, sources, renditions: {}, offered: null });
      // The session is there when its first word has been heard.
      queueMicrotask(() => {
        parts.meeting.on.welcome(welcome, (message) => parts.supervisor.session?.ask(message));
        if (parts.admin.isOpen) actions.watchViewers(true);
      });
    },
    tracks: (offered) => store.set({ offered }),
    track: ({ source, media }, track, receiver) => parts.stage.tile(source)?.player.attach(media, track, receiver),
    picture: (source, bitmap) => parts.stage.tile(source)?.player.draw(bitmap),
    sound: (source, frame) => parts.stage.tile(source)?.player.hear(frame),
    sources: (message) => store.set({ sources: sourcesFrom(message) }),
    source: (message) => store.set({ sources: withState(store.get().sources, message) }),
    rendition(message) {
      const { renditions, chosenRungs } = store.get();
      const next = withRendition(renditions, message);
      store.set({ renditions: next });
      // The choice was made of a longer list: there is no such rung any more.
      const chosen = chosenRung(chosenRungs, message.source);
      if (chosen !== null && chosen >= (renditionOf(next, message.source)?.rungs.length ?? Infinity)) {
        actions.choose(message.source, null);
      }
    },
    admin(message) {
      if (message.type === 'viewers') store.set({ viewers: watchersFrom(message) });
      else if (message.type === 'invitations') store.set({ invitations: message.invitations.map(invitationFrom) });
      else store.set({ invited: { link: message.link, qr: message.qr ?? [] } });
    },
    participant: (frame) => parts.call.participant(frame),
    room: (message) => parts.meeting.on.room(message),
    channel: (channel) => parts.meeting.on.channel(channel),
    refused: (code, message) => {
      if (parts.meeting.on.refused(code, message)) return;
      console.warn(`refused (${code}): ${message}`);
      if (!QUIET_REFUSALS.has(code)) actions.note('notice.refused', { message });
    },
    end() {
      parts.stage.tiles().forEach((tile) => tile.player.hold());
      parts.meeting.on.end();
    },
  },
});

parts.stage = createStage({ stage: byId('stage'), shelf: byId('shelf') }, actions);
parts.files = createFilesPart({ store, actions, timers, drop: byId('drop') });
parts.meeting = createMeeting({
  store,
  actions: () => actions,
  timers,
  stage: parts.stage,
  roots: { panel: byId('panel'), faces: byId('faces') },
  words: (...about) => translator(store.get().lang)(...about),
  peopleActions: [parts.files.button],
  files: parts.files,
});
parts.call = createCallPart({
  elements: { tiles: byId('call'), bar: byId('callbar'), join: byId('join') },
  room: parts.meeting.room,
  iceServers: () => parts.supervisor.session?.iceServers ?? iceServers,
  session: () => parts.supervisor.session,
  decode,
  inspect: recorder.watchCall,
  store,
  actions,
  timers,
});
parts.files.join(parts.meeting.room, parts.call.pairs);
parts.help = createHelp(byId('help'));
parts.admin = createAdmin(byId('admin'), actions);
parts.check = createCheck(byId('check'), {
  run: () => checkUp({ access, now: timers.now, session: () => parts.supervisor.session, probing: transports }),
});
const views = [
  parts.stage,
  createToolbar(byId('tools'), actions, [parts.call.tools, parts.meeting.tools]),
  createNotice(byId('notice'), actions),
  createBanner(byId('banner'), actions, timers.now),
  createByway(byId('byway'), actions, timers.now),
  createToasts(byId('toasts'), actions),
  createSignIn(byId('signin'), { signIn: access.signIn, onSuccess: () => parts.supervisor.start() }),
  ...parts.meeting.views,
  parts.files.drop,
  parts.call,
  parts.check,
  parts.admin,
  createInspectorDoor(byId('inspector'), {
    recorder,
    session: () => parts.supervisor.session,
    timers,
    close: actions.inspect,
    ready: () => store.set({ inspectorReady: true }),
    failed() {
      store.set({ inspecting: false });
      actions.note('notice.inspector');
    },
  }),
  createGauges({ stage: parts.stage, session: () => parts.supervisor.session }),
  createFrame(root, actions),
];

let translated = null;
const save = settingsSaver(storage);
store.subscribe((state) => {
  const lang = languageOf(state.language);
  if (lang !== state.lang) {
    store.set({ lang });
    return;
  }
  const t = translator(lang);
  for (const view of views) view.render(state, t);
  // Each view may have made elements; those marked before are written again with the same words.
  translate(document, t);
  if (translated !== lang) {
    translated = lang;
    root.lang = lang;
  }
  save(state);
});

addEventListener('keydown', (event) => {
  const typing = event.target.closest?.('input:not([type="checkbox"]), textarea, select') ?? null;
  const dialog = document.querySelector('dialog[open]') !== null;
  const asked = shortcut(event);
  if (asked === null || dialog || event.defaultPrevented) return;
  if (typing !== null && asked.action !== 'back') return;
  const watching = store.get().sources.length > 0;
  const always = ['help', 'toggleTheme', 'toggleRoom', 'inspect', 'back'].includes(asked.action);
  if (!watching && !always) return;
  event.preventDefault();
  if (asked.action === 'pip' && parts.meeting.pointing.hold(event, () => actions.pip())) return;
  actions[asked.action](asked.value);
});
watchNetwork(
  () => {
    parts.supervisor.wake(true);
    parts.call.networkChanged();
  },
  () => parts.supervisor.wake(),
);
document.addEventListener('visibilitychange', () => {
  parts.supervisor.session?.fit();
  if (!document.hidden) parts.supervisor.wake();
});
addEventListener('hashchange', () => {
  const login = takeLink();
  if (login === null) return;
  access.offer(login);
  if (store.get().phase === 'signed-out') parts.supervisor.start();
});
// A page that is left says so; one that comes back from the browser's cache starts again.
addEventListener('pagehide', () => parts.supervisor.suspend());
addEventListener('pageshow', ({ persisted }) => persisted && parts.supervisor.start());
for (const type of ['fullscreenchange', 'webkitfullscreenchange']) {
  document.addEventListener(type, () => store.set({ fullscreen: fullscreenElement() }));
}
watchIdle(root);
parts.meeting.start();

parts.supervisor.start();
