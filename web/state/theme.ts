/**
 * System, light or dark. The choice is kept in this browser only.
 * May not: decide colours; tokens.css does, from `data-theme`.
 */
import { effect, signal } from "@preact/signals";
import type { ReadonlySignal } from "@preact/signals";

const choices = ["system", "light", "dark"] as const;
export type ThemeChoice = (typeof choices)[number];

export interface Theme {
  readonly choice: ReadonlySignal<ThemeChoice>;
  next(): void;
}

const KEY = "theme";

export function createTheme(view: Window): Theme {
  const choice = signal<ThemeChoice>(stored(view));
  effect(() => {
    const root = view.document.documentElement;
    if (choice.value === "system") root.removeAttribute("data-theme");
    else root.setAttribute("data-theme", choice.value);
  });
  return {
    choice,
    next() {
      choice.value = choices[(choices.indexOf(choice.value) + 1) % choices.length] ?? "system";
      store(view, choice.value);
    },
  };
}

function stored(view: Window): ThemeChoice {
  try {
    const value = view.localStorage.getItem(KEY);
    return choices.find((one) => one === value) ?? "system";
  } catch {
    // Storage is switched off in this browser: follow the system.
    return "system";
  }
}

function store(view: Window, choice: ThemeChoice): void {
  try {
    view.localStorage.setItem(KEY, choice);
  } catch {
    // Storage is switched off: the choice lasts as long as this page.
    return;
  }
}
