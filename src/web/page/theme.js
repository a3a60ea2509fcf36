// Before the first paint: dark or light, so that nothing flashes. Not a module: modules wait.
(() => {
  let chosen = 'system';
  try {
    chosen = JSON.parse(localStorage.getItem('vitrina.settings')).theme;
  } catch {
    // Nothing stored, or nothing can be.
  }
  const light = matchMedia('(prefers-color-scheme: light)').matches;
  const theme = chosen === 'dark' || chosen === 'light' ? chosen : light ? 'light' : 'dark';
  document.documentElement.dataset.theme = theme;
})();
