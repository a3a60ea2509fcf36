/**
 * The way to the inspector. Its modules, words, style and charts are fetched when it is first opened.
 */

import { addWords } from '../i18n/i18n.js';

/** A style sheet of the page's, once it holds. */
function style(document, href) {
  return new Promise((resolve, reject) => {
    const link = document.createElement('link');
    link.rel = 'stylesheet';
    link.href = href;
    link.onload = resolve;
    link.onerror = () => reject(new Error(href));
    document.head.append(link);
  });
}

async function load(root, options) {
  const [{ createInspector }, en, es, sdpEn, sdpEs] = await Promise.all([
    import('./inspector.js'),
    import('./words/en.js'),
    import('./words/es.js'),
    import('./words/sdp-en.js'),
    import('./words/sdp-es.js'),
    style(document, '/inspector/inspector.css'),
    style(document, '/inspector/views.css'),
  ]);
  addWords('en', { ...en.en, ...sdpEn.en });
  addWords('es', { ...es.es, ...sdpEs.es });
  let charts = null;
  const loadCharts = () => {
    charts ??= Promise.all([import('../vendor/uPlot.esm.js'), style(document, '/vendor/uPlot.min.css')]).then(([library]) => library);
    charts.catch(() => (charts = null));
    return charts;
  };
  return createInspector(root, { ...options, loadCharts });
}

/**
 * @param {HTMLElement} root
 * @param {object} options as of `createInspector`, and
 * @param {() => void} options.failed it could not be fetched
 * @param {() => void} options.ready it has been
 */
export function createInspectorDoor(root, { failed, ready, ...options }) {
  let inspector = null;
  let loading = false;

  async function begin() {
    loading = true;
    try {
      inspector = await load(root, options);
      ready();
    } catch (error) {
      console.warn(`no inspector: ${error.message}`);
      failed();
    }
    loading = false;
  }

  return {
    render(state, t) {
      if (inspector !== null) inspector.render(state, t);
      else if (state.inspecting && !loading) void begin();
    },
  };
}
