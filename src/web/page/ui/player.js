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
 */
export function createPlayer(source, on) {
  const data = { source: source.name };
  const video = source.media.includes('video') ? h('video', { class: 'player__video', data }) : null;
  const audio = source.media.includes('audio') ? h('audio', { data }) : null;
  /** The last picture of a session that is over, until the next one has come. */
  const still = h('canvas', { class: 'player__still', hidden: true, 'aria-hidden': 'true' });
  const receivers = new Map();
  let playing = false;
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
      if (mine !== expected || playing) return;
      playing = true;
      still.hidden = true;
      on.change();
    };
    if ('requestVideoFrameCallback' in video) video.requestVideoFrameCallback(come);
    else video.addEventListener('loadeddata', come, { once: true });
  }

  return {
    video,
    audio,
    still,
    get playing() {
      return playing;
    },
    /** Width by height, or null before the first picture. */
    get aspect() {
      return video?.videoWidth > 0 && video.videoHeight > 0 ? video.videoWidth / video.videoHeight : null;
    },
    receiver: (media) => receivers.get(media) ?? null,

    /** Shows a track from now on. */
    attach(media, track, receiver) {
      const element = media === 'video' ? video : audio;
      if (element === null) return;
      receivers.set(media, receiver);
      element.srcObject = new MediaStream([track]);
      if (media === 'video') awaitPicture();
      void play(element, media === 'video' ? 'picture' : 'sound');
    },

    /** The session is over: keeps its last picture in view. Call before the connection closes. */
    hold() {
      expected += 1;
      receivers.clear();
      if (playing && video.videoWidth > 0) {
        still.width = video.videoWidth;
        still.height = video.videoHeight;
        try {
          still.getContext('2d').drawImage(video, 0, 0);
          still.hidden = false;
        } catch {
          // No memory for a canvas of that size: it stays dark.
        }
      }
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
