/** The word of a first host, by which the others take a release in one touch: every way to make one up is refused. */
import { beforeAll, describe, expect, it } from "vitest";
import { toBase64url } from "../../protocol/bytes.ts";
import { judgeCanary } from "../../protocol/canary.ts";
import { CANARY_SECONDS, MAX_CANARY_AGE_SECONDS } from "../../protocol/limits.ts";
import { preparedCodec, type Prepared } from "../../protocol/messages.ts";
import { nonceOf, signerOf } from "../fixtures/keys.ts";
import { makeWorld, NOW, type World } from "../fixtures/workspace.ts";

const VERSION = "1.2.0";
let world: World;

beforeAll(async () => {
  world = await makeWorld();
});

interface Draft {
  readonly change?: Partial<Prepared>;
  /** Who signs instead of the host. */
  readonly signer?: Awaited<ReturnType<typeof signerOf>>;
  /** Signed as another kind of message. */
  readonly kind?: "receipt";
  readonly targets?: readonly string[];
  readonly now?: number;
}

async function judged({ change, signer, kind, targets = ["h-other"], now = NOW }: Draft = {}) {
  const body = preparedCodec.encode({
    v: 1,
    workspace: world.state.workspace,
    host: world.host,
    prepare: nonceOf("prepare"),
    challenge: nonceOf("challenge"),
    hostBoot: nonceOf("boot"),
    now: NOW,
    trustHead: world.state.head,
    facts: { agent: { version: VERSION, since: NOW - CANARY_SECONDS } },
    ...change,
  });
  const by = signer ?? world.keys.host;
  const word = {
    version: VERSION,
    canary: toBase64url(body),
    canarySignature: await by.sign(kind ?? "prepared", body),
  };
  return judgeCanary(word, { trust: world.state, targets, now });
}

const agent = (version: string, since?: number): Partial<Prepared> => ({
  facts: { agent: { version, ...(since === undefined ? {} : { since }) } },
});

describe("a first host's word", () => {
  it("counts when that release was well there for ten minutes", async () => {
    expect(await judged()).toBeUndefined();
  });

  it("counts up to an hour later, by the clock of the host that judges, and not a second more", async () => {
    expect(await judged({ now: NOW + MAX_CANARY_AGE_SECONDS })).toBeUndefined();
    expect(await judged({ now: NOW + MAX_CANARY_AGE_SECONDS + 1 })).toBe("canary_stale");
    expect(await judged({ now: NOW - MAX_CANARY_AGE_SECONDS - 1 })).toBe("canary_stale");
  });

  it("does not count a second too early", async () => {
    expect(await judged({ change: agent(VERSION, NOW - CANARY_SECONDS + 1) })).toBe("canary_early");
    expect(await judged({ change: agent(VERSION, NOW + 60) })).toBe("canary_early");
  });

  it.each<readonly [string, () => Promise<Draft> | Draft]>([
    ["of another release", () => ({ change: agent("1.1.9", 0) })],
    ["of a release that came by hand, so that nobody saw it come back", () => ({ change: agent(VERSION) })],
    ["of a host that says nothing of its agent", () => ({ change: { facts: {} } })],
    ["signed by another key", async () => ({ signer: await signerOf("stranger") })],
    ["signed as another kind of message", () => ({ kind: "receipt" })],
    ["of another workspace", () => ({ change: { workspace: nonceOf("elsewhere") } })],
    ["of a host that is not admitted", () => ({ change: { host: "h-stranger" } })],
    ["of one of those that it should vouch for", () => ({ targets: ["h-other", world.host] })],
  ])("does not count %s", async (...[, draft]) => {
    expect(await judged(await draft())).toBe("canary_unproven");
  });

  it("is refused where it is no message at all", async () => {
    const word = { version: VERSION, canary: "e30", canarySignature: nonceOf("a") + nonceOf("b").slice(0, 43) };
    expect(await judgeCanary(word, { trust: world.state, targets: [], now: NOW })).toBe("canary_unproven");
  });
});
