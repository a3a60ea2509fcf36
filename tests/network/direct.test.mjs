// Nothing but a router between them.

import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { Stage } from '../browser/support/stage.mjs';
import { chromiumOn, daemonOn, watch } from './support/hosts.mjs';
import { Lab, PORT } from './support/lab.mjs';

const lab = new Lab({ ipv6: true });
const house = new Stage({ after });
const browser = chromiumOn(house);

test('a_viewer_in_another_network_is_reached_directly', async (t) => {
  const stage = new Stage(t);
  await daemonOn(stage, lab, { network: { addresses: [lab.capture] } });
  const viewer = await watch(stage, await browser, lab.capture);
  const { remote } = await viewer.route();
  assert.deepEqual([remote.candidateType, remote.protocol, remote.address], ['host', 'udp', lab.capture]);
});

test('ipv6_is_as_good', async (t) => {
  const stage = new Stage(t);
  await daemonOn(stage, lab, { server: { listen: `[::]:${PORT}` }, network: { addresses: ['2001:db8:1::2'] } });
  const viewer = await watch(stage, await browser, '[2001:db8:1::2]');
  const { remote } = await viewer.route();
  assert.deepEqual([remote.candidateType, remote.protocol, remote.address], ['host', 'udp', '2001:db8:1::2']);
});
