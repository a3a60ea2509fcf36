// Programs that a test starts: started with a sign that they are ready, ended by their own
// process number, and never left behind.

import { spawn } from 'node:child_process';
import { createWriteStream, mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { OUT } from './paths.mjs';

/** Every program that runs now: the last resort, should a test end without its clean-up. */
const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));

let count = 0;

export class Program {
  /** The lines it has written, standard output and error together. */
  lines = [];
  /** How it ended: `{ code, signal }`. */
  ended;
  #child;
  #listeners = new Set();

  /**
   * Starts a program; its output goes to tests/out/logs too. `fds` is how many descriptors it
   * gets, standard input among them, which stays open as long as this process lives.
   */
  constructor(command, args = [], { env, name = basename(command), fds = 3 } = {}) {
    this.name = name;
    mkdirSync(join(OUT, 'logs'), { recursive: true });
    count += 1;
    const log = createWriteStream(join(OUT, 'logs', `${basename(process.argv[1], '.test.mjs')}-${count}-${name}.log`));
    this.#child = spawn(command, args, { env, stdio: Array(fds).fill('pipe') });
    this.#child.stdin.on('error', () => {});
    running.add(this.#child);
    for (const stream of this.#child.stdio.slice(1)) {
      createInterface({ input: stream }).on('line', (line) => {
        log.write(`${new Date().toISOString().slice(11, 23)} ${line}\n`);
        this.lines.push(line);
        this.#listeners.forEach((listener) => listener());
      });
    }
    this.ended = new Promise((resolve) => {
      this.#child.once('error', (error) => {
        this.lines.push(String(error));
        resolve({ code: null, signal: null, error });
      });
      this.#child.once('close', (code, signal) => resolve({ code, signal }));
    }).then((how) => {
      running.delete(this.#child);
      log.end();
      this.how = how;
      this.#listeners.forEach((listener) => listener());
      return how;
    });
  }

  get pid() {
    return this.#child.pid;
  }

  /** The first match of `pattern` in a line from the `from`th on; rejects when the program ends
   * before, or when it takes longer than `ms`. */
  line(pattern, { ms = 20_000, from = 0 } = {}) {
    return new Promise((resolve, reject) => {
      const finish = (settle, value) => {
        clearTimeout(timer);
        this.#listeners.delete(look);
        settle(value);
      };
      const fail = (why) =>
        finish(reject, new Error(`${this.name} ${why} before a line like ${pattern}:\n${this.tail()}`));
      let seen = from;
      const look = () => {
        for (; seen < this.lines.length; seen += 1) {
          const match = pattern.exec(this.lines[seen]);
          if (match) return finish(resolve, match);
        }
        if (this.how) fail(`ended (${JSON.stringify(this.how)})`);
      };
      const timer = setTimeout(() => fail(`took over ${ms} ms`), ms);
      this.#listeners.add(look);
      look();
    });
  }

  tail(lines = 40) {
    return this.lines.slice(-lines).join('\n');
  }

  /** Ends it with SIGTERM and, after `ms`, with SIGKILL. Returns how it ended and how long it took. */
  async stop({ ms = 5000, signal = 'SIGTERM' } = {}) {
    const begun = performance.now();
    this.#child.kill(signal);
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), ms);
    const how = await this.ended;
    clearTimeout(timer);
    return { ...how, ms: performance.now() - begun };
  }
}
