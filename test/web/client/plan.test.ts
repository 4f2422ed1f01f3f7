import { beforeAll, describe, expect, it } from "vitest";
import type { OperationName } from "../../../protocol/operations.ts";
import { NEWCOMER_SECONDS } from "../../../protocol/limits.ts";
import type { TrustState } from "../../../protocol/trust/state.ts";
import { judgeOrder, peopleFor, type Judging } from "../../../web/client/plan.ts";
import type { Order, Plan } from "../../../web/state/orders.ts";
import { makeWorld, NOW, type World } from "../../fixtures/workspace.ts";

/** After everybody's first day, so that all of them count. */
const LATER = NOW + NEWCOMER_SECONDS + 1;

let plain: World;
let strict: World;
beforeAll(async () => {
  plain = await makeWorld();
  const two = { id: "two", operations: ["gateway.restart@1", "host.drill@1"], hosts: ["all"], people: 2 };
  strict = { ...plain, state: { ...plain.state, policies: new Map([[two.id, two]]) } };
});

interface Asked {
  readonly world: World;
  readonly person?: string;
  readonly order?: Partial<Order>;
  readonly judging?: Partial<Judging>;
}

function plan({ world, person = "p-ada", order = {}, judging = {} }: Asked): Plan {
  const whole: Order = { operation: "gateway.restart@1", args: {}, hostIds: [world.host], ...order };
  const names = new Map([["p-otto", "Otto"]]);
  return judgeOrder({ state: world.state, now: LATER, originClass: "signer", ...judging }, whole, {
    person,
    nameOf: (id) => names.get(id) ?? id,
  });
}

const codeOf = (made: Plan) => (made.kind === "not-now" ? made.trouble.code : made.kind);

describe("how an order can be made", () => {
  it("alone, where no rule asks for more", () => {
    expect(plan({ world: plain })).toEqual({ kind: "alone" });
  });

  it("together, where a rule asks for two, and says who else could", () => {
    expect(plan({ world: strict })).toEqual({ kind: "together", people: 2, others: ["Otto"] });
    expect(peopleFor(strict.state, { operation: "host.check@1", hostIds: [strict.host] })).toBe(1);
  });

  it("not now, where nobody else could approve: added by this person alone within a day", () => {
    const made = plan({ world: strict, judging: { now: NOW + 60 } });
    expect(codeOf(made)).toBe("people");
    expect(made.kind === "not-now" && made.trouble.what).toContain("nobody else");
  });

  it("not now, where too few hold a role: only one other for an operation that needs an administrator", () => {
    expect(codeOf(plan({ world: strict, order: { operation: "host.drill@1" } }))).toBe("people");
  });

  it("of an update of the agent to one host, or not now: the first is the canary", () => {
    const order = { operation: "agent.update@1", args: { version: "1.2.3", sha256: "a".repeat(64) } } as const;
    expect(plan({ world: plain, order })).toEqual({ kind: "alone" });
    const several = plan({ world: plain, order: { ...order, hostIds: [plain.host, plain.host] } });
    expect(several.kind === "not-now" && several.trouble.what).toContain("one host at a time");
  });

  it("of sealed content alone and to one host, or not now", () => {
    const order = { operation: "agent.create@1", content: { name: "helper", files: [] } } as const;
    expect(plan({ world: plain, order })).toEqual({ kind: "alone" });
    expect(codeOf(plan({ world: plain, order: { ...order, hostIds: [plain.host, plain.host] } }))).toBe("sealed");
    const two = { id: "two", operations: ["agent.create@1"], hosts: ["all"], people: 2 };
    const ruled = { ...plain, state: { ...plain.state, policies: new Map([[two.id, two]]) } };
    const made = plan({ world: ruled, order });
    expect(made.kind === "not-now" && made.trouble.what).toContain("only by whoever typed it");
  });

  it("not here, for a critical operation on a page of the edge, with the way to the signer", () => {
    const made = plan({ world: plain, order: { operation: "host.drill@1" }, judging: { originClass: "daily" } });
    expect(codeOf(made)).toBe("class_origin");
    expect(made.kind === "not-now" && made.trouble.next).toContain("clawhold ui");
    expect(codeOf(plan({ world: plain, order: { operation: "host.drill@1" } }))).toBe("alone");
    expect(codeOf(plan({ world: plain, judging: { originClass: "daily" } }))).toBe("alone");
  });

  it("here all the same, for whom a rule lets allow a command once", () => {
    const rule = { id: "phone", operations: ["exec.allow-once@1"], hosts: ["all"], people: 1 };
    const execOnceFrom = { class: "daily" as const, people: ["p-ada"] };
    const state = { ...plain.state, policies: new Map([["phone", { ...rule, execOnceFrom }]]) };
    const here = (operation: OperationName, by?: TrustState): Plan =>
      plan({
        world: plain,
        order: { operation },
        judging: { originClass: "daily", ...(by === undefined ? {} : { state: by }) },
      });
    expect(codeOf(here("exec.allow-once@1"))).toBe("class_origin");
    expect(codeOf(here("exec.allow-once@1", state))).toBe("alone");
    expect(codeOf(here("exec.allow-always@1", state))).toBe("class_origin");
  });

  it.each(["p-vera", "p-nora"])("not by %s, who has no such role", (person) => {
    expect(codeOf(plan({ world: plain, person }))).toBe("role");
  });

  it("not by somebody whose role covers another host only, and says which", () => {
    const made = plan({ world: plain, person: "p-scot" });
    expect(codeOf(made)).toBe("host_scope");
    expect(made.kind === "not-now" && made.trouble.what).toContain("host");
  });

  it("not while two histories claim to be the log", () => {
    const state = { ...plain.state, frozen: { reason: "fork" } } as unknown as TrustState;
    expect(codeOf(plan({ world: plain, judging: { state } }))).toBe("trust_frozen");
  });
});
