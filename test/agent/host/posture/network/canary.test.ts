/** The stranger who guesses: what is concluded from what happened to him, and that nothing of him stays. */
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { canaryFact, type CanaryPlan } from "../../../../../agent/host/posture/collectors/network/canary.ts";
import type { Machine, Ran } from "../../../../../agent/host/posture/machine.ts";
import { ran, recordedMachine } from "../recorded-machine.ts";

const plan: CanaryPlan = {
  port: 22,
  address: undefined,
  jail: "sshd",
  hasPenalties: false,
  isShut: false,
  invocation: "abc",
};
beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "performance"] }));
afterEach(() => void vi.useRealTimers());

const denied = ran("", 255, "clawhold-canary@192.0.2.65: Permission denied (publickey).\n");
const silence = ran("", 255, "");

interface World {
  /** After so many guesses of one address sshd says no more. */
  readonly patience?: number;
  readonly isBlind?: boolean;
  readonly bansNothing?: boolean;
  readonly isDeaf?: boolean;
}

/** A machine with a fail2ban, and a record of what was asked of it. */
function world({ patience = 99, isBlind = false, bansNothing = false, isDeaf = false }: World): {
  readonly machine: Machine;
  readonly asked: string[];
  readonly banned: () => boolean;
} {
  const asked: string[] = [];
  let guesses = 0;
  let isBanned = false;
  const guess = (): Ran => {
    guesses += 1;
    return isDeaf || (isBanned && !bansNothing) || guesses > patience ? silence : denied;
  };
  const client = (argv: readonly string[]): Ran => {
    if (argv.includes("banip")) isBanned = true;
    if (argv.includes("unbanip")) isBanned = false;
    return ran(`|  |- Total failed:\t${String(isBlind ? 0 : guesses)}\n`);
  };
  const machine = recordedMachine({
    programs: { "ip netns exec": guess, ip: "", "fail2ban-client": client },
    links: { "/run/netns/clawhold-canary": "", "/sys/class/net/clawhold-cn0": "" },
  });
  const run: Machine["run"] = (argv, options) => {
    asked.push(argv.join(" "));
    return machine.run(argv, options);
  };
  return { machine: { ...machine, run }, asked, banned: () => isBanned };
}

const play = async (what: World, changed: Partial<CanaryPlan> = {}): Promise<unknown> => {
  const { machine, asked, banned } = world(what);
  const playing = canaryFact({ machine, soFar: {}, directory: "/p" }, { ...plan, ...changed });
  await vi.advanceTimersByTimeAsync(60_000);
  const fact = await playing;
  expect(banned()).toBe(false);
  expect(asked.slice(-2)).toEqual(["ip netns delete clawhold-canary", "ip link delete clawhold-cn0"]);
  return fact.kind === "known" ? fact.value : fact;
};

it("seen and shut out", async () => {
  expect(await play({})).toMatchObject({ isHeard: true, isSeen: true, isShutOut: true, invocation: "abc" });
});

it("banned, and still answered", async () => {
  expect(await play({ bansNothing: true })).toMatchObject({ isSeen: true, isShutOut: false });
});

it("T5: a ban service that is up and blind", async () => {
  expect(await play({ isBlind: true })).toMatchObject({ isHeard: true, isSeen: false, isShutOut: undefined });
});

it("sshd's own patience, where it has one", async () => {
  const alone = { jail: undefined, hasPenalties: true };
  expect(await play({ patience: 17 }, alone)).toMatchObject({ isSeen: undefined, penalisedAfter: 18 });
  expect(await play({}, alone)).toMatchObject({ penalisedAfter: undefined });
  expect(await play({ patience: 17 }, { jail: undefined })).toMatchObject({ penalisedAfter: undefined });
});

it("who hears nothing knows nothing, unless the rules say why", async () => {
  expect(await play({ isDeaf: true })).toMatchObject({ kind: "unknown", why: "not_visible" });
  expect(await play({ isDeaf: true }, { isShut: true })).toMatchObject({ isHeard: false });
});

it("without a network of its own it does not guess from another's", async () => {
  const { machine } = world({});
  const refusing: Machine = { ...machine, run: () => Promise.resolve(ran("", 1, "Operation not permitted")) };
  const fact = await canaryFact({ machine: refusing, soFar: {}, directory: "/p" }, plan);
  expect(fact).toMatchObject({ kind: "unknown", why: "failed" });
});
