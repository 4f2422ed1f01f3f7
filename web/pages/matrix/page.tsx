/** All hosts against all checks: where the fleet is weak, at a glance. From figures in the open; evidence is on each host's page. */
import type { ComponentChildren } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import { checks, type CheckId } from "../../../protocol/posture.ts";
import { checkAreas, checkSeverities, type CheckArea, type CheckSeverity } from "../../../protocol/posture/words.ts";
import { areaWords, severityWords, stateWords } from "../../../protocol/posture-words.ts";
import { SelectField } from "../../components/fields.tsx";
import { GradeMark } from "../../components/grade.tsx";
import { Empty, TroubleText, Waiting } from "../../components/parts.tsx";
import { formatNumberOf } from "../../format.ts";
import { Icon } from "../../icons.tsx";
import { useApp } from "../../state/app.ts";
import type { HostView } from "../../state/backend.ts";
import { matrixOf, type Cell, type Matrix, type MatrixRow } from "../../state/matrix.ts";
import { lookOf, nameInAddress } from "../host/posture/findings.ts";
import type { MatrixRoute } from "../../router.ts";

export function MatrixPage({ route }: { readonly route: MatrixRoute }) {
  const { backend } = useApp();
  useEffect(() => backend.watchFleet(), [backend]);
  const view = backend.fleet.value;
  return (
    <>
      <div class="page-head">
        <div>
          <p class="small">
            <a href="/">Fleet</a>
          </p>
          <h1>Hosts and checks</h1>
          <p class="muted">What each host said last. The evidence is on the page of the host.</p>
        </div>
      </div>
      {view.state === "loading" && <Waiting what="Reading the fleet" />}
      {view.state === "failed" && (
        <div class="card">
          <Empty icon="offline" title="The fleet cannot be shown">
            <p>
              <TroubleText trouble={view.trouble} />
            </p>
          </Empty>
        </div>
      )}
      {view.state === "ready" && <Body hosts={view.value} route={route} />}
    </>
  );
}

interface BodyProps {
  readonly hosts: readonly HostView[];
  readonly route: MatrixRoute;
}

function Body({ hosts, route }: BodyProps) {
  const { failing, severity, area, text } = route;
  const matrix = useMemo(
    () => matrixOf(hosts, { failing: failing === true, severity, area, text }),
    [hosts, failing, severity, area, text],
  );
  const isEmpty = matrix.rows.length === 0 || matrix.checks.length === 0;
  return (
    <div class="stack mid">
      <Filters route={route} hosts={hosts.length} />
      <Legend matrix={matrix} />
      {isEmpty ? <Nothing route={route} /> : <Table matrix={matrix} />}
    </div>
  );
}

type Choice<T> = T | "any";

function Filters({ route, hosts }: { readonly route: MatrixRoute; readonly hosts: number }) {
  const { router } = useApp();
  const { failing, severity, area, text } = route;
  const go = (part: Partial<Record<"severity" | "area" | "failing", unknown>> & { readonly text?: string }) => {
    const next = { failing, severity, area, text, ...part };
    router.go(
      {
        page: "posture",
        text: next.text,
        ...(next.failing === true ? { failing: true } : {}),
        ...(next.severity === undefined ? {} : { severity: next.severity as CheckSeverity }),
        ...(next.area === undefined ? {} : { area: next.area as CheckArea }),
      },
      "replace",
    );
  };
  return (
    <div class="filters">
      {hosts > 1 && (
        <div class="input-icon">
          <Icon name="search" class="s" />
          <label class="sr" for="q">
            Find a host
          </label>
          <input
            class="input"
            id="q"
            type="search"
            placeholder="Host"
            value={text}
            onInput={(event) => go({ text: event.currentTarget.value })}
          />
        </div>
      )}
      <button
        class="chip"
        type="button"
        aria-pressed={failing === true}
        onClick={() => go({ failing: failing !== true })}
      >
        <Icon name="bad" class="s" />
        Failing only
      </button>
      <SelectField<Choice<CheckSeverity>>
        id="severity"
        label="Severity"
        chosen={severity ?? "any"}
        options={[["any", "any"], ...checkSeverities.map((one) => [one, severityWords[one]] as const)]}
        onChoose={(chosen) => go({ severity: chosen === "any" ? undefined : chosen })}
      />
      <SelectField<Choice<CheckArea>>
        id="area"
        label="Area"
        chosen={area ?? "any"}
        options={[["any", "any"], ...checkAreas.map((one) => [one, areaWords[one]] as const)]}
        onChoose={(chosen) => go({ area: chosen === "any" ? undefined : chosen })}
      />
    </div>
  );
}

