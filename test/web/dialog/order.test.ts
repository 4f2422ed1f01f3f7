import { describe, expect, it } from "vitest";
import { createOrderCourse } from "../../../web/dialog/order-course.ts";
import { isDone, mayAskAgain, nextOrder, notRun, type OrderState } from "../../../web/dialog/order-machine.ts";
import type { ReceiptView } from "../../../web/state/backend.ts";
import type { AskedHosts, HostOutcome, NamedHost, OrderStep, PreparedOrder } from "../../../web/state/orders.ts";

const host = (id: string): NamedHost => ({ id, label: id, words: [] });
const trouble = { code: "unreachable", what: "No answer." };

function receipt(change: Partial<ReceiptView> = {}): HostOutcome {
  const seal = { state: "verified" } as const;
  return {
    kind: "receipt",
    receipt: { hostId: "a", hostLabel: "a", verdict: "executed", number: 1, ledger: [], seal, ...change },
  };
}

interface Drawn {
  readonly answered?: readonly string[];
  readonly unanswered?: readonly string[];
  readonly mayLeaveOut?: boolean;
  readonly steps?: readonly OrderStep[];
  readonly receipts?: readonly HostOutcome[];
}

function asked(drawn: Drawn): AskedHosts {
  const { answered = ["a", "b"], unanswered = [], mayLeaveOut = true, steps = [] } = drawn;
  const command: PreparedOrder = {
    facts: {
      operation: "host.check@1",
      class: "daily",
      args: {},
      targets: answered.map((hostId) => ({ hostId, expect: {} })),
      workspace: "w",
      ttlSeconds: 300,
    },
    hosts: answered.map(host),
    actor: { name: "Ada", role: "admin" },
    approvedBefore: [],
    exactIntent: "{}",
    digest: "d",
    challengeSecondsLeft: () => 200,
    approve: async function* () {
      yield* steps;
    },
    askReceipts: (ids) => Promise.resolve(ids.map((hostId) => ({ kind: "outcome", hostId, outcome: receipt() }))),
  };
  return {
    answered: answered.map(host),
    unanswered: unanswered.map((id) => ({ ...host(id), trouble })),
    mayLeaveOut,
    askAgain: () => Promise.resolve(asked({ ...drawn, answered: [...answered, ...unanswered], unanswered: [] })),
    command: () => command,
  };
}

const outcome = (hostId: string, one: HostOutcome): OrderStep => ({ kind: "outcome", hostId, outcome: one });
const refused: HostOutcome = { kind: "refused", by: "host", trouble };
const pressed: readonly OrderStep[] = [{ kind: "authenticator", secondsLeft: 60 }, { kind: "approved" }];

function course(drawn: Drawn, seen: (readonly string[] | undefined)[] = []) {
  return createOrderCourse("host.check@1", (hostIds) => {
    seen.push(hostIds);
    return Promise.resolve({ ok: true, value: asked(hostIds === undefined ? drawn : { answered: hostIds }) });
  });
}

