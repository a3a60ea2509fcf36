// The daemon behind a router that forwards its one port, as one at home does.

import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { Stage } from '../browser/support/stage.mjs';
import { chromiumOn, daemonOn, watch } from './support/hosts.mjs';
import { coturn, Lab, oneWay, PORT } from './support/lab.mjs';

const lab = new Lab();
const house = new Stage({ after });
const browser = chromiumOn(house);

test('behind_a_nat_one_forwarded_port_is_enough', async (t) => {
  const stage = new Stage(t);
  oneWay(lab);
  await daemonOn(stage, lab, { network: { advertise: [lab.outside] } });
  const viewer = await watch(stage, await browser, lab.outside);
  const { remote } = await viewer.route();
  assert.deepEqual([remote.protocol, remote.address, remote.port], ['udp', lab.outside, PORT]);
});

test('where_udp_is_blocked_pictures_come_by_the_page_s_own_port', async (t) => {
  const stage = new Stage(t);
  oneWay(lab, { protocols: ['tcp'] });
  await daemonOn(stage, lab, { network: { advertise: [lab.outside] } });
  const viewer = await watch(stage, await browser, lab.outside);
  const { remote } = await viewer.route();
  assert.deepEqual([remote.protocol, remote.address, remote.port], ['tcp', lab.outside, PORT]);
});

test('a_stun_server_tells_the_address_that_nobody_has_written_down', async (t) => {
  const stage = new Stage(t);
  oneWay(lab);
  await coturn(stage, lab, { secret: 'nobody logs in' });
  await daemonOn(stage, lab, { network: { ice_server: [{ urls: [`stun:${lab.turn}:3478`] }] } });
  const viewer = await watch(stage, await browser, lab.outside);
  const { remote } = await viewer.route();
  assert.deepEqual([remote.protocol, remote.address, remote.port], ['udp', lab.beyond, PORT]);
  assert.equal(remote.candidateType, 'srflx');
});
