// The daemon as its user starts it: a config file and `vitrina run`.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { VITRINA } from './paths.mjs';
import { Program } from './processes.mjs';
import { toml } from './toml.mjs';

/**
 * GStreamer 1.22's GstBaseSrc, when it is stopped between taking a buffer list and pushing it,
 * unrefs the buffer that a list is not: so a backtrace reads; nothing is freed twice by it that
 * is known of. The same words came once from a probe that dropped a keyframe request.
 */
const KNOWN = /gst_mini_object_unref: assertion 'mini_object != NULL' failed/;

/** An account for the config, with its password hashed as its user would have it done. */
export function account(name, password, role) {
  const { status, stdout, stderr } = spawnSync(VITRINA, ['passwd', name, '--role', role, '--print'], { input: `${password}\n`, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return { name, role, password_hash: /password_hash = ["'](.*)["']/.exec(stdout)[1] };
}

export class Daemon {
  /** Its address, `http://127.0.0.1:PORT`. */
  url;
  #program;

  /** `within` is what the command begins with where it runs on a host of its own. */
  constructor(folder, config, env, within = []) {
    this.folder = folder;
    this.within = within;
    this.config = { state_dir: join(folder, 'state'), ...config };
    this.env = env;
  }

  get file() {
    return join(this.folder, 'vitrina.toml');
  }

  get program() {
    return this.#program;
  }

  get pid() {
    return this.#program.pid;
  }

  /** Starts it and waits until it listens. Started again, it takes the port that it had. */
  async start() {
    const config = { ...this.config };
    if (this.url && config.server.listen.endsWith(':0')) config.server = { ...config.server, listen: new URL(this.url).host };
    writeFileSync(this.file, toml(config));
    const [command, ...args] = [...this.within, VITRINA, 'run', '--config', this.file];
    this.#program = new Program(command, args, { env: this.env, name: 'vitrina' });
    const [, url] = await this.#program.line(/listening on (https?:\/\/[^\s"]+)/);
    this.url = new URL(url).origin;
  }

  /** The link that it prints for a person, with the token. */
  async link() {
    const [link] = await this.#program.line(/https?:\/\/\S+#token=[\w-]+/);
    return link;
  }

  /** Has it read another configuration while it runs. */
  async reload(config) {
    this.config = { ...this.config, ...config };
    writeFileSync(this.file, toml(this.config));
    const from = this.#program.lines.length;
    process.kill(this.pid, 'SIGHUP');
    await this.#program.line(/configuration reloaded/, { from });
  }

  async stop(options) {
    return this.#program?.stop(options);
  }

  /** Fails where the log tells of a fault in the daemon itself, whatever the viewers saw. */
  assertNoFaults() {
    const faults = this.#program.lines.filter(
      (line) => /panicked at|CRITICAL|GLib.*WARNING|\bERROR\b/.test(line) && !KNOWN.test(line),
    );
    assert.deepEqual(faults, [], `the daemon's log:\n${this.#program.tail()}`);
  }
}
