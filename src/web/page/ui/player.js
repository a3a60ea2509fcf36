/**
 * The media elements of one source. Picture and sound have elements and streams of their own:
 * in one stream a browser holds the picture back to match the sound.
 */

import { h } from './dom.js';

/**
 * @param {{name: string, title: string, media: string[]}} source
 * @param {object} on
 * @param {() => void} on.change a picture has come, or its size is another
 * @param {(what: 'sound' | 'picture') => void} on.blocked the browser wants a click first
 * @param {() => object | null} [on.voice] who plays sound that comes by the WebSocket
 */
export function createPlayer(source, on) {
  const data = { source: source.name };
  const video = source.media.includes('video') ? h('video', { class: 'player__video', data }) : null;
  const audio = source.media.includes('audio') ? h('audio', { data }) : null;
  /** The last picture of a session that is over, until the next one has come. */
  const still = h('canvas', { class: 'player__still', hidden: true, 'aria-hidden': 'true' });
  /** Where pictures that come by the WebSocket are drawn, in the video's place. */
  const canvas = video === null ? null : h('canvas', { class: 'player__canvas', hidden: true, data: { ...data, testid: 'picture' } });
  const receivers = new Map();
  let playing = false;
  /** Whether the video shows what comes now: pictures that come besides are not drawn. */
  let byVideo = false;
  let voice = null;
  let loud = { muted: true, volume: 1 };
  let expected = 0;

  if (video !== null) {
    video.muted = true;
    video.defaultMuted = true;
    video.autoplay = true;
    video.playsInline = true;
    video.disableRemotePlayback = true;
    video.tabIndex = -1;
    video.addEventListener('resize', on.change);
    // Nothing but the page's own leaving stops a live picture: not a headset's button, not a menu.
    video.addEventListener('pause', () => video.srcObject?.active && play(video, 'picture'));
  }

  async function play(element, what) {
    try {
      await element.play();
    } catch (error) {
      if (error.name === 'NotAllowedError') on.blocked(what);
    }
  }

  function awaitPicture() {
    expected += 1;
    const mine = expected;
    const come = () => {
      if (mine !== expected || byVideo) return;
      playing = true;
      byVideo = true;
      still.hidden = true;
      canvas.hidden = true;
      on.change();
    };
    if ('requestVideoFrameCallback' in video) video.requestVideoFrameCallback(come);
    else video.addEventListener('loadeddata', come, { once: true });
  }

  /** Keeps the last picture in view until the next one has come. */
  function keepLast() {
    const by = canvas === null || canvas.hidden ? video : canvas;
    const [width, height] = by === video ? [video?.videoWidth ?? 0, video?.videoHeight ?? 0] : [by.width, by.height];
    if (!playing || width === 0) return;
    still.width = width;
    still.height = height;
    try {
      still.getContext('2d').drawImage(by, 0, 0);
      still.hidden = false;
    } catch {
      // No memory for a canvas of that size: it stays dark.
    }
  }

  function silence() {
    voice?.close();
    voice = null;
  }

  return {
    video,
    audio,
    still,
    canvas,
    /** Whether a picture that came by the WebSocket is what is seen. */
    get byCanvas() {
      return canvas !== null && !canvas.hidden;
    },
    /** How loud the sound is that comes by the WebSocket, 0 to 1. */
    get level() {
      return voice?.level ?? 0;
    },
    get playing() {
      return playing;
    },
    /** Width by height, or null before the first picture. */
    get aspect() {
      if (this.byCanvas) return canvas.width / canvas.height;
      return video?.videoWidth > 0 && video.videoHeight > 0 ? video.videoWidth / video.videoHeight : null;
    },
    receiver: (media) => receivers.get(media) ?? null,

    /** Shows a track from now on. */
    attach(media, track, receiver) {
      const element = media === 'video' ? video : audio;
      if (element === null) return;
      receivers.set(media, receiver);
      // A video that is given another stream is dark until that has a picture.
      if (media === 'video' && byVideo) {
        keepLast();
        byVideo = false;
      }
      element.srcObject = new MediaStream([track]);
      if (media === 'video') awaitPicture();
      void play(element, media === 'video' ? 'picture' : 'sound');
    },

    /** Pictures by the WebSocket take the video's place when the first of them is drawn. */
    yield() {
      expected += 1;
      byVideo = false;
    },

    /** WebRTC is back: its next picture, or that of a track that is yet to come, takes its place again. */
    release() {
      silence();
      if (video?.srcObject?.active && !byVideo) awaitPicture();
    },

    /** Draws a picture that came by the WebSocket. @param {ImageBitmap} bitmap */
    draw(bitmap) {
      if (canvas === null || byVideo) return;
      const other = canvas.width !== bitmap.width || canvas.height !== bitmap.height;
      if (other) Object.assign(canvas, { width: bitmap.width, height: bitmap.height });
      canvas.getContext('2d', { alpha: false }).drawImage(bitmap, 0, 0);
      const first = canvas.hidden;
      canvas.hidden = false;
      still.hidden = true;
      playing = true;
      if (first || other) on.change();
    },

    /** Plays a frame of sound that came by the WebSocket. */
    hear(frame) {
      if (audio === null) return;
      if (voice === null) {
        voice = on.voice?.() ?? null;
        voice?.set(loud);
      }
      voice?.hear(frame);
    },

    /** The session is over: keeps its last picture in view. Call before the connection closes. */
    hold() {
      expected += 1;
      receivers.clear();
      silence();
      keepLast();
      if (canvas !== null) canvas.hidden = true;
      byVideo = false;
      playing = false;
    },

    get held() {
      return !still.hidden;
    },

    /** Nothing is kept. */
    clear() {
      this.hold();
      still.hidden = true;
      if (video !== null) video.srcObject = null;
      if (audio !== null) audio.srcObject = null;
    },

    sound({ muted, volume }) {
      if (audio === null) return;
      if (audio.muted !== muted) audio.muted = muted;
      if (audio.volume !== volume) audio.volume = volume;
      loud = { muted, volume };
      voice?.set(loud);
    },

    /** After a click: plays what was blocked. */
    resume() {
      for (const [element, what] of [
        [video, 'picture'],
        [audio, 'sound'],
      ]) {
        if (element?.srcObject && element.paused) void play(element, what);
      }
    },
  };
}
