/**
 * The Prometheus text format, version 0.0.4, written from values. Refuses what a scraper would misread: a name or label
 * outside the format's grammar is a mistake of ours. Knows nothing of what is measured.
 */

export const METRICS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

export interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Metric {
  readonly name: string;
  readonly help: string;
  /** A counter only grows while the process lives, and its name ends in `_total`. */
  readonly type: "counter" | "gauge";
  readonly samples: readonly Sample[];
}

const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL_NAME = /^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/;

/** Metrics without a sample are left out: their absence says that there is nothing to say. */
export function renderMetrics(metrics: readonly Metric[]): string {
  return metrics
    .filter(({ samples }) => samples.length > 0)
    .map(renderMetric)
    .join("");
}

function renderMetric({ name, help, type, samples }: Metric): string {
  if (!METRIC_NAME.test(name) || (type === "counter") !== name.endsWith("_total")) {
    throw new TypeError(`not a name for a ${type}: ${name}`);
  }
  const lines = samples.map((sample) => `${name}${renderLabels(sample.labels ?? {})} ${renderValue(sample.value)}\n`);
  if (new Set(lines.map((line) => line.slice(0, line.lastIndexOf(" ")))).size < lines.length) {
    throw new TypeError(`two samples of ${name} with the same labels`);
  }
  return `# HELP ${name} ${help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}\n# TYPE ${name} ${type}\n${lines.join("")}`;
}

function renderLabels(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => {
    if (!LABEL_NAME.test(name)) throw new TypeError(`not a label: ${name}`);
    return `${name}="${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
  });
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function renderValue(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  return String(value);
}
