import { describe, expect, it } from "vitest";
import { signWebhook, webhookHeaders } from "../../../durable-objects/outbound/webhook.ts";

// The vector that the Standard Webhooks libraries share.
const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const vector = { id: "msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp: "1614265330", body: '{"test": 2432232314}' };
const signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

describe("a webhook", () => {
  it("is signed as the standard's own vector", async () => {
    expect(await signWebhook(vector, secret)).toBe(signature);
    expect(await signWebhook({ ...vector, id: "msg_other" }, secret)).not.toBe(signature);
    expect(await signWebhook({ ...vector, timestamp: "1614265331" }, secret)).not.toBe(signature);
    expect(await signWebhook({ ...vector, body: `${vector.body} ` }, secret)).not.toBe(signature);
  });

  it("carries one signature for each secret, side by side", async () => {
    const other = "whsec_c2l4dGVlbiBieXRlcyBhbmQgdGhlbiBzb21lIG1vcmU=";
    const headers = await webhookHeaders({ id: vector.id, body: vector.body, now: 1_614_265_330 }, [other, secret]);
    expect(headers).toEqual({
      "webhook-id": vector.id,
      "webhook-timestamp": vector.timestamp,
      "webhook-signature": `${await signWebhook(vector, other)} ${signature}`,
    });
  });
});
