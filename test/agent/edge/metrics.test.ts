import { describe, expect, it } from "vitest";
import { parseMetricsPlace } from "../../../agent/edge/metrics-front.ts";
import { renderMetrics } from "../../../agent/edge/metrics.ts";
import { readMetrics } from "./fixtures/metrics-grammar.ts";

describe("the text of metrics", () => {
  it("is what a strict reader of the format reads", () => {
    const text = renderMetrics([
      { name: "a_total", help: "back\\slash\nline", type: "counter", samples: [{ value: 3 }] },
      {
        name: "b",
        help: "values",
        type: "gauge",
        samples: [
          { labels: { x: 'quo"te', y: "line\nend\\" }, value: 1.5e-7 },
          { labels: { x: "inf" }, value: Number.POSITIVE_INFINITY },
          { labels: { x: "nan" }, value: Number.NaN },
        ],
      },
      { name: "left_out", help: "nothing to say", type: "gauge", samples: [] },
    ]);
    const read = readMetrics(text);
    expect([...read.keys()]).toEqual(["a_total", "b"]);
    expect(read.get("a_total")).toEqual({ type: "counter", samples: new Map([["", 3]]) });
    expect([...(read.get("b")?.samples.entries() ?? [])]).toEqual([
      [String.raw`{x="quo\"te",y="line\nend\\"}`, 1.5e-7],
      ['{x="inf"}', Number.POSITIVE_INFINITY],
      ['{x="nan"}', Number.NaN],
    ]);
    expect(text).toContain(String.raw`# HELP a_total back\\slash\nline`);
  });

  it.each([
    { name: "with-dash", type: "gauge" },
    { name: "count", type: "counter" },
    { name: "gauge_total", type: "gauge" },
  ] as const)("refuses the name $name of a $type", ({ name, type }) => {
    expect(() => renderMetrics([{ name, help: "", type, samples: [{ value: 1 }] }])).toThrow(TypeError);
  });

  it("refuses a label outside the grammar, and the same series twice", () => {
    const gauge = { name: "g", help: "", type: "gauge" } as const;
    expect(() => renderMetrics([{ ...gauge, samples: [{ labels: { "a b": "" }, value: 1 }] }])).toThrow(TypeError);
    expect(() => renderMetrics([{ ...gauge, samples: [{ labels: { __name__: "" }, value: 1 }] }])).toThrow(TypeError);
    expect(() => renderMetrics([{ ...gauge, samples: [{ value: 1 }, { value: 2 }] }])).toThrow(TypeError);
  });
});

describe("the place of metrics", () => {
  it("is an address of loopback with a port", () => {
    expect(parseMetricsPlace("127.0.0.1:9464")).toEqual({ address: "127.0.0.1", port: 9464 });
    expect(parseMetricsPlace("127.5.0.1:0")).toEqual({ address: "127.5.0.1", port: 0 });
    expect(parseMetricsPlace("[::1]:9464")).toEqual({ address: "::1", port: 9464 });
  });

  it.each([
    "0.0.0.0:9464",
    "[::]:9464",
    "192.168.1.5:9464",
    "localhost:9464",
    "127.0.0.1",
    ":9464",
    "127.0.0.1:65536",
    "127.0.0.1.evil.example:80",
    "127.1:80",
    "[::ffff:10.0.0.1]:80",
  ])("is not %s", (text) => {
    expect(() => parseMetricsPlace(text)).toThrow(expect.objectContaining({ code: "metrics_address" }));
  });
});
