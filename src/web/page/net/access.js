/**
 * Who may watch: `/api/session`. Knows nothing of the page around it.
 */

/** An answer that takes longer than this is no answer. */
const DEADLINE_MS = 6000;

/** What a sign-in came to. `code` is the daemon's, or `unreachable`. */
/** @typedef {{ok: true} | {ok: false, code: string, message: string, retryMs?: number}} SignIn */

/**
 * Who may watch, and who this is.
 * @typedef {object} Entry
 * @property {string} access how to come in without a name: `open`, `token`, `password`; `named`: not
 * @property {boolean} accounts whether one may sign in by name
 * @property {boolean} authorized
 * @property {string | null} name of the account, where one has signed in by name
 * @property {string} role `viewer`, `participant` or `admin`
 * @property {SignIn} [refusal] what was said to the link's token
 */

/**
 * @param {object} options
 * @param {typeof fetch} options.fetch
 * @param {string | null} [options.linkToken] the token that came with the link
 */
export function createAccess({ fetch, linkToken = null }) {
  let token = linkToken;

  async function request(method, body, deadlineMs = DEADLINE_MS) {
    const control = new AbortController();
    const timer = setTimeout(() => control.abort(), deadlineMs);
    try {
      return await fetch('/api/session', {
        method,
        credentials: 'same-origin',
        cache: 'no-store',
        signal: control.signal,
        ...(body === undefined
          ? {}
          : { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }),
      });
    } finally {
      clearTimeout(timer);
    }
  }

  /** @returns {Promise<Entry>} rejects when out of reach */
  async function check(deadlineMs = DEADLINE_MS) {
    const response = await request('GET', undefined, deadlineMs);
    if (!response.ok) throw new Error(`/api/session answered ${response.status}`);
    const { access, accounts, authorized, name, role } = await response.json();
    if (typeof authorized !== 'boolean') throw new Error('/api/session answered something else');
    return {
      access: String(access),
      accounts: accounts === true,
      authorized,
      name: typeof name === 'string' ? name : null,
      role: authorized && typeof role === 'string' ? role : 'viewer',
    };
  }

  /**
   * @param {{token: string} | {password: string} | {name: string, password: string}} login
   * @returns {Promise<SignIn>} never rejects
   */
  async function signIn(login) {
    let response;
    try {
      response = await request('POST', login);
    } catch {
      return { ok: false, code: 'unreachable', message: '' };
    }
    if (response.ok) return { ok: true };
    let error = {};
    try {
      error = (await response.json()).error ?? {};
    } catch {
      // A proxy's page, perhaps; the status says enough.
    }
    const seconds = Number.parseFloat(response.headers.get('Retry-After') ?? '');
    return {
      ok: false,
      code: error.code ?? (response.status === 429 ? 'throttled' : 'refused'),
      message: error.message ?? '',
      ...(response.status === 429 ? { retryMs: (seconds > 0 ? seconds : 5) * 1000 } : {}),
    };
  }

  /**
   * Asks whether this browser may watch and, where not, tries the link's token once.
   * @param {number} [deadlineMs] for the first answer
   * @returns {Promise<Entry>} rejects when the daemon is out of reach
   */
  async function enter(deadlineMs) {
    const session = await check(deadlineMs);
    if (session.authorized || token === null || session.access !== 'token') return session;
    const result = await signIn({ token });
    if (!result.ok && result.code === 'unreachable') throw new Error('unreachable');
    if (result.ok || result.code !== 'throttled') token = null;
    return result.ok ? { ...session, authorized: true } : { ...session, refusal: result };
  }

  /** Forgets this browser. Rejects when out of reach. */
  async function signOut() {
    token = null;
    await request('DELETE');
  }

  /** Takes the token of a link that was opened in a page already loaded. */
  function offerToken(next) {
    token = next;
  }

  return { check, enter, signIn, signOut, offerToken };
}

/**
 * The token in what a person pasted or in an address's fragment: the token itself, or a whole
 * link with `#token=...`.
 * @param {string} text
 * @returns {string | null}
 */
export function tokenIn(text) {
  const trimmed = text.trim();
  const match = /(?:^|[#&?])token=([^&\s]+)/.exec(trimmed);
  if (match) {
    try {
      return decodeURIComponent(match[1]);
    } catch {
      return match[1];
    }
  }
  return trimmed === '' || /[\s#]|:\/\//.test(trimmed) ? null : trimmed;
}
