/**
 * Hosts and checks: what each host's newest figures say of each check, and which of them somebody wants to see. Pure. Figures are
 * claims of the hosts; what a host does not say of a check is unknown, never a pass.
 */
import { checkIds, checks, type CheckId } from "../../protocol/posture.ts";
import {
  checkAreas,
  checkSeverities,
  type CheckArea,
  type CheckSeverity,
  type CheckState,
} from "../../protocol/posture/words.ts";
import type { PostureFigures } from "../../protocol/telemetry.ts";
import type { HostView } from "./backend.ts";

/** `unknown`: the host says nothing of it. */
export type Cell = CheckState | "unknown";

export interface MatrixQuery {
  /** Columns and rows in which something fails. */
  readonly failing: boolean;
  readonly severity: CheckSeverity | undefined;
  readonly area: CheckArea | undefined;
  /** In the name of the host. */
  readonly text: string;
}

export interface MatrixRow {
  readonly host: HostView;
  readonly posture: PostureFigures | undefined;
  /** In the order of `Matrix.checks`. */
  readonly cells: readonly Cell[];
  readonly failing: number;
}

export interface Matrix {
  readonly checks: readonly CheckId[];
  readonly rows: readonly MatrixRow[];
  /** How many hosts each check fails on. */
  readonly failing: ReadonlyMap<CheckId, number>;
}

const numbered = new Intl.Collator("en", { numeric: true });

export function matrixOf(hosts: readonly HostView[], query: MatrixQuery): Matrix {
  const admitted = hosts.filter(({ admission }) => admission === "admitted");
  const known = admitted.map((host) => ({ host, of: cellsOf(host.telemetry?.posture) }));
  const failing = new Map(
    checkIds.map((check) => [check, known.filter(({ of }) => of.get(check) === "fail").length] as const),
  );
  const shown = columnsOf(query).filter((check) => !query.failing || (failing.get(check) ?? 0) > 0);
  const text = query.text.trim().toLowerCase();
  const rows = known.map(({ host, of }): MatrixRow => {
    const cells = shown.map((check) => of.get(check) ?? "unknown");
    return { host, posture: host.telemetry?.posture, cells, failing: cells.filter((cell) => cell === "fail").length };
  });
  return {
    checks: shown,
    failing,
    rows: rows
      .filter(({ host, failing: many }) => (!query.failing || many > 0) && host.label.toLowerCase().includes(text))
      .toSorted((a, b) => b.failing - a.failing || numbered.compare(a.host.label, b.host.label)),
  };
}

/** The gravest first within each area, areas in the catalogue's order. */
function columnsOf({ severity, area }: MatrixQuery): readonly CheckId[] {
  const place = (check: CheckId): number =>
    checkAreas.indexOf(checks[check].area) * checkSeverities.length + checkSeverities.indexOf(checks[check].severity);
  return checkIds
    .filter((check) => severity === undefined || checks[check].severity === severity)
    .filter((check) => area === undefined || checks[check].area === area)
    .toSorted((a, b) => place(a) - place(b));
}

function cellsOf(posture: PostureFigures | undefined): ReadonlyMap<CheckId, Cell> {
  if (posture === undefined) return new Map();
  const { pass, fail, notApplicable, error, unverified } = posture;
  const lists = { pass, fail, not_applicable: notApplicable, error, unverified } as const;
  return new Map(
    Object.entries(lists).flatMap(([state, of]) => of.map((check) => [check, state as CheckState] as const)),
  );
}
