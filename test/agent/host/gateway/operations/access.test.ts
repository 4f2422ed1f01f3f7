import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openDevice } from "../../../../../agent/host/gateway/device.ts";
import { supportOf } from "../../../../../agent/host/gateway/versions-support.ts";
import { deviceSubject, extensionSubject, senderRequestSubject } from "../../../../../agent/host/gateway/subjects.ts";
import { startScripted, type Answer, type Scripted } from "../fixtures/scripted.ts";

const done = (observed: object = { changed: 1 }): object => ({ verdict: "executed", observed });
const failed = (reason: string): object => ({ verdict: "failed", observed: { reason } });
const cut: Answer = {
  raw: (_asked, socket) => {
    socket.terminate();
    return undefined;
  },
};

let scripted: Scripted;
beforeEach(async () => {
  scripted = await startScripted();
});
afterEach(() => scripted.close());

const asked = (): string[] => scripted.gateway.asked.map(({ method }) => method).filter((name) => name !== "connect");

describe("a device", () => {
  const token = { role: "operator", scopes: ["operator.read"] };
  const phone = { deviceId: "phone", publicKey: "k", roles: ["operator"], scopes: ["operator.read"], tokens: [token] };
  let paired: readonly Readonly<Record<string, unknown>>[] = [];
  const args = (): { readonly subject: string } => ({ subject: scripted.tags.tag("device", "phone") });

  beforeEach(() => {
    paired = [phone];
    scripted.answers.set("device.pair.list", () => ({ payload: { paired, pending: [] } }));
    scripted.answers.set("device.token.revoke", () => ({ payload: {} }));
    scripted.answers.set("device.pair.remove", () => {
      paired = [];
      return { payload: {} };
    });
  });

  it("loses its tokens before its pairing, and is looked for afterwards", async () => {
    expect(await scripted.perform("device.revoke@1", args())).toEqual(done());
    expect(asked()).toEqual(["device.pair.list", "device.token.revoke", "device.pair.remove", "device.pair.list"]);
    expect(await scripted.perform("device.revoke@1", args())).toEqual(done({ changed: 0 }));
  });

  it("is removed although its token cannot be revoked; a removal that is only claimed is not believed", async () => {
    scripted.answers.set("device.token.revoke", () => ({ refuse: "INVALID_REQUEST" }));
    expect(await scripted.perform("device.revoke@1", args())).toEqual(done());
    paired = [phone];
    scripted.answers.set("device.pair.remove", () => ({ payload: { deviceId: "phone" } }));
    expect(await scripted.perform("device.revoke@1", args())).toEqual(failed("not_seen"));
  });

  it("is looked for when the answer to its removal is lost, on a connection of the new boot", async () => {
    scripted.answers.set("device.pair.remove", () => {
      paired = [];
      return cut;
    });
    expect(await scripted.perform("device.revoke@1", args())).toEqual(done());
    paired = [phone];
    scripted.answers.set("device.pair.remove", () => cut);
    expect(await scripted.perform("device.revoke@1", args())).toEqual(failed("not_seen"));
  });

  it("of our own stays; one that only has our name goes", async () => {
    const warden = await openDevice(scripted.tools.directory, "warden");
    paired = [{ ...phone, deviceId: warden.device.id }];
    const ours = { subject: scripted.tags.tag("device", warden.device.id) };
    expect(await scripted.perform("device.revoke@1", ours)).toEqual(failed("own_device"));
    expect(await scripted.perform("device.rotate@1", ours)).toEqual(failed("own_device"));
    expect(new Set(asked())).toEqual(new Set(["device.pair.list"]));
    paired = [{ ...phone, displayName: warden.device.displayName }];
    expect(await scripted.perform("device.revoke@1", args())).toEqual(done());
  });

  it("gets new tokens once, as it was shown", async () => {
    const subject = deviceSubject(phone);
    scripted.answers.set("device.token.rotate", () => {
      paired = [{ ...phone, tokens: [{ ...token, rotatedAtMs: 9 }] }];
      return { payload: { tokenDelivery: "withheld-cross-device" } };
    });
    expect(await scripted.perform("device.rotate@1", args(), { subject: "another" })).toEqual(failed("changed"));
    expect(await scripted.perform("device.rotate@1", args(), { subject })).toEqual(done());
    scripted.answers.set("device.token.rotate", () => ({ payload: {} }));
    expect(await scripted.perform("device.rotate@1", args(), { subject })).toEqual(failed("not_seen"));
    paired = [{ ...phone, tokens: [] }];
    expect(await scripted.perform("device.rotate@1", args(), { subject })).toEqual(failed("no_token"));
  });
});

