/** The connection test: what is tried, what each finding means, in which words. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { en } from '../../src/web/page/i18n/en.js';
import { es } from '../../src/web/page/i18n/es.js';
import { hasServer, readCandidate, withoutCandidates } from '../../src/web/page/net/candidates.js';
import { checkUp } from '../../src/web/page/net/checkup.js';
import { diagnose } from '../../src/web/page/net/diagnosis.js';
import { probe } from '../../src/web/page/net/probe.js';
import { openSignalling } from '../../src/web/page/net/signalling.js';
import { FakeSocket, FakeTimers, offer, settle, welcome } from './fakes.mjs';

const UDP = 'candidate:1 1 UDP 2130706431 192.0.2.1 8443 typ host';
const TCP = 'candidate:2 1 TCP 1015022079 192.0.2.1 8443 typ host tcptype passive';
const SRFLX = 'candidate:3 1 udp 1677729535 198.51.100.7 4711 typ srflx raddr 0.0.0.0 rport 0';
const RELAY = 'candidate:4 1 udp 41885695 203.0.113.9 50000 typ relay raddr 198.51.100.7 rport 4711';
const TURN = [{ urls: ['turn:203.0.113.9'], username: 'u', credential: 'c' }];

function begin(way) {
  const timers = new FakeTimers();
  const peers = [];
  const found = probe(way, {
    timers,
    videoCodecs: ['H264'],
    openSignalling: (events) =>
      openSignalling({ ...events, timers, now: timers.now, url: 'ws://host/ws', WebSocket: FakeSocket }),
    createPeer(options) {
      const peer = {
        options,
        taken: [],
        accept: async (sdp) => ((peer.sdp = sdp), 'answer'),
        addCandidate: (mline, line) => peer.taken.push(line),
        stats: async () =>
          new Map([['p', { type: 'candidate-pair', id: 'p', nominated: true, state: 'succeeded', currentRoundTripTime: 0.012 }]]),
        close: () => (peer.closed = true),
      };
      peers.push(peer);
      return peer;
    },
  });
  const socket = FakeSocket.last;
  return {
    timers,
    socket,
    found,
    get peer() {
      return peers[0];
    },
    async offered(servers = [], candidates = [UDP, TCP]) {
      socket.open();
      socket.say({ ...welcome(), ice_servers: servers });
      socket.say({ ...offer(), sdp: ['v=0', `a=${TCP}`, `a=${UDP}`, ''].join('\r\n') });
      await settle();
      for (const candidate of candidates) socket.say({ type: 'candidate', mline: 0, candidate });
      return this;
    },
  };
}

test('each way is tried with its own candidates alone, in both directions', async () => {
  for (const [way, taken, told, policy] of [
    ['udp', [UDP], [UDP, SRFLX], 'all'],
    ['tcp', [TCP], [TCP], 'all'],
    ['relay', [UDP, TCP], [UDP, TCP, SRFLX, RELAY], 'relay'],
  ]) {
    const run = await begin(way).offered(TURN);
    assert.deepEqual(run.peer.taken, taken, way);
    assert.deepEqual(run.peer.sdp.split('\r\n').filter((line) => line.startsWith('a=')).map((line) => line.slice(2)).sort(), [...taken].sort());
    assert.equal(run.peer.options.iceTransportPolicy, policy);
    for (const line of [UDP, TCP, SRFLX, RELAY]) run.peer.options.onCandidate(0, line);
    assert.deepEqual(run.socket.sent.filter(({ type }) => type === 'candidate').map(({ candidate }) => candidate), told);
  }
});

test('nothing is asked to be sent, and the session is left as soon as it stands', async () => {
  const run = await begin('udp').offered();
  assert.deepEqual(run.socket.sent.find(({ type }) => type === 'join'), { type: 'join', select: [] });
  run.peer.options.onState('connected');
  const { outcome, roundTripMs } = await run.found;
  assert.deepEqual([outcome, roundTripMs], ['open', 12]);
  assert.equal(run.socket.types().at(-1), 'leave');
  assert.ok(run.peer.closed);
  assert.equal(run.timers.pending, 0);
});

test('a way that does not stand in time is blocked, or was never offered', async () => {
  for (const [way, servers, candidates, outcome] of [
    ['udp', [], [UDP, TCP], 'blocked'],
    ['tcp', [], [UDP, TCP], 'blocked'],
    ['relay', TURN, [UDP], 'blocked'],
    ['relay', [], [UDP], 'not_offered'],
  ]) {
    const run = await begin(way).offered(servers, candidates);
    await run.timers.pass(8000);
    assert.equal((await run.found).outcome, outcome, `${way} ${servers.length}`);
  }
  const run = begin('tcp');
  run.socket.open();
  run.socket.say(welcome());
  run.socket.say(offer());
  run.socket.say({ type: 'candidate', mline: 0, candidate: UDP });
  await run.timers.pass(8000);
  assert.equal((await run.found).outcome, 'not_offered');
});

test('what STUN and TURN servers gave or refused is kept', async () => {
  const run = await begin('udp').offered(TURN);
  run.peer.options.onCandidate(0, SRFLX);
  run.peer.options.onCandidate(0, SRFLX);
  run.peer.options.onServerError(701);
  run.peer.options.onState('connected');
  const { reflexive, errors, relayed, stun } = await run.found;
  assert.deepEqual({ reflexive, errors, relayed, stun }, { reflexive: ['198.51.100.7'], errors: [701], relayed: false, stun: true });
  const relay = await begin('relay').offered(TURN);
  relay.peer.options.onCandidate(0, RELAY);
  await relay.timers.pass(8000);
  assert.equal((await relay.found).relayed, true);
});

test('no signalling, no place, no sources and refusals are told apart', async () => {
  const ends = [
    [(run) => run.socket.drop(), 'no_signalling'],
    [(run) => (run.socket.open(), run.socket.say({ type: 'bye', reason: 'full', message: 'x', retry_ms: 9000 })), 'full'],
    [(run) => (run.socket.open(), run.socket.say(welcome([]))), 'empty'],
    [(run) => (run.socket.open(), run.socket.say(welcome()), run.socket.say({ type: 'error', code: 'no_codec', message: 'sentence' })), 'failed'],
    [(run) => (run.socket.open(), run.socket.say(welcome()), run.socket.say({ type: 'bye', reason: 'connection_failed', message: '' })), 'not_offered'],
  ];
  for (const [act, outcome] of ends) {
    const run = begin('udp');
    act(run);
    await settle();
    assert.equal((await run.found).outcome, outcome);
  }
});

const finding = (outcome, more = {}) => ({
  outcome,
  roundTripMs: 12,
  signalling: true,
  reflexive: [],
  relayed: false,
  stun: false,
  errors: [],
  message: '',
  ...more,
});
const of = (udp, tcp, relay, now = null) => diagnose({ page: { ms: 20 }, authorized: true, ways: { udp, tcp, relay }, now });
const [OPEN, SHUT, NEVER] = ['open', 'blocked', 'not_offered'].map((outcome) => finding(outcome));
const verdicts = ({ lines }) => Object.fromEntries(lines.map(({ id, verdict }) => [id, verdict]));

test('the summary says what gets through, and by which way', () => {
  const table = [
    [OPEN, OPEN, NEVER, 'good', 'good'],
    [OPEN, SHUT, SHUT, 'good', 'good'],
    [SHUT, OPEN, NEVER, 'fair', 'tcp'],
    [SHUT, SHUT, OPEN, 'fair', 'relay'],
    [SHUT, NEVER, NEVER, 'bad', 'blocked'],
    [finding('full'), finding('full'), finding('full'), 'none', 'full'],
    [finding('no_signalling', { signalling: false }), finding('no_signalling', { signalling: false }), finding('no_signalling', { signalling: false }), 'bad', 'no_socket'],
  ];
  for (const [udp, tcp, relay, verdict, words] of table) {
    assert.deepEqual(of(udp, tcp, relay).summary, { verdict, words: `check.summary.${words}` });
  }
  assert.equal(diagnose({ page: { error: true } }).summary.words, 'check.summary.unreachable');
  assert.equal(diagnose({ page: { ms: 5 } }).summary.words, 'check.summary.signed_out');
});

test('what is blocked is bad only where nothing else gets through, and then there is advice', () => {
  const udpGood = of(OPEN, SHUT, NEVER);
  assert.deepEqual(verdicts(udpGood), { page: 'good', socket: 'good', udp: 'good', tcp: 'none', stun: 'none', relay: 'none', route: 'none' });
  assert.ok(udpGood.lines.every(({ advice }) => advice === null));
  const tcpOnly = of(SHUT, OPEN, NEVER);
  assert.deepEqual([verdicts(tcpOnly).udp, verdicts(tcpOnly).tcp], ['fair', 'good']);
  const nothing = of(SHUT, SHUT, NEVER);
  assert.deepEqual([verdicts(nothing).udp, verdicts(nothing).tcp, verdicts(nothing).relay], ['bad', 'bad', 'bad']);
  assert.ok(nothing.lines.filter(({ verdict }) => verdict === 'bad').every(({ advice }) => advice !== null));
});

test('a relay’s failure says where it ends', () => {
  const relay = (more) => of(SHUT, SHUT, finding('blocked', more)).lines.find(({ id }) => id === 'relay').words;
  assert.equal(relay({ relayed: true }), 'check.relay.no_way');
  assert.equal(relay({ errors: [701, 401] }), 'check.relay.login');
  assert.equal(relay({ errors: [701] }), 'check.relay.bad');
  const stun = (more) => of(finding('open', { stun: true, ...more }), OPEN, NEVER).lines.find(({ id }) => id === 'stun').words;
  assert.equal(stun({ reflexive: ['198.51.100.7'] }), 'check.stun.good');
  assert.equal(stun({}), 'check.stun.same');
  assert.equal(stun({ errors: [701] }), 'check.stun.bad');
});

test('the route in use is told as it is', () => {
  const route = (now) => of(OPEN, OPEN, NEVER, now).lines.find(({ id }) => id === 'route');
  assert.deepEqual(route({ route: 'host', protocol: 'UDP', rttMs: 3 }).verdict, 'good');
  assert.deepEqual(route({ route: 'relay', protocol: 'UDP', rttMs: 40 }).values, { route: 'relay', protocol: 'UDP', ms: 40 });
  assert.equal(route(null).words, 'check.route.none');
});

test('every line that there can be has words in both languages', () => {
  const outcomes = ['open', 'blocked', 'not_offered', 'full', 'empty', 'failed', 'no_signalling'];
  const errors = [[], [401], [701]];
  const said = new Set();
  for (const udp of outcomes)
    for (const tcp of outcomes)
      for (const relay of outcomes)
        for (const error of errors)
          for (const more of [{}, { stun: true }, { relayed: true }, { reflexive: ['192.0.2.1'] }]) {
            const ways = [udp, tcp, relay].map((outcome) => finding(outcome, { errors: error, ...more }));
            const { lines, summary } = of(...ways, { route: 'srflx', protocol: 'UDP', rttMs: 1 });
            said.add(summary.words);
            for (const { id, words, advice } of lines) [`check.${id}.name`, words, advice].forEach((key) => key && said.add(key));
          }
  for (const key of said) assert.ok(en[key] && es[key], key);
});

test('the whole test asks for the page first, and for the rest only when it may', async () => {
  const options = (check) => ({ access: { check }, now: () => 0, session: () => null, probing: null });
  const away = await checkUp(options(async () => { throw new Error('away'); }));
  assert.equal(away.summary.words, 'check.summary.unreachable');
  const stranger = await checkUp(options(async () => ({ authorized: false })));
  assert.equal(stranger.summary.words, 'check.summary.signed_out');
});

test('candidates are read as they are written', () => {
  assert.deepEqual(readCandidate(UDP), { transport: 'udp', type: 'host', address: '192.0.2.1' });
  assert.deepEqual(readCandidate(`a=${TCP}`), { transport: 'tcp', type: 'host', address: '192.0.2.1' });
  for (const bad of ['', 'candidate:', 'candidate:1 1 sctp 1 a 1 typ host', 'candidate:1 1 udp 1 a 1', 'x y z']) {
    assert.equal(readCandidate(bad), null, bad);
  }
  assert.equal(withoutCandidates(`v=0\r\na=${UDP}\r\na=mid:0\r\n`, () => false), 'v=0\r\na=mid:0\r\n');
  assert.ok(hasServer([{ urls: 'turns:h' }], 'turn'));
  assert.ok(!hasServer([{ urls: ['stun:h'] }], 'turn'));
});
