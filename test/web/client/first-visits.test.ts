import { signal } from "@preact/signals";
import { describe, expect, it, vi } from "vitest";
import { FirstRun, InvitedVisit } from "../../../web/client/first-visits.ts";
import type { Enrolment } from "../../../web/client/enrolment.ts";
import type { Setup } from "../../../web/client/setup.ts";
import type { SetupState } from "../../../web/state/backend.ts";

function setup() {
  const state = signal<SetupState>({ kind: "checking" });
  const asked: string[] = [];
  const flow = {
    state,
    start: async () => {
      state.value = { kind: "link", problem: "used" };
    },
    createPasskey: async (name: string) => void asked.push(name),
    signIn: async () => void asked.push("sign-in"),
    admit: async () => void asked.push("admit"),
    skipAdmission: async () => void asked.push("skip"),
  };
  return { flow: flow as unknown as Setup, asked };
}

describe("the first run", () => {
  it("is checking until its code is here, then what the code says, and passes every press on", async () => {
    const { flow, asked } = setup();
    const run = new FirstRun(() => Promise.resolve(flow));
    expect(run.state.value).toEqual({ kind: "checking" });
    await run.start();
    expect(run.state.value).toEqual({ kind: "link", problem: "used" });
    await run.createPasskey("me");
    await run.signIn();
    await run.admit();
    await run.skipAdmission();
    expect(asked).toEqual(["me", "sign-in", "admit", "skip"]);
  });

  it("does nothing when something is pressed before, and asks again for code that did not come", async () => {
    vi.useFakeTimers();
    try {
      const { flow, asked } = setup();
      let tries = 0;
      const run = new FirstRun(() => {
        tries += 1;
        return tries < 3 ? Promise.reject(new TypeError("no network")) : Promise.resolve(flow);
      });
      await run.signIn();
      expect(asked).toEqual([]);
      const started = run.start();
      await vi.advanceTimersByTimeAsync(1);
      expect(run.state.value).toMatchObject({ kind: "checking", trouble: { code: expect.any(String) as string } });
      await vi.advanceTimersByTimeAsync(10_000);
      await started;
      expect(tries).toBe(3);
      expect(run.state.value).toEqual({ kind: "link", problem: "used" });
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("an invited person's visit", () => {
  it("is checking until its code is here", async () => {
    const flow = { state: signal({ kind: "added" }), start: () => Promise.resolve() } as unknown as Enrolment;
    const visit = new InvitedVisit(() => Promise.resolve(flow));
    expect(visit.state.value).toEqual({ kind: "checking" });
    await visit.start();
    expect(visit.state.value).toEqual({ kind: "added" });
  });
});
