/** When each address was last signed in at: kept beyond the sessions, told to administrators only. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { OriginUseTable } from "../../durable-objects/origin-use.ts";
import { addMember, signInMember } from "../fixtures/edge/people.ts";
import { Town } from "../fixtures/edge/town.ts";
import { edge, fresh, now } from "./client.ts";
import { env } from "./environment.ts";

const ORIGIN = "http://clawhold.localhost:8443";

describe("sign-ins at an address", () => {
  it("are remembered by their last moment, also after an eviction", async () => {
    const sessions = env.SESSIONS.getByName(fresh());
    await runInDurableObject(sessions, (_, { storage }) => {
      const table = new OriginUseTable(storage.sql);
      expect(table.read()).toBeUndefined();
      table.note("https://b.example", 100);
      table.note("https://a.example", 200);
      table.note("https://b.example", 300);
    });
    await evictDurableObject(sessions);
    expect(await sessions.originUse()).toEqual({
      since: 100,
      used: [
        { origin: "https://a.example", at: 200 },
        { origin: "https://b.example", at: 300 },
      ],
    });
  });

  it("are told to administrators, and to nobody else", async () => {
    const town = await Town.at(edge);
    const vera = await signInMember(town, await addMember(town, "p-vera", ["viewer"]));
    const { originUse } = await town.page.must("sessions");
    expect(originUse).toMatchObject({ used: [{ origin: ORIGIN }] });
    const { since, used } = originUse as { readonly since: number; readonly used: readonly { readonly at: number }[] };
    expect(since).toBeLessThanOrEqual(used[0]?.at ?? 0);
    expect(Math.abs((used[0]?.at ?? 0) - now())).toBeLessThan(60);
    expect(await vera.page.must("sessions")).not.toHaveProperty("originUse");
  });
});
