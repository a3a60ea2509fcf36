/**
 * Who cannot be reached from browser to browser is shown by pictures that the daemon passes on: the
 * camera of each, without sound. Decides when this page's own is sent, and who is drawn.
 */

import { createFaces, sendCamera } from './frames.js';

/**
 * @param {object} options
 * @param {(bytes: Uint8Array) => boolean} options.send the session's `sendPicture`
 * @param {(subject: number, number: number) => void} options.seen the session's
 * @param {(data: Uint8Array) => Promise<ImageBitmap>} options.decode
 * @param {{setTimeout: Function, clearTimeout: Function}} options.timers
 * @param {() => number} options.wallNow ms since 1970
 * @param {(track: MediaStreamTrack) => object} [options.open] for tests
 */
export function createRelay({ send, seen, decode, timers, wallNow, open }) {
  const faces = createFaces({ decode, seen });
  /** What is being sent, and of which track. */
  let sending = null;

  return {
    /**
     * Sends the camera for as long as somebody is `unreachable`.
     * @param {MediaStreamTrack | null} camera
     * @param {boolean} unreachable
     */
    use(camera, unreachable) {
      const track = unreachable ? camera : null;
      if (track === (sending?.track ?? null)) return;
      sending?.stop();
      sending = track === null ? null : { track, ...sendCamera({ track, send, timers, now: wallNow, open }) };
    },
    show: faces.show,
    take: faces.take,
    hold: faces.hold,
    forget: faces.forget,
  };
}
