/** Dark or light: the system's theme, unless the reader has chosen one. */
export type Theme = "dark" | "light";
export const themeKey = "nerve-theme", systemDark = matchMedia("(prefers-color-scheme: dark)");

export function currentTheme(): Theme {
  const theme = localStorage.getItem(themeKey);
  return theme === "dark" || theme === "light" ? theme : systemDark.matches ? "dark" : "light";
}

export function setTheme(): void {
  document.documentElement.dataset.theme = currentTheme();
}
