/** Sentences of certificates: a host's, a browser's, or the control plane's own. */
import type { LedgerEntry } from "../../state/backend.ts";
import { Name } from "./statement-sentences.tsx";

/** At the beginning of a sentence. */
function Owner({ target, detail }: Pick<LedgerEntry, "target" | "detail">) {
  if (target !== undefined) return <Name of={target} />;
  return <>{detail.code === "server" ? "The control plane" : "A browser"}</>;
}

export const certificateRows = {
  "certificate.issued": {
    icon: "lock",
    say: (entry: LedgerEntry) => (
      <>
        <Owner {...entry} /> got a connection certificate
      </>
    ),
  },
  "certificate.revoked": {
    icon: "lock",
    say: ({ target }: LedgerEntry) => (
      <>The connection certificate of {target === undefined ? "a browser" : <Name of={target} />} was revoked</>
    ),
  },
} as const;
