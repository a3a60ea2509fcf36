/**
 * The icons' shapes: strokes on a 24 by 24 grid, drawn for this page.
 */

const ROUND_RECT = (x, y, w, h, r) =>
  `M${x + r} ${y}h${w - 2 * r}a${r} ${r} 0 0 1 ${r} ${r}v${h - 2 * r}a${r} ${r} 0 0 1 ${-r} ${r}` +
  `h${-(w - 2 * r)}a${r} ${r} 0 0 1 ${-r} ${-r}v${-(h - 2 * r)}a${r} ${r} 0 0 1 ${r} ${-r}z`;
const DOT = (x, y) => `M${x} ${y}h.01`;
const CIRCLE = (x, y, r) => `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`;
const SPEAKER = 'M4 9.5v5h3.5L12 18.5v-13L7.5 9.5z';

export const ICONS = {
  grid: ROUND_RECT(3, 6, 8, 12, 2) + ROUND_RECT(13, 6, 8, 12, 2),
  focus: ROUND_RECT(3, 5, 12, 14, 2) + ROUND_RECT(18, 5, 3, 5.5, 1) + ROUND_RECT(18, 13.5, 3, 5.5, 1),
  overlay: `${ROUND_RECT(3, 5, 18, 14, 2.5)}M12.5 15.5v-2a1 1 0 0 1 1-1h3.5a1 1 0 0 1 1 1v2a1 1 0 0 1-1 1h-3.5a1 1 0 0 1-1-1z`,
  sources: 'M12 4l8.5 4.5L12 13 3.5 8.5z M4 12.5l8 4.2 8-4.2 M4 16.3l8 4.2 8-4.2',
  sound: `${SPEAKER}M15.5 9a4.2 4.2 0 0 1 0 6M18 6.3a8 8 0 0 1 0 11.4`,
  quiet: `${SPEAKER}M15.5 9a4.2 4.2 0 0 1 0 6`,
  silent: `${SPEAKER}M16 9.5l5 5M21 9.5l-5 5`,
  stats: 'M4 20V13M9.3 20V5M14.7 20v-9M20 20V8',
  fullscreen: 'M4 9V6a2 2 0 0 1 2-2h3M15 4h3a2 2 0 0 1 2 2v3M20 15v3a2 2 0 0 1-2 2h-3M9 20H6a2 2 0 0 1-2-2v-3',
  window: 'M9 4v3a2 2 0 0 1-2 2H4M20 9h-3a2 2 0 0 1-2-2V4M15 20v-3a2 2 0 0 1 2-2h3M4 15h3a2 2 0 0 1 2 2v3',
  quality: `M4 7h7.8M16.2 7H20M4 12h1.8M10.2 12H20M4 17h9.8M18.2 17H20${CIRCLE(14, 7, 2.2)}${CIRCLE(8, 12, 2.2)}${CIRCLE(16, 17, 2.2)}`,
  reduced: 'M12 5v13M6.5 12.5L12 18l5.5-5.5',
  pip: `M10 19H5.5A2.5 2.5 0 0 1 3 16.5v-9A2.5 2.5 0 0 1 5.5 5h13A2.5 2.5 0 0 1 21 7.5V10${ROUND_RECT(13, 13, 8, 6, 1.5)}`,
  more: DOT(5, 12) + DOT(12, 12) + DOT(19, 12),
  close: 'M6.5 6.5l11 11M17.5 6.5l-11 11',
  enlarge: 'M14 5h5v5M19 5l-6 6M10 19H5v-5M5 19l6-6',
  shrink: 'M18.5 10.5h-5v-5M13.5 10.5l6-6M5.5 13.5h5v5M10.5 13.5l-6 6',
  swap: 'M7 5L3.5 8.5 7 12M4 8.5h12M17 12l3.5 3.5L17 19M20 15.5H8',
  eye: `M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12z${CIRCLE(12, 12, 2.8)}`,
  'eye-off': `M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12z${CIRCLE(12, 12, 2.8)}M4.5 4.5l15 15`,
  screen: `${ROUND_RECT(3, 4, 18, 12.5, 2.5)}M12 16.5V20M8 20h8`,
  camera: `${ROUND_RECT(2.5, 6.5, 13, 11, 2.5)}M15.5 11l6-3.5v9l-6-3.5`,
  audio: `${ROUND_RECT(9, 3, 6, 11, 3)}M5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v3`,
  test: `${ROUND_RECT(3, 5, 18, 14, 2.5)}M7.5 5v14M12 5v14M16.5 5v14`,
  uri: `${DOT(6, 18)}M5 12.5a6.5 6.5 0 0 1 6.5 6.5M5 6.5A12.5 12.5 0 0 1 17.5 19`,
  launch: `${ROUND_RECT(3, 4.5, 18, 15, 2.5)}M7.5 9.5l3 2.5-3 2.5M12.5 15h4`,
  pause: ROUND_RECT(6, 5, 4, 14, 1) + ROUND_RECT(14, 5, 4, 14, 1),
  warning: `M12 4.5L2.8 19.5h18.4zM12 10v4.5${DOT(12, 17)}`,
  person: `${CIRCLE(12, 8, 4)}M4.5 20a7.5 7.5 0 0 1 15 0`,
  shield: 'M12 3.5l7 2.5v5.5c0 4.2-2.9 7.4-7 9-4.1-1.6-7-4.8-7-9V6zM9 12l2.2 2.2L15.2 10',
  lock: `${ROUND_RECT(5, 10.5, 14, 10, 2.5)}M8 10.5V8a4 4 0 0 1 8 0v2.5`,
  plug: 'M9 3.5V8M15 3.5V8M6.5 8h11v3.5a5.5 5.5 0 0 1-11 0zM12 17v3.5',
  done: `${CIRCLE(12, 12, 8.5)}M8 12.2l2.8 2.8L16 9.5`,
  blocked: `${CIRCLE(12, 12, 8.5)}M9 9l6 6M15 9l-6 6`,
  neutral: `${CIRCLE(12, 12, 8.5)}M8.5 12h7`,
  check_up: `M3 12h4l2.5-6 4.5 12 2.5-6H21`,
  inspect: 'M5 3.5v17M19 3.5v17M5 8h11.5M13.5 5.5L16.5 8l-3 2.5M19 15H7.5M10.5 12.5L7.5 15l3 2.5',
  save: 'M12 4v10.5M7.5 10.5L12 15l4.5-4.5M4.5 19.5h15',
  empty: `${ROUND_RECT(3, 5, 18, 14, 2.5)}M9.5 9.5l5 5M14.5 9.5l-5 5`,
  keyboard: `${ROUND_RECT(2.5, 6, 19, 12, 2.5)}${DOT(6.5, 10)}${DOT(10.2, 10)}${DOT(13.8, 10)}${DOT(17.5, 10)}M7.5 14.2h9`,
  leave: 'M14 7V6a2 2 0 0 0-2-2H6a2 2 0 0 0-2 2v12a2 2 0 0 0 2 2h6a2 2 0 0 0 2-2v-1M10 12h11M17.5 8.5L21 12l-3.5 3.5',
  stop: ROUND_RECT(6, 6, 12, 12, 2.5),
  check: 'M5 12.5l4.5 4.5L19 7.5',
};
