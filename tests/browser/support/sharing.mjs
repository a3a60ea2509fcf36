// People in a room who send files.

import { MEETING, card, count, participant } from './files.mjs';
import { Stage } from './stage.mjs';

export const MB = 1e6;

/** So many people in one room, each in a context of its own. */
export async function meeting(t, people, between = []) {
  const stage = new Stage(t);
  const daemon = await stage.daemon(MEETING);
  const browser = await stage.chromium();
  const viewers = [];
  for (let n = 0; n < people; n += 1) viewers.push(await participant(stage, browser, daemon.url, { between: between[n] }));
  for (const viewer of viewers) await count(viewer, people);
  return { stage, daemon, viewers };
}

export const press = (viewer, name, what) => card(viewer, name).getByTestId(`file-${what}`).click();

/** As if the other page had closed the connection between the two: it is gone on this side, with all its channels. */
export function hangUp(between) {
  const { from, body } = between.told.findLast(({ type }) => type === 'signal');
  between.say({ type: 'signal', from, body: { kind: 'bye', session: body.session } });
}
