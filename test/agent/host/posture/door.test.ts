/** The border between the warden and whoever mends: only answers of ours come back, by a child or by a unit. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { childCarrier, unitCarrier } from "../../../../agent/host/posture/door-carriers.ts";
import { postureDoor, PostureDoorError } from "../../../../agent/host/posture/door.ts";

const refused = { kind: "refused", code: "not_root", sentence: "Only root." } as const;

describe("the door", () => {
  it.each([
    ["nothing", undefined],
    ["another kind", { kind: "shell" }],
    ["more than was asked", { ...refused, secret: "x" }],
    ["a fix with a name of its own", { kind: "fix", fix: { fix: "../../etc" } }],
  ])("takes no %s for an answer", async (_what, answer) => {
    const door = postureDoor(() => Promise.resolve(answer));
    await expect(door.fixes()).rejects.toMatchObject({ code: "malformed_answer" });
  });

  it("hands the order over as it is", async () => {
    const orders: unknown[] = [];
    const door = postureDoor((order) => {
      orders.push(order);
      return Promise.resolve(refused);
    });
    expect(await door.rollback({ fix: "fix-0123456789abcdef", author: "p-1" })).toEqual(refused);
    expect(orders).toEqual([{ verb: "rollback", fix: "fix-0123456789abcdef", author: "p-1" }]);
  });
});

describe("a child", () => {
  const program = (script: string) => childCarrier([process.execPath, "-e", script]);

  it("reads the order and gives the answer", async () => {
    const echo = `process.stdin.on("data", (text) => console.log(JSON.stringify({ got: JSON.parse(text) })))`;
    expect(await program(echo)({ verb: "fixes" })).toEqual({ got: { verb: "fixes" } });
  });

  it.each([
    ["ends without a word", "process.exit(1)", "unanswered"],
    ["says half of it", `console.log('{"kind":')`, "malformed_answer"],
  ])("that %s is said to have", async (_what, script, code) => {
    await expect(program(script)({ verb: "fixes" })).rejects.toMatchObject({ code });
  });

  it("that is not there is said to be", async () => {
    await expect(childCarrier(["/nonexistent"])({ verb: "fixes" })).rejects.toBeInstanceOf(PostureDoorError);
  });
});

describe("a unit", () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), "clawhold-door-"));
  });
  afterEach(() => rm(directory, { recursive: true }));
  const carrier = (start: (id: string, unit: string) => void) =>
    unitCarrier({
      directory,
      template: "clawhold-fix@.service",
      start(unit) {
        start(/@([0-9a-f]{16})\.service$/.exec(unit)?.[1] ?? "", unit);
        return Promise.resolve();
      },
    });

  it("finds its order by its name, and leaves nothing behind", async () => {
    const carry = carrier((id) => {
      const order = readFileSync(path.join(directory, "orders", `${id}.json`), "utf8");
      writeFileSync(
        path.join(directory, "orders", `${id}.answer`),
        JSON.stringify({ got: JSON.parse(order) as unknown }),
      );
    });
    expect(await carry({ verb: "fixes" })).toEqual({ got: { verb: "fixes" } });
    expect(readdirSync(path.join(directory, "orders"))).toEqual([]);
  });

  it("that gave no answer is said to have given none", async () => {
    await expect(carrier(() => undefined)({ verb: "fixes" })).rejects.toMatchObject({ code: "unanswered" });
    expect(readdirSync(path.join(directory, "orders"))).toEqual([]);
  });
});
