/** What a party of an entry is called. Pure; a name is shown as text, isolated, and never as a label of ours. */
import type { HostView, LedgerEntry, Party } from "../../state/backend.ts";

export function nameOf(party: Party | undefined): string {
  if (party === undefined) return "the workspace";
  if (party.kind === "automation") return `the key ${party.name ?? party.id} (automation)`;
  if (party.name !== undefined) return party.name;
  if (party.kind === "edge") return "the edge";
  if (party.kind === "unknown") return "somebody";
  return party.id;
}

/**
 * The entry with the label of a host that waits, where the trust log has no name for it yet. Whoever asks to join chose
 * that label, perhaps to look like another host: so it never stands there alone, and its id tells two alike apart.
 */
export function withWaitingNames(entry: LedgerEntry, hosts: readonly HostView[]): LedgerEntry {
  const named = (party: Party): Party => {
    if (party.kind !== "host" || party.name !== undefined) return party;
    const host = hosts.find(({ id, admission }) => id === party.id && admission === "waiting");
    return host === undefined || host.label === host.id
      ? party
      : { ...party, name: `${host.label} (${host.id}, not admitted)` };
  };
  const { actor, target } = entry;
  return { ...entry, actor: named(actor), ...(target === undefined ? {} : { target: named(target) }) };
}
