/** What a copy is written from: the books, the trust log, and what people signed for hosts that this person may see. */
import { edgeSeconds } from "../../durable-objects/clock.ts";
import { hasPermission, type TrustState } from "../../protocol/trust/state.ts";
import type { Deps } from "../deps.ts";
import type { ExportSource } from "./file.ts";

export function sourceFor(person: string, trust: TrustState, deps: Deps): ExportSource {
  const { workspace } = trust;
  return {
    workspace,
    books: deps.books(workspace),
    hosts: [...trust.hosts].map(([id, { colocated }]) => ({ id, colocated })),
    trustPage: (after) => deps.trust.page(workspace, after),
    submission: async (host, intent) => {
      // The page of one command asks for the same.
      if (!hasPermission(trust, person, { permission: "ledger.read", host, now: edgeSeconds() })) return undefined;
      return deps.host(workspace, host).submission({ workspace, host }, intent);
    },
  };
}
