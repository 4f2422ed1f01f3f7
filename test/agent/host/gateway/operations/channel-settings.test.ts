import { describe, expect, it } from "vitest";
import { settingsOf } from "../../../../../agent/host/gateway/operations/channel-settings.ts";

const place = { channel: "chat", account: "default" };
const of = (chat: object, account = "default"): ReturnType<typeof settingsOf> =>
  settingsOf({ channels: { chat } }, { ...place, account });

describe("what a configuration says about a channel", () => {
  it("is nothing where it has no such channel", () => {
    expect(settingsOf({}, place)).toBeUndefined();
    expect(settingsOf({ channels: { chat: "yes" } }, place)).toBeUndefined();
    expect(settingsOf({ channels: { chat: {} } }, { ...place, channel: "toString" })).toBeUndefined();
  });

  it("is pairing where it says nothing", () => {
    expect(of({})).toMatchObject({ policy: "pairing", written: undefined, senders: [], isShared: false });
    expect(of({ dmPolicy: "whatever" })).toMatchObject({ policy: "pairing", written: undefined });
  });

  it.each([
    ["open by its list, whatever the policy is called", { dmPolicy: "allowlist", allowFrom: ["7", "*"] }, "open"],
    ["open by a name that the channel shortens", { dmPolicy: "pairing", allowFrom: ["tg:*"] }, "open"],
    ["closed when it is disabled, whoever is on the list", { dmPolicy: "disabled", allowFrom: ["*"] }, "disabled"],
    ["what it is called otherwise", { dmPolicy: "allowlist", allowFrom: ["7"] }, "allowlist"],
  ] as const)("is %s", (_what, chat, policy) => {
    expect(of(chat)?.policy).toBe(policy);
  });

  it("stands in the account's own block where it has one, and inherits what that does not say", () => {
    const chat = { dmPolicy: "open", allowFrom: ["*", 7], accounts: { work: { dmPolicy: "pairing" } } };
    expect(of(chat, "work")).toMatchObject({
      policy: "open",
      written: "pairing",
      senders: ["*", "7"],
      policyPath: ["channels", "chat", "accounts", "work", "dmPolicy"],
      listPath: ["channels", "chat", "accounts", "work", "allowFrom"],
      isShared: false,
    });
    expect(of(chat)).toMatchObject({ policyPath: ["channels", "chat", "dmPolicy"], isShared: true });
  });

  it("stands in the older place where that is the only one used", () => {
    expect(of({ dm: { policy: "allowlist", allowFrom: ["@a:b"] } })).toMatchObject({
      policy: "allowlist",
      policyPath: ["channels", "chat", "dm", "policy"],
      listPath: ["channels", "chat", "dm", "allowFrom"],
    });
    expect(of({ dmPolicy: "pairing", dm: { policy: "open" } })).toMatchObject({
      policy: "pairing",
      policyPath: ["channels", "chat", "dmPolicy"],
    });
  });
});
