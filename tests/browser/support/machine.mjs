// How much of the machine other programs than this test and what it has started take: what is
// measured in milliseconds says little while they take much.

import { readdirSync, readFileSync } from 'node:fs';

/** The machine's time, that of it in which it worked or was kept from it, and this test's. */
function reckon() {
  const [user, nice, system, idle, iowait, ...rest] = readFileSync('/proc/stat', 'utf8')
    .split('\n')[0]
    .split(/\s+/)
    .slice(1, 9)
    .map(Number);
  const busy = user + nice + system + rest.reduce((sum, time) => sum + time, 0);

  const processes = new Map();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      // The name before may have anything in it.
      const words = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1).split(' ');
      processes.set(Number(pid), { parent: Number(words[1]), time: Number(words[11]) + Number(words[12]) });
    } catch {
      // It has ended meanwhile.
    }
  }
  const isOwn = (pid) => pid === process.pid || (processes.has(pid) && isOwn(processes.get(pid).parent));
  let own = 0;
  for (const [pid, { time }] of processes) if (isOwn(pid)) own += time;
  return { all: busy + idle + iowait, busy, own };
}

/** Begins to watch. What it returns says the others' share since then, from 0 to 1. */
export function watchOthers() {
  const from = reckon();
  return () => {
    const to = reckon();
    const others = to.busy - from.busy - (to.own - from.own);
    return Math.max(0, others) / (to.all - from.all);
  };
}
