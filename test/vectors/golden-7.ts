/** A sample of the signed list of advisories: the source of messages-7.json. */
import { advisoriesSchema } from "../../agent/host/posture/advisories/format.ts";
import { codec } from "../../protocol/fields.ts";
import { goldenOf, type Golden, type Sample } from "./golden.ts";

export const advisorySamples: Readonly<Record<string, Sample>> = {
  advisories: {
    note: "The list of published advisories, as the release key signs it.",
    kind: "advisories",
    codec: codec(advisoriesSchema),
    value: {
      v: 1,
      revision: 7,
      asOf: "2026-11-20",
      advisories: [
        {
          id: "CVE-2026-12345",
          severity: "high",
          introduced: "0",
          fixed: "2026.1.29",
          title: "A token is taken by a page",
        },
      ],
    },
  },
};

export function advisoryMessages(): readonly Golden[] {
  return goldenOf(advisorySamples);
}
