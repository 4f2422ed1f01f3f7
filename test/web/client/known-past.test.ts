/** A touch is asked for only while the edge's history is the one this machine knows; also for what was built before. */
import { describe, expect, it } from "vitest";
import { signIntent, type Intended } from "../../../web/client/intents.ts";
import { MachineMemory } from "../../../web/client/machine-memory.ts";
import { signIn, type SessionDeps } from "../../../web/client/session.ts";
import { TroubleError } from "../../../web/client/trouble.ts";
import { TrustKeeper, type TrustDeps } from "../../../web/client/trust.ts";
import { nonceOf } from "../../fixtures/keys.ts";

const WORKSPACE = nonceOf("workspace");
const head = (n: number) => ({ n, hash: nonceOf(`hash ${n}`), revoked: nonceOf("none") });

/** A machine that has seen place 5, after an edge offered place 4. */
async function troubled(): Promise<MachineMemory> {
  const memory = new MachineMemory(() => Promise.resolve(Response.json({ workspace: WORKSPACE, head: head(5) })));
  await memory.judgeOffer({ workspace: WORKSPACE, trustHead: head(4) }).catch((error: unknown) => {
    if (!(error instanceof TroubleError)) throw error;
  });
  return memory;
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "none";
  } catch (error) {
    if (error instanceof TroubleError) return error.trouble.code;
    throw error;
  }
}

describe("while the edge shows an older history", () => {
  it("an intent that was built before is not approved, and no key is spent on it", async () => {
    const trust = new TrustKeeper({ memory: await troubled() } as unknown as TrustDeps);
    const asked: string[] = [];
    const keys = { offer: () => Promise.resolve(void asked.push("a key")) };
    const intended = { asking: { deps: { trust, keys } } } as unknown as Intended;
    expect(await codeOf(signIntent(intended, new AbortController().signal))).toBe("older_history");
    expect(asked).toEqual([]);
  });

  it("nobody signs in: the edge's offer is refused before the touch", async () => {
    const memory = await troubled();
    const asked: string[] = [];
    const client = {
      call: (name: string) => {
        asked.push(name);
        return Promise.resolve({ nonce: nonceOf("n"), workspace: WORKSPACE, trustHead: head(4), now: 1, lifetime: 60 });
      },
    };
    const vault = { get: () => Promise.resolve(undefined) };
    const deps = { client, vault, memory, clock: { set: () => asked.push("the clock") } } as unknown as SessionDeps;
    expect(await codeOf(signIn(deps))).toBe("older_history");
    expect(asked).toEqual(["signInNonce"]);
  });
});

describe("an address that the workspace does not list", () => {
  it("says so, and what to do, instead of the edge's own sentence", async () => {
    const page = globalThis as { location?: unknown };
    const before = page.location;
    page.location = { origin: "http://clawhold.localhost:4480" };
    const refused = new TroubleError({ code: "origin", what: "No." });
    const client = { call: () => Promise.reject(refused) };
    const nothing = { get: () => Promise.resolve(undefined), recall: () => Promise.resolve({}) };
    try {
      await signIn({ client, vault: nothing, memory: nothing } as unknown as SessionDeps);
      expect.unreachable();
    } catch (error) {
      if (!(error instanceof TroubleError)) throw error;
      expect(error.trouble.code).toBe("origin_unlisted");
      expect(error.trouble.what).toContain("http://clawhold.localhost:4480");
      expect(error.trouble.next).toContain("on the page Addresses of a signer that is listed");
    } finally {
      page.location = before;
    }
  });
});
