// `make bigfile`: 1 GB from page to page. Too long for every run of the tests; they send less of it.

import { bigFile } from '../support/bigfile.mjs';
import { MEETING } from '../support/files.mjs';
import { Stage } from '../support/stage.mjs';

const MB = 1e6;
const length = Number(process.env.BIGFILE_MB ?? 1000) * MB;

const endings = [];
const stage = new Stage({ after: (end) => endings.push(end) });
try {
  const daemon = await stage.daemon(MEETING);
  console.log(await bigFile(stage, daemon.url, length, Math.min(length, 200 * MB)));
} finally {
  for (const end of endings) await end();
}
