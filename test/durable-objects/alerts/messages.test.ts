import { describe, expect, it, vi } from "vitest";
import type { StoredAlert } from "../../../durable-objects/alerts/alert-table.ts";
import { writeMessage, type Notice } from "../../../durable-objects/alerts/messages.ts";
import { attemptDelivery } from "../../../durable-objects/alerts/send.ts";
import { ALERT_SEND_SECONDS } from "../../../protocol/limits.ts";

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

const alert: StoredAlert = {
  alert: "a-1234",
  kind: "trust.forked",
  subject: "h-one",
  host: "h-one",
  state: "open",
  detail: { place: 4 },
  raisedAt: 1_800_000_000,
  times: 1,
  lastAt: 1_800_000_000,
  deliveries: undefined,
} as unknown as StoredAlert;
const notice: Notice = { workspace: "w", event: "raised", alert, label: "vps-3 ü" };
const now = 1_800_000_060;
const webhook = { url: "https://hooks.example/", secret };

describe("a webhook", () => {
  it("keeps its id at every attempt and says when the attempt was", async () => {
    const first = await writeMessage("webhook", notice, { target: webhook, now });
    const second = await writeMessage("webhook", notice, { target: webhook, now: now + 5 });
    expect(first.id).toBe("msg_a-1234_raised");
    expect([second.id, second.body]).toEqual([first.id, first.body]);
    expect(second.headers["webhook-timestamp"]).toBe(String(now + 5));
    expect(second.headers["webhook-signature"]).not.toBe(first.headers["webhook-signature"]);
  });

  it("says what, where and what next, and nothing internal", async () => {
    const { body } = await writeMessage("webhook", notice, { target: webhook, now });
    const message = JSON.parse(body) as { type: string; timestamp: string; data: Record<string, unknown> };
    expect(message).toMatchObject({
      type: "alert.raised",
      timestamp: "2027-01-15T08:00:00.000Z",
      data: { host: "h-one", hostLabel: "vps-3 ü", severity: "critical", detail: { place: 4 } },
    });
    expect(message.data).not.toHaveProperty("subject");
    expect(body).not.toContain(secret.slice(6));
  });
});

describe("a message to ntfy", () => {
  it("is plain text with a priority, and carries the token in a header only", async () => {
    const target = { url: "https://ntfy.example/topic", secret: "tk_1" };
    const message = await writeMessage("ntfy", notice, { target, now });
    expect(message.body).toMatch(/^vps-3 ü: .+\n\nOpen People in the signer/);
    expect(message.body).not.toContain("tk_1");
    expect(message.headers).toMatchObject({ authorization: "Bearer tk_1", priority: "5" });
    // Headers are ASCII: a label in one of them would be refused by the runtime.
    expect(Object.values(message.headers).join("")).toMatch(/^[ -~]*$/);
  });

  it("needs no token", async () => {
    const { headers } = await writeMessage("ntfy", "test", { target: { url: "https://ntfy.example/topic" }, now });
    expect(headers).not.toHaveProperty("authorization");
  });
});

describe("an attempt", () => {
  const attempt = { channel: "webhook", notice, target: webhook, now } as const;
  const answering = (status: number) => () => Promise.resolve(new Response(null, { status }));

  it.each([
    [200, undefined],
    [204, undefined],
    [301, "redirect"],
    [307, "redirect"],
    [400, "status"],
    [410, "gone"],
    [500, "status"],
  ])("that is answered with %i", async (status, fault) => {
    expect(await attemptDelivery(attempt, answering(status))).toBe(fault);
  });

  it("that reaches nobody is unreachable", async () => {
    expect(await attemptDelivery(attempt, () => Promise.reject(new TypeError("connect")))).toBe("unreachable");
  });

  it("that takes too long is ended", async () => {
    vi.useFakeTimers();
    const attempted = attemptDelivery(attempt, ({ signal }) => {
      return new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("aborted"))));
    });
    await vi.advanceTimersByTimeAsync(ALERT_SEND_SECONDS * 1_000);
    expect(await attempted).toBe("timeout");
    vi.useRealTimers();
  });

  it("never follows a redirect, and never reads an endless answer", async () => {
    const seen: string[] = [];
    let cancelled = false;
    const endless = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(65_536)),
      cancel: () => void (cancelled = true),
    });
    const fault = await attemptDelivery(attempt, (request) => {
      seen.push(request.redirect as string);
      return Promise.resolve(new Response(endless));
    });
    expect({ fault, seen, cancelled }).toEqual({ fault: undefined, seen: ["manual"], cancelled: true });
  });

  it("to an address that the rules no longer allow is not made", async () => {
    let asked = false;
    const fault = await attemptDelivery({ ...attempt, target: { ...webhook, url: "https://10.0.0.1/" } }, () => {
      asked = true;
      return Promise.resolve(new Response());
    });
    expect({ fault, asked }).toEqual({ fault: "target", asked: false });
  });
});
