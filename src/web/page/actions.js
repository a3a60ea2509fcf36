/**
 * What a person can do on the page: each action by name, changing the state or asking the parts.
 */

import { ask } from './net/admin.js';
import { LAYOUTS } from './state/settings.js';
import { withChoice } from './state/renditions.js';
import { after, bigOf, hasVideo, shown, toggled } from './state/sources.js';
import { canPip, fullscreenElement, toggleFullscreen, togglePip } from './ui/screen.js';
import { closePopover } from './ui/popover.js';

/**
 * @param {object} parts
 * @param {object} parts.store
 * @param {object} parts.access
 * @param {() => object} parts.supervisor
 * @param {() => object} parts.stage
 * @param {() => object} parts.speakers
 * @param {() => object} parts.help
 * @param {() => object} parts.check
 * @param {() => object} parts.admin
 * @param {() => object} parts.meeting
 * @param {() => object} parts.call
 * @param {() => object} parts.files
 */
export function createActions({ store, access, supervisor, stage, speakers, help, check, admin, meeting, call, files }) {
  const { get, set } = store;
  let nextToast = 1;

  const pictures = () => shown(get().sources, get().hidden).filter(hasVideo).map(({ name }) => name);
  const big = () => bigOf(pictures(), get().big);

  const actions = {
    setLayout: (layout) => set({ layout }),
    nextLayout: () => set({ layout: after(LAYOUTS, get().layout) }),
    setTheme: (theme) => set({ theme }),
    toggleTheme: () => set({ theme: document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark' }),
    setLanguage: (language) => set({ language }),
    toggleStats: () => set({ stats: !get().stats }),
    inspect: () => set({ inspecting: !get().inspecting }),
    help: () => help().open(),
    check: () => check().open(),

    /** A press on a picture: it becomes the big one, in a layout that has one. */
    makeBig(name) {
      const layout = get().layout === 'grid' ? 'focus' : get().layout;
      set({ big: name, ...(pictures().length > 1 ? { layout } : {}) });
    },
    toggleBig(name) {
      if (get().layout !== 'grid' && big() === name) set({ layout: 'grid' });
      else actions.makeBig(name);
    },
    makeBigAt(index) {
      const source = get().sources[index];
      if (source === undefined || !hasVideo(source)) return;
      if (get().hidden.includes(source.name)) actions.setHidden(source.name, false);
      actions.makeBig(source.name);
    },
    swap(step) {
      const name = after(pictures(), big(), step);
      if (name !== null) actions.makeBig(name);
    },

    setHidden(name, hide) {
      set({ hidden: toggled(get().hidden, name, hide) });
      supervisor().session?.select();
    },
    toggleHiddenAt(index) {
      const source = get().sources[index];
      if (source !== undefined) actions.setHidden(source.name, !get().hidden.includes(source.name));
    },
    showAll() {
      set({ hidden: [] });
      supervisor().session?.select();
    },

    /** Which rung a source is to come in; null leaves it to the daemon. */
    choose(name, rung) {
      set({ chosenRungs: withChoice(get().chosenRungs, name, rung) });
      supervisor().session?.choose(name);
    },

    toggleMute() {
      if (get().blocked === 'sound') return actions.unblock();
      if (get().volume === 0) set({ volume: 0.5, muted: false });
      else set({ muted: !get().muted });
    },
    setVolume(volume) {
      if (get().blocked === 'sound') actions.unblock();
      set({ volume: Math.min(1, Math.max(0, Math.round(volume * 100) / 100)), muted: false });
    },
    changeVolume: (step) => actions.setVolume((get().muted ? 0 : get().volume) + step),
    toggleSourceMute(name) {
      if (get().blocked === 'sound') return actions.unblock();
      set({ mutedSources: toggled(get().mutedSources, name) });
    },
    /** The browser wants a click before it plays. */
    blocked(what) {
      if (get().blocked !== 'picture') set({ blocked: what });
    },
    /** Who plays sound that comes by the WebSocket. */
    voice: () => speakers().voice(),
    /** Pictures have another size on the screen. */
    fit: () => supervisor()?.session?.fit(),
    /** This is the click. */
    unblock() {
      set({ blocked: null, muted: false });
      for (const tile of stage().tiles()) tile.player.resume();
      call().resume();
      speakers().resume();
    },

    async fullscreen() {
      const tile = stage().tile(big() ?? '');
      // Leaves whatever is full, a single picture too.
      const element = fullscreenElement() ?? document.documentElement;
      if (!(await toggleFullscreen(element, tile?.player.video ?? null))) actions.note('notice.fullscreen');
    },
    async tileFullscreen(name) {
      const tile = stage().tile(name);
      if (!(await toggleFullscreen(tile.root, tile.player.video))) actions.note('notice.fullscreen');
    },
    canPip,
    async pip(name = big()) {
      const tile = stage().tile(name ?? '');
      if (!(await togglePip(tile?.player.video ?? null))) actions.note('notice.pip');
    },

    /** Escape: whatever is open closes; otherwise back to side by side. */
    back() {
      if (closePopover() || meeting().back()) return;
      if (get().inspecting) set({ inspecting: false });
      else if (get().layout !== 'grid') set({ layout: 'grid' });
    },
    toggleRoom: () => meeting().toggle(),
    showFiles() {
      set({ toasts: get().toasts.filter(({ kind }) => kind !== 'files') });
      meeting().toggle(true);
    },

    retry: () => supervisor().retry(),
    tryWebRtc: () => supervisor().tryWebRtc(),
    reload: () => location.reload(),
    leave: () => supervisor().stop(),
    /** To be somebody: the session ends, the way in opens. */
    signInByName: () => supervisor().stop('signed-out', null),
    async signOut() {
      try {
        await access.signOut();
      } catch {
        actions.note('notice.signout');
        return;
      }
      set({ authorized: false, name: null, role: 'viewer' });
      // The next one to sign in here may be somebody else. Those in the room still hear of what ends.
      files().forget();
      call().forget();
      meeting().forget();
      supervisor().stop('signed-out', null);
    },

    admin: () => admin().open(),
    watchViewers(on) {
      set({ viewers: null, ...(on ? {} : { invited: null }) });
      supervisor().session?.ask(ask.viewers(on));
      if (on) supervisor().session?.ask(ask.invitations());
    },
    endViewer: (viewer) => supervisor().session?.ask(ask.end(viewer)),
    /** A source for everybody, or all of them: null. What comes of it the daemon tells. */
    pauseForAll(source, pause) {
      supervisor().session?.ask(pause ? ask.pause(source) : ask.resume(source));
      // Until it does, switches are as they were.
      set({ sources: [...get().sources] });
    },
    invite: (wanted) => supervisor().session?.ask(ask.invite(wanted)),
    revoke: (invitation) => supervisor().session?.ask(ask.revoke(invitation)),

    /** A word at the edge. Of one `kind` there is the latest; without, one says the same but once. */
    note(key, values = {}, more = {}) {
      if (more.kind !== undefined) set({ toasts: get().toasts.filter(({ kind }) => kind !== more.kind) });
      const same = get().toasts.find((toast) => toast.key === key);
      if (same !== undefined) return;
      const toast = { id: nextToast, key, values, ...more };
      nextToast += 1;
      set({ toasts: [...get().toasts.slice(-2), toast] });
      // One that asks for something stays until it is answered.
      if (toast.press === undefined) setTimeout(() => actions.dismiss(toast.id), 6000);
    },
    dismiss: (id) => set({ toasts: get().toasts.filter((toast) => toast.id !== id) }),
  };
  return actions;
}
