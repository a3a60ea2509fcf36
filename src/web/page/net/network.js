/**
 * Tells of changes of the network, as far as a browser does.
 */

/**
 * @param {() => void} changed it is another, or back
 * @param {() => void} perhaps something about it is different, its speed mostly
 * @param {object} [browser] for tests
 */
export function watchNetwork(changed, perhaps, browser = globalThis) {
  browser.addEventListener('online', changed);
  const connection = browser.navigator.connection;
  // Not in every browser; and only telephones tell of what kind it is.
  let kind = connection?.type;
  connection?.addEventListener?.('change', () => {
    const before = kind;
    kind = connection.type;
    // `none`: what follows tells what has come in its place.
    if (kind !== before && kind !== 'none') changed();
    else perhaps();
  });
}
