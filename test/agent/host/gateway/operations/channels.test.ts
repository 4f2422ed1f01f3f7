import { createHash } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { channelName, senderName } from "../../../../../agent/host/gateway/subjects.ts";
import type { Asked } from "../fixtures/hostile-gateway.ts";
import { startScripted, type Answer, type Scripted } from "../fixtures/scripted.ts";

type Tree = Readonly<Record<string, unknown>>;

const failed = (reason: string): object => ({ verdict: "failed", observed: { reason } });
const done = (observed: object = {}): object => ({ verdict: "executed", observed });

let scripted: Scripted;
let chat: Tree = {};
let args = { subject: "" };

const hash = (): string => `hmac-sha256:v1:${createHash("sha256").update(JSON.stringify(chat)).digest("base64url")}`;

function merge(before: Tree, patch: Tree): Tree {
  const next: Record<string, unknown> = { ...before };
  for (const [name, value] of Object.entries(patch)) {
    const isBranch = typeof value === "object" && value !== null && !Array.isArray(value);
    next[name] = isBranch ? merge((before[name] ?? {}) as Tree, value as Tree) : value;
  }
  return next;
}

beforeEach(async () => {
  scripted = await startScripted();
  chat = { dmPolicy: "pairing", allowFrom: ["7"] };
  args = { subject: scripted.tags.tag("channel", channelName("chat", "default")) };
  const { answers } = scripted;
  answers.set("channels.status", () => ({
    payload: { channelAccounts: { other: "x", chat: [null, { accountId: "default" }] } },
  }));
  answers.set("config.get", () => ({
    payload: {
      hash: hash(),
      configRevisionHash: hash(),
      appliedConfigHash: hash(),
      valid: true,
      parsed: { channels: { chat } },
    },
  }));
  answers.set("config.patch", ({ params }) => {
    const patch = JSON.parse(String(params["raw"])) as { readonly channels: { readonly chat: Tree } };
    chat = merge(chat, patch.channels.chat);
    return { payload: { ok: true, hash: hash() } };
  });
});
afterEach(() => scripted.close());

const patched = (): number => scripted.count("config.patch");

