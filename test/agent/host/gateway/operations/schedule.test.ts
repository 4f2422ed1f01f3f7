import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { formerJobs } from "../../../../../agent/host/gateway/operations/former-jobs.ts";
import { INTENT, startScripted, type Answer, type Scripted } from "../fixtures/scripted.ts";

const CANARY = "CANARY-secret-words";
const draft = {
  name: "nightly",
  schedule: { kind: "every", seconds: 3_600 },
  work: { kind: "message", message: CANARY },
  enabled: true,
} as const;

interface Row {
  readonly id: string;
  readonly [key: string]: unknown;
}

const row = (changes: object = {}): Row => ({
  id: "job-1",
  name: "nightly",
  enabled: true,
  schedule: { kind: "every", everyMs: 3_600_000, anchorMs: 5 },
  payload: { kind: "agentTurn", message: CANARY },
  state: {},
  ...changes,
});

let jobs: readonly Row[] = [];
let scripted: Scripted;
let args = { subject: "" };

beforeEach(async () => {
  jobs = [row()];
  scripted = await startScripted();
  args = { subject: scripted.tags.tag("job", "job-1") };
  scripted.answers.set("cron.list", () => ({ payload: { jobs } }));
  scripted.answers.set("cron.update", ({ params }) => {
    jobs = jobs.map((job) => ({ ...job, ...(params["patch"] as object) }));
    return { payload: {} };
  });
});
afterEach(() => scripted.close());

const failed = (reason: string): object => ({ verdict: "failed", observed: { reason } });
const cut: Answer = {
  raw: (_asked, socket) => {
    socket.terminate();
    return undefined;
  },
};
const noJson: Answer = {
  raw: (_asked, socket) => {
    socket.send("{");
    return undefined;
  },
};
const silence: Answer = { raw: () => undefined };

