import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { agentVersions } from "../../../../../agent/host/gateway/agent-versions.ts";
import { startScripted, type Answer, type Scripted } from "../fixtures/scripted.ts";

const done = (observed: object = { changed: 1 }): object => ({ verdict: "executed", observed });
const failed = (reason: string, observed: object = {}): object => ({
  verdict: "failed",
  observed: { ...observed, reason },
});
const cut: Answer = {
  raw: (_asked, socket) => {
    socket.terminate();
    return undefined;
  },
};

let scripted: Scripted;
let files = new Map<string, string>();
let agents: readonly { readonly id: string; readonly model?: string }[] = [];
let args = { subject: "" };
const wanted = { files: [{ name: "AGENTS.md", content: "New" }] };

beforeEach(async () => {
  scripted = await startScripted();
  files = new Map([["AGENTS.md", "Old"]]);
  agents = [{ id: "scribe", model: "m/1" }];
  args = { subject: scripted.tags.tag("agent", "scribe") };
  const { answers } = scripted;
  answers.set("agents.list", () => ({ payload: { agents } }));
  answers.set("agents.files.list", () => ({
    payload: {
      files: ["AGENTS.md", "SOUL.md"].map((name) => ({
        name,
        missing: !files.has(name),
        size: files.get(name)?.length ?? 0,
      })),
    },
  }));
  answers.set("agents.files.get", ({ params }) => ({
    payload: { file: { content: files.get(String(params["name"])) } },
  }));
  answers.set("agents.files.set", ({ params }) => {
    files.set(String(params["name"]), String(params["content"]));
    return { payload: {} };
  });
  answers.set("agents.delete", () => {
    agents = [];
    return { payload: {} };
  });
});
afterEach(() => scripted.close());

const kept = (): unknown[] => agentVersions(scripted.tools.directory, args.subject).map(({ edit }) => edit);
const old = { model: "m/1", files: [{ name: "AGENTS.md", content: "Old" }] };

describe("an agent", () => {
  it("is not touched by an edit: what it is told and what it shall be told become versions", async () => {
    expect(await scripted.perform("agent.edit@1", args, { content: wanted })).toEqual(done({ version: 2 }));
    expect(kept()).toEqual([wanted, old]);
    expect(await scripted.perform("agent.edit@1", args, { content: wanted })).toEqual(done({ version: 3 }));
    expect(kept()).toEqual([wanted, wanted, old]);
    expect(files.get("AGENTS.md")).toBe("Old");
    expect(scripted.count("agents.files.set")).toBe(0);
  });

  it("is deployed only when every file is then as written down", async () => {
    await scripted.perform("agent.edit@1", args, { content: wanted });
    scripted.answers.set("agents.files.set", () => ({ payload: { ok: true } }));
    expect(await scripted.perform("agent.deploy@1", { ...args, version: 2 })).toEqual(
      failed("half_done", { version: 2 }),
    );
    scripted.answers.set("agents.files.set", () => {
      files.set("AGENTS.md", "New");
      return cut;
    });
    expect(await scripted.perform("agent.deploy@1", { ...args, version: 2 })).toEqual(done({ version: 2, changed: 1 }));
  });

  it("that somebody changed meanwhile is kept as it is before it is written over", async () => {
    await scripted.perform("agent.edit@1", args, { content: wanted });
    files.set("AGENTS.md", "By hand");
    expect(await scripted.perform("agent.deploy@1", { ...args, version: 2 })).toEqual(done({ version: 2, changed: 1 }));
    expect(JSON.stringify(kept())).toContain("By hand");
  });

  it("that was shown otherwise is left alone", async () => {
    await scripted.perform("agent.edit@1", args, { content: wanted });
    expect(await scripted.perform("agent.deploy@1", { ...args, version: 2 }, { subject: "another" })).toEqual(
      failed("changed"),
    );
    expect(await scripted.perform("agent.delete@1", args, { subject: "another" })).toEqual(failed("changed"));
    expect(scripted.count("agents.files.set") + scripted.count("agents.delete")).toBe(0);
  });

  it("whose words cannot be kept is not written over", async () => {
    files.set("AGENTS.md", "x".repeat(30_000));
    expect(await scripted.perform("agent.edit@1", args, { content: wanted })).toEqual(failed("too_large_to_keep"));
    expect(await scripted.perform("agent.delete@1", args)).toEqual(failed("too_large_to_keep"));
    expect(scripted.count("agents.delete")).toBe(0);
  });

  it("whose versions others could have read is not written over, and the same goes for the key of the tags", async () => {
    await scripted.perform("agent.edit@1", args, { content: wanted });
    const { directory } = scripted.tools;
    await chmod(join(directory, "agent-versions", args.subject, "2.json"), 0o644);
    expect(await scripted.perform("agent.deploy@1", { ...args, version: 2 })).toEqual(failed("kept_file_exposed"));
    await chmod(join(directory, "tags.key"), 0o644);
    expect(await scripted.perform("agent.delete@1", args)).toEqual(failed("local_file"));
    expect(scripted.count("agents.files.set") + scripted.count("agents.delete")).toBe(0);
    expect(scripted.logged.join()).not.toContain(directory);
  });

  it("has no version that is not kept, and no file that the gateway does not know", async () => {
    expect(await scripted.perform("agent.deploy@1", { ...args, version: 7 })).toEqual(failed("version_gone"));
    const content = { files: [{ name: "run.sh", content: "x" }] };
    expect(await scripted.perform("agent.edit@1", args, { content })).toEqual(failed("file_unknown"));
    expect(await scripted.perform("agent.create@1", {}, { content: { name: "new", ...content } })).toEqual(
      failed("file_unknown"),
    );
    expect(scripted.count("agents.create")).toBe(0);
  });

  it("is made once, and seen before it is called made", async () => {
    const content = { name: "late", files: wanted.files };
    expect(await scripted.perform("agent.create@1", {}, { content: { ...content, name: "scribe" } })).toEqual(
      failed("exists"),
    );
    scripted.answers.set("agents.create", () => ({ payload: { agentId: "late" } }));
    expect(await scripted.perform("agent.create@1", {}, { content })).toEqual(failed("not_seen"));
    scripted.answers.set("agents.create", () => {
      agents = [...agents, { id: "late" }];
      return cut;
    });
    const made = scripted.tags.tag("agent", "late");
    expect(await scripted.perform("agent.create@1", {}, { content })).toEqual(done({ made, version: 1, changed: 1 }));
    expect(scripted.count("agents.create")).toBe(2);
  });

  it("is kept as it was when it is deleted", async () => {
    expect(await scripted.perform("agent.delete@1", args)).toEqual(done());
    expect(kept()).toEqual([old]);
    expect(scripted.gateway.asked.find(({ method }) => method === "agents.delete")?.params).toMatchObject({
      deleteFiles: false,
    });
    expect(await scripted.perform("agent.delete@1", args)).toEqual(failed("gone"));
  });
});

