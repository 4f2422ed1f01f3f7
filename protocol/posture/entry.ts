/** What one row of the catalogue of checks says. The rows stand in the files beside this one, by area. */
import type { CheckArea, CheckSeverity, EvidenceLevel, FixRisk } from "./words.ts";

/**
 * Ids of controls that a check supports, in the words of those who wrote them: ids alone, because the texts are theirs.
 * To support a control is not to comply with it.
 */
export interface Controls {
  readonly soc2?: readonly string[];
  readonly iso27001?: readonly string[];
  readonly nist80053?: readonly string[];
  readonly hipaa?: readonly string[];
  readonly pci4?: readonly string[];
}

export interface CatalogueEntry {
  /** Raised when the check means something else than before. */
  readonly rev: number;
  readonly area: CheckArea;
  readonly severity: CheckSeverity;
  /** The lowest evidence that may say pass. */
  readonly requires: EvidenceLevel;
  /** What holds when it passes: a short statement. */
  readonly title: string;
  /** One sentence for the owner of the machine: what goes wrong without it. */
  readonly why: string;
  readonly fix: FixRisk;
  readonly controls: Controls;
}
