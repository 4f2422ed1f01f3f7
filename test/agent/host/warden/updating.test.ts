/** A command to bring many hosts to a release: nothing is fetched unless another host vouches for it. */
import { beforeAll, beforeEach, expect, it } from "vitest";
import { toBase64url } from "../../../../protocol/bytes.ts";
import { CANARY_SECONDS } from "../../../../protocol/limits.ts";
import { preparedCodec } from "../../../../protocol/messages.ts";
import type { Command } from "../../../../protocol/verify.ts";
import { updateFirst, updateRest, type UpdatingDeps } from "../../../../agent/host/warden/updating.ts";
import { nonceOf } from "../../../fixtures/keys.ts";
import { makeWorld, NOW, type World } from "../../../fixtures/workspace.ts";

const SHA256 = "a".repeat(64);
let world: World;
let begun: unknown[];

beforeAll(async () => {
  world = await makeWorld();
});
beforeEach(() => {
  begun = [];
});

function deps(part: Partial<UpdatingDeps> = {}): UpdatingDeps {
  return {
    trust: { state: world.state },
    clock: { wall: () => NOW * 1_000, monotonic: () => 0 },
    updates: {
      standing: () => undefined,
      begin: (order) => {
        begun.push(order);
        return Promise.resolve(undefined);
      },
    },
    ...part,
  };
}

async function command(wellFor: number, targets = ["h-two", "h-three"]): Promise<Command> {
  const body = preparedCodec.encode({
    v: 1,
    workspace: world.workspace,
    host: world.host,
    prepare: nonceOf("prepare"),
    challenge: nonceOf("challenge"),
    hostBoot: nonceOf("boot"),
    now: NOW,
    trustHead: world.state.head,
    facts: { agent: { version: "1.2.0", since: NOW - wellFor } },
  });
  const canarySignature = await world.keys.host.sign("prepared", body);
  const args = { version: "1.2.0", sha256: SHA256, canary: toBase64url(body), canarySignature };
  // Only what an update reads of a verified command.
  return { intent: { args, targets: targets.map((host) => ({ host })) } } as unknown as Command;
}

it("the others begin when a first host vouches for the release", async () => {
  expect(await updateRest(await command(CANARY_SECONDS), deps())).toBeUndefined();
  expect(begun).toEqual([{ version: "1.2.0", sha256: SHA256 }]);
});

it("nothing begins before the first host was well for long enough", async () => {
  expect(await updateRest(await command(CANARY_SECONDS - 1), deps())).toBe("canary_early");
  expect(begun).toEqual([]);
});

it("nothing begins on the word of one of those who are asked, or without a log of keys", async () => {
  expect(await updateRest(await command(CANARY_SECONDS, [world.host]), deps())).toBe("canary_unproven");
  expect(await updateRest(await command(CANARY_SECONDS), deps({ trust: { state: undefined } }))).toBe(
    "canary_unproven",
  );
  expect(begun).toEqual([]);
});

it("an agent without services of its own says so, first or not", async () => {
  const none = deps({ updates: undefined });
  expect(await updateRest(await command(CANARY_SECONDS), none)).toBe("not_installed");
  expect(await updateFirst(await command(CANARY_SECONDS), none)).toBe("not_installed");
});
