/** Dark or light: what the system says, unless the reader has chosen. */
import { useEffect, useState } from "preact/hooks";

export type Theme = "dark" | "light";
const key = "nerve-theme", dark = matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set<() => void>();

function chosen(): Theme | null {
  const theme = localStorage.getItem(key);
  return theme === "dark" || theme === "light" ? theme : null;
}

export function currentTheme(): Theme {
  return chosen() ?? (dark.matches ? "dark" : "light");
}

/** Before the first paint, and after each change. */
export function applyTheme(): void {
  document.documentElement.dataset.theme = currentTheme();
  for (const listener of listeners) listener();
}

export function toggleTheme(): void {
  localStorage.setItem(key, currentTheme() === "dark" ? "light" : "dark");
  applyTheme();
}

dark.addEventListener("change", applyTheme);

export function useTheme(): Theme {
  const [theme, setTheme] = useState(currentTheme);
  useEffect(() => {
    const change = () => setTheme(currentTheme());
    listeners.add(change);
    return () => void listeners.delete(change);
  }, []);
  return theme;
}
