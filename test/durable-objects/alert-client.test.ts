/** What the objects of a workspace tell their alerts' object, and in which order. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { ALARM_TURN_SECONDS, alarmsOf, type AlertsEnv } from "../../durable-objects/alert-client.ts";

/** A namespace whose object takes its calls in the order in which they arrive; `hold` delays one kind on its way. */
function slowWay(hold: Promise<void>): { readonly env: AlertsEnv; readonly arrived: string[] } {
  const arrived: string[] = [];
  const object = {
    keep: async (_workspace: string, { subject }: { subject: string }) => {
      if (subject === "slow") await hold;
      arrived.push(`${subject} began`);
    },
    settle: (_workspace: string, { subject }: { subject: string }) => {
      arrived.push(`${subject} ended`);
      return Promise.resolve();
    },
    raise: () => Promise.reject(new Error("the object is being moved")),
  };
  return { env: { ALERTS: { getByName: () => object } } as unknown as AlertsEnv, arrived };
}

afterEach(() => void vi.useRealTimers());

describe("what one object tells", () => {
  it("arrives in its order: an end that overtook its beginning would leave the alert open for ever", async () => {
    const gate = Promise.withResolvers<undefined>();
    const { env, arrived } = slowWay(gate.promise);
    const alarms = alarmsOf(env, () => "workspace");
    const began = alarms.keep({ kind: "posture.drift", subject: "slow" });
    const ended = alarms.settle({ kind: "posture.drift", subject: "slow" });
    gate.resolve(undefined);
    await Promise.all([began, ended]);
    expect(arrived).toEqual(["slow began", "slow ended"]);
  });

  it("goes on after something could not be told", async () => {
    const { env, arrived } = slowWay(Promise.resolve());
    const alarms = alarmsOf(env, () => "workspace");
    await alarms.raise({ kind: "host.cloned", subject: "a" });
    await alarms.settle({ kind: "posture.drift", subject: "b" });
    expect(arrived).toEqual(["b ended"]);
  });

  it("goes on after somebody did not know which workspace it is of", async () => {
    const { env, arrived } = slowWay(Promise.resolve());
    const names = [undefined, "workspace"];
    const alarms = alarmsOf(env, () => {
      const name = names.shift();
      if (name === undefined) throw new TypeError("host object without a name");
      return name;
    });
    await alarms.raise({ kind: "host.cloned", subject: "a" });
    await alarms.settle({ kind: "posture.drift", subject: "b" });
    expect(arrived).toEqual(["b ended"]);
  });

  it("waits for its turn a bounded time: one call without an answer must not be the last", async () => {
    vi.useFakeTimers();
    const { env, arrived } = slowWay(new Promise(() => undefined));
    const alarms = alarmsOf(env, () => "workspace");
    void alarms.keep({ kind: "posture.drift", subject: "slow" });
    const told = alarms.settle({ kind: "posture.drift", subject: "b" });
    await vi.advanceTimersByTimeAsync(ALARM_TURN_SECONDS * 1_000);
    await told;
    expect(arrived).toEqual(["b ended"]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
