/**
 * What `profile-level-id` says (RFC 6184 section 8.1, ITU-T H.264 annex A). Pure.
 */

/** profile_idc, then the bits of profile-iop that count and what they have to be. */
const PROFILES = [
  ['Constrained Baseline', 0x42, 0x4f, 0x40],
  ['Constrained Baseline', 0x4d, 0x8f, 0x80],
  ['Constrained Baseline', 0x58, 0xcf, 0xc0],
  ['Baseline', 0x42, 0x4f, 0x00],
  ['Baseline', 0x58, 0xcf, 0x80],
  ['Main', 0x4d, 0xaf, 0x00],
  ['Extended', 0x58, 0xcf, 0x00],
  ['Constrained High', 0x64, 0xff, 0x0c],
  ['High', 0x64, 0xff, 0x00],
  ['High 10', 0x6e, 0xff, 0x00],
  ['High 4:2:2', 0x7a, 0xff, 0x00],
  ['High 4:4:4 Predictive', 0xf4, 0xff, 0x00],
];

/**
 * @param {string | null | undefined} id six hexadecimal digits
 * @returns {{profile: string | null, level: string} | null} `profile` is null for one that is not known
 */
export function readProfile(id) {
  if (!/^[0-9a-f]{6}$/i.test(id ?? '')) return null;
  const [idc, iop, level] = [0, 2, 4].map((at) => Number.parseInt(id.slice(at, at + 2), 16));
  const found = PROFILES.find(([, wanted, mask, bits]) => idc === wanted && (iop & mask) === bits);
  // Level 1b is 11 with constraint_set3_flag where that flag means nothing else.
  const isB = (level === 11 && (iop & 0x10) !== 0 && [0x42, 0x4d, 0x58].includes(idc)) || level === 9;
  return { profile: found?.[0] ?? null, level: isB ? '1b' : String(level / 10) };
}
