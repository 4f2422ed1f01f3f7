import { signal } from "@preact/signals";
import { describe, expect, it } from "vitest";
import type { Phase } from "../../../web/state/backend.ts";
import { startTicking } from "../../../web/state/app.ts";

/** A window whose timer nobody fires. */
function stillWindow(): Window {
  const document = Object.assign(new EventTarget(), { hidden: false });
  return { document, setInterval: () => 1, clearInterval: () => undefined } as unknown as Window;
}

describe("the ticking clock", () => {
  it("has the edge's time as soon as a page does, and not a second later", () => {
    const phase = signal<Phase>({ kind: "starting" });
    let edge = 0;
    const { now, stop } = startTicking({ now: () => edge, phase }, stillWindow());
    expect(now.value).toBe(0);
    edge = 1_800_000_000;
    phase.value = { kind: "signed-in" };
    expect(now.value).toBe(edge);
    stop();
    edge += 60;
    phase.value = { kind: "signed-out" };
    expect(now.value).toBe(edge - 60);
  });
});
