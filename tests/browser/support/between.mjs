// Stands between a page and its daemon: hears what the page says, and says to it, as the daemon,
// what the daemon would say only on a network that no test has.

export class Between {
  /** What the pages have said, in order. */
  heard = [];
  /** What the daemon has said, in order. */
  told = [];
  #keptBack;
  #pages = new Set();
  /** Connections of which nothing gets through any more, and nothing says so. */
  #dead = new Set();
  #listeners = new Set();

  /** @param {string[]} keptBack the types of messages that go neither way */
  constructor(keptBack = []) {
    this.#keptBack = new Set(keptBack);
  }

  /** As `before` of a viewer's options. */
  join = (page) =>
    page.routeWebSocket(/\/ws$/, (route) => {
      const daemon = route.connectToServer();
      this.#pages.add(route);
      route.onMessage((text) => {
        if (this.#dead.has(route)) return;
        // Pictures and sound go through.
        if (typeof text !== 'string') return void daemon.send(text);
        const message = JSON.parse(text);
        this.heard.push(message);
        if (!this.#keptBack.has(message.type)) daemon.send(text);
        this.#listeners.forEach((listener) => listener());
      });
      daemon.onMessage((text) => {
        if (this.#dead.has(route)) return;
        if (typeof text !== 'string') return void route.send(text);
        const message = JSON.parse(text);
        this.told.push(message);
        if (!this.#keptBack.has(message.type)) route.send(text);
      });
      route.onClose((code, reason) => {
        this.#pages.delete(route);
        return daemon.close({ code, reason });
      });
    });

  /** Says something to every page. */
  say(message) {
    for (const page of this.#pages) page.send(JSON.stringify(message));
  }

  /** As if an address had gone: the connections that there are carry nothing more, either way. */
  cut() {
    for (const page of this.#pages) this.#dead.add(page);
  }

  of(type) {
    return this.heard.filter((message) => message.type === type);
  }

  /** Waits until the pages have said so many messages of that type; returns the last. */
  async said(type, count, ms = 10_000) {
    await new Promise((resolve, reject) => {
      const look = () => {
        if (this.of(type).length < count) return;
        clearTimeout(timer);
        this.#listeners.delete(look);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#listeners.delete(look);
        reject(new Error(`${this.of(type).length} of ${count} messages of type ${type} within ${ms} ms`));
      }, ms);
      this.#listeners.add(look);
      look();
    });
    return this.of(type)[count - 1];
  }
}