describe("a channel", () => {
  it.each([
    ["pairing", "open", "not_tighter"],
    ["allowlist", "pairing", "not_tighter"],
    ["disabled", "allowlist", "not_tighter"],
  ] as const)("that is %s is not tightened to %s", async (present, policy, reason) => {
    chat = { dmPolicy: present, allowFrom: ["7"] };
    expect(await scripted.perform("channel.tighten@1", { ...args, policy })).toEqual(failed(reason));
    expect(patched()).toBe(0);
  });

  it.each([
    [{}, "pairing"],
    [{ allowFrom: ["*"] }, "pairing"],
    [{ allowFrom: ["*"] }, "open"],
  ] as const)(
    "that says nothing (%j) is not tightened to %s: its own default may be stricter",
    async (says, policy) => {
      chat = says;
      expect(await scripted.perform("channel.tighten@1", { ...args, policy })).toEqual(failed("not_tighter"));
      expect(patched()).toBe(0);
    },
  );

  it("that says nothing is told no policy when a sender goes", async () => {
    chat = { allowFrom: ["7", "8"] };
    const { tags } = scripted;
    const sender = tags.tag("sender", senderName("chat", "default", "7"));
    expect(await scripted.perform("channel.disallow@1", { ...args, sender })).toMatchObject(done());
    expect(chat).toEqual({ allowFrom: ["8"] });
  });

  it("that is open by its list is loosened no further, and closed with one change", async () => {
    chat = { dmPolicy: "allowlist", allowFrom: ["7", "*"] };
    expect(await scripted.perform("channel.loosen@1", { ...args, policy: "pairing" })).toEqual(failed("not_looser"));
    expect(await scripted.perform("channel.tighten@1", { ...args, policy: "allowlist" })).toMatchObject(done());
    expect(chat).toEqual({ dmPolicy: "allowlist", allowFrom: ["7"] });
    expect(patched()).toBe(1);
  });

  it("that is opened holds everybody, as the gateway wants it", async () => {
    expect(await scripted.perform("channel.loosen@1", { ...args, policy: "open" })).toMatchObject(done());
    expect(chat).toEqual({ dmPolicy: "open", allowFrom: ["7", "*"] });
  });

  it("opened by somebody between is closed by the stricter of both when it was used again", async () => {
    chat = { dmPolicy: "disabled", allowFrom: ["*"] };
    expect(await scripted.perform("channel.loosen@1", { ...args, policy: "pairing" })).toMatchObject(done());
    expect(chat).toEqual({ dmPolicy: "pairing", allowFrom: [] });
  });

  it.each(["*", " * ", "tg:*"])("never lets everybody in as if it were somebody: %s", async (sender) => {
    expect(await scripted.perform("channel.allow@1", args, { content: { sender } })).toEqual(failed("everybody"));
    expect(patched()).toBe(0);
  });

  it("lets somebody in once, and takes him off by the tag of his entry", async () => {
    expect(await scripted.perform("channel.allow@1", args, { content: { sender: "8" } })).toMatchObject(done());
    expect(await scripted.perform("channel.allow@1", args, { content: { sender: "8" } })).toMatchObject(
      done({ changed: 0 }),
    );
    expect(chat["allowFrom"]).toEqual(["7", "8"]);
    const sender = scripted.tags.tag("sender", senderName("chat", "default", "7"));
    expect(await scripted.perform("channel.disallow@1", { ...args, sender })).toMatchObject(done());
    expect(chat["allowFrom"]).toEqual(["8"]);
    expect(JSON.stringify(scripted.gateway.asked.at(-1))).not.toContain(sender);
  });

  it("is disabled when everybody is taken off and nobody is left", async () => {
    chat = { dmPolicy: "open", allowFrom: ["*"] };
    const sender = scripted.tags.tag("sender", senderName("chat", "default", "*"));
    expect(await scripted.perform("channel.disallow@1", { ...args, sender })).toMatchObject(done());
    expect(chat).toMatchObject({ dmPolicy: "disabled" });
  });

  it("that others take their rules from is tightened with them, and loosened alone or not at all", async () => {
    chat = { dmPolicy: "pairing", allowFrom: [], accounts: { work: {} } };
    expect(await scripted.perform("channel.loosen@1", { ...args, policy: "open" })).toEqual(failed("shared_settings"));
    expect(await scripted.perform("channel.allow@1", args, { content: { sender: "8" } })).toEqual(
      failed("shared_settings"),
    );
    expect(await scripted.perform("channel.tighten@1", { ...args, policy: "disabled" })).toMatchObject(done());
  });

  it("as it was not shown is left alone", async () => {
    expect(await scripted.perform("channel.loosen@1", { ...args, policy: "open" }, { subject: "another" })).toEqual(
      failed("changed"),
    );
    expect(await scripted.perform("channel.allow@1", args, { content: { sender: "8" }, subject: "x" })).toEqual(
      failed("changed"),
    );
    expect(patched()).toBe(0);
  });

  it("of another gateway, or one that is not in the configuration, is not there", async () => {
    const stranger = { subject: scripted.tags.tag("channel", channelName("chat", "work")), policy: "disabled" };
    expect(await scripted.perform("channel.tighten@1", stranger)).toEqual(failed("gone"));
    scripted.answers.set("channels.status", () => ({ payload: { channelAccounts: { mail: [{ accountId: "a" }] } } }));
    const mail = { subject: scripted.tags.tag("channel", channelName("mail", "a")), policy: "disabled" };
    expect(await scripted.perform("channel.tighten@1", mail)).toEqual(failed("not_configured"));
  });

  it.each([
    ["no configuration", { "config.get": { payload: { hash: "short" } } }, "gateway_hostile"],
    ["no channels", { "channels.status": { payload: { channelAccounts: [] } } }, "gateway_hostile"],
    ["a refusal", { "config.patch": { refuse: "INVALID_REQUEST" } }, "schema"],
  ] satisfies readonly (readonly [string, Readonly<Record<string, Answer>>, string])[])(
    "of a gateway that answers with %s gives a code",
    async (_what, answers, reason) => {
      for (const [method, answer] of Object.entries(answers)) scripted.answers.set(method, () => answer);
      expect(await scripted.perform("channel.tighten@1", { ...args, policy: "disabled" })).toEqual(failed(reason));
    },
  );

  it("is changed when the gateway has taken up what somebody else wrote, and not before", async () => {
    let looks = 0;
    const get = scripted.answers.get("config.get");
    const pending = (asked: Asked): Answer => {
      looks += 1;
      const answer = get?.(asked);
      const isPending = looks < 4 && answer !== undefined && "payload" in answer;
      const appliedConfigHash = "hmac-sha256:v1:another";
      return isPending
        ? { payload: { ...(answer.payload as object), appliedConfigHash } }
        : (answer ?? { refuse: "NONE" });
    };
    scripted.answers.set("config.get", pending);
    expect(await scripted.perform("channel.tighten@1", { ...args, policy: "disabled" })).toMatchObject(done());
    looks = -1_000;
    expect(await scripted.perform("channel.loosen@1", { ...args, policy: "open" })).toEqual(failed("config_pending"));
  });
});
