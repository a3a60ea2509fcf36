/**
 * How much of a picture is sent to whom: as large as it is shown there, within what a household's
 * uplink bears when it is sent to each. Pure.
 *
 * @typedef {{width: number, height: number}} Size in the other's device pixels; zero: it is not seen
 * @typedef {{scaleResolutionDownBy: number, maxBitrate: number, maxFramerate: number}} Encoding of
 *   `RTCRtpEncodingParameters` (webrtc-pc 5.2.8)
 */

/** What all cameras of one page send together, at most, in bit/s. */
const CAMERAS = 5_000_000;
/** The same for a shared screen. */
const SCREENS = 6_000_000;
const CAMERA_MOST = 1_800_000;
const CAMERA_LEAST = 80_000;
const SCREEN_MOST = 3_000_000;
const SCREEN_LEAST = 120_000;
/** For one pixel, in bit: what looks good with VP8. */
const PER_PIXEL = { camera: 0.075, screen: 0.06 };
/** Steps of the size: in between, a tile that grows by a few pixels would change the encoder. */
const STEPS = [1, 1.5, 2, 3, 4, 6, 8];
/** Of a face, a little blur is not seen; letters need more pixels than they are shown with. */
const SLACK = { camera: 1.15, screen: 0.7 };
/** Who is not seen gets enough to be there at once when the page is looked at again. */
const UNSEEN = { camera: { width: 160, rate: 5, bitrate: 40_000 }, screen: { width: 320, rate: 1, bitrate: 60_000 } };

const rateOf = { camera: (people) => (people <= 4 ? 30 : people <= 6 ? 24 : 15), screen: (people) => (people <= 3 ? 15 : people <= 6 ? 10 : 5) };

const clamp = (least, value, most) => Math.round(Math.min(most, Math.max(least, value)));

/** The largest step that still fills what is shown. */
function stepFor(what, captured, shown) {
  const wanted = captured / Math.max(1, shown);
  return STEPS.filter((step) => step <= wanted * SLACK[what]).at(-1) ?? 1;
}

/**
 * @param {object} options
 * @param {'camera' | 'screen'} options.what
 * @param {Size} options.captured what the device gives
 * @param {Size | null} options.shown how it is shown at the other; null: not told yet
 * @param {number} options.people in the call, with this page
 * @returns {Encoding}
 */
export function encodingFor({ what, captured, shown, people }) {
  const others = Math.max(1, people - 1);
  const width = captured.width || 1280;
  const height = captured.height || 720;
  const unseen = shown !== null && (shown.width <= 0 || shown.height <= 0);
  // Not told yet: as if all were side by side on an ordinary screen. A tile may cut the picture: the
  // side that needs more pixels counts.
  const told = shown ?? guess(what, people);
  const step = unseen ? stepFor(what, width, UNSEEN[what].width) : Math.min(stepFor(what, width, told.width), stepFor(what, height, told.height));
  const maxFramerate = unseen ? UNSEEN[what].rate : rateOf[what](people);
  const pixels = (width / step) * (height / step);
  const [most, least, all] = what === 'camera' ? [CAMERA_MOST, CAMERA_LEAST, CAMERAS] : [SCREEN_MOST, SCREEN_LEAST, SCREENS];
  const seen = clamp(least, pixels * maxFramerate * PER_PIXEL[what], Math.min(most, all / others));
  return { scaleResolutionDownBy: step, maxBitrate: unseen ? UNSEEN[what].bitrate : seen, maxFramerate };
}

function guess(what, people) {
  if (what === 'screen') return { width: 1280, height: 720 };
  const columns = Math.ceil(Math.sqrt(people));
  return { width: 1280 / columns, height: 720 / columns };
}

/** What each sender is to be given, while it is being given something. */
const giving = new WeakMap();

/**
 * Gives an encoding to a sender, where it is another; one after the other, the last one for good.
 * @param {RTCRtpSender} sender
 * @param {Encoding} encoding
 */
export async function giveEncoding(sender, encoding) {
  const isGiving = giving.has(sender);
  giving.set(sender, encoding);
  if (isGiving) return;
  for (let given = null; giving.get(sender) !== given; ) {
    given = giving.get(sender);
    await give(sender, given);
  }
  giving.delete(sender);
}

async function give(sender, encoding) {
  const parameters = sender.getParameters();
  const [first] = parameters.encodings ?? [];
  // Before it is negotiated there is nothing to set.
  if (first === undefined || Object.keys(encoding).every((key) => first[key] === encoding[key])) return;
  Object.assign(first, encoding);
  try {
    await sender.setParameters(parameters);
  } catch (error) {
    // Closed meanwhile, or a browser that cannot: what it sends by itself has to do.
    console.debug('encoding passed over:', error.message);
  }
}

/**
 * What the other side tells of how it shows this page's pictures; null where it is nothing of the
 * kind.
 * @returns {{camera: Size, screen: Size} | null}
 */
export function shownFrom(text) {
  try {
    const said = JSON.parse(text);
    if (typeof said !== 'object') return null;
    const { camera, screen } = said;
    const size = (value) => {
      const fits = [value?.width, value?.height].every((side) => Number.isFinite(side) && side >= 0 && side <= 16_384);
      return fits ? { width: value.width, height: value.height } : { width: 0, height: 0 };
    };
    return { camera: size(camera), screen: size(screen) };
  } catch {
    return null;
  }
}
