// A page with the inspector open.

import { join } from 'node:path';
import { OUT } from './paths.mjs';
import { OPEN, Stage } from './stage.mjs';

export const FOLDER = join(OUT, 'screenshots');
const SOURCES = [
  { name: 'screen', title: 'Screen', kind: 'test', pattern: 'smpte', size: '640x360' },
  { name: 'camera', title: 'Camera', kind: 'test', pattern: 'ball', size: '320x180', tone: false },
];

/** A page with pictures, and the inspector open by its key. */
export async function inspected(t, options) {
  const stage = new Stage(t);
  const daemon = await stage.daemon({ ...OPEN, server: { ...OPEN.server, title: 'Workshop' }, source: SOURCES });
  const viewer = await stage.viewer(await stage.chromium(), daemon.url, options);
  await viewer.connection();
  await viewer.picture('screen', 2);
  await viewer.page.keyboard.press('Shift+I');
  await viewer.part('sequence').waitFor();
  const tab = (name) => viewer.part(`inspector-tab-${name}`).click();
  return { viewer, tab, page: viewer.page };
}

/** Everything that the page's own connection reports. */
export const reported = (page) =>
  page.evaluate(async () => [...(await window.vitrinaTest.peers.find(({ connectionState }) => connectionState === 'connected').getStats()).values()]);

/** The ICE passwords of both sides. */
export const passwordsOf = (page) =>
  page.evaluate(() =>
    window.vitrinaTest.peers.flatMap(({ localDescription, remoteDescription }) =>
      [localDescription, remoteDescription].flatMap((description) => [...(description?.sdp ?? '').matchAll(/^a=ice-pwd:(.*?)\r?$/gm)].map(([, password]) => password)),
    ),
  );

/** A data channel named "echo" that the page's connection is told of: its other end sends back what it gets. */
export const offerEcho = (page) =>
  page.evaluate(async () => {
    const [connection] = window.vitrinaTest.peers;
    const [near, far] = [new RTCPeerConnection(), new RTCPeerConnection()];
    near.onicecandidate = ({ candidate }) => far.addIceCandidate(candidate);
    far.onicecandidate = ({ candidate }) => near.addIceCandidate(candidate);
    const channel = far.createDataChannel('echo');
    channel.onmessage = ({ data }) => channel.send(data);
    near.ondatachannel = (event) => connection.dispatchEvent(new RTCDataChannelEvent('datachannel', { channel: event.channel }));
    await far.setLocalDescription();
    await near.setRemoteDescription(far.localDescription);
    await near.setLocalDescription();
    await far.setRemoteDescription(near.localDescription);
  });

/** The steps as they stand in the diagram, from top to bottom. */
export const stepsOf = (page) => page.$$eval('.step', (steps) => steps.map(({ dataset }) => dataset.name));
