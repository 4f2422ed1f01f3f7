/** The answering connection against a scripted gateway. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { GatewayConnection } from "../../../../../agent/host/gateway/client.ts";
import { GatewayError } from "../../../../../agent/host/gateway/faults.ts";
import { Questions } from "../../../../../agent/host/gateway/questions/questions.ts";
import { QuestionSwitch } from "../../../../../agent/host/gateway/questions/switch.ts";
import { reads } from "../../../../../protocol/reads.ts";
import * as v from "valibot";

interface Row {
  readonly id: string;
  readonly [key: string]: unknown;
}

const row = (id: string, command = `touch ${id}`, createdAtMs = 1_000_000): Row => ({
  id,
  createdAtMs,
  expiresAtMs: createdAtMs + 1_800_000,
  request: {
    command,
    cwd: "/work",
    agentId: "main",
    sessionKey: "agent:main:x",
    resolvedPath: "/usr/bin/touch",
    allowedDecisions: ["allow-once", "deny"],
  },
});

class ScriptedGateway {
  rows: unknown = [];
  readonly resolved: (readonly [string, string])[] = [];
  refuses = false;
  onEvent: () => void = () => undefined;
  #end: (ending: { fault: "closed"; restartExpected: boolean }) => void = () => undefined;

  connection(onEvent: () => void): GatewayConnection {
    this.onEvent = onEvent;
    const ended = new Promise<{ fault: "closed"; restartExpected: boolean }>((resolve) => (this.#end = resolve));
    return {
      hello: {} as GatewayConnection["hello"],
      call: (method, parameters) => this.#call(method, parameters as Record<string, string>),
      close: () => this.#end({ fault: "closed", restartExpected: false }),
      ended,
    };
  }

  #call(method: string, { id = "", decision = "" }: Record<string, string>): Promise<unknown> {
    if (method === "exec.approval.list") return Promise.resolve(this.rows);
    if (method === "approval.get") {
      const held = this.resolved.find(([one]) => one === id);
      return Promise.resolve({ approval: { decision: held?.[1] } });
    }
    if (this.refuses) return Promise.reject(new GatewayError("refused", "INVALID_REQUEST"));
    this.resolved.push([id, decision]);
    if (Array.isArray(this.rows)) this.rows = (this.rows as Row[]).filter((one) => one.id !== id);
    return Promise.resolve({ ok: true });
  }
}

let directory = "";
let gateway: ScriptedGateway;
let questions: Questions;
let changes = 0;
let clock = 0;
let footprint = "same";

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "questions-"));
  gateway = new ScriptedGateway();
  [changes, clock, footprint] = [0, 0, "same"];
  questions = open();
});
afterEach(async () => {
  await questions.stop();
  rmSync(directory, { recursive: true, force: true });
});

function open(): Questions {
  return new Questions({
    switch: new QuestionSwitch(directory),
    open: (onEvent) => Promise.resolve(gateway.connection(onEvent)),
    tag: (id) => `q-${Buffer.from(id.padEnd(8, "_")).toString("hex").slice(0, 16)}`,
    footprint: () => Promise.resolve(footprint),
    onChange: () => (changes += 1),
    log: () => undefined,
    elapsed: () => clock,
    wait: () => new Promise((resolve) => setImmediate(resolve)),
  });
}

async function watching(...rows: readonly Row[]): Promise<void> {
  gateway.rows = rows;
  await questions.set(true);
  expect(await questions.connected(10_000)).toBe(true);
}

async function shownNow() {
  const { question } = await questions.current();
  if (question === undefined) throw new Error("nothing is shown");
  return question;
}

describe("the switch", () => {
  it("is off until somebody switches it on, and stays as it was left", async () => {
    expect([questions.isOn, questions.figures]).toEqual([false, undefined]);
    await watching();
    expect(questions.figures).toEqual({ waiting: 0, deniedUnasked: 0 });
    await questions.stop();
    questions = open();
    expect(questions.isOn).toBe(true);
    await questions.set(false);
    expect(new QuestionSwitch(directory).isOn).toBe(false);
  });

  it("off, there is nobody to answer", async () => {
    expect(await questions.answer("q-0000000000000000", "deny", undefined)).toBe("not_watching");
  });

  it.each(["", "{", '{"v":1}', '{"v":1,"on":"yes"}'])("reads a damaged file as off: %j", (text) => {
    writeFileSync(join(directory, "questions.json"), text, { mode: 0o600 });
    expect(new QuestionSwitch(directory).isOn).toBe(false);
  });
});

describe("a question", () => {
  it("is shown whole, as the protocol has it", async () => {
    const long = `touch ${"x".repeat(60_000)}`;
    await watching(row("one", long));
    const question = await shownNow();
    expect(question).toMatchObject({ command: long, cwd: "/work", agent: "main", may: ["deny"] });
    const policy = { subject: question.subject, security: "full", ask: "off", fallback: "deny" };
    const reading = { at: 1, watching: true, asAdministrator: true, question, behind: 0, deniedUnasked: 0, policy };
    expect(v.is(reads["gateway.questions@1"].result, reading)).toBe(true);
  });

  it("is answered as it was shown", async () => {
    await watching(row("one"));
    const { tag, subject } = await shownNow();
    expect(await questions.subject(tag)).toBe(subject);
    expect(await questions.answer(tag, "allow-once", subject)).toBeUndefined();
    expect(gateway.resolved).toEqual([["one", "allow-once"]]);
  });

  it("is not answered when the machine under it changed", async () => {
    await watching(row("one"));
    const { tag, subject } = await shownNow();
    footprint = "another";
    expect(await questions.answer(tag, "allow-once", subject)).toBe("changed");
    expect(gateway.resolved).toEqual([]);
  });

  it("is not answered when the gateway says something else under its name", async () => {
    await watching(row("one"));
    const { tag, subject } = await shownNow();
    gateway.rows = [row("one", "rm -rf /")];
    expect(await questions.answer(tag, "allow-once", subject)).toBe("changed");
    expect(gateway.resolved).toEqual([]);
  });

  it.each([["allow-always", "not_offered"]] as const)(
    "is not answered by what the gateway does not offer: %s",
    async (decision, code) => {
      await watching(row("one"));
      const { tag, subject } = await shownNow();
      expect(await questions.answer(tag, decision, subject)).toBe(code);
    },
  );

  it("is gone when it is gone", async () => {
    await watching(row("one"));
    const { tag, subject } = await shownNow();
    gateway.rows = [];
    expect(await questions.answer(tag, "allow-once", subject)).toBe("not_there");
  });

  it("is denied whatever became of it", async () => {
    await watching(row("one"));
    const { tag } = await shownNow();
    footprint = "another";
    expect(await questions.answer(tag, "deny", undefined)).toBeUndefined();
    expect(gateway.resolved).toEqual([["one", "deny"]]);
  });

  it("that somebody else answered otherwise is not called ours", async () => {
    await watching(row("one"));
    const { tag, subject } = await shownNow();
    gateway.refuses = true;
    gateway.resolved.push(["one", "deny"]);
    expect(await questions.answer(tag, "allow-once", subject)).toBe("other_answer");
  });
});

describe("several questions", () => {
  it("are shown one at a time, the oldest first, and only that one can be allowed", async () => {
    await watching(row("two", "touch b", 2_000_000), row("one", "touch a", 1_000_000));
    const first = await questions.current();
    expect([first.question?.command, first.behind]).toEqual(["touch a", 1]);
    const second = `q-${Buffer.from("two".padEnd(8, "_")).toString("hex").slice(0, 16)}`;
    const subject = await questions.subject(second);
    expect(await questions.answer(second, "allow-once", subject)).toBe("changed");
    expect(await questions.answer(first.question?.tag ?? "", "allow-once", first.question?.subject)).toBeUndefined();
    expect(gateway.resolved).toEqual([["one", "allow-once"]]);
    expect((await shownNow()).command).toBe("touch b");
  });

  it("stay in view: one that comes later does not push the shown one away", async () => {
    await watching(row("two", "touch b", 2_000_000));
    expect((await shownNow()).command).toBe("touch b");
    gateway.rows = [row("one", "touch a", 1_000_000), row("two", "touch b", 2_000_000)];
    gateway.onEvent();
    expect((await shownNow()).command).toBe("touch b");
  });

  it("beyond ten in an hour are denied unasked, and told of", async () => {
    await watching(...Array.from({ length: 13 }, (_, i) => row(`n${String(i)}`, "touch x", 1_000_000 + i)));
    const { behind, deniedUnasked } = await questions.current();
    expect([behind, deniedUnasked]).toEqual([9, 3]);
    expect(gateway.resolved.map(([, decision]) => decision)).toEqual(["deny", "deny", "deny"]);
    expect(questions.figures).toEqual({ waiting: 10, deniedUnasked: 3 });
    clock += 3_600_001;
    gateway.rows = [row("later")];
    expect((await shownNow()).command).toBe("touch later");
  });

  it.each([
    ["of another machine", { nodeId: "node-1", host: "node" }],
    ["with an environment of its own", { envKeys: ["GIT_SSH_COMMAND"] }],
    ["in letters that are none", { cwd: "/work/\ud800" }],
  ])("%s are denied: nobody could decide over what is not shown", async (_, more) => {
    const odd = row("odd");
    await watching({ ...odd, request: { ...(odd["request"] as object), ...more } }, row("one"));
    expect((await shownNow()).command).toBe("touch one");
    expect(gateway.resolved).toEqual([["odd", "deny"]]);
  });

  it("that a gateway leaves in its list are denied and counted once", async () => {
    await watching({ id: "huge", createdAtMs: 1, request: { command: "x".repeat(70_000) } });
    const stays = { id: "huge", createdAtMs: 1, request: { command: "x".repeat(70_000) } };
    for (let i = 0; i < 5; i += 1) {
      gateway.rows = [stays];
      await questions.current();
    }
    expect(questions.figures).toEqual({ waiting: 0, deniedUnasked: 1 });
  });

  it("that nobody could be shown are denied", async () => {
    await watching({ id: "huge", createdAtMs: 1, request: { command: "x".repeat(70_000) } }, row("one"));
    expect((await shownNow()).command).toBe("touch one");
    expect(gateway.resolved).toEqual([["huge", "deny"]]);
  });

  it.each([[null], [{}], ["text"], [[1, null, {}]], [{ length: 5 }]])(
    "a list that is none harms nobody: %j",
    async (rows) => {
      await watching();
      gateway.rows = rows;
      expect((await questions.current()).question).toBeUndefined();
    },
  );
});

it("says when there is something to see", async () => {
  await watching();
  const before = changes;
  gateway.rows = [row("one")];
  gateway.onEvent();
  await questions.current();
  expect(changes).toBeGreaterThan(before);
});
