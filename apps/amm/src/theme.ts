// Light or dark: as the system says, until somebody chooses, here or on the explorer's page of the same node.
import { useState } from "preact/hooks";

export type Theme = "light" | "dark";

const KEY = "ivm-explorer-theme";

function shown(): Theme {
  try {
    const stored = localStorage.getItem(KEY);
    if (stored === "light" || stored === "dark") return stored;
  } catch {
    // A browser may keep nothing.
  }
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

export function applyTheme(theme: Theme = shown()): void {
  document.documentElement.dataset["theme"] = theme;
}

/** The theme that is shown, and what changes it. */
export function useThemeToggle(): [Theme, () => void] {
  const [theme, setTheme] = useState<Theme>(shown);
  const toggle = () => {
    const other = theme === "dark" ? "light" : "dark";
    try {
      localStorage.setItem(KEY, other);
    } catch {
      // It lasts until the page is left.
    }
    applyTheme(other);
    setTheme(other);
  };
  return [theme, toggle];
}
