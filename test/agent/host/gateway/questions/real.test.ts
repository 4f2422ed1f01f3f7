/**
 * Commands of a real gateway's agent that a person allows or denies: the tool really runs or really does not, which is read
 * from the file system and from nowhere else. Between look and answer the ground is moved in every way that counts.
 */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type {
  GatewayControl,
  GatewayOperationName,
  Performed,
} from "../../../../../agent/host/gateway/control-interface.ts";
import { gatewayControl } from "../../../../../agent/host/gateway/control.ts";
import { GatewayError } from "../../../../../agent/host/gateway/faults.ts";
import { openDevice } from "../../../../../agent/host/gateway/device.ts";
import { readCommandRules } from "../../../../../agent/host/gateway/operations/exec.ts";
import { openQuestions, readQuestions } from "../../../../../agent/host/gateway/questions/open.ts";
import type { Questions } from "../../../../../agent/host/gateway/questions/questions.ts";
import type { Expect } from "../../../../../protocol/messages.ts";
import { startToolGateway, type ToolGateway } from "../fixtures/tool-gateway.ts";

/** Milliseconds by which this host's clock has run on. */
let later = 0;
let directory = "";
let early = "";
let gateway: ToolGateway;
let questions: Questions;
let control: GatewayControl;
const kept = (): string => `${gateway.workspace}.kept`;
const proof = (name: string): string => join(gateway.workspace, name);

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "questions-real-"));
  early = join(directory, "early");
  mkdirSync(early);
  const keys = join(directory, "keys");
  gateway = await startToolGateway({
    directory: join(directory, "gateway"),
    configuration: { tools: { exec: { mode: "ask" } } },
    environment: { PATH: `${early}:${process.env["PATH"] ?? "/usr/bin:/bin"}` },
  });
  const common = { target: gateway.target, directory: keys, agentVersion: "0.1.0", log: () => undefined };
  const elapsed = (): number => performance.now() + later;
  questions = await openQuestions({ ...common, elapsed, onChange: () => undefined, wait: (ms) => wait(ms) });
  const store = await openDevice(keys, "warden");
  control = gatewayControl({ ...common, store, questions, elapsed, now: () => Date.now() });
}, 240_000);

afterAll(async () => {
  await questions.stop();
  await gateway.stop();
  rmSync(directory, { recursive: true, force: true });
}, 60_000);

async function perform(
  operation: GatewayOperationName,
  args: Record<string, unknown> = {},
  expected: Expect = {},
): Promise<Performed> {
  return control.perform({ operation, args, content: undefined, intent: "", author: "p-ada", expect: expected });
}

/** An agent's turn that wants to run this; resolves when the question is on the page, or the turn is over without one. */
async function asks(command: string) {
  const turn = gateway.turn(`TOOL exec ${JSON.stringify({ command })}`, `s${String(Math.random()).slice(2)}`);
  let isOver = false;
  void turn.then(
    () => (isOver = true),
    () => (isOver = true),
  );
  for (;;) {
    const question = await shownNow();
    if (question !== undefined || isOver) return { question, turn };
    await wait(200);
  }
}

/** A gateway that is just starting shows nothing yet. */
async function shownNow() {
  try {
    return (await questions.current()).question;
  } catch (error) {
    if (error instanceof GatewayError && error.fault === "starting") return undefined;
    throw error;
  }
}

async function asked(command: string) {
  const { question, turn } = await asks(command);
  if (question === undefined)
    throw new Error(`no question for ${command}: ${JSON.stringify(await turn).slice(0, 1_000)}`);
  return { tag: question.tag, subject: question.subject, question, turn };
}