describe("somebody who asks", () => {
  const request = { requestId: "r-1", channel: "telegram", accountId: "default", senderId: "7" };
  const args = (): { readonly subject: string; readonly kind: string } => ({
    subject: scripted.tags.tag("sender-request", "r-1"),
    kind: "sender",
  });
  let requests: readonly object[] = [];

  beforeEach(() => {
    requests = [request];
    scripted.answers.set("channels.pairing.list", () => ({ payload: { requests } }));
  });

  it("is let in as he was shown, and never made an owner", async () => {
    scripted.answers.set("channels.pairing.approve", () => {
      requests = [];
      return { payload: {} };
    });
    expect(await scripted.perform("pairing.approve@1", args(), { subject: "another" })).toEqual(failed("changed"));
    const subject = senderRequestSubject(request);
    expect(await scripted.perform("pairing.approve@1", args(), { subject })).toEqual(done());
    expect(scripted.gateway.asked.find(({ method }) => method === "channels.pairing.approve")?.params).toEqual({
      channel: "telegram",
      accountId: "default",
      requestId: "r-1",
    });
    expect(await scripted.perform("pairing.approve@1", args(), { subject })).toEqual(failed("gone"));
  });

  it("may have been let in or not when the gateway's answer is lost, and that is said", async () => {
    scripted.answers.set("channels.pairing.approve", () => {
      requests = [];
      return cut;
    });
    expect(await scripted.perform("pairing.approve@1", args())).toEqual(failed("outcome_unknown"));
  });

  it("is turned away once", async () => {
    scripted.answers.set("channels.pairing.dismiss", () => {
      requests = [];
      return cut;
    });
    expect(await scripted.perform("pairing.deny@1", args())).toEqual(done());
    expect(await scripted.perform("pairing.deny@1", args())).toEqual(done({ changed: 0 }));
  });

  it("with a device is paired only when the gateway shows the device", async () => {
    const pending = [{ requestId: "d-1", deviceId: "tablet", roles: ["operator"], scopes: [] }];
    scripted.answers.set("device.pair.list", () => ({ payload: { pending, paired: [] } }));
    scripted.answers.set("device.pair.approve", () => ({ payload: { device: { deviceId: "tablet" } } }));
    const device = { subject: scripted.tags.tag("device-request", "d-1"), kind: "device" };
    expect(await scripted.perform("pairing.approve@1", device)).toEqual(failed("not_seen"));
  });
});

