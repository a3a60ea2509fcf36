/**
 * Where each picture goes. Pure: sizes in, rectangles out; every rectangle has its picture's
 * aspect, so that nothing is cut and nothing is padded.
 *
 * @typedef {{name: string, aspect: number}} Item aspect: width by height
 * @typedef {{x: number, y: number, width: number, height: number, role: 'grid' | 'big' | 'small'}} Place
 */

/**
 * @param {object} options
 * @param {'grid' | 'focus' | 'overlay'} options.mode
 * @param {number} options.width of the stage, in pixels
 * @param {number} options.height
 * @param {number} options.gap between pictures
 * @param {Item[]} options.items in order
 * @param {string | null} options.big which is big
 * @returns {Map<string, Place>}
 */
export function arrange({ mode, width, height, gap, items, big }) {
  if (items.length === 0 || width <= 0 || height <= 0) return new Map();
  const main = items.find(({ name }) => name === big) ?? items[0];
  const rest = items.filter((item) => item !== main);
  if (rest.length === 0) return single(main, width, height, mode === 'grid' ? 'grid' : 'big');
  switch (mode) {
    case 'focus':
      return focus(main, rest, width, height, gap);
    case 'overlay':
      return overlay(main, rest, width, height, gap);
    default:
      return grid(items, width, height, gap);
  }
}

function fit(aspect, width, height) {
  const wide = Math.min(width, height * aspect);
  return { width: wide, height: wide / aspect };
}

function place(x, y, width, height, role) {
  return {
    x: Math.round(x),
    y: Math.round(y),
    width: Math.max(1, Math.round(width)),
    height: Math.max(1, Math.round(height)),
    role,
  };
}

function single(item, width, height, role) {
  const size = fit(item.aspect, width, height);
  return new Map([
    [item.name, place((width - size.width) / 2, (height - size.height) / 2, size.width, size.height, role)],
  ]);
}

/** Rows of equal height within, in order: the number of rows whose smallest picture is largest. */
function grid(items, width, height, gap) {
  let best = null;
  for (let count = 1; count <= items.length; count += 1) {
    const rows = split(items, count);
    const gaps = (count - 1) * gap;
    if (gaps >= height) break;
    const natural = rows.map(
      (row) => (width - (row.length - 1) * gap) / row.reduce((sum, { aspect }) => sum + aspect, 0),
    );
    if (natural.some((tall) => tall <= 0)) continue;
    const scale = Math.min(1, (height - gaps) / natural.reduce((sum, tall) => sum + tall, 0));
    const heights = natural.map((tall) => tall * scale);
    const smallest = Math.min(
      ...rows.flatMap((row, index) => row.map(({ aspect }) => heights[index] ** 2 * aspect)),
    );
    if (best === null || smallest > best.smallest) best = { rows, heights, smallest, gaps };
  }
  const places = new Map();
  if (best === null) return places;
  const total = best.heights.reduce((sum, tall) => sum + tall, 0) + best.gaps;
  let y = (height - total) / 2;
  best.rows.forEach((row, index) => {
    const tall = best.heights[index];
    const wide = row.reduce((sum, { aspect }) => sum + aspect * tall, 0) + (row.length - 1) * gap;
    let x = (width - wide) / 2;
    for (const { name, aspect } of row) {
      places.set(name, place(x, y, aspect * tall, tall, 'grid'));
      x += aspect * tall + gap;
    }
    y += tall + gap;
  });
  return places;
}

/** `items` in `count` runs whose lengths differ by one at most, the longer ones first. */
function split(items, count) {
  const rows = [];
  let from = 0;
  for (let row = 0; row < count; row += 1) {
    const length = Math.ceil((items.length - from) / (count - row));
    rows.push(items.slice(from, from + length));
    from += length;
  }
  return rows;
}

/** The rest in a column at the right or in a row below: whichever leaves the big one bigger. */
function focus(main, rest, width, height, gap) {
  const column = besideColumn(main, rest, width, height, gap);
  const row = belowRow(main, rest, width, height, gap);
  const area = (places) => {
    const { width: w, height: h } = places.get(main.name);
    return w * h;
  };
  return area(column) >= area(row) ? column : row;
}

const clamp = (low, value, high) => Math.min(high, Math.max(low, value));

function besideColumn(main, rest, width, height, gap) {
  const gaps = (rest.length - 1) * gap;
  const wanted = clamp(96, width * 0.2, 360);
  const tall = rest.reduce((sum, { aspect }) => sum + wanted / aspect, 0);
  const side = wanted * clamp(0.05, (height - gaps) / tall, 1);
  const size = fit(main.aspect, Math.max(1, width - side - gap), height);
  const total = size.width + gap + side;
  const left = (width - total) / 2;
  const places = new Map([[main.name, place(left, (height - size.height) / 2, size.width, size.height, 'big')]]);
  let y = (height - rest.reduce((sum, { aspect }) => sum + side / aspect, 0) - gaps) / 2;
  for (const { name, aspect } of rest) {
    places.set(name, place(left + size.width + gap, y, side, side / aspect, 'small'));
    y += side / aspect + gap;
  }
  return places;
}

function belowRow(main, rest, width, height, gap) {
  const gaps = (rest.length - 1) * gap;
  const wanted = clamp(64, height * 0.2, 220);
  const wide = rest.reduce((sum, { aspect }) => sum + wanted * aspect, 0);
  const low = wanted * clamp(0.05, (width - gaps) / wide, 1);
  const size = fit(main.aspect, width, Math.max(1, height - low - gap));
  const top = (height - size.height - gap - low) / 2;
  const places = new Map([[main.name, place((width - size.width) / 2, top, size.width, size.height, 'big')]]);
  let x = (width - rest.reduce((sum, { aspect }) => sum + low * aspect, 0) - gaps) / 2;
  for (const { name, aspect } of rest) {
    places.set(name, place(x, top + size.height + gap, low * aspect, low, 'small'));
    x += low * aspect + gap;
  }
  return places;
}

/** The rest in the big one's lower right corner, from the bottom up. */
function overlay(main, rest, width, height, gap) {
  const size = fit(main.aspect, width, height);
  const left = (width - size.width) / 2;
  const top = (height - size.height) / 2;
  const places = new Map([[main.name, place(left, top, size.width, size.height, 'big')]]);
  const inset = Math.max(gap, 8);
  // Where the big one leaves room beneath (a phone held upright), the rest goes there.
  const beneath = height - (top + size.height) >= 90;
  const wanted = beneath ? clamp(120, width * 0.42, 320) : clamp(96, size.width * 0.22, 340);
  const gaps = (rest.length - 1) * inset;
  const tall = rest.reduce((sum, { aspect }) => sum + wanted / aspect, 0);
  const room = beneath ? height * 0.6 : size.height - 2 * inset;
  const wide = wanted * clamp(0.05, (room - gaps) / tall, 1);
  let y = (beneath ? height : top + size.height) - inset;
  for (const { name, aspect } of rest) {
    const high = wide / aspect;
    y -= high;
    places.set(name, place(left + size.width - inset - wide, y, wide, high, 'small'));
    y -= inset;
  }
  return places;
}
