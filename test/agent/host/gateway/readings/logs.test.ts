import { describe, expect, it } from "vitest";
import { lineOf } from "../../../../../agent/host/gateway/readings/logs.ts";
import { HIDDEN } from "../../../../../agent/host/gateway/readings/redaction.ts";

describe("lineOf", () => {
  it("reads part, level and time of the gateway's own form", () => {
    const raw = JSON.stringify({
      "0": JSON.stringify({ subsystem: "gateway/ws" }),
      message: "closed",
      _meta: { logLevelName: "WARN", date: "2026-11-20T05:32:37.116Z" },
      time: "2026-11-20T05:32:37.116+00:00",
    });
    expect(lineOf(raw, [])).toEqual({ text: "gateway/ws: closed", level: "warn", at: 1_795_152_757 });
  });

  it.each(["plain words", "{not json", '{"message":5}', '{"message":null,"time":"never","_meta":[]}'])(
    "shows %j as it is",
    (raw) => expect(lineOf(raw, [])).toEqual({ text: raw }),
  );

  it("keeps control characters for the page to show, and cuts", () => {
    const { text } = lineOf(`\u001B[2J\u202E${"x".repeat(5_000)}`, []);
    expect(text.startsWith("\u001B[2J\u202E")).toBe(true);
    expect(text).toHaveLength(4_096);
  });

  it("takes secrets out before it cuts, so that none is shown by half", () => {
    const secret = "plum-harbour-seventeen";
    const text = lineOf(JSON.stringify({ message: `${"x".repeat(4_090)}${secret}` }), [secret]).text;
    expect(text).toBe(`${"x".repeat(4_090)}${HIDDEN}`.slice(0, 4_096));
    const endless = lineOf(`${`${secret} `.repeat(3_000)}${secret}`.slice(0, 65_540), [secret]).text;
    expect(endless).not.toContain("plum");
  });
});
