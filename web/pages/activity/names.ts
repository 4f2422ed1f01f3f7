/** What a party of an entry is called. Pure; a name is shown as text, isolated, and never as a label of ours. */
import type { Party } from "../../state/backend.ts";

export function nameOf(party: Party | undefined): string {
  if (party === undefined) return "the workspace";
  if (party.name !== undefined) return party.name;
  if (party.kind === "edge") return "the edge";
  if (party.kind === "unknown") return "somebody";
  return party.id;
}
