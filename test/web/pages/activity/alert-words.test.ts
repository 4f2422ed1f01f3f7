import { describe, expect, it } from "vitest";
import { alertAbout, settingDone } from "../../../../web/pages/activity/alert-words.ts";

describe("alerts and settings in the ledger", () => {
  it("say what they are about, and no more than this page knows", () => {
    expect(alertAbout("host.cloned")).toBe("a second machine with one host key");
    expect(alertAbout("constructor")).toBeUndefined();
    expect(alertAbout(undefined)).toBeUndefined();
    expect(settingDone("alertNtfyOff")).toBe("switched ntfy for alerts off");
    expect(settingDone("constructor")).toBe("changed a setting of the control plane");
    expect(settingDone(undefined)).toBe("changed a setting of the control plane");
  });
});
