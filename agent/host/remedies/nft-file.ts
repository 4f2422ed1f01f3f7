/**
 * Rules of our own: one table to a purpose, in a file that replaces exactly that table in one step, and a unit that loads it before
 * the network comes up. The unit's condition is the file: where the file was taken back, nothing is loaded.
 */
import { NFT_DIRECTORY, type Effect } from "./effects.ts";
import { marked } from "./marked.ts";
import type { Desired } from "./remedy.ts";
import type { Proof } from "./proofs.ts";

export interface RuleFile {
  readonly check: string;
  readonly table: string;
  /** Name of the unit, without its ending. */
  readonly unit: string;
  /** Chains, as nft reads them. */
  readonly chains: readonly string[];
}

export const rulesPath = (table: string): string => `${NFT_DIRECTORY}/${table}.nft`;

export function rulesText({ check, table, chains }: Omit<RuleFile, "unit">): string {
  // Named before it is deleted: deleting what is not there would fail.
  const lines = [`table inet ${table}`, `delete table inet ${table}`, `table inet ${table} {`, ...chains, "}"];
  return marked(check, lines.join("\n"));
}

export function rulesParts(file: RuleFile): {
  readonly desired: readonly Desired[];
  readonly effects: readonly Effect[];
  readonly proofs: readonly Proof[];
} {
  const unit = `/etc/systemd/system/${file.unit}.service`;
  return {
    desired: [
      { kind: "file", path: rulesPath(file.table), text: rulesText(file), mode: 0o644 },
      { kind: "file", path: unit, text: unitText(file), mode: 0o644 },
      { kind: "link", path: `/etc/systemd/system/multi-user.target.wants/${file.unit}.service`, target: unit },
    ],
    effects: [
      { name: "nft", of: file.table },
      { name: "units", of: "" },
    ],
    proofs: [{ kind: "rules", table: file.table }],
  };
}

function unitText({ check, table }: RuleFile): string {
  const path = rulesPath(table);
  const body = `[Unit]
Description=Clawhold: rules of the packet filter (${table})
DefaultDependencies=no
After=local-fs.target clawhold-recover.service
Before=network-pre.target shutdown.target
Wants=network-pre.target
Conflicts=shutdown.target
ConditionPathExists=${path}

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f ${path}

[Install]
WantedBy=multi-user.target`;
  return marked(check, body);
}

export function chain(head: string, rules: readonly string[]): readonly string[] {
  return [
    `  chain ${head.split(" ")[0] ?? ""} {`,
    `    ${head.slice(head.indexOf(" ") + 1)}`,
    ...rules.map((rule) => `    ${rule}`),
    "  }",
  ];
}
