/**
 * Which controls of which frameworks the checks of this host support: ids alone, because the texts are their authors'. To support a
 * control is not to comply with it, and most of every framework is work of people that no check sees.
 */
import { useSignal } from "@preact/signals";
import { checks, type CheckId } from "../../../../protocol/posture.ts";
import type { Finding, Report } from "../../../../protocol/posture/report.ts";
import { stateWords } from "../../../../protocol/posture-words.ts";
import { Icon } from "../../../icons.tsx";
import { lookOf } from "./findings.ts";
import { controlsOf, frameworkNames, frameworks, type Framework } from "./frameworks.ts";

export function Controls({ report }: { readonly report: Report }) {
  const chosen = useSignal<Framework>("soc2");
  const isOpen = useSignal(false);
  return (
    <section class="card" aria-labelledby="controls">
      <details class="fold" onToggle={({ currentTarget }) => (isOpen.value = currentTarget.open)}>
        <summary>
          <span class="grow">
            <h2 id="controls">Controls that these checks support</h2>
            <span class="small muted">
              SOC 2, ISO 27001, NIST 800-53, HIPAA, PCI DSS: evidence for whoever audits you.
            </span>
          </span>
          <Icon name="right" class="s turn" />
        </summary>
        {isOpen.value && (
          <div class="fold-body">
            <div class="filters scroll" role="group" aria-label="Framework">
              {frameworkNames.map((name) => (
                <button
                  key={name}
                  class="chip"
                  type="button"
                  aria-pressed={chosen.value === name}
                  onClick={() => (chosen.value = name)}
                >
                  {frameworks[name]}
                </button>
              ))}
            </div>
            <p class="small muted">
              A check supports a control where it shows a part of it on this machine. Whoever holds the control also
              needs what people do: policies, reviews, training. Every control that is not listed is manual: no check of
              ours sees it.
            </p>
            <List framework={chosen.value} report={report} />
          </div>
        )}
      </details>
    </section>
  );
}

function List({ framework, report }: { readonly framework: Framework; readonly report: Report }) {
  const found = new Map(report.findings.map((one) => [one.check, one]));
  return (
    <div class="table-wrap" tabIndex={0} role="region" aria-label={`Controls of ${frameworks[framework]}`}>
      <table class="table sheet" role="table">
        <thead role="rowgroup">
          <tr role="row">
            {["Control", "Supported by", "Holds"].map((name) => (
              <th key={name} role="columnheader" scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {controlsOf(framework).map(([id, of]) => (
            <tr key={id} role="row">
              <th role="rowheader" scope="row">
                <code>{id}</code>
              </th>
              <td role="cell" data-name="Supported by">
                <ul class="stack tight">
                  {of.map((check) => (
                    <Supporting key={check} check={check} finding={found.get(check)} />
                  ))}
                </ul>
              </td>
              <td role="cell" data-name="Holds" class="num">
                {of.filter((check) => found.get(check)?.state === "pass").length} of {of.length}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface SupportingProps {
  readonly check: CheckId;
  readonly finding: Finding | undefined;
}

function Supporting({ check, finding }: SupportingProps) {
  const state = finding?.state ?? "unverified";
  const { icon, tone } = lookOf({ check, state });
  return (
    <li>
      <span class={`state t-${tone}`}>
        <Icon name={icon} />
        {stateWords[state]}
      </span>{" "}
      {checks[check].title}
      {finding?.waiver !== undefined && " (accepted for a while)"}
    </li>
  );
}
