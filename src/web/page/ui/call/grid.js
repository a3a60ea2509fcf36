/**
 * People side by side: tiles of one size, whoever they are, as large as fits. Pure.
 */

/**
 * @param {object} options
 * @param {number} options.width of the room that there is, in pixels
 * @param {number} options.height
 * @param {number} options.gap between tiles
 * @param {number} options.aspect width by height of each
 * @param {string[]} options.names in order
 * @returns {Map<string, import('../layout.js').Place>} a last row that is not full is in the middle
 */
export function evenly({ width, height, gap, aspect, names }) {
  const places = new Map();
  const count = names.length;
  if (count === 0 || width <= 0 || height <= 0) return places;
  const sizeFor = (columns) => {
    const rows = Math.ceil(count / columns);
    const wide = (width - (columns - 1) * gap) / columns;
    const high = (height - (rows - 1) * gap) / rows;
    return Math.max(1, Math.min(wide, high * aspect));
  };
  let columns = 1;
  for (let more = 2; more <= count; more += 1) if (sizeFor(more) > sizeFor(columns)) columns = more;
  const wide = sizeFor(columns);
  const high = wide / aspect;
  const rows = Math.ceil(count / columns);
  const top = (height - rows * high - (rows - 1) * gap) / 2;
  names.forEach((name, at) => {
    const row = Math.floor(at / columns);
    const inRow = Math.min(columns, count - row * columns);
    const left = (width - inRow * wide - (inRow - 1) * gap) / 2;
    places.set(name, {
      x: Math.round(left + (at % columns) * (wide + gap)),
      y: Math.round(top + row * (high + gap)),
      width: Math.max(1, Math.round(wide)),
      height: Math.max(1, Math.round(high)),
      role: 'grid',
    });
  });
  return places;
}
