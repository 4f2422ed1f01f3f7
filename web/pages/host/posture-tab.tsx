/**
 * How hard this host is to break into: the grade, what changed, what fails with its evidence, what mending it would change, and
 * the way back. Everything here came sealed from the host to this page.
 */
import type { ComponentChildren } from "preact";
import { checks } from "../../../protocol/posture.ts";
import type { Finding, Report } from "../../../protocol/posture/report.ts";
import { Banner } from "../../components/banner.tsx";
import { GradeMark } from "../../components/grade.tsx";
import { Pill } from "../../components/state.tsx";
import { Relative } from "../../components/time.tsx";
import { formatNumberOf } from "../../format.ts";
import { Icon } from "../../icons.tsx";
import { useDesk } from "./desk.ts";
import { Controls } from "./posture/controls.tsx";
import { Course, WhatChanged } from "./posture/course.tsx";
import { ExportMenu } from "./posture/export-menu.tsx";
import { FindingFold } from "./posture/finding.tsx";
import { nameInAddress, sortFindings, type Sorted } from "./posture/findings.ts";
import { Fixes } from "./posture/fixes.tsx";
import { Outside } from "./posture/outside.tsx";
import { Profile } from "./posture/profile.tsx";
import { Read, ReadWhen, useReading } from "./reading.tsx";

export function PostureTab() {
  const { route } = useDesk();
  const read = useReading("posture.report@1", {});
  const report = read.kept?.value.report;
  return (
    <>
      <section class="card" aria-labelledby="grade">
        <div class="card-head">
          <h2 id="grade">Posture</h2>
          <ReadWhen read={read} />
        </div>
        <Read read={read} what="what was found on this host">
          {({ report: found, isCut }) => <Standing report={found} isCut={isCut} />}
        </Read>
      </section>
      {report !== undefined && <Found report={report} opened={route.of} />}
    </>
  );
}

function Standing({ report, isCut }: { readonly report: Report; readonly isCut: boolean }) {
  const { grade, score } = report;
  const sorted = sortFindings(report);
  return (
    <div class="card-body stack mid">
      <div class="posture-head">
        <GradeMark grade={grade} isLarge />
        <div class="stack tight grow">
          <p class="lead">
            <strong>{score} of 100.</strong> {sentenceOf(sorted)}
          </p>
          <p class="small muted">
            Looked <Relative at={report.at} ago />,{" "}
            {report.privileged
              ? "as root."
              : `without root's rights: ${formatNumberOf(sorted.unverified.length, "check")} could not be verified.`}{" "}
            What could not be verified counts as failing.
          </p>
          <Counts sorted={sorted} />
          <WhatChanged />
        </div>
      </div>
      {isCut && (
        <p class="small muted">
          The evidence of checks that hold was left out: all of it would not fit into one reading.
        </p>
      )}
      <ExportMenu report={report} />
    </div>
  );
}

function sentenceOf({ failing, unverified }: Sorted): string {
  const critical = failing.filter(({ check }) => checks[check].severity === "critical").length;
  if (critical > 0) return `${formatNumberOf(critical, "open door")}: mend what is critical first.`;
  if (failing.length > 0)
    return `${formatNumberOf(failing.length, "check")} ${failing.length === 1 ? "fails" : "fail"}.`;
  return unverified.length > 0 ? "Nothing is seen to fail, and not everything could be seen." : "Everything holds.";
}

function Counts({ sorted: { failing, unverified, accepted, passing, apart } }: { readonly sorted: Sorted }) {
  const grave = failing.filter((one) => ["critical", "high"].includes(checks[one.check].severity)).length;
  return (
    <div class="row wrap">
      {grave > 0 && <Pill shape="bad">{grave} critical or high</Pill>}
      {failing.length > grave && <Pill shape="warn">{failing.length - grave} medium or low</Pill>}
      {unverified.length > 0 && <Pill shape="unknown">{unverified.length} not verified</Pill>}
      {accepted.length > 0 && <Pill shape="stopped">{accepted.length} accepted</Pill>}
      <Pill shape="ok">{passing.length} hold</Pill>
      {apart.length > 0 && <span class="small faint">{apart.length} do not apply</span>}
    </div>
  );
}

interface FoundProps {
  readonly report: Report;
  /** A check that a link of the matrix asked for, with dashes for its dots. */
  readonly opened: string | undefined;
}

function Found({ report, opened }: FoundProps) {
  const { failing, unverified, accepted, passing, apart } = sortFindings(report);
  return (
    <>
      <Findings id="failing" title="Failing" findings={failing} opened={opened}>
        Nothing is seen to fail on this host.
      </Findings>
      {accepted.length > 0 && (
        <Findings id="accepted" title="Accepted for a while" findings={accepted} opened={opened} />
      )}
      {unverified.length > 0 && (
        <Folded id="unverified" title="Not verified" findings={unverified} opened={opened}>
          {!report.privileged && (
            <Banner tone="honest" icon="unknown">
              <p class="small">
                Much of this only root may see. An agent that was installed by <code>clawhold host add</code> looks as
                root.
              </p>
            </Banner>
          )}
        </Folded>
      )}
      <Outside />
      <Fixes />
      <Profile />
      <Course />
      <Folded id="passing" title="Holds" findings={passing} opened={opened} />
      <Folded id="apart" title="Does not apply here" findings={apart} opened={opened} />
      <Controls report={report} />
    </>
  );
}

interface FindingsProps {
  readonly id: string;
  readonly title: string;
  readonly findings: readonly Finding[];
  readonly opened: string | undefined;
  readonly children?: ComponentChildren;
}

function Findings({ id, title, findings, opened, children }: FindingsProps) {
  return (
    <section class="card" aria-labelledby={id}>
      <div class="card-head">
        <h2 id={id}>
          {title} <span class="faint num">{findings.length}</span>
        </h2>
        {findings.length > 0 && <span class="tiny faint">each line says what should hold</span>}
      </div>
      {findings.length === 0 && <p class="card-body small muted">{children}</p>}
      {findings.map((finding) => (
        <FindingFold
          key={finding.check}
          finding={finding}
          isOpen={opened !== undefined && nameInAddress(finding.check) === opened}
        />
      ))}
    </section>
  );
}

/** For what nobody needs to read today. */
function Folded({ id, title, findings, opened, children }: FindingsProps) {
  if (findings.length === 0) return null;
  const isOpen = opened !== undefined && findings.some(({ check }) => nameInAddress(check) === opened);
  return (
    <section class="card" aria-labelledby={id}>
      <details class="fold" open={isOpen}>
        <summary>
          <h2 id={id} class="grow">
            {title} <span class="faint num">{findings.length}</span>
          </h2>
          <Icon name="right" class="s turn" />
        </summary>
        {children !== undefined && <div class="card-body">{children}</div>}
        {findings.map((finding) => (
          <FindingFold
            key={finding.check}
            finding={finding}
            isOpen={opened !== undefined && nameInAddress(finding.check) === opened}
          />
        ))}
      </details>
    </section>
  );
}
