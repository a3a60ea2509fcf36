// People in a room, each with a page of their own.

import { OPEN } from './stage.mjs';

export const SOURCE = { name: 'screen', title: 'Screen', kind: 'test', pattern: 'smpte', size: '640x360', tone: false };
export const MEETING = { ...OPEN, server: { ...OPEN.server, title: 'Workshop' }, room: { title: 'Workshop' } };
export const HOSTILE = '<img src=x onerror="document.title=1">';

/** A page whose person is called so, in the room. */
export async function guest(stage, browser, url, name, { before, ...options } = {}) {
  const viewer = await stage.viewer(browser, url, {
    ...options,
    before: async (page) => {
      await page.addInitScript((roomName) => {
        if (localStorage.getItem('vitrina.settings') === null) localStorage.setItem('vitrina.settings', JSON.stringify({ roomName }));
      }, name);
      await before?.(page);
    },
  });
  await viewer.connection();
  await viewer.part('chat-input').waitFor({ state: options.isMobile ? 'attached' : 'visible' });
  return viewer;
}

export async function say(viewer, text) {
  await viewer.part('chat-input').fill(text);
  await viewer.page.keyboard.press('Enter');
}

/** Waits until so many things were said, and nothing waits; all of them as `NAME: TEXT`. */
export async function talk(viewer, count) {
  await viewer.page.waitForFunction(
    (count) => document.querySelectorAll('[data-testid="said"]').length >= count && document.querySelector('[data-testid="pending"]') === null,
    count,
  );
  return viewer.page.evaluate(() => {
    let name = '';
    return [...document.querySelectorAll('[data-testid="said"]')].map((line) => {
      name = line.querySelector('[data-testid="said-name"]')?.textContent.replace(/ \(you\)$/, '') ?? name;
      return `${name}: ${line.querySelector('[data-testid="said-text"]').textContent}`;
    });
  });
}

/** The names in the list of people, oneself first. */
export async function people(viewer) {
  await viewer.part('room-tab-people').click();
  const names = await viewer.page.locator('[data-testid="person-row"] .person__name').allTextContents();
  await viewer.part('room-tab-chat').click();
  return names;
}

/** Waits until so many are in the list's tab. */
export const peopleAre = (viewer, count) =>
  viewer.page.waitForFunction((count) => document.querySelector('#tab-people .tab__count')?.textContent === String(count), count);