describe("the dialog of a command to many hosts", () => {
  it("asks the question when every host answered", async () => {
    const one = course({});
    await one.ask();
    expect(one.state.value.kind).toBe("question");
  });

  it("leaves nobody out by itself: the gaps are shown until the person says so", async () => {
    const one = course({ unanswered: ["c"] });
    await one.ask();
    expect(one.state.value.kind).toBe("gaps");
    await one.press();
    expect(one.state.value.kind).toBe("gaps");
    one.leaveOut();
    const { value } = one.state;
    expect(value.kind === "question" && value.leftOut.map(({ id }) => id)).toEqual(["c"]);
  });

  it("asks the missing ones again", async () => {
    const one = course({ unanswered: ["c"] });
    await one.ask();
    await one.askAgain();
    const { value } = one.state;
    expect(value.kind === "question" && value.command.hosts.map(({ id }) => id)).toEqual(["a", "b", "c"]);
  });

  it.each<readonly [string, Drawn]>([
    ["nobody answered", { answered: [], unanswered: ["c"] }],
    ["several people approved exactly these hosts", { unanswered: ["c"], mayLeaveOut: false }],
  ])("offers no way around a gap when %s", async (_, drawn) => {
    const one = course(drawn);
    await one.ask();
    one.leaveOut();
    expect(one.state.value.kind).toBe("gaps");
  });

  it("shows each host's own outcome, and one press again reaches only those that did not run", async () => {
    const seen: (readonly string[] | undefined)[] = [];
    const steps = [...pressed, outcome("a", receipt()), outcome("b", refused)];
    const one = course({ steps, unanswered: ["c"] }, seen);
    await one.ask();
    one.leaveOut();
    await one.press();
    const { value } = one.state;
    expect(value.kind === "sent" && [...value.outcomes.keys()]).toEqual(["a", "b"]);
    await one.askAgain();
    expect(seen).toEqual([undefined, ["b", "c"]]);
    expect(one.state.value.kind).toBe("question");
    expect([...one.earlier.value.keys()]).toEqual(["a"]);
  });

  it("goes back to the question when the authenticator was closed", async () => {
    const one = course({ steps: [{ kind: "authenticator", secondsLeft: 60 }, { kind: "cancelled" }] });
    await one.ask();
    await one.press();
    const { value } = one.state;
    expect(value.kind === "question" && value.closedAuthenticator).toBe(true);
  });

  it("tells a refusal of the whole from one of a host", async () => {
    const whole: OrderStep = { kind: "refused", by: "edge", trouble, retry: "prepare" };
    const one = course({ steps: [...pressed, whole] });
    await one.ask();
    await one.press();
    expect(one.state.value.kind).toBe("refused");
    const two = course({ steps: [...pressed, outcome("a", receipt()), whole] });
    await two.ask();
    await two.press();
    expect(two.state.value.kind).toBe("sent");
  });

  it("asks for the receipts of those that are silent, and of nobody else", async () => {
    const one = course({ steps: [...pressed, outcome("a", receipt()), outcome("b", { kind: "silent" })] });
    await one.ask();
    await one.press();
    await one.askReceipts();
    const { value } = one.state;
    expect(value.kind === "sent" && isDone(value.outcomes.get("b"))).toBe(true);
  });
});

type Sent = Extract<OrderState, { kind: "sent" }>;

function sent(outcomes: readonly (readonly [string, HostOutcome])[]): Sent {
  return { kind: "sent", command: asked({}).command(), leftOut: [], outcomes: new Map(outcomes), over: true };
}

describe("which hosts a new press may reach", () => {
  it.each<readonly [string, HostOutcome, boolean]>([
    ["refused before it verified", refused, true],
    ["refused with a signed receipt", receipt({ verdict: "refused" }), true],
    [
      "refused, by a receipt that proves nothing",
      receipt({ verdict: "refused", seal: { state: "unverified" } }),
      false,
    ],
    ["executed", receipt(), false],
    ["failed", receipt({ verdict: "failed" }), false],
    ["interrupted", receipt({ verdict: "interrupted" }), false],
    ["silent", { kind: "silent" }, false],
    ["still queued", { kind: "queued" }, false],
    ["answered by somebody else", { kind: "refused", by: "page", trouble }, false],
  ])("one that %s", (_, one, reached) => {
    const state = sent([["a", one]]);
    expect(notRun(state)).toEqual(reached ? ["a"] : []);
    expect(mayAskAgain(state)).toBe(reached);
  });

  it("nobody while some are still on their way, except those that refused", () => {
    const state = { ...sent([["a", refused]]), over: false };
    expect(notRun(state)).toEqual([]);
  });

  it("a late word does not undo what a host signed", () => {
    const state = nextOrder(sent([["a", receipt()]]), {
      kind: "step",
      step: outcome("a", { kind: "delivered" }) as never,
    });
    expect(state.kind === "sent" && isDone(state.outcomes.get("a"))).toBe(true);
  });

  it("only a verified receipt is done", () => {
    expect(isDone(receipt({ seal: { state: "unverified" } }))).toBe(false);
    expect(isDone(undefined)).toBe(false);
  });
});
