// Light or dark: as the system says, until somebody chooses, on any page of the node.
import { useEffect, useState } from "preact/hooks";

export type Theme = "light" | "dark";

const KEY = "ivm-explorer-theme";
const systemIsDark = matchMedia("(prefers-color-scheme: dark)");

const system = (): Theme => (systemIsDark.matches ? "dark" : "light");

/** What was chosen, or null. A browser may keep nothing. */
function chosen(): Theme | null {
  try {
    const stored = localStorage.getItem(KEY);
    return stored === "light" || stored === "dark" ? stored : null;
  } catch {
    return null;
  }
}

/** Shows a choice that was made before; called before anything is drawn. */
export function applyTheme(theme = chosen()): void {
  if (theme) document.documentElement.dataset["theme"] = theme;
}

/** The theme that is shown, and what changes it. */
export function useThemeToggle(): [Theme, () => void] {
  const [theme, setTheme] = useState<Theme>(chosen() ?? system());
  useEffect(() => {
    const follow = () => setTheme(chosen() ?? system());
    systemIsDark.addEventListener("change", follow);
    return () => systemIsDark.removeEventListener("change", follow);
  }, []);
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
