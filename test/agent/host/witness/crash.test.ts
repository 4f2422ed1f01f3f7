/** A witness killed with SIGKILL around its one promise: stored first, cosigned then, and never less than what it said. */
import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, describe, expect, it } from "vitest";
import { applyRoot, applyStatement } from "../../../../protocol/trust/apply.ts";
import { WitnessedLog } from "../../../fixtures/witnessed-log.ts";
import { NOW, type World } from "../../../fixtures/workspace.ts";
import { temporary, theWorld, until } from "../warden/rig.ts";
import { Desk } from "./desk.ts";

const directories: string[] = [];
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

/** The next process over what a killed one left. */
async function after(step: string): Promise<Desk> {
  const directory = temporary();
  directories.push(directory);
  const child = spawn(
    process.execPath,
    ["--no-warnings", join(import.meta.dirname, "crash-child.ts"), directory, step],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const lines: { readonly world?: World }[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => lines.push(JSON.parse(line) as { world?: World }));
  const signal = await new Promise((resolve) => child.once("close", (_code, killedBy) => resolve(killedBy)));
  expect(signal).toBe("SIGKILL");
  const made = lines[0]?.world;
  if (made === undefined) throw new Error("the child made no world");
  return Desk.open({ directory, world: await complete(made) });
}

async function complete(sent: World): Promise<World> {
  const first = await applyRoot(sent.root, { workspace: sent.workspace });
  if (!first.ok) throw new Error(first.code);
  let { state } = first;
  for (const statement of sent.statements) {
    const next = await applyStatement(state, statement);
    if (!next.ok) throw new Error(next.code);
    ({ state } = next);
  }
  return { ...(await theWorld()), ...sent, state };
}

/** A process takes its time to start. */
describe("SIGKILL", { timeout: 60_000 }, () => {
  it("before the new checkpoint was stored: the old one is held and vouched for, and the new one comes again", async () => {
    const desk = await after("asked");
    expect(desk.witness).toMatchObject({ size: 5, cosigned: { size: 5 } });
    const log = new WitnessedLog(desk.rig.world).grow(9);
    await desk.rig.welcome();
    await until(() => desk.said("cosignature").length === 1);
    expect(await desk.cosignedAt(desk.said("cosignature")[0], log, 5)).toBe(NOW);
    expect(await desk.cosignedAt(await desk.show(log), log)).toBe(NOW);
    await desk.close();
  });

  it.each(["stored", "said"])("at %s: the new one is held, and cosigned again by itself", async (step) => {
    const desk = await after(step);
    expect(desk.witness).toMatchObject({ size: 9, cosigned: { size: 5 } });
    const log = new WitnessedLog(desk.rig.world).grow(9);
    await desk.rig.welcome();
    await until(() => desk.said("cosignature").length === 1);
    expect(await desk.cosignedAt(desk.said("cosignature")[0], log)).toBe(NOW);
    const other = new WitnessedLog(desk.rig.world).grow(8).grow(1, "changed");
    expect(await desk.show(other)).toMatchObject({ kind: "witness-refused", reason: "different" });
    await desk.close();
  });
});
