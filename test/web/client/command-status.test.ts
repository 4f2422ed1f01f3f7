import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { encodeCanonical } from "../../../protocol/canonical.ts";
import type { CommandStatus } from "../../../protocol/contracts.ts";
import { ZERO_DIGEST } from "../../../protocol/messages.ts";
import { isOver, outcomeOf, StatusFeed } from "../../../web/client/command-status.ts";
import type { Intended } from "../../../web/client/intents.ts";
import { TroubleError, UNREACHABLE } from "../../../web/client/trouble.ts";
import { nonceOf, signed } from "../../fixtures/keys.ts";
import { makeWorld, NOW, type Fields, type World } from "../../fixtures/workspace.ts";

const INTENT = nonceOf("intent");
let world: World;
beforeAll(async () => {
  world = await makeWorld();
});

function intended(change: Partial<Intended> = {}, deps: object = {}): Intended {
  return {
    asking: { state: world.state, deps },
    digest: INTENT,
    proposal: undefined,
    ...change,
  } as unknown as Intended;
}

async function receipted(change: Fields = {}, key = world.keys.host): Promise<CommandStatus> {
  const { workspace, host, state } = world;
  const receipt = {
    v: 1,
    workspace,
    host,
    intent: INTENT,
    verdict: "executed",
    number: 1,
    previous: ZERO_DIGEST,
    started: NOW,
    ended: NOW,
    observed: {},
    trustHead: state.head,
    ...change,
  };
  return { intent: INTENT, host, state: "receipted", receipt: await signed(key, "receipt", encodeCanonical(receipt)) };
}

describe("what a state of a command means", () => {
  it("is the host's own word only when its signature verifies", async () => {
    const honest = await outcomeOf(intended(), await receipted());
    expect(honest.kind === "receipt" && honest.receipt.seal).toEqual({ state: "verified" });
    const forged = await outcomeOf(intended(), await receipted({}, world.keys.stranger));
    expect(forged.kind === "receipt" && forged.receipt.seal.state).toBe("failed");
  });

  it("is nothing of a receipt for another command", async () => {
    const other = await outcomeOf(intended(), await receipted({ intent: nonceOf("another") }));
    expect(other).toMatchObject({ kind: "refused", by: "page", trouble: { code: "not_the_host" } });
  });

  it("is nothing of a receipt of another host", async () => {
    const status = { ...(await receipted()), host: "h-other" };
    expect(await outcomeOf(intended(), status)).toMatchObject({ kind: "refused", by: "page" });
  });

  it("says that a proposal ran before, when the host answers with that other receipt", async () => {
    const carried = intended({ proposal: { body: "", approvals: [] } });
    const outcome = await outcomeOf(carried, await receipted({ intent: nonceOf("another") }));
    expect(outcome).toMatchObject({ kind: "refused", by: "host", trouble: { code: "already_carried_out" } });
  });

  it("keeps a host's unsigned refusal apart, with its sentence", async () => {
    const status = { intent: INTENT, host: world.host, state: "refused", code: "challenge" } as const;
    const outcome = await outcomeOf(intended(), status);
    expect(outcome).toMatchObject({ kind: "refused", by: "host", trouble: { code: "challenge" } });
    expect(outcome.kind === "refused" && outcome.trouble.what).toContain("host refused");
    expect(isOver(outcome)).toBe(true);
  });

  it.each(["queued", "delivered"] as const)("is not over while it is %s", async (state) => {
    const outcome = await outcomeOf(intended(), { intent: INTENT, host: world.host, state });
    expect(outcome).toEqual({ kind: state });
    expect(isOver(outcome)).toBe(false);
  });
});

describe("hearing of many hosts", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const hostIds = Array.from({ length: 20 }, (_, i) => `h-${i}`);

  function feed(answer: (host: string) => Promise<CommandStatus>) {
    const asked: string[] = [];
    const watched: string[] = [];
    const deps = {
      client: {
        call: (_: string, { params }: { params: { host: string } }) => {
          asked.push(params.host);
          return answer(params.host);
        },
      },
      hosts: {
        watchHost: (host: string) => {
          watched.push(host);
          return () => undefined;
        },
        onCommand: () => () => undefined,
      },
    };
    return { feed: new StatusFeed(intended({}, deps), hostIds), asked, watched };
  }

  const unknown = () => Promise.reject(new TroubleError({ code: "command_unknown", what: "Nobody knows it." }));
  const queued = (host: string) => Promise.resolve({ intent: INTENT, host, state: "queued" } as const);

  it("asks a few at a time, each in its turn, and opens few sockets", async () => {
    const { feed: states, asked, watched } = feed(queued);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(asked).toHaveLength(8);
    await vi.advanceTimersByTimeAsync(4_000);
    expect(new Set(asked)).toEqual(new Set(hostIds));
    expect(watched.length).toBeLessThanOrEqual(4);
    states.stop();
  });

  it("leaves a host alone that has ended, and takes nothing more of it", async () => {
    const { feed: states, asked } = feed(queued);
    for (const id of hostIds.slice(1)) states.end(id);
    await vi.advanceTimersByTimeAsync(4_000);
    expect(new Set(asked)).toEqual(new Set([hostIds[0]]));
    states.put({ intent: INTENT, host: hostIds[1] ?? "", state: "queued" });
    expect((await states.next(1))?.host).toBe(hostIds[0]);
    states.stop();
  });

  it("believes that a command never arrived only when an edge that is there says so again and again", async () => {
    const silent = feed(() => Promise.reject(new TroubleError(UNREACHABLE)));
    await vi.advanceTimersByTimeAsync(30_000);
    expect(hostIds.some((id) => silent.feed.neverGot(id))).toBe(false);
    silent.feed.stop();
    const there = feed(unknown);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(there.feed.neverGot("h-0")).toBe(false);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(hostIds.every((id) => there.feed.neverGot(id))).toBe(true);
    there.feed.stop();
  });
});
