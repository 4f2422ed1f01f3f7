import { describe, expect, it } from "vitest";
import { Gate, SEEN_MS } from "../../../web/dialog/gate.ts";

describe("the gate of the approve button", () => {
  it("is closed until the button was seen for half a second", () => {
    const gate = new Gate();
    expect(gate.isOpen(10_000)).toBe(false);
    gate.look(true, 1_000);
    expect(gate.isOpen(1_000 + SEEN_MS - 1)).toBe(false);
    expect(gate.isOpen(1_000 + SEEN_MS)).toBe(true);
  });

  it("starts again after every interruption", () => {
    const gate = new Gate();
    gate.look(true, 0);
    gate.look(false, 400);
    gate.look(true, 450);
    expect(gate.isOpen(SEEN_MS)).toBe(false);
    expect(gate.isOpen(450 + SEEN_MS)).toBe(true);
    gate.look(false, 2_000);
    expect(gate.isOpen(9_000)).toBe(false);
  });
});