describe("a job", () => {
  it("is disabled by one request, and a second command finds it so", async () => {
    expect(await scripted.perform("cron.disable@1", args)).toEqual({ verdict: "executed", observed: { changed: 1 } });
    expect(await scripted.perform("cron.disable@1", args)).toEqual({ verdict: "executed", observed: { changed: 0 } });
    expect(scripted.count("cron.update")).toBe(1);
  });

  it("is not believed to be disabled because the gateway says so", async () => {
    scripted.answers.set("cron.update", () => ({ payload: { enabled: false } }));
    expect(await scripted.perform("cron.disable@1", args)).toEqual(failed("not_seen"));
  });

  it("is looked at again when the answer is lost, and never told twice", async () => {
    scripted.answers.set("cron.update", () => {
      jobs = [row({ enabled: false })];
      return cut;
    });
    expect(await scripted.perform("cron.disable@1", args)).toMatchObject({ verdict: "executed" });
    jobs = [row()];
    scripted.answers.set("cron.update", () => cut);
    expect(await scripted.perform("cron.disable@1", args)).toEqual(failed("not_seen"));
    expect(scripted.count("cron.update")).toBe(2);
  });

  it("that a slow gateway changes long after we gave up waiting is still seen", async () => {
    let looks = 0;
    scripted.answers.set("cron.update", () => silence);
    scripted.answers.set("cron.list", () => {
      looks += 1;
      if (looks > 100) jobs = [row({ enabled: false })];
      return { payload: { jobs } };
    });
    expect(await scripted.perform("cron.disable@1", args)).toMatchObject({ verdict: "executed" });
    expect(scripted.count("cron.update")).toBe(1);
  });

  it("has an unknown ending when the gateway does not come back", async () => {
    scripted.answers.set("cron.update", () => {
      scripted.answers.set("cron.list", () => cut);
      return cut;
    });
    expect(await scripted.perform("cron.disable@1", args)).toEqual(failed("outcome_unknown"));
  });

  it("that a person was shown otherwise is left alone", async () => {
    for (const operation of ["cron.enable@1", "cron.run@1", "cron.remove@1"] as const)
      expect(await scripted.perform(operation, args, { subject: "another" })).toEqual(failed("changed"));
    expect(
      await scripted.perform("cron.edit@1", { ...args, work: "message" }, { content: draft, subject: "another" }),
    ).toEqual(failed("changed"));
    expect(new Set(scripted.gateway.asked.map(({ method }) => method))).toEqual(new Set(["connect", "cron.list"]));
  });

  it("that is not there is gone, and so is one with another name in the list", async () => {
    jobs = [row({ id: "job-2" })];
    expect(await scripted.perform("cron.run@1", args)).toEqual(failed("gone"));
  });

  it("of another kind of work than the edge was told is not added", async () => {
    expect(await scripted.perform("cron.add@1", { work: "command" }, { content: draft })).toEqual(
      failed("work_differs"),
    );
    expect(scripted.count("cron.add")).toBe(0);
  });

  it("is recognised after its answer was lost, and not taken for one that was there before", async () => {
    scripted.answers.set("cron.add", () => {
      jobs = [...jobs, row({ id: "job-9" })];
      return cut;
    });
    const made = scripted.tags.tag("job", "job-9");
    expect(await scripted.perform("cron.add@1", { work: "message" }, { content: draft })).toEqual({
      verdict: "executed",
      observed: { made, changed: 1 },
    });
    scripted.answers.set("cron.add", () => cut);
    expect(await scripted.perform("cron.add@1", { work: "message" }, { content: draft })).toEqual(failed("not_seen"));
  });

  it("added as something else than was written down is not called done", async () => {
    scripted.answers.set("cron.add", () => {
      jobs = [...jobs, row({ id: "job-9", payload: { kind: "command", argv: ["evil"] } })];
      return { payload: { id: "job-9" } };
    });
    expect(await scripted.perform("cron.add@1", { work: "message" }, { content: draft })).toEqual(failed("not_seen"));
  });

  it("is kept as it was before it is changed, even where the change fails", async () => {
    scripted.answers.set("cron.update", () => ({ refuse: "INVALID_REQUEST" }));
    const content = { ...draft, name: "other" };
    expect(await scripted.perform("cron.edit@1", { ...args, work: "message" }, { content })).toEqual(
      failed("gateway_refused"),
    );
    expect(formerJobs(scripted.tools.directory)).toEqual([
      { tag: args.subject, at: 1_795_000_000, author: "person-1", intent: INTENT, operation: "cron.edit@1", draft },
    ]);
  });

  it("that a draft cannot say is not edited, and is removed all the same", async () => {
    jobs = [row({ payload: { kind: "heartbeat" } })];
    expect(await scripted.perform("cron.edit@1", { ...args, work: "message" }, { content: draft })).toEqual(
      failed("not_editable"),
    );
    scripted.answers.set("cron.remove", () => {
      jobs = [];
      return { payload: {} };
    });
    expect(await scripted.perform("cron.remove@1", args)).toMatchObject({ verdict: "executed" });
    expect(formerJobs(scripted.tools.directory)).toEqual([]);
  });

  it("counts as run when the gateway's list shows a new run", async () => {
    scripted.answers.set("cron.run", () => ({ payload: { ok: true, enqueued: true } }));
    expect(await scripted.perform("cron.run@1", args)).toEqual(failed("not_seen"));
    scripted.answers.set("cron.run", () => {
      jobs = [row({ state: { runningAtMs: 7 } })];
      return cut;
    });
    expect(await scripted.perform("cron.run@1", args)).toMatchObject({ verdict: "executed" });
    scripted.answers.set("cron.run", () => ({ payload: { ok: true, enqueued: false } }));
    expect(await scripted.perform("cron.run@1", args)).toEqual(failed("not_started"));
  });
});

describe("a hostile gateway", () => {
  it.each([
    ["no list", { payload: { jobs: "\u001b[2J<script>" } }, "gateway_hostile"],
    ["rows that are none", { payload: { jobs: [1, null, "x", { id: 5 }, { id: "x".repeat(10_000) }] } }, "gone"],
    ["a refusal", { refuse: "FORBIDDEN" }, "gateway_refused"],
    ["not now", { refuse: "UNAVAILABLE" }, "gateway_unavailable"],
    ["silence", silence, "gateway_timeout"],
    ["an end", cut, "gateway_closed"],
    ["no JSON", noJson, "gateway_hostile"],
  ] satisfies readonly (readonly [string, Answer, string])[])(
    "that answers with %s gives a code",
    async (_what, answer, reason) => {
      scripted.answers.set("cron.list", () => answer);
      expect(await scripted.perform("cron.run@1", args)).toEqual(failed(reason));
      expect(scripted.logged.join()).not.toContain("script");
    },
  );

  it("cannot keep us reading pages for ever", async () => {
    scripted.answers.set("cron.list", () => ({ payload: { jobs: [row({ id: "job-2" })], hasMore: true } }));
    expect(await scripted.perform("cron.run@1", args)).toEqual(failed("gone"));
    expect(scripted.count("cron.list")).toBeLessThanOrEqual(20);
  });

  it("gets none of a job's words into our log", async () => {
    scripted.answers.set("cron.update", () => ({ refuse: "INVALID_REQUEST" }));
    await scripted.perform("cron.edit@1", { ...args, work: "message" }, { content: draft });
    expect(scripted.logged.join()).not.toContain(CANARY);
    expect(scripted.logged.length).toBeGreaterThan(0);
  });
});
