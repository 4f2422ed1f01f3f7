/**
 * Single-key shortcuts of the dashboard. No key approves anything.
 * May not: act while somebody types, while a dialog is open, or together with Ctrl, Alt or Meta.
 */
import type { Stop } from "./backend.ts";

export interface Shortcut {
  /** `R`, or two keys in sequence: `G F`. */
  readonly keys: string;
  readonly does: string;
  readonly run: () => void;
  /** Works, and is left out of the list. */
  readonly unlisted?: boolean;
}

/** How long the second key of a sequence may take. */
const SEQUENCE_MS = 1_200;

export interface KeyPress {
  readonly key: string;
  readonly atMs: number;
}

/** Which shortcut a key completes. Pure, so that sequences can be tested without a keyboard. */
export function matchKeys(
  shortcuts: readonly Shortcut[],
  press: KeyPress,
  before: KeyPress | undefined,
): Shortcut | undefined {
  const key = press.key.toUpperCase();
  const inSequence = before !== undefined && press.atMs - before.atMs <= SEQUENCE_MS;
  const pair = inSequence ? `${before.key.toUpperCase()} ${key}` : undefined;
  return shortcuts.find(({ keys }) => keys === pair) ?? shortcuts.find(({ keys }) => keys === key);
}

/** `shortcuts` is asked at each press, so that pages can change it. */
export function listenForKeys(view: Window, shortcuts: () => readonly Shortcut[]): Stop {
  let before: KeyPress | undefined;
  const onKey = (event: KeyboardEvent) => {
    if (event.defaultPrevented || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    if (isTyping(event.target) || view.document.querySelector("dialog[open]") !== null) return;
    const press = { key: event.key, atMs: event.timeStamp };
    const match = matchKeys(shortcuts(), press, before);
    before = match === undefined ? press : undefined;
    if (match === undefined) return;
    event.preventDefault();
    match.run();
  };
  view.addEventListener("keydown", onKey);
  return () => view.removeEventListener("keydown", onKey);
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || target.matches("input, textarea, select");
}
