import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { gatewayStates, telemetrySchema } from "../../protocol/telemetry.ts";
import { withForeignMember, withSmuggledText } from "../fixtures/foreign.ts";
import { telemetrySample } from "../fixtures/telemetry.ts";
import type { Fields } from "../fixtures/workspace.ts";

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
