import { beforeAll, describe, expect, it } from "vitest";
import { mandateObstacle } from "../../../web/state/mandate.ts";
import type { TrustView } from "../../../web/state/people.ts";
import { makeWorld, NOW, type World } from "../../fixtures/workspace.ts";

let world: World;
beforeAll(async () => {
  world = await makeWorld();
});

function obstacle(person: string | undefined, hosts: readonly string[], view = viewOf(world)): string | undefined {
  return mandateObstacle({ view, person, now: NOW }, "gateway.restart@1", hosts);
}
function viewOf({ state }: World): TrustView {
  return { state } as TrustView; // all that it looks at
}

describe("whether a button is offered", () => {
  it("is, to whoever may", () => {
    expect(obstacle("p-otto", [world.host])).toBeUndefined();
  });
  it("is not, to a role that lacks the permission", () => {
    expect(obstacle("p-vera", [world.host])).toBe("your role does not allow it");
  });
  it("is not, where one host lies outside the role's scope", () => {
    expect(obstacle("p-scot", ["h-elsewhere"])).toBeUndefined();
    expect(obstacle("p-scot", ["h-elsewhere", world.host])).toBe("your role does not cover it here");
  });
  it("claims nothing before the log was verified", () => {
    expect(mandateObstacle({ view: undefined, person: "p-vera", now: NOW }, "gateway.restart@1", [])).toBeUndefined();
    expect(obstacle(undefined, [world.host])).toBeUndefined();
  });
});
