// What a scenario plays on: a display with a clock, a sound card that plays something, the daemon,
// and browsers. Everything is taken down in reverse order when the test ends.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Daemon } from './daemon.mjs';
import { SCREEN_CLOCK } from './paths.mjs';
import { Program } from './processes.mjs';
import { launchChromium, Viewer } from './viewer.mjs';

/** Plain HTTP on loopback, open to all, media on loopback only: what most scenarios need. */
export const OPEN = {
  server: { listen: '127.0.0.1:0', tls: false },
  access: { open: true },
  network: { addresses: ['127.0.0.1'] },
};

export class Stage {
  #endings = [];

  /** @param t the context of `node:test`, or anything with an `after` */
  constructor(t) {
    t.after(() => this.end());
  }

  async end() {
    let first;
    while (this.#endings.length > 0) {
      try {
        await this.#endings.pop()();
      } catch (error) {
        first ??= error;
      }
    }
    if (first) throw first;
  }

  /** Runs `end` when the test is over. */
  after(end) {
    this.#endings.push(end);
  }

  /** A new folder, gone afterwards. */
  folder() {
    const path = mkdtempSync(join(tmpdir(), 'vitrina-test-'));
    this.after(() => rmSync(path, { recursive: true, force: true }));
    return path;
  }

  /** Starts a program that is stopped afterwards; `options.fds` as in `Program`. */
  program(command, args, options) {
    const program = new Program(command, args, options);
    this.after(() => program.stop());
    return program;
  }

  /** A virtual display, the one of that name if given: its name and its server. */
  async display({ width = 1280, height = 720, number } = {}) {
    const screen = ['-screen', '0', `${width}x${height}x24`];
    const options = ['-displayfd', '3', '-nolisten', 'tcp', '-noreset', ...screen];
    const xvfb = this.program('Xvfb', number ? [number, ...options] : options, { fds: 4 });
    const [, given] = await xvfb.line(/^(\d+)$/);
    return { display: `:${given}`, xvfb };
  }

  /** A display with the clock on it, drawn so many times a second. */
  async clockPrograms({ redraws = 60, irregular = false, ...options } = {}) {
    const { display, xvfb } = await this.display(options);
    const clock = this.program(SCREEN_CLOCK, [display, String(redraws), ...(irregular ? ['irregular'] : [])]);
    await clock.line(/^drawing/);
    return { display, xvfb, clock };
  }

  /** The same; only the display's name. */
  async clock(options) {
    return (await this.clockPrograms(options)).display;
  }

  /**
   * A PulseAudio server of its own with a speaker that plays a tone into nothing. Returns the
   * environment in which programs find it; the speaker's monitor is what the machine plays.
   */
  async sound({ tone = 440 } = {}) {
    const home = this.folder();
    const socket = join(home, 'native');
    const env = { ...process.env, HOME: home, XDG_RUNTIME_DIR: home, PULSE_RUNTIME_PATH: home };
    delete env.DISPLAY;
    delete env.DBUS_SESSION_BUS_ADDRESS;
    const script = join(home, 'vitrina.pa');
    writeFileSync(
      script,
      `.fail
load-module module-null-sink sink_name=speaker rate=48000
set-default-sink speaker
load-module module-native-protocol-unix socket=${socket} auth-anonymous=1
`,
    );
    const server = this.program(
      'pulseaudio',
      ['-n', '-F', script, '--daemonize=no', '--use-pid-file=no', '--exit-idle-time=-1', '--disable-shm=yes', '--log-target=stderr', '--log-level=info'],
      { env },
    );
    await server.line(/Daemon startup complete/);
    env.PULSE_SERVER = `unix:${socket}`;
    const player = this.program(
      'gst-launch-1.0',
      ['audiotestsrc', `freq=${tone}`, 'volume=0.5', '!', 'audioconvert', '!', 'audioresample', '!', 'pulsesink', 'device=speaker'],
      { env },
    );
    await player.line(/New clock|Setting pipeline to PLAYING/);
    return { PULSE_SERVER: env.PULSE_SERVER, XDG_RUNTIME_DIR: home };
  }

  /** A running daemon with that config; `within` as in `Daemon`. */
  async daemon(config, { env = {}, within } = {}) {
    const folder = this.folder();
    const daemon = new Daemon(folder, config, { ...process.env, DISPLAY: undefined, ...env }, within);
    this.after(async () => {
      await daemon.stop();
      daemon.assertNoFaults();
    });
    await daemon.start();
    return daemon;
  }

  /** Chromium; `options` as of `launchChromium`. */
  async chromium(options) {
    const browser = await launchChromium(options);
    this.after(() => browser.close());
    return browser;
  }

  /** Ends a browser as the out-of-memory killer would: no goodbye of any kind. */
  async crash(browser) {
    const session = await browser.newBrowserCDPSession();
    const { processInfo } = await session.send('SystemInfo.getProcessInfo');
    const gone = new Promise((resolve) => browser.once('disconnected', resolve));
    for (const { id } of processInfo) process.kill(id, 'SIGKILL');
    await gone;
  }

  /**
   * A page of its own in the browser, at the daemon's address. When the test ends, its errors fail
   * the test, but for the expected ones.
   */
  async viewer(browser, url, options) {
    const viewer = await Viewer.open(browser, url, options);
    this.after(async () => {
      await viewer.close();
      viewer.assertNoErrors();
    });
    return viewer;
  }
}