function Legend({ matrix: { rows, checks: shown } }: { readonly matrix: Matrix }) {
  const count = (cell: Cell) => rows.reduce((sum, { cells }) => sum + cells.filter((one) => one === cell).length, 0);
  return (
    <p class="row wrap small muted" role="status">
      {formatNumberOf(rows.length, "host")}, {formatNumberOf(shown.length, "check")}: {count("fail")} fail,{" "}
      {count("unverified") + count("error")} not verified, {count("pass")} hold, {count("not_applicable")} do not apply
      {count("unknown") > 0 && `, ${count("unknown")} not said`}
    </p>
  );
}

function Nothing({ route }: { readonly route: MatrixRoute }) {
  return (
    <div class="card">
      <Empty
        icon={route.failing === true ? "ok" : "search"}
        title={route.failing === true ? "Nothing fails" : "No such host"}
      >
        <p>{route.failing === true ? "No shown check fails on any shown host." : "Look for another name."}</p>
      </Empty>
    </div>
  );
}

function Table({ matrix: { checks: shown, rows, failing } }: { readonly matrix: Matrix }) {
  return (
    <div class="card">
      <div class="table-wrap matrix-wrap" tabIndex={0} role="region" aria-label="Hosts and checks">
        <table class="table matrix">
          <thead>
            <tr>
              <th scope="col">Host</th>
              {shown.map((check) => (
                <th key={check} scope="col" title={checks[check].title}>
                  <span class="turned-name">
                    <code>{check}</code>
                    <span class="sr">
                      {" "}
                      {checks[check].title}; fails on {formatNumberOf(failing.get(check) ?? 0, "host")}
                    </span>
                  </span>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <Row key={row.host.id} row={row} shown={shown} />
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}

interface RowProps {
  readonly row: MatrixRow;
  readonly shown: readonly CheckId[];
}

/** A row that says what it said is not made again: 200 hosts make thousands of cells, and one of them speaks every second. */
function Row({ row: { host, posture, cells }, shown }: RowProps) {
  const { id, label } = host;
  const grade = posture?.grade;
  return useMemo(
    () => (
      <tr>
        <th scope="row">
          <span class="matrix-host">
            <GradeMark grade={grade} />
            <a href={`/hosts/${id}/posture`}>
              <bdi>{label}</bdi>
            </a>
          </span>
        </th>
        {shown.map((check, index) => (
          <td key={check}>
            <Mark check={check} cell={cells[index] ?? "unknown"} host={id} />
          </td>
        ))}
      </tr>
    ),
    [id, label, grade, cells.join(" "), shown.join(" ")],
  );
}

interface MarkProps {
  readonly check: CheckId;
  readonly cell: Cell;
  /** Its id. */
  readonly host: string;
}

/** A link where there is something to read; a sign with a word everywhere. */
function Mark({ check, cell, host }: MarkProps): ComponentChildren {
  const word = cell === "unknown" ? "not said" : stateWords[cell];
  const look = cell === "unknown" ? undefined : lookOf({ check, state: cell });
  const sign = (
    <>
      {look === undefined ? <span aria-hidden="true">·</span> : <Icon name={look.icon} class={`t-${look.tone}`} />}
      <span class="sr">
        {check}: {word}
      </span>
    </>
  );
  if (cell === "pass" || cell === "not_applicable" || cell === "unknown") return <span title={word}>{sign}</span>;
  return (
    <a href={`/hosts/${host}/posture?of=${nameInAddress(check)}`} title={`${checks[check].title}: ${word}`}>
      {sign}
    </a>
  );
}
