/**
 * Full screen and picture in picture, in the ways that browsers have for them.
 */

export const fullscreenElement = () => document.fullscreenElement ?? document.webkitFullscreenElement ?? null;

const request = (element) => (element.requestFullscreen ?? element.webkitRequestFullscreen)?.bind(element);

/**
 * Makes `element` fill the screen, or ends that. iPhones can do it with a video only.
 * @param {HTMLElement} element
 * @param {HTMLVideoElement | null} video
 * @returns {Promise<boolean>} whether it could be done
 */
export async function toggleFullscreen(element, video) {
  try {
    if (fullscreenElement() === element) {
      await (document.exitFullscreen ?? document.webkitExitFullscreen).call(document);
      return true;
    }
    const enter = request(element);
    if (enter !== undefined) await enter();
    else if (video?.webkitEnterFullscreen) video.webkitEnterFullscreen();
    else return false;
    return true;
  } catch {
    return false;
  }
}

/** @param {HTMLVideoElement} video */
export function canPip(video) {
  return (
    document.pictureInPictureEnabled === true ||
    video.webkitSupportsPresentationMode?.('picture-in-picture') === true
  );
}

/** @param {HTMLVideoElement | null} video @returns {Promise<boolean>} whether it could be done */
export async function togglePip(video) {
  if (video === null) return false;
  try {
    if (document.pictureInPictureElement === video) await document.exitPictureInPicture();
    else if (document.pictureInPictureEnabled) await video.requestPictureInPicture();
    else if (video.webkitSupportsPresentationMode?.('picture-in-picture')) {
      const on = video.webkitPresentationMode === 'picture-in-picture';
      video.webkitSetPresentationMode(on ? 'inline' : 'picture-in-picture');
    } else return false;
    return true;
  } catch {
    return false;
  }
}

/** Marks the page as idle when nobody has moved for a while, so that nothing covers the pictures. */
export function watchIdle(root, ms = 3000) {
  let timer = null;
  const wake = () => {
    if (root.dataset.idle !== 'false') root.dataset.idle = 'false';
    clearTimeout(timer);
    timer = setTimeout(() => {
      root.dataset.idle = 'true';
    }, ms);
  };
  for (const type of ['pointermove', 'pointerdown', 'keydown', 'focusin', 'wheel']) {
    addEventListener(type, wake, { passive: true });
  }
  wake();
}
