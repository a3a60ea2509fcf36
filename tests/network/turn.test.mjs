// Nothing goes between viewer and daemon but the page; pictures go through coturn.

import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { Stage } from '../browser/support/stage.mjs';
import { chromiumOn, daemonOn, expiry, login, watch } from './support/hosts.mjs';
import { coturn, Lab, onlyRelayed } from './support/lab.mjs';

const SECRET = 'the north wind and the sun';
const lab = new Lab();
const house = new Stage({ after });
const browser = chromiumOn(house);

/** How long a login is good for in these tests, in s. */
const LIFETIME_S = 6;

function server(transport) {
  return { urls: [`turn:${lab.turn}:3478?transport=${transport}`], secret: SECRET, lifetime_s: LIFETIME_S };
}

/** Asks the TURN server for a relay with that login: the first candidate's type, or the error's code. */
function ask(viewer, iceServer) {
  return viewer.page.evaluate(
    (iceServers) =>
      new Promise((resolve) => {
        const peer = new RTCPeerConnection({ iceServers, iceTransportPolicy: 'relay' });
        const say = (what) => {
          peer.close();
          resolve(what);
        };
        peer.onicecandidate = ({ candidate }) => candidate && say(candidate.type);
        peer.onicecandidateerror = ({ errorCode }) => say(errorCode);
        peer.addTransceiver('video');
        peer.setLocalDescription();
      }),
    [iceServer],
  );
}

test('pictures_go_through_a_turn_server_and_on_after_the_login_has_expired', async (t) => {
  const stage = new Stage(t);
  onlyRelayed(lab);
  await coturn(stage, lab, { secret: SECRET });
  await daemonOn(stage, lab, { network: { tcp: false, ice_server: [server('udp')] } });
  const viewer = await watch(stage, await browser, lab.capture);
  const { local } = await viewer.route();
  assert.deepEqual([local.candidateType, local.relayProtocol, local.address], ['relay', 'udp', lab.turn]);

  const first = await login(viewer);
  assert.equal(await ask(viewer, first), 'relay');
  await viewer.page.waitForFunction((at) => Date.now() > at, expiry(first) + 1000);
  assert.equal(await ask(viewer, first), 401, 'it has expired');
  const renewed = await login(viewer);
  assert.ok(expiry(renewed) > expiry(first), 'the page has another');
  assert.equal(await ask(viewer, renewed), 'relay', 'which is good');
  await viewer.assertMoves('ball');
  assert.ok((await viewer.outage('ball', expiry(first) - 2000)) < 500, 'nothing was to be noticed');
});

test('where_udp_is_blocked_the_turn_server_is_reached_by_tcp', async (t) => {
  const stage = new Stage(t);
  onlyRelayed(lab, { protocols: ['tcp'] });
  await coturn(stage, lab, { secret: SECRET });
  await daemonOn(stage, lab, { network: { tcp: false, ice_server: [server('tcp')] } });
  const viewer = await watch(stage, await browser, lab.capture);
  const { local } = await viewer.route();
  assert.deepEqual([local.candidateType, local.relayProtocol, local.address], ['relay', 'tcp', lab.turn]);
});
