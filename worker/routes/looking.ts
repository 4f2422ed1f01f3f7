/** Who is looking right now: people whose sessions asked for something a moment ago. The edge's own word. */
import { edgeSeconds } from "../../durable-objects/clock.ts";
import type { Looking } from "../../protocol/contracts/ledger.ts";
import type { Handler } from "../mount.ts";

export const looking: Handler<"looking"> = async ({ authority, deps }) => {
  const now = edgeSeconds();
  const seen = await deps.sessions(authority.workspace).recent();
  const people = new Map<string, Looking["people"][number]>();
  for (const { person, lastSeen } of seen) {
    const held = people.get(person);
    people.set(person, {
      person,
      sessions: (held?.sessions ?? 0) + 1,
      lastSeenAt: Math.max(held?.lastSeenAt ?? 0, lastSeen),
    });
  }
  return { body: { people: [...people.values()], now } };
};
