/** The theme of the page, and what a change of theme updates. */
import { useEffect, useState } from "preact/hooks";
import { currentTheme, setTheme, systemDark, type Theme, themeKey } from "./chosen_theme.ts";

const listeners = new Set<() => void>();

function applyTheme(): void {
  setTheme();
  for (const listener of listeners) listener();
}

export function toggleTheme(): void {
  localStorage.setItem(themeKey, currentTheme() === "dark" ? "light" : "dark");
  applyTheme();
}

systemDark.addEventListener("change", applyTheme);

export function useTheme(): Theme {
  const [theme, redraw] = useState(currentTheme);
  useEffect(() => {
    const change = () => redraw(currentTheme());
    listeners.add(change);
    return () => void listeners.delete(change);
  }, []);
  return theme;
}
