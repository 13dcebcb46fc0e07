let theme = null;
try {
  theme = localStorage.getItem('waybill-theme');
} catch {
  // Storage is closed to this page: the system's theme applies.
}
const dark = theme ? theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
document.documentElement.dataset.theme = dark ? 'dark' : 'light';
