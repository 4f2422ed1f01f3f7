/** Checks of where secrets lie, and who can read them. */
import type { CatalogueEntry } from "./entry.ts";

export const secretChecks = {
  "key.plaintext": {
    rev: 1,
    area: "secrets",
    severity: "high",
    requires: "runtime",
    title: "No provider key lies in a history, a unit, a log, or a file that others can read",
    why: "Keys in histories, units and logs are what a thief looks for first.",
    fix: "none",
    controls: { soc2: ["CC6.1"], iso27001: ["A.5.17"], nist80053: ["IA-5(7)"], pci4: ["8.6.2"] },
  },
  "gw.state.perms": {
    rev: 1,
    area: "secrets",
    severity: "high",
    requires: "runtime",
    title: "The gateway's files belong to its user alone",
    why: "They hold tokens, keys and every conversation.",
    fix: "safe",
    controls: { soc2: ["CC6.1"], nist80053: ["AC-3"], hipaa: ["164.312(a)(1)"], pci4: ["7.2"] },
  },
  "enc.at-rest": {
    rev: 1,
    area: "secrets",
    severity: "low",
    requires: "runtime",
    title: "The disk under the gateway's files is encrypted",
    why: "Disks and their copies outlive the machines that they were in.",
    fix: "none",
    controls: {
      soc2: ["CC6.1"],
      iso27001: ["A.8.24"],
      nist80053: ["SC-28"],
      hipaa: ["164.312(a)(2)(iv)"],
      pci4: ["3.5"],
    },
  },
} as const satisfies Record<string, CatalogueEntry>;