describe("a session", () => {
  let session = { key: "agent:main:a", sessionId: "1", inputTokens: 5, outputTokens: 5, updatedAt: 1 };
  let isRunning = false;
  beforeEach(() => {
    session = { key: "agent:main:a", sessionId: "1", inputTokens: 5, outputTokens: 5, updatedAt: 1 };
    isRunning = true;
    args = { subject: scripted.tags.tag("session", session.key) };
    scripted.answers.set("sessions.list", () => ({
      payload: { sessions: [{ ...session, hasActiveRun: isRunning }] },
    }));
  });

  it("is quiet when the gateway shows it, not when it says so", async () => {
    scripted.answers.set("sessions.abort", () => ({ payload: { abortedRunId: "r" } }));
    expect(await scripted.perform("session.abort@1", args)).toEqual(failed("still_running"));
    isRunning = false;
    expect(await scripted.perform("session.abort@1", args)).toEqual(done());
    scripted.answers.set("sessions.abort", () => ({ payload: { abortedRunId: null } }));
    expect(await scripted.perform("session.abort@1", args)).toEqual(done({ changed: 0 }));
  });

  it("begins anew when nothing is in it any more", async () => {
    scripted.answers.set("sessions.reset", () => ({ payload: { ok: true } }));
    expect(await scripted.perform("session.reset@1", args)).toEqual(failed("not_seen"));
    scripted.answers.set("sessions.reset", () => {
      session = { ...session, inputTokens: 0, outputTokens: 0, updatedAt: 2 };
      return cut;
    });
    expect(await scripted.perform("session.reset@1", args)).toEqual(done());
  });

  it("is made shorter, has nothing to shorten, or nobody can tell", async () => {
    scripted.answers.set("sessions.compact", () => ({ payload: { compacted: true } }));
    expect(await scripted.perform("session.compact@1", args)).toEqual(done());
    scripted.answers.set("sessions.compact", () => ({ payload: { compacted: false } }));
    expect(await scripted.perform("session.compact@1", args)).toEqual(failed("nothing_to_compact"));
    scripted.answers.set("sessions.compact", () => cut);
    expect(await scripted.perform("session.compact@1", args)).toEqual(failed("outcome_unknown"));
  });
});
