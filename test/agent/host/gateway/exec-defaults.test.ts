import { afterEach, beforeEach, expect, it } from "vitest";
import { readExecRules, writeExecRules } from "../../../../agent/host/gateway/exec-defaults.ts";
import { startScripted, type Scripted } from "./fixtures/scripted.ts";

const locked = { security: "allowlist", ask: "on-miss", askFallback: "deny" };
let scripted: Scripted;
let file: unknown;

beforeEach(async () => {
  scripted = await startScripted();
  file = {
    version: 1,
    defaults: { security: "full", autoAllowSkills: true },
    agents: { main: { ask: "off", allowlist: [{ pattern: "/bin/ls" }] }, other: { security: "deny" } },
  };
  scripted.answers.set("exec.approvals.get", () => ({ payload: { file, hash: "h1" } }));
  scripted.answers.set("exec.approvals.set", ({ params }) => {
    ({ file } = params);
    return { payload: {} };
  });
});
afterEach(() => scripted.close());

it("sets the rules of everybody and of one agent, and leaves everything else", async () => {
  const connection = await scripted.tools.open("operator.admin");
  expect(await writeExecRules(connection, { ...locked, agents: { main: locked } })).toBe(true);
  expect(file).toEqual({
    version: 1,
    defaults: { ...locked, autoAllowSkills: true },
    agents: { main: { ...locked, allowlist: [{ pattern: "/bin/ls" }] }, other: { security: "deny" } },
  });
  expect(await readExecRules(connection)).toEqual({
    ...locked,
    agents: { main: locked, other: { security: "deny" } },
  });
  connection.close();
});

it("does not believe a gateway that leaves an agent's rules as they were", async () => {
  scripted.answers.set("exec.approvals.set", () => {
    file = { version: 1, defaults: locked, agents: { main: { security: "full" } } };
    return { payload: {} };
  });
  const connection = await scripted.tools.open("operator.admin");
  expect(await writeExecRules(connection, { ...locked, agents: { main: locked } })).toBe(false);
  connection.close();
});
