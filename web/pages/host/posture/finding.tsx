/** One check of a host: what was found, how it is known, what mending it would change, and who accepted it for how long. */
import type { ComponentChildren } from "preact";
import { useSignal } from "@preact/signals";
import { checks } from "../../../../protocol/posture.ts";
import type { Evidence, Finding } from "../../../../protocol/posture/report.ts";
import { evidenceLevels } from "../../../../protocol/posture/words.ts";
import {
  levelWords,
  reasonSentence,
  riskWords,
  severityWords,
  stateWords,
} from "../../../../protocol/posture-words.ts";
import { Foreign, ForeignBlock } from "../../../components/foreign.tsx";
import { Relative } from "../../../components/time.tsx";
import { Icon } from "../../../icons.tsx";
import { useAuthor } from "../author.ts";
import { Act } from "../parts.tsx";
import { Mend } from "./mend.tsx";
import { isGrave, lookOf } from "./findings.ts";
import { WaiveForm } from "./waive-form.tsx";

interface FindingFoldProps {
  readonly finding: Finding;
  readonly isOpen?: boolean;
}

/** Its body is made when it is opened: a page of 70 checks asks the host for one plan, not for seventy. */
export function FindingFold({ finding, isOpen = false }: FindingFoldProps) {
  const { check, state, reason, shortfalls, waiver } = finding;
  const { title, severity } = checks[check];
  const open = useSignal(isOpen);
  const look = lookOf(finding);
  const first = state === "fail" ? shortfalls[0] : reason === undefined ? undefined : reasonSentence(reason);
  return (
    <details class="fold" open={open.value} onToggle={({ currentTarget }) => (open.value = currentTarget.open)}>
      <summary>
        <Icon name={look.icon} class={`t-${look.tone}`} />
        <span class="grow">
          <strong>{title}</strong>
          <br />
          <span class="small muted">
            {severityWords[severity]} · {waiver === undefined ? stateWords[state] : `${stateWords[state]}, accepted`}
            {first !== undefined && (
              <>
                {" · "}
                <Foreign text={shortened(first)} whole />
              </>
            )}
          </span>
        </span>
        <Icon name="right" class="s turn" />
      </summary>
      {open.value && <Body finding={finding} />}
    </details>
  );
}

const HEAD_CHARACTERS = 110;

/** A heading has no room for all of it, nor for a button: it stands whole below. */
function shortened(text: string): string {
  return text.length <= HEAD_CHARACTERS ? text : `${text.slice(0, HEAD_CHARACTERS - 1)}…`;
}

function Body({ finding }: { readonly finding: Finding }) {
  const { check, state, reason, shortfalls, waiver, evidence } = finding;
  const { why, severity, fix } = checks[check];
  const isWaiving = useSignal(false);
  const isWrong = state === "fail" || state === "unverified" || state === "error";
  return (
    <div class="fold-body">
      <p class={isGrave(severity) && state === "fail" ? "lead" : undefined}>{why}</p>
      {reason !== undefined && <p class="small muted">{reasonSentence(reason)}</p>}
      {shortfalls.length > 0 && (
        <ul class="stack tight small finding-short" aria-label="What does not hold">
          {shortfalls.map((text) => (
            <li key={text}>
              <Foreign text={text} whole />
            </li>
          ))}
        </ul>
      )}
      <How finding={finding} />
      {evidence.map((one, index) => (
        <EvidenceBlock key={index} evidence={one} number={index + 1} />
      ))}
      {waiver !== undefined && <Waived finding={finding} />}
      {state === "fail" && (fix === "none" ? <p class="small muted">{riskWords.none}</p> : <Mend check={check} />)}
      {isWrong && waiver === undefined && (
        <Waiving isOn={isWaiving.value} onOpen={() => (isWaiving.value = true)}>
          <WaiveForm check={check} onClosed={() => (isWaiving.value = false)} />
        </Waiving>
      )}
      <p class="tiny faint">
        <code>{check}</code>
      </p>
    </div>
  );
}

interface WaivingProps {
  readonly isOn: boolean;
  readonly onOpen: () => void;
  readonly children: ComponentChildren;
}

function Waiving({ isOn, onOpen, children }: WaivingProps) {
  if (isOn) return <>{children}</>;
  return (
    <div class="acts">
      <button class="btn quiet sm" type="button" onClick={onOpen}>
        Accept it for a while…
      </button>
    </div>
  );
}

function How({ finding: { check, level, evidence } }: { readonly finding: Finding }) {
  const { requires } = checks[check];
  const reached = level === undefined ? 0 : evidenceLevels.indexOf(level) + 1;
  const at = evidence.reduce((latest, one) => Math.max(latest, one.at), 0);
  return (
    <p class="row wrap small muted">
      <span>How it is known:</span>
      <span class="evidence-level">
        <svg viewBox="0 0 36 8" aria-hidden="true">
          {evidenceLevels.map((name, index) => (
            <rect key={name} class={index < reached ? "on" : "off"} x={index * 9} y={1} width={7} height={6} rx={1.5} />
          ))}
        </svg>
        <span>{level === undefined ? "nothing was seen" : `${level}: ${levelWords[level]}`}</span>
      </span>
      <span class="faint">
        {reached <= evidenceLevels.indexOf(requires) && `to pass it needs: ${requires}. `}
        {at > 0 && (
          <>
            Looked <Relative at={at} ago />
          </>
        )}
      </span>
    </p>
  );
}

interface EvidenceBlockProps {
  readonly evidence: Evidence;
  readonly number: number;
}

function EvidenceBlock({ evidence: { source, excerpt, exit, at }, number }: EvidenceBlockProps) {
  const ended = exit === undefined ? "" : `, exit ${exit}`;
  return (
    <ForeignBlock
      caption={`Evidence${ended}`}
      label={`Evidence ${number}${ended}`}
      text={`$ ${source}\n${excerpt}`}
      aside={
        <>
          {"; "}
          <Relative at={at} ago />
        </>
      }
    />
  );
}

function Waived({ finding: { check, waiver } }: { readonly finding: Finding }) {
  const authorOf = useAuthor();
  if (waiver === undefined) return null;
  const { author, at, until, reason } = waiver;
  return (
    <div class="stack tight">
      <p class="small long-words">
        Accepted by <bdi>{authorOf(author)}</bdi> <Relative at={at} ago />, until <Relative at={until} />:{" "}
        <Foreign text={reason} whole />
      </p>
      <div class="acts">
        <Act wish={{ operation: "posture.unwaive@1", args: { check } }} about={checks[check].title}>
          Take the acceptance back…
        </Act>
      </div>
    </div>
  );
}
