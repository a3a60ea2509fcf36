// Where things are.

import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's folder. */
export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../../..');
/** What tests leave for a person to look at: logs and screenshots. */
export const OUT = join(ROOT, 'tests/out');
export const VITRINA = process.env.VITRINA_BINARY ?? join(ROOT, 'target/debug/vitrina');
export const SCREEN_CLOCK = join(ROOT, 'target/debug/examples/screen_clock');
export const CHROMIUM = process.env.VITRINA_CHROMIUM ?? '/usr/bin/chromium';
export const FIREFOX = process.env.VITRINA_FIREFOX ?? '/usr/bin/firefox-esr';
