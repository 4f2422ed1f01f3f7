/** A rule for two on one way of doing a thing, and somebody alone who takes the other way. */
import { beforeAll, expect, it } from "vitest";
import { peopleNeeded } from "../../protocol/trust/state.ts";
import { makeWorld, type World } from "../fixtures/workspace.ts";

let world: World;
beforeAll(async () => {
  world = await makeWorld();
});

function needed(rule: string, operation: string): number {
  const policy = { id: "two", operations: [rule], hosts: ["all"], labels: [], people: 2 };
  return peopleNeeded({ ...world.state, policies: new Map([["two", policy]]) }, operation, world.host);
}

it.each([
  ["agent.update@1", "agent.update@1", 2],
  ["agent.update@1", "agent.update-rest@1", 2],
  ["agent.update-rest@1", "agent.update@1", 1],
  ["all", "agent.update-rest@1", 2],
  ["agent.update@1", "host.drill@1", 1],
  ["agent.update@1", "constructor", 1],
])("a rule for %s asks of %s so many people: %i", (rule, operation, people) => {
  expect(needed(rule, operation)).toBe(people);
});
