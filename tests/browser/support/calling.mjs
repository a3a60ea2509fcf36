// People who call each other.

import { readFileSync } from 'node:fs';
import { after } from 'node:test';
import { Caller, DEVICES, speakingDevices } from './caller.mjs';
import { OPEN, Stage } from './stage.mjs';

export const PAIRS = readFileSync(new URL('./in-page-pairs.js', import.meta.url), 'utf8');

// One daemon for all, with a room for each test: it tries its encoders when it begins.
const house = new Stage({ after });
export const ROOMS = ['three', 'screen', 'rude', 'closes', 'ten', 'network', 'refused', 'insecure', 'unplugged', 'pairs', 'relayed'];
const daemons = new Map();
export const daemonWith = (config) => {
  const key = JSON.stringify(config);
  if (!daemons.has(key)) daemons.set(key, house.daemon({ ...OPEN, ...config }));
  return daemons.get(key);
};

/** A meeting, and these people in it. */
export async function meeting(t, names, { room, config = { room: { title: 'Meeting', names: ROOMS } }, devices = DEVICES, speech = false, options = {} }) {
  const stage = new Stage(t);
  const daemon = await daemonWith(config);
  const url = room === undefined ? daemon.url : `${daemon.url}/r/${room}`;
  const browser = await stage.chromium(speech ? speakingDevices(stage.folder()) : devices);
  const people = [];
  for (const name of names) people.push(await Caller.open(stage, browser, url, name, options));
  return { stage, url, browser, people };
}

/** Everybody sees everybody else. */
export async function together(people) {
  for (const each of people) {
    for (const other of people) if (other !== each) await each.tile(other.name, { state: 'connected' });
  }
}
