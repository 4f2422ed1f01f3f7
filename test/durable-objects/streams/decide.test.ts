import { describe, expect, it } from "vitest";
import { decide } from "../../../durable-objects/streams/decide.ts";
import { MAX_STREAM_ATTEMPTS, MAX_STREAM_WAIT_SECONDS, STREAM_RETRY_SECONDS } from "../../../protocol/limits.ts";

const first = { attempts: 0, refusals: 0, chance: 1 };
const answered = (status: number, retryAfterSeconds?: number) => ({
  fault: "status" as const,
  status,
  ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
});

describe("what follows from an attempt", () => {
  it("that was accepted: the next batch", () => {
    expect(decide({ fault: undefined, status: 204 }, first)).toEqual({ next: "sent" });
  });

  it("after which the far end says that it is gone: a pause", () => {
    expect(decide({ fault: "gone", status: 410 }, first)).toEqual({ next: "pause", fault: "gone" });
  });

  it.each([408, 425, 429, 500, 502, 503, 504])("that met %i: the same again, for ever", (status) => {
    const many = { attempts: 10_000, refusals: MAX_STREAM_ATTEMPTS - 1, chance: 1 };
    expect(decide(answered(status), many)).toMatchObject({ next: "wait", refused: false });
  });

  it.each(["unreachable", "timeout", "redirect", "target", "settings"] as const)(
    "that ended as %s: the same again, for ever",
    (fault) => {
      const many = { attempts: 10_000, refusals: MAX_STREAM_ATTEMPTS - 1, chance: 1 };
      expect(decide({ fault, status: 0 }, many)).toMatchObject({ next: "wait", fault, refused: false });
    },
  );

  it.each([400, 401, 403, 404, 409, 413, 422])(
    "that the far end refused with %i: a few times, then without it",
    (status) => {
      const before = { attempts: 50, refusals: MAX_STREAM_ATTEMPTS - 2, chance: 1 };
      expect(decide(answered(status), before)).toMatchObject({ next: "wait", refused: true });
      const last = { ...before, refusals: MAX_STREAM_ATTEMPTS - 1 };
      expect(decide(answered(status), last)).toEqual({ next: "set-aside", fault: "status" });
    },
  );
});

describe("the pause", () => {
  const wait = (attempts: number, chance: number, retryAfter?: number): number => {
    const decision = decide(answered(503, retryAfter), { attempts, refusals: 0, chance });
    return decision.next === "wait" ? decision.seconds : -1;
  };

  it("doubles up to an hour", () => {
    expect([0, 1, 2, 3].map((attempts) => wait(attempts, 1))).toEqual([5, 10, 20, 40]);
    expect(wait(0, 1)).toBe(STREAM_RETRY_SECONDS);
    for (const attempts of [10, 16, 17, 5_000]) expect(wait(attempts, 1)).toBe(MAX_STREAM_WAIT_SECONDS);
  });

  it("is spread over its upper half", () => {
    expect([0, 0.5, 1].map((chance) => wait(3, chance))).toEqual([20, 30, 40]);
  });

  it("is as long as the far end asks for, but no longer than an hour", () => {
    expect(wait(0, 1, 120)).toBe(120);
    expect(wait(3, 1, 1)).toBe(40);
    expect(wait(0, 1, 86_400)).toBe(MAX_STREAM_WAIT_SECONDS);
  });
});
