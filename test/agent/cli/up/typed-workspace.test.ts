import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { typedWorkspace } from "../../../../agent/cli/up/typed-workspace.ts";
import { openHostState, type HostState } from "../../../../agent/host/state.ts";
import { nonceOf } from "../../../fixtures/keys.ts";
import { theWorld } from "../../host/warden/rig.ts";
import { terminal } from "../terminal.ts";

let directory: string;
let state: HostState;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "clawhold-typed-"));
  state = openHostState(join(directory, "host"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function wasReset(): void {
  state.saveReset({ v: 1, workspace: nonceOf("old"), at: 1, isTold: true, isDone: true });
}
const typing = (text: string) => terminal({ ask: () => Promise.resolve(text) }).io;

describe("clawhold up on a machine that was reset", () => {
  it("joins the edge's workspace when a person types its id", async () => {
    const { root, workspace } = await theWorld();
    wasReset();
    expect(await typedWorkspace(root, state, typing(`${workspace}\n`))).toBe(workspace);
  });

  it("joins nothing for another id, or when nobody can be asked", async () => {
    const { root } = await theWorld();
    wasReset();
    await expect(typedWorkspace(root, state, typing(nonceOf("old")))).rejects.toMatchObject({
      code: "workspace_typed",
    });
    await expect(typedWorkspace(root, state, typing(""))).rejects.toMatchObject({ code: "workspace_typed" });
    await expect(typedWorkspace(root, state, terminal().io)).rejects.toMatchObject({ code: "workspace_untyped" });
  });

  it("asks nobody where there was no reset", async () => {
    const { root } = await theWorld();
    expect(await typedWorkspace(root, state, terminal().io)).toBeUndefined();
  });
});
