import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { endpoints, problemSchema, type Endpoint } from "../../protocol/contracts.ts";
import { permissions } from "../../protocol/roles.ts";

const rows = Object.entries<Endpoint>(endpoints);

describe("endpoints", () => {
  it.each(rows)("%s is below /api, says about the touch and why, and asks for a permission of the list", (_, row) => {
    expect(row.path).toMatch(/^\/api\/[a-z:/-]+$/i);
    expect(row.touch.why).toMatch(/^[a-z].{5,}[^.]$/);
    if (row.permission !== undefined) expect(permissions).toContain(row.permission);
  });

  it("have one entry for a method and path", () => {
    const places = rows.map(([, row]) => `${row.method} ${row.path.replaceAll(/:\w+/g, ":x")}`);
    expect(new Set(places).size).toBe(places.length);
  });

  it("need a permission only where somebody is signed in", () => {
    expect(
      rows.filter(([, row]) => row.permission !== undefined && row.access !== "session").map(([name]) => name),
    ).toEqual([]);
  });

  it.each(rows.filter(([, row]) => row.request !== undefined))("%s refuses a foreign member", (_, row) => {
    expect(row.method).toBe("POST");
    expect(v.is(row.request ?? v.never(), { foreign: 1 })).toBe(false);
  });

  it("leave nothing open that writes, but the sign-in, its nonce, and what a token in the body opens", () => {
    const open = rows.filter(([, row]) => row.access === "open" && row.method === "POST");
    const byToken = open.filter(([name]) => name.startsWith("invitation"));
    expect(open.map(([name]) => name).toSorted()).toEqual(
      ["signIn", "signInNonce", ...byToken.map(([name]) => name)].toSorted(),
    );
    for (const [name, { request }] of byToken) {
      const entries = (request as unknown as { readonly entries: object } | undefined)?.entries ?? {};
      expect({ name, token: "token" in entries }).toEqual({ name, token: true });
    }
  });
});

describe("problems", () => {
  it("carry a code and an id, and nothing more", () => {
    const problem = { type: "about:blank", title: "No.", status: 403, code: "role", id: "x" };
    expect(v.is(problemSchema, problem)).toBe(true);
    expect(v.is(problemSchema, { ...problem, detail: "secret" })).toBe(false);
    expect(v.is(problemSchema, { ...problem, code: "Role" })).toBe(false);
  });
});
