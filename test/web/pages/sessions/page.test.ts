import { describe, expect, it } from "vitest";
import { groupsOf } from "../../../../web/pages/sessions/page.tsx";
import type { SessionView } from "../../../../web/state/sessions.ts";

const view = (id: string, person?: string): SessionView => ({
  id,
  ...(person === undefined ? {} : { proof: { person, originClass: "signer" } }),
  device: "Chromium on Linux",
  origin: "http://clawhold.localhost:8443",
  startedAt: 1,
  lastSeenAt: 2,
  endsAt: 3,
  current: false,
});

describe("open sessions on the page", () => {
  it("are shown by person: one's own first, those that prove nothing last, each in the edge's order", () => {
    const all = [
      view("a"),
      view("b", "p-otto"),
      view("c", "p-ada"),
      view("d", "p-otto"),
      view("e"),
      view("f", "p-ada"),
    ];
    const shown = groupsOf(all, "p-ada").map(({ person, sessions }) => [person, ...sessions.map(({ id }) => id)]);
    expect(shown).toEqual([
      ["p-ada", "c", "f"],
      ["p-otto", "b", "d"],
      [undefined, "a", "e"],
    ]);
  });
});
