/** The activity log: what writing it costs, and what its proofs and copies do. Each part brings its own rows. */
import type { Bench, Row } from "./bench.ts";
import { appends } from "./ledger-appends.ts";
import { exports } from "./ledger-export.ts";
import { verification } from "./ledger-verify.ts";

/** In this order; each cleans up behind itself. */
const parts: readonly (() => Promise<readonly Row[]>)[] = [appends, exports, verification];

export const ledger: Bench = {
  name: "ledger",
  about: "appends, checkpoints, verification and export of the activity log",
  async run() {
    const rows: Row[] = [];
    for (const part of parts) rows.push(...(await part()));
    return rows;
  },
};