describe("a plugin or a skill", () => {
  const args = (kind: "plugin" | "skill"): { readonly subject: string; readonly kind: string } => ({
    subject: scripted.tags.tag(kind, "thing"),
    kind,
  });
  let plugin = { id: "thing", enabled: false, version: "1" };

  beforeEach(() => {
    plugin = { id: "thing", enabled: false, version: "1" };
    scripted.answers.set("plugins.list", () => ({ payload: { plugins: [plugin] } }));
    scripted.answers.set("skills.status", () => ({ payload: { skills: [{ skillKey: "thing", disabled: true }] } }));
  });

  it("is enabled as it was shown, and not when it became another", async () => {
    const subject = extensionSubject("plugin", plugin);
    scripted.answers.set("plugins.setEnabled", () => {
      plugin = { ...plugin, enabled: true };
      return { payload: { ok: true, restartRequired: true } };
    });
    plugin = { ...plugin, version: "2" };
    expect(await scripted.perform("plugin.enable@1", args("plugin"), { subject })).toEqual(failed("changed"));
    plugin = { ...plugin, version: "1" };
    expect(await scripted.perform("plugin.enable@1", args("plugin"), { subject })).toEqual(
      done({ changed: 1, reason: "restart_needed" }),
    );
  });

  it("that the gateway does not switch now is looked at before it is called undone", async () => {
    scripted.answers.set("plugins.setEnabled", () => ({ refuse: "UNAVAILABLE" }));
    expect(await scripted.perform("plugin.enable@1", args("plugin"))).toEqual(failed("gateway_unavailable"));
    expect(scripted.count("plugins.setEnabled")).toBeGreaterThan(1);
    scripted.answers.set("plugins.setEnabled", () => cut);
    const before = scripted.count("plugins.setEnabled");
    expect(await scripted.perform("plugin.enable@1", args("plugin"))).toEqual(failed("not_seen"));
    expect(scripted.count("plugins.setEnabled")).toBe(before + 1);
    scripted.answers.set("plugins.setEnabled", () => {
      plugin = { ...plugin, enabled: true };
      return { refuse: "UNAVAILABLE" };
    });
    expect(await scripted.perform("plugin.enable@1", args("plugin"))).toEqual(done());
  });

  it("that is off already is left so; one that is gone is off", async () => {
    expect(await scripted.perform("plugin.disable@1", args("skill"))).toEqual(done({ changed: 0 }));
    scripted.answers.set("skills.status", () => ({ payload: { skills: [] } }));
    expect(await scripted.perform("plugin.disable@1", args("skill"))).toEqual(done({ changed: 0 }));
    expect(await scripted.perform("plugin.enable@1", args("skill"))).toEqual(failed("gone"));
  });
});

describe("a gateway of a version that nobody tried", () => {
  it.each(["2027.1.0", "2025.1.1"])("is stopped and tightened, never changed: %s", async (version) => {
    expect(supportOf(version)).not.toBe("known");
    await scripted.close();
    scripted = await startScripted(version);
    const subject = scripted.tags.tag("device", "phone");
    const kind = "device";
    const draft = { name: "a", schedule: { kind: "every", seconds: 60 }, work: { kind: "message", message: "x" } };
    const content = { ...draft, enabled: true };
    scripted.answers.set("device.pair.list", () => ({ payload: { paired: [], pending: [] } }));
    scripted.answers.set("skills.status", () => ({ payload: { skills: [] } }));
    scripted.answers.set("cron.list", () => ({ payload: { jobs: [] } }));
    const unknown = failed("version_unknown");
    expect(await scripted.perform("cron.add@1", { work: "message" }, { content })).toEqual(unknown);
    expect(await scripted.perform("cron.edit@1", { subject, work: "message" }, { content })).toEqual(unknown);
    for (const operation of ["cron.enable@1", "cron.run@1", "cron.remove@1", "session.reset@1"] as const)
      expect(await scripted.perform(operation, { subject })).toEqual(unknown);
    for (const operation of ["session.compact@1", "agent.delete@1", "device.rotate@1"] as const)
      expect(await scripted.perform(operation, { subject })).toEqual(unknown);
    expect(await scripted.perform("agent.create@1", {}, { content: { name: "a", files: [] } })).toEqual(unknown);
    expect(await scripted.perform("agent.edit@1", { subject }, { content: { files: [] } })).toEqual(unknown);
    expect(await scripted.perform("agent.deploy@1", { subject, version: 1 })).toEqual(unknown);
    expect(await scripted.perform("pairing.approve@1", { subject, kind })).toEqual(unknown);
    expect(await scripted.perform("channel.loosen@1", { subject, policy: "open" })).toEqual(unknown);
    expect(await scripted.perform("channel.allow@1", { subject }, { content: { sender: "7" } })).toEqual(unknown);
    expect(await scripted.perform("plugin.enable@1", { subject, kind: "skill" })).toEqual(unknown);

    expect(await scripted.perform("cron.disable@1", { subject })).toEqual(failed("gone"));
    expect(await scripted.perform("device.revoke@1", { subject })).toEqual(done({ changed: 0 }));
    expect(await scripted.perform("pairing.deny@1", { subject, kind })).toEqual(done({ changed: 0 }));
    expect(await scripted.perform("plugin.disable@1", { subject, kind: "skill" })).toEqual(done({ changed: 0 }));
  });
});