function script(name: string, text: string): void {
  writeFileSync(join(gateway.workspace, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
}

describe("an agent's command", () => {
  it("is refused at once while nobody answers, and nothing runs", async () => {
    const { question, turn } = await asks("touch unasked");
    await turn;
    expect([question, existsSync(proof("unasked"))]).toEqual([undefined, false]);
  });

  it("waits once somebody switched answering on", async () => {
    expect(await perform("exec.watch-on@1")).toEqual({ verdict: "executed", observed: { changed: 1 } });
    const { tag, subject, question, turn } = await asked("touch allowed");
    expect(question).toMatchObject({
      command: "touch allowed",
      cwd: gateway.workspace,
      agent: "main",
      resolvedPath: "/usr/bin/touch",
    });
    expect(existsSync(proof("allowed"))).toBe(false);
    expect(await control.observe("exec.allow-once@1", { subject: tag })).toMatchObject({ subject });
    expect(await perform("exec.allow-once@1", { subject: tag }, { subject })).toEqual({
      verdict: "executed",
      observed: {},
    });
    await turn;
    expect(existsSync(proof("allowed"))).toBe(true);
  });

  it("runs once when it was allowed once", async () => {
    const { tag, subject } = await asked("touch allowed").then(async (again) => {
      expect(again.question.command).toBe("touch allowed");
      return again;
    });
    rmSync(proof("allowed"));
    expect(await perform("exec.deny@1", { subject: tag }, { subject })).toMatchObject({ verdict: "executed" });
    await wait(500);
    expect(existsSync(proof("allowed"))).toBe(false);
  });

  it("does not run when it is denied", async () => {
    const { tag, turn } = await asked("touch denied");
    expect(await perform("exec.deny@1", { subject: tag })).toMatchObject({ verdict: "executed" });
    await turn;
    expect(existsSync(proof("denied"))).toBe(false);
  });

  it("is shown whole, however long", async () => {
    const long = `touch denied ${"x".repeat(4_000)}`;
    const { tag, question, turn } = await asked(long);
    expect(question.command).toBe(long);
    await perform("exec.deny@1", { subject: tag });
    await turn;
  });

  it("a second question of the same words is another question", async () => {
    script("append.sh", `echo ran >> ${proof("runs")}`);
    const first = await asked("./append.sh");
    const second = gateway.turn(`TOOL exec ${JSON.stringify({ command: "./append.sh" })}`, "twin");
    while ((await questions.current()).behind === 0) await wait(100);
    expect((await questions.current()).question?.tag).toBe(first.tag);
    await perform("exec.allow-once@1", { subject: first.tag }, { subject: first.subject });
    await first.turn;
    const { question } = await questions.current();
    expect([question?.command, question?.tag === first.tag]).toEqual(["./append.sh", false]);
    expect(await perform("exec.allow-once@1", { subject: first.tag }, { subject: first.subject })).toMatchObject({
      verdict: "failed",
    });
    await perform("exec.deny@1", { subject: question?.tag ?? "" });
    await second;
    expect(readFileSync(proof("runs"), "utf8")).toBe("ran\n");
  });
});

describe("what moved between look and answer", () => {
  const moves: readonly (readonly [string, string, (name: string) => void])[] = [
    ["the script's content", "./job.sh", () => script("job.sh", `touch ${proof("moved")}`)],
    [
      "where a link leads",
      "./link.sh",
      () => {
        rmSync(join(gateway.workspace, "link.sh"));
        symlinkSync("evil.sh", join(gateway.workspace, "link.sh"));
      },
    ],
    [
      "a program earlier in the search path",
      "date",
      () => writeFileSync(join(early, "date"), `#!/bin/sh\ntouch ${proof("moved")}\n`, { mode: 0o755 }),
    ],
    [
      "the directory it runs in",
      "./job.sh",
      () => {
        renameSync(gateway.workspace, kept());
        mkdirSync(gateway.workspace);
        script("job.sh", `touch ${proof("moved")}`);
      },
    ],
  ];
  it.each(moves)("%s: it does not run", async (_, command, move) => {
    script("job.sh", "true");
    script("evil.sh", `touch ${proof("moved")}`);
    rmSync(join(gateway.workspace, "link.sh"), { force: true });
    symlinkSync("job.sh", join(gateway.workspace, "link.sh"));
    const { tag, subject, turn } = await asked(command);
    move(command);
    expect(await control.observe("exec.allow-once@1", { subject: tag })).not.toMatchObject({ subject });
    expect(await perform("exec.allow-once@1", { subject: tag }, { subject })).toEqual({
      verdict: "failed",
      observed: { reason: "changed" },
    });
    await perform("exec.deny@1", { subject: tag });
    await turn;
    expect(existsSync(proof("moved"))).toBe(false);
    rmSync(join(early, "date"), { force: true });
    if (!existsSync(kept())) return;
    rmSync(gateway.workspace, { recursive: true });
    renameSync(kept(), gateway.workspace);
  });
});

describe("the rules for commands", () => {
  it("change as asked for, and only from what was shown", async () => {
    const connection = await gateway.connect("operator.admin");
    const call = (method: string, parameters: object) => connection.call(method, parameters);
    const before = await readCommandRules(call);
    const args = { security: "allowlist", ask: "always", fallback: "deny" };
    expect(await control.observe("exec.policy@1", args)).toMatchObject({ subject: before.subject });
    expect(await perform("exec.policy@1", args, { subject: before.subject })).toMatchObject({
      verdict: "executed",
      observed: { changed: 1 },
    });
    expect((await readCommandRules(call)).rules).toEqual(args);
    expect(await perform("exec.policy@1", args, { subject: before.subject })).toEqual({
      verdict: "failed",
      observed: { reason: "changed" },
    });
    const reading = await readQuestions(questions, () => readCommandRules(call), 1);
    expect(reading).toMatchObject({ watching: true, asAdministrator: true, policy: args });
    connection.close();
  });
});

it("the eleventh in an hour is denied unasked, and does not run", async () => {
  const { question, turn } = await asks("touch eleventh");
  await turn;
  expect([question, existsSync(proof("eleventh"))]).toEqual([undefined, false]);
  expect(questions.figures?.deniedUnasked).toBe(1);
  later += 3_600_001;
});

it("survives the gateway's restart, and is refused at once again when it is switched off", async () => {
  expect((await control.restart()).after).toBeDefined();
  expect(await questions.connected(60_000)).toBe(true);
  const { tag, turn } = await asked("touch after-restart");
  await perform("exec.deny@1", { subject: tag });
  await turn;
  expect(await perform("exec.watch-off@1")).toEqual({ verdict: "executed", observed: { changed: 1 } });
  const { question, turn: last } = await asks("touch off");
  await last;
  expect([question, existsSync(proof("off"))]).toEqual([undefined, false]);
}, 120_000);
