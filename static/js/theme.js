// Before the first paint: the theme that was chosen here.
try {
  const theme = localStorage.getItem("mendao-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch { /* storage is off: the system's theme stands */ }
