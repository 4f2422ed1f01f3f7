import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { gatewayStates, telemetrySchema } from "../../protocol/telemetry.ts";
import { telemetrySample } from "../fixtures/telemetry.ts";
import type { Fields } from "../fixtures/workspace.ts";

type Json = unknown;

/** Every object in the sample, with a member added, one at a time. */
function withForeignMember(value: Json): readonly Json[] {
  if (Array.isArray(value)) {
    return value.flatMap((item, i) => withForeignMember(item).map((bent) => value.with(i, bent)));
  }
  if (typeof value !== "object" || value === null) return [];
  const inside = Object.entries(value).flatMap(([key, item]) =>
    withForeignMember(item).map((bent) => ({ ...value, [key]: bent })),
  );
  return [{ ...value, foreign: 1 }, ...inside];
}

/** Every leaf replaced by a text that a hostile gateway would like to smuggle out, one at a time. */
function withSmuggledText(value: Json): readonly Json[] {
  if (Array.isArray(value)) {
    return value.flatMap((item, i) => withSmuggledText(item).map((bent) => value.with(i, bent)));
  }
  if (typeof value !== "object" || value === null) return ["sk-live secret message"];
  return Object.entries(value).flatMap(([key, item]) =>
    withSmuggledText(item).map((bent) => ({ ...value, [key]: bent })),
  );
}

describe("telemetry", () => {
  it("accepts an honest report, whole and at its smallest", () => {
    expect(v.is(telemetrySchema, telemetrySample)).toBe(true);
    const {
      version: _v,
      bootId: _b,
      uptimeSeconds: _u,
      rssBytes: _r,
      eventLoopDelayMs: _e,
      ...gateway
    } = telemetrySample.gateway;
    expect(v.is(telemetrySchema, { v: 1, at: 1, gateway, host: telemetrySample.host })).toBe(true);
  });

  it("accepts every state of a gateway and no other", () => {
    const inState = (state: string): Fields => ({ ...telemetrySample, gateway: { ...telemetrySample.gateway, state } });
    expect(gatewayStates.every((state) => v.is(telemetrySchema, inState(state)))).toBe(true);
    expect(v.is(telemetrySchema, inState("fine"))).toBe(false);
  });

  it("refuses an unknown field wherever it stands", () => {
    const bent = withForeignMember(telemetrySample);
    expect(bent).toHaveLength(9);
    expect(bent.filter((one) => v.is(telemetrySchema, one))).toEqual([]);
  });

  it("has no field that carries a sentence", () => {
    const bent = withSmuggledText(telemetrySample);
    expect(bent.length).toBeGreaterThan(30);
    expect(bent.filter((one) => v.is(telemetrySchema, one))).toEqual([]);
  });

  it.each([-1, 0.5, 1e15 + 1, Number.NaN, Number.POSITIVE_INFINITY])("refuses the number %d", (agents) => {
    expect(v.is(telemetrySchema, { ...telemetrySample, agents })).toBe(false);
  });

  it("refuses more listening addresses than a gateway has", () => {
    const [listen] = telemetrySample.gateway.listens;
    const listens = Array.from({ length: 9 }, () => listen);
    expect(v.is(telemetrySchema, { ...telemetrySample, gateway: { ...telemetrySample.gateway, listens } })).toBe(false);
  });
});
