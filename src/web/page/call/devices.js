/**
 * The camera, the microphone and the screen of this page: asks for them, lists them, notices when one
 * is unplugged and takes another. Touches no document; knows no call.
 */

/** What a microphone is asked for: speech, from a room in which others are heard, too. */
const SOUND = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
const PICTURE = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 } };
const SCREEN = { frameRate: { ideal: 15, max: 30 } };
/** What a shared screen plays is not speech. */
const SCREEN_SOUND = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };

const INPUTS = { camera: 'videoinput', microphone: 'audioinput', speaker: 'audiooutput' };

/**
 * Why there is no device, as a word that the page translates.
 * @param {{name?: string}} error
 * @returns {'refused' | 'none' | 'busy' | 'failed'}
 */
export function problemOf({ name } = {}) {
  switch (name) {
    case 'NotAllowedError':
    case 'SecurityError':
    case 'PermissionDeniedError':
      return 'refused';
    case 'NotFoundError':
    case 'DevicesNotFoundError':
    case 'OverconstrainedError':
      return 'none';
    case 'NotReadableError':
    case 'TrackStartError':
    case 'AbortError':
      return 'busy';
    default:
      return 'failed';
  }
}

/**
 * @param {object} options
 * @param {MediaDevices | undefined} options.media `navigator.mediaDevices`; undefined where the page was not
 *   loaded in a secure context
 * @param {object} options.on
 * @param {() => void} options.on.change a track, a problem or the list of devices is another
 * @param {(kind: 'camera' | 'microphone', label: string | null) => void} options.on.unplugged a device went
 *   away while it was in use; the one that was taken in its place, or null
 * @param {() => void} options.on.screenEnded the browser's own button, or the window was closed
 */
