// Where a part of the page did not come because the network changed in mid-load: waits until the
// daemon answers, then loads the page again. Not a module: it is there before those that may fail.
(() => {
  const KEY = 'vitrina.reloads';
  const ASK_EVERY_MS = 2000;
  const LONGEST_MS = 60_000;
  let failed = false;

  /** How often in a row: a part that is not there at all must not be asked for without end. */
  const count = (set) => {
    try {
      if (set === undefined) return Number(sessionStorage.getItem(KEY)) || 0;
      if (set === 0) sessionStorage.removeItem(KEY);
      else sessionStorage.setItem(KEY, String(set));
    } catch {
      // Nothing can be stored: each time is the first.
    }
    return set ?? 0;
  };

  const ask = async () => {
    try {
      await fetch('/api/session', { cache: 'no-store' });
      location.reload();
    } catch {
      setTimeout(ask, ASK_EVERY_MS);
    }
  };

  // What an element could not load is told to it alone, on the way down.
  const onError = ({ target }) => {
    const isPart = target instanceof HTMLScriptElement || (target instanceof HTMLLinkElement && target.rel === 'stylesheet');
    if (!isPart || failed) return;
    failed = true;
    const times = count(count() + 1);
    setTimeout(ask, times === 1 ? 0 : Math.min(ASK_EVERY_MS * 2 ** (times - 2), LONGEST_MS));
  };
  addEventListener('error', onError, true);
  addEventListener('load', () => failed || count(0));
})();
