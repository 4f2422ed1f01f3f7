import { describe, expect, it } from "vitest";
import { HIDDEN, knownSecrets, looksRandom, redact } from "../../../../../agent/host/gateway/readings/redaction.ts";

/** Put together here, so that no file of ours looks as if it held a key. */
const made = (start: string, length: number): string => start + "Ab3dEf6hIj9".repeat(20).slice(0, length);

describe("redact", () => {
  it.each([
    ["a provider's key", made("sk-", 40)],
    ["another provider's key", made("sk-ant-api03-", 60)],
    ["a repository token", made("ghp_", 36)],
    ["a fine-grained repository token", made("github_pat_", 60)],
    ["a chat token", `xoxb-${"1234567890-"}${made("", 20)}`],
    ["a cloud key", `AKIA${"ABCDEFGHIJKLMNOP"}`],
    ["a bot token", `123456789:${made("", 35)}`],
    ["a signed token", `eyJ${made("", 20)}.${made("", 30)}.${made("", 40)}`],
    ["a key of a package registry", made("npm_", 36)],
  ])("takes out %s wherever it stands", (_what, secret) => {
    expect(redact(`before ${secret} after`)).toBe(`before ${HIDDEN} after`);
    expect(redact(`{"x":"${secret}"}`)).not.toContain(secret);
  });

  it.each([
    ["Authorization: Bearer plum-harbour-17", "plum-harbour-17"],
    ["token=plum-harbour-17 next", "plum-harbour-17"],
    ['"apiKey": "plum-harbour-17"', "plum-harbour-17"],
    ["MY_SECRET: plum-harbour-17", "plum-harbour-17"],
    ["run --client-secret plum-harbour-17", "plum-harbour-17"],
    ["DB_PASSWORD='plum-harbour-17'", "plum-harbour-17"],
    ["postgres://ann:plum-harbour-17@db.local/x", "plum-harbour-17"],
    ["https://plum-harbour-17@host/", "plum-harbour-17"],
    ["-----BEGIN PRIVATE KEY-----\nplum-harbour-17\n-----END PRIVATE KEY-----", "plum-harbour-17"],
    ["-----BEGIN OPENSSH PRIVATE KEY-----\nplum-harbour-17", "plum-harbour-17"],
  ])("takes the value out of %s", (text, secret) => {
    expect(redact(text)).not.toContain(secret);
    expect(redact(text)).toContain(HIDDEN);
  });

  it.each([
    "gateway: http server listening on 127.0.0.1:18789",
    "the token was refused",
    "agent model: anthropic/claude-sonnet-4-5-20250929 (thinking=off)",
    "see https://docs.example/token and /var/lib/secret/file",
    "\u001B[31mred\u202E",
  ])("leaves %j as it is", (text) => expect(redact(text)).toBe(text));

  it("takes out what this host knows, in each spelling", () => {
    const secret = 'plum "harbour" 17';
    const known = knownSecrets([secret, "short"]);
    const spelled = [secret, JSON.stringify(secret), encodeURIComponent(secret)];
    const coded = [Buffer.from(secret).toString("base64"), Buffer.from(secret).toString("hex")];
    for (const one of [...spelled, ...coded]) expect(redact(`x ${one} y`, known)).toMatch(/^x "?\[redacted\]=*"? y$/);
    expect(redact("short words stay", known)).toBe("short words stay");
  });
});

describe("looksRandom", () => {
  it.each([made("", 40), "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b", "dGhpc0lzTm90QVdvcmQxMjM0NTY3"])(
    "takes %s for one",
    (value) => expect(looksRandom(value)).toBe(true),
  );
  it.each([
    "claude-sonnet-4-5-20250929",
    "a-long-name-of-some-agent-here",
    "/home/openclaw/.openclaw/workspace",
    "Europe/Berlin",
  ])("takes %s for words", (value) => expect(looksRandom(value)).toBe(false));
});
