/** The page holds what an edge shows against what this machine has seen, and approves nothing while they differ. */
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { TrustHead } from "../../../protocol/fields.ts";
import type { Seen, SignerMemory } from "../../../protocol/signer-memory.ts";
import { askMachine, type MachineMemory } from "../../../web/client/machine-memory.ts";
import { NO_REVOCATIONS } from "../../../protocol/trust/state.ts";
import { TroubleError } from "../../../web/client/trouble.ts";
import { TrustKeeper } from "../../../web/client/trust.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { makeWorld, type World } from "../../fixtures/workspace.ts";
import { FarEnd } from "./far-end.ts";

let world: World;
beforeAll(async () => {
  world = await makeWorld();
});

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "none";
  } catch (error) {
    if (error instanceof TroubleError) return error.trouble.code;
    throw error;
  }
}

/** The machine, as the signer's own server answers for it. */
class Machine {
  kept: SignerMemory;
  readonly told: Seen[] = [];
  /** Happens before the page's head arrives. */
  meanwhile: () => void = () => undefined;

  constructor(kept: SignerMemory) {
    this.kept = kept;
  }

  answer(seen?: Seen): Response {
    if (seen === undefined) return Response.json(this.kept);
    this.meanwhile();
    this.told.push(seen);
    const { head } = this.kept;
    if (head !== undefined && head.n > seen.head.n) return Response.json({}, { status: 409 });
    this.kept = { ...this.kept, head: seen.head };
    return Response.json(this.kept);
  }
}

let machine: Machine;
let far: FarEnd;
let memory: MachineMemory;
let trust: TrustKeeper;
beforeEach(() => {
  machine = new Machine({ workspace: world.workspace });
  far = new FarEnd(world);
  far.machine = (seen) => machine.answer(seen);
  const deps = far.deps();
  memory = deps.memory;
  trust = new TrustKeeper(deps);
});

const later = (head: TrustHead): TrustHead => ({ ...head, n: head.n + 1, hash: nonceOf("later") });

describe("a log that the page verified", () => {
  it("is remembered by the machine, once", async () => {
    await trust.refresh();
    expect(machine.told).toEqual([{ workspace: world.workspace, head: world.state.head }]);
    await trust.refresh();
    expect(machine.told).toHaveLength(1);
    expect(memory.trouble.value).toBeUndefined();
  });

  it("that is older than what any browser here has seen is not acted on, and the page says so", async () => {
    machine.kept = { ...machine.kept, head: later(world.state.head) };
    expect(await codeOf(trust.refresh())).toBe("older_history");
    expect(memory.trouble.value?.what).toContain("older history than this machine has seen before");
    expect(memory.trouble.value?.next).toContain("Approve nothing.");
    expect(() => memory.requireUntroubled()).toThrow(TroubleError);
    expect(machine.told).toEqual([]);
    expect(far.kept.has("trustHead")).toBe(false);
  });

  it("that is another at the place remembered is not acted on, however long it is", async () => {
    machine.kept = { ...machine.kept, head: { ...world.state.head, n: 1, hash: nonceOf("another") } };
    expect(await codeOf(trust.refresh())).toBe("other_history");
    expect(() => memory.requireUntroubled()).toThrow(TroubleError);
    expect(machine.told).toEqual([]);
  });

  it("goes on from an earlier place of its own", async () => {
    const { statements } = far.trust;
    far.trust = { root: world.root, statements: statements.slice(0, 1) };
    await new TrustKeeper(far.deps()).refresh();
    const early = machine.kept.head;
    expect(early?.n).toBe(1);
    far.trust = { root: world.root, statements };
    await trust.refresh();
    expect(machine.kept.head).toEqual(world.state.head);
  });

  it("is acted on again when the edge has caught up", async () => {
    const { statements } = far.trust;
    machine.kept = { ...machine.kept, head: world.state.head };
    far.trust = { root: world.root, statements: statements.slice(0, -1) };
    expect(await codeOf(trust.refresh())).toBe("older_history");
    far.trust = { root: world.root, statements };
    await trust.refresh();
    expect(memory.trouble.value).toBeUndefined();
    expect(() => memory.requireUntroubled()).not.toThrow();
  });

  it("is held against a newer head that another browser brings meanwhile", async () => {
    machine.meanwhile = () => {
      machine.kept = { ...machine.kept, head: later(world.state.head) };
    };
    expect(await codeOf(trust.refresh())).toBe("older_history");
  });

  it("of another workspace than this machine's is not acted on", async () => {
    machine.kept = { workspace: nonceOf("another workspace") };
    expect(await codeOf(trust.refresh())).toBe("other_workspace");
    expect(machine.told).toEqual([]);
  });
});

describe("the edge's word at sign-in", () => {
  const offer = (head: TrustHead, workspace = world.workspace) => memory.judgeOffer({ workspace, trustHead: head });

  it("is refused before the touch when even it is older, forked, or of another workspace", async () => {
    const { head } = world.state;
    expect(await codeOf(offer(head))).toBe("none");
    machine.kept = { ...machine.kept, head };
    expect(await codeOf(offer(head))).toBe("none");
    expect(await codeOf(offer(later(head)))).toBe("none");
    expect(await codeOf(offer({ ...head, n: head.n - 1 }))).toBe("older_history");
    expect(await codeOf(offer({ ...head, hash: nonceOf("another") }))).toBe("other_history");
    expect(await codeOf(offer(head, nonceOf("another workspace")))).toBe("other_workspace");
  });
});

describe("a machine that remembers nothing", () => {
  it.each([
    ["has no workspace yet", () => Response.json({})],
    ["has no such address", () => new Response("x", { status: 404 })],
  ])("because it %s stands in nobody's way", async (_what, answer) => {
    far.machine = answer;
    expect((await trust.refresh()).head).toEqual(world.state.head);
  });

  it.each([
    ["cannot", () => Response.json({}, { status: 500 })],
    ["answers something else", () => Response.json({ workspace: "x" })],
    ["answers no JSON", () => new Response("<html>")],
  ])("because it %s lets nothing be approved", async (_what, answer) => {
    far.machine = answer;
    expect(await codeOf(trust.refresh())).toBe("memory_fault");
  });

  it("is not asked on a page of another name, where an edge would answer", async () => {
    const page = globalThis as { location?: unknown };
    const before = page.location;
    page.location = { hostname: "dashboard.example" };
    expect(await (await askMachine()()).json()).toEqual({});
    page.location = before;
  });
});

describe("a workspace whose root this page has made", () => {
  const root = (): Seen => ({
    workspace: nonceOf("new"),
    head: { n: 0, hash: nonceOf("new"), revoked: NO_REVOCATIONS },
  });

  it("becomes the machine's pin where the edge is elsewhere and there is none", async () => {
    machine.kept = { edge: "https://edge.example" };
    expect(await memory.found(nonceOf("new"))).toBe(true);
    expect(machine.told).toEqual([root()]);
  });

  it.each([
    ["the machine has a pin", () => ({ edge: "https://edge.example", workspace: world.workspace })],
    ["the edge is beside it, and pins by itself", () => ({})],
  ])("is not told where %s", async (_what, kept) => {
    machine.kept = kept();
    expect(await memory.found(nonceOf("new"))).toBe(false);
    expect(machine.told).toEqual([]);
  });

  it("stops the setup when the machine cannot remember it", async () => {
    machine.answer = (seen) =>
      seen === undefined ? Response.json({ edge: "https://edge.example" }) : Response.json({}, { status: 500 });
    expect(await codeOf(memory.found(nonceOf("new")))).not.toBe("none");
  });
});
