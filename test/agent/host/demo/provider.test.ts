import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startProvider } from "../../../../agent/host/demo/provider.ts";
import type { DemoProvider } from "../../../../agent/host/demo/provider.ts";

let provider: DemoProvider;

beforeEach(async () => {
  provider = await startProvider("key");
});

afterEach(() => provider.close());

const ask = (body: string, key = "key", path = "/chat/completions"): Promise<Response> =>
  fetch(provider.baseUrl + path, { method: "POST", body, headers: { authorization: `Bearer ${key}` } });

describe("the demo's model provider", () => {
  it("streams a reply with token counts and ends it", async () => {
    const text = await (await ask('{"stream": true,"messages":[]}')).text();
    const events = text.split("\n\n").filter((event) => event !== "");
    expect(events.at(-1)).toBe("data: [DONE]");
    expect(text).toContain('"prompt_tokens":8,');
  });

  it("answers in one piece when no stream is asked for", async () => {
    expect(await (await ask('{"messages":[]}')).json()).toMatchObject({
      object: "chat.completion",
      usage: { prompt_tokens: 4 },
    });
  });

  it("repeats nothing of what it was sent", async () => {
    expect(await (await ask('{"messages":[{"role":"user","content":"CANARY"}]}')).text()).not.toContain("CANARY");
  });

  it("refuses another key, another route and another size", async () => {
    expect((await ask("{}", "other")).status).toBe(401);
    expect((await ask("{}", "key", "/embeddings")).status).toBe(404);
    expect((await ask("x".repeat(8_388_609))).status).toBe(413);
  });
});
