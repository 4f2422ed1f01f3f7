import { describe, expect, it } from "vitest";
import type { Freeze } from "../../../../protocol/trust/state.ts";
import { readAddress } from "../../../../web/pages/addresses/page.tsx";
import { limitsOf } from "../../../../web/pages/automation/key-form.tsx";
import { untilOf } from "../../../../web/pages/people/fields.tsx";
import { frozenIn } from "../../../../web/pages/people/fork-card.tsx";
import { readOfferedKey } from "../../../../web/state/automation.ts";
import { makeKey } from "../../../../agent/automation/key-file.ts";
import { nonceOf, signerOf } from "../../../fixtures/keys.ts";
import { host } from "../../fixtures/hosts.ts";

describe("an address that somebody types", () => {
  it("has the class of its name: localhost is one's own machine, anything else an edge's", () => {
    expect(readAddress("http://clawhold.localhost:4480/")).toEqual({
      ok: true,
      origin: "http://clawhold.localhost:4480",
      rpId: "clawhold.localhost",
      class: "signer",
    });
    expect(readAddress(" https://hold.example.net ")).toMatchObject({
      ok: true,
      class: "daily",
      rpId: "hold.example.net",
    });
  });

  it("is refused with a sentence", () => {
    for (const text of [
      "",
      "hold.example.net",
      "https://hold.example.net/x",
      "https://a:b@hold.example.net",
      "https://x.localhost",
      "http://hold.example.net",
      "javascript:alert(1)",
    ]) {
      const read = readAddress(text);
      expect(read.ok, text).toBe(false);
      expect(read.ok ? "" : read.why).toMatch(/\.$/);
    }
  });
});

describe("an automation key that somebody pastes", () => {
  it("has the id and the words that its machine says", () => {
    const workspace = nonceOf("workspace");
    const { key } = makeKey({ workspace, edge: "https://hold.example.net", edgeName: undefined, label: "ci" });
    const offered = readOfferedKey(` ${key.signer.publicKey}\n`, workspace);
    expect(offered).toEqual({ publicKey: key.signer.publicKey, id: key.id, words: key.words });
  });

  it("is none when it is cut, too long, or a point that anybody could sign for", async () => {
    const { publicKey } = await signerOf("key");
    for (const text of ["", publicKey.slice(1), `${publicKey}A`, "A".repeat(43), "not a key"])
      expect(readOfferedKey(text, "w")).toBeUndefined();
  });

  it("has limits as they were typed", () => {
    expect(limitsOf("")).toEqual([]);
    expect(limitsOf("scenario=lost-device, second-person; other=1")).toEqual([
      { argument: "scenario", values: ["lost-device", "second-person"] },
      { argument: "other", values: ["1"] },
    ]);
  });
});

describe("the end of a grant", () => {
  it("is left to the statement's own time when it is the latest allowed", () => {
    expect(untilOf(90, 1_000)).toEqual({});
    expect(untilOf(7, 1_000)).toEqual({ until: 1_000 + 7 * 86_400 });
  });
});

describe("frozen hosts", () => {
  const freeze: Freeze = { reason: "fork", place: 4, mine: "a", other: "b" };

  it("are one card for one fork, whichever side each of them holds", () => {
    const hosts = [
      host("x", { view: { frozen: freeze } }),
      host("y", { view: { frozen: { ...freeze, mine: "b", other: "a" } } }),
      host("z"),
    ];
    const cards = frozenIn({}, hosts);
    expect(cards.map((card) => card.hosts.map(({ label }) => label))).toEqual([["x", "y"]]);
  });

  it("are told from a freeze of this browser's own log", () => {
    expect(frozenIn({ frozen: freeze }, [])).toEqual([{ freeze, hosts: [] }]);
    expect(frozenIn({}, [host("z")])).toEqual([]);
  });
});