export function createDevices({ media, on }) {
  /** What is open: MediaStreamTrack or null, by kind. */
  const tracks = { camera: null, microphone: null, screen: null, sound: null };
  /** Why one is not, where it was asked for. */
  const problems = { camera: null, microphone: null, screen: null };
  /** Which device is wanted; '' leaves it to the browser. */
  const chosen = { camera: '', microphone: '', speaker: '' };
  let lists = { camera: [], microphone: [], speaker: [] };
  /** Rises whenever a kind is closed or asked for, so that what comes late is let go. */
  const turns = { camera: 0, microphone: 0, screen: 0 };

  const kindOf = { camera: 'video', microphone: 'audio' };
  const constraints = (kind, exact) => {
    const base = kind === 'camera' ? PICTURE : SOUND;
    const id = chosen[kind];
    return id === '' ? base : { ...base, deviceId: exact ? { exact: id } : id };
  };

  function put(kind, track) {
    stop(kind);
    tracks[kind] = track;
    problems[kind] = null;
    track.addEventListener('ended', () => tracks[kind] === track && void ended(kind));
  }

  function stop(kind) {
    tracks[kind]?.stop();
    tracks[kind] = null;
  }

  /** Asks the browser for what is named; all of it in one question. */
  async function ask(kinds, exact) {
    const wish = {};
    for (const kind of kinds) wish[kind === 'camera' ? 'video' : 'audio'] = constraints(kind, exact);
    const stream = await media.getUserMedia(wish);
    return kinds.map((kind) => [kind, stream.getTracks().find((track) => track.kind === kindOf[kind])]);
  }

  /** One by one, where they cannot be had together; a device that is gone gives way to any other. */
  async function askEach(kinds) {
    const got = [];
    for (const kind of kinds) {
      try {
        got.push(...(await ask([kind], true)));
      } catch (error) {
        const other = chosen[kind] !== '' && problemOf(error) === 'none';
        const again = other ? await ask([kind], false).catch((second) => second) : error;
        if (Array.isArray(again)) got.push(...again);
        else problems[kind] = problemOf(again);
      }
    }
    return got;
  }

  async function open(kinds) {
    if (media?.getUserMedia === undefined) {
      for (const kind of kinds) problems[kind] = 'insecure';
      on.change();
      return;
    }
    const mine = kinds.map((kind) => [kind, (turns[kind] += 1)]);
    for (const kind of kinds) problems[kind] = null;
    // Some give a device to one taker at a time: the old one goes first.
    for (const kind of kinds) stop(kind);
    let got;
    try {
      got = await ask(kinds, true);
    } catch (error) {
      const one = kinds.length === 1;
      if (one && !(chosen[kinds[0]] !== '' && problemOf(error) === 'none')) {
        got = [];
        problems[kinds[0]] = problemOf(error);
      } else got = await askEach(kinds);
    }
    for (const [kind, track] of got) {
      const wanted = mine.some(([each, turn]) => each === kind && turns[kind] === turn);
      if (wanted && track !== undefined) put(kind, track);
      else track?.stop();
    }
    // Names of devices are told only once something is open.
    await list();
    on.change();
  }

  async function list() {
    const found = await media?.enumerateDevices?.().catch(() => []);
    const of = (kind) =>
      (found ?? [])
        .filter((device) => device.kind === INPUTS[kind] && device.deviceId !== '')
        .map(({ deviceId, label }) => ({ id: deviceId, label }));
    lists = { camera: of('camera'), microphone: of('microphone'), speaker: of('speaker') };
  }

  /** A track ended by itself. */
  async function ended(kind) {
    if (kind === 'screen') {
      close('screen');
      on.screenEnded();
      return;
    }
    if (kind === 'sound') {
      tracks.sound = null;
      on.change();
      return;
    }
    tracks[kind] = null;
    chosen[kind] = '';
    await open([kind]);
    if (tracks[kind] === null) problems[kind] = 'unplugged';
    on.unplugged(kind, tracks[kind]?.label ?? null);
    on.change();
  }

  async function devicesChanged() {
    await list();
    // A speaker that has gone leaves the sound to the browser's own choice.
    if (chosen.speaker !== '' && !lists.speaker.some(({ id }) => id === chosen.speaker)) chosen.speaker = '';
    on.change();
  }
  media?.addEventListener?.('devicechange', () => void devicesChanged());

  function close(kind) {
    turns[kind] += 1;
    stop(kind);
    if (kind === 'screen') stop('sound');
  }

  return {
    /** Whether the browser gives devices to this page at all. */
    get secure() {
      return media?.getUserMedia !== undefined;
    },
    get canShareScreen() {
      return media?.getDisplayMedia !== undefined;
    },
    /** @returns {MediaStreamTrack | null} */
    track: (kind) => tracks[kind],
    /** @returns {'refused' | 'none' | 'busy' | 'failed' | 'insecure' | 'unplugged' | null} */
    problem: (kind) => problems[kind],
    get lists() {
      return lists;
    },
    chosen: (kind) => chosen[kind],

    /** Takes the devices of an earlier visit, as far as they are there. */
    async restore(wanted) {
      await list();
      for (const kind of Object.keys(chosen)) {
        const id = wanted[kind] ?? '';
        // Before the page may use any, the browser tells of none: then it is asked for what is wanted.
        chosen[kind] = lists[kind].length === 0 || lists[kind].some((device) => device.id === id) ? id : '';
      }
    },

    /** Opens these, anew where they are open; what is refused is a `problem`. Never rejects. */
    open,

    /** Takes another device: at once where that kind is open. @param {'camera' | 'microphone' | 'speaker'} kind */
    async choose(kind, id) {
      chosen[kind] = id;
      if (kind !== 'speaker' && (tracks[kind] !== null || problems[kind] !== null)) await open([kind]);
      else on.change();
    },

    /** Asks a person which screen, window or tab. @returns {Promise<boolean>} whether there is one */
    async openScreen() {
      problems.screen = null;
      if (media?.getDisplayMedia === undefined) {
        problems.screen = media?.getUserMedia === undefined ? 'insecure' : 'unable';
        on.change();
        return false;
      }
      const turn = (turns.screen += 1);
      try {
        const stream = await media.getDisplayMedia({ video: SCREEN, audio: SCREEN_SOUND, selfBrowserSurface: 'exclude', systemAudio: 'include' });
        const [picture] = stream.getVideoTracks();
        if (turn !== turns.screen || picture === undefined) {
          for (const track of stream.getTracks()) track.stop();
          return false;
        }
        // Letters before movement.
        if ('contentHint' in picture) picture.contentHint = 'detail';
        put('screen', picture);
        const [sound] = stream.getAudioTracks();
        if (sound !== undefined) put('sound', sound);
      } catch (error) {
        // To close the browser's question is an answer, not a problem.
        const problem = problemOf(error);
        problems.screen = problem === 'refused' ? null : problem;
      }
      on.change();
      return tracks.screen !== null;
    },

    /** Stops it: the light goes out. @param {'camera' | 'microphone' | 'screen'} kind */
    close(kind) {
      close(kind);
      problems[kind] = null;
      on.change();
    },

    closeAll() {
      for (const kind of ['camera', 'microphone', 'screen']) close(kind);
      for (const kind of Object.keys(problems)) problems[kind] = null;
      on.change();
    },
  };
}
