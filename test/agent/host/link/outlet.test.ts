import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Outlet } from "../../../../agent/host/link/outlet.ts";
import type { Sent } from "../../../../agent/host/link/socket.ts";
import { MAX_UNCONFIRMED_RECEIPTS } from "../../../../protocol/limits.ts";
import { outwardFrames, type OutwardFrame } from "../../../../protocol/tunnel.ts";
import { nonceOf } from "../../../fixtures/keys.ts";
import { telemetrySample } from "../../../fixtures/telemetry.ts";

const signed = { body: nonceOf("body"), signature: `${"B".repeat(85)}A` };
const receipt = (number: number): OutwardFrame => ({ kind: "receipt", number, signed });
const telemetry = (agents: number): OutwardFrame => ({
  kind: "telemetry",
  telemetry: { ...telemetrySample, agents },
});

let sent: OutwardFrame[];
let answer: Sent;
let stalls: number;
let outlet: Outlet;

beforeEach(() => {
  vi.useFakeTimers();
  sent = [];
  answer = "sent";
  stalls = 0;
  outlet = new Outlet({
    send: (text) => {
      sent.push(outwardFrames.decode(text));
      return answer;
    },
    onStalled: () => (stalls += 1),
    elapsed: () => Date.now(),
  });
});
afterEach(() => {
  outlet.close();
  vi.useRealTimers();
});

const receipts = (): readonly number[] => sent.flatMap((frame) => (frame.kind === "receipt" ? [frame.number] : []));

describe("receipts", () => {
  it("go out so many at a time, in order, and each confirmation lets one more go", () => {
    for (let i = 1; i <= 500; i += 1) outlet.push(receipt(i));
    expect(receipts()).toHaveLength(MAX_UNCONFIRMED_RECEIPTS);
    for (let i = 1; i <= 500; i += 1) {
      expect(receipts()).toContain(i);
      outlet.confirmed(i);
    }
    expect(receipts()).toEqual(Array.from({ length: 500 }, (_, i) => i + 1));
  });

  it("that nobody confirms give way after a while: another one is not lost behind them", () => {
    for (let i = 1; i <= MAX_UNCONFIRMED_RECEIPTS + 1; i += 1) outlet.push(receipt(i));
    expect(receipts()).not.toContain(MAX_UNCONFIRMED_RECEIPTS + 1);
    vi.advanceTimersByTime(20_000);
    expect(receipts()).toContain(MAX_UNCONFIRMED_RECEIPTS + 1);
  });

  it("that are asked for again go out again, and wait once", () => {
    outlet.push(receipt(1));
    outlet.push(receipt(1));
    expect(receipts()).toEqual([1, 1]);
    for (let i = 2; i <= MAX_UNCONFIRMED_RECEIPTS + 1; i += 1) outlet.push(receipt(i));
    for (let i = 0; i < 1_000; i += 1) outlet.push(receipt(900));
    vi.advanceTimersByTime(20_000);
    expect(receipts().filter((number) => number === 900)).toEqual([900]);
  });

  it("stay with the journal when the tunnel is over", () => {
    outlet.close();
    outlet.push(receipt(1));
    expect(sent).toEqual([]);
  });
});

describe("telemetry", () => {
  const figures = (): readonly (number | undefined)[] =>
    sent.flatMap((frame) => (frame.kind === "telemetry" ? [frame.telemetry.agents] : []));

  it("is said at once, then twice a second at most, and only the newest", () => {
    for (let i = 0; i <= 100; i += 1) outlet.push(telemetry(i));
    expect(figures()).toEqual([0]);
    vi.advanceTimersByTime(500);
    expect(figures()).toEqual([0, 100]);
    vi.advanceTimersByTime(5_000);
    expect(figures()).toEqual([0, 100]);
    outlet.push(telemetry(101));
    expect(figures()).toEqual([0, 100, 101]);
  });
});

describe("a peer that does not read", () => {
  it("costs its tunnel, once, and nothing more is written", () => {
    answer = "stalled";
    outlet.push({ kind: "refused", subject: nonceOf("subject"), code: "busy" });
    outlet.push(receipt(1));
    expect(stalls).toBe(1);
    expect(sent).toHaveLength(1);
  });

  it("that is gone costs nothing: its close says the rest", () => {
    answer = "closed";
    outlet.push({ kind: "refused", subject: nonceOf("subject"), code: "busy" });
    expect(stalls).toBe(0);
  });
});
