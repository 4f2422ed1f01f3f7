/**
 * What waits for more people: every proposed command as the first person signed it, who approved it, and what the reader
 * can do about it. Nothing here runs without a touch on exactly these bytes.
 */
import { useEffect } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { Empty, TroubleText, Waiting } from "../../components/parts.tsx";
import { formatNumberOf } from "../../format.ts";
import { useApp } from "../../state/app.ts";
import type { WaitingCommand } from "../../state/proposals.ts";
import { ProposalCard } from "./card.tsx";
import { ProposalDialog } from "./dialog.tsx";

export function ProposalsPage() {
  const { backend } = useApp();
  useEffect(() => backend.proposals.watch(), [backend]);
  useEffect(() => void backend.statements.loadWaiting(), [backend]);
  // Beside the list, not in it: what is carried out leaves the list, and its outcome must stay in sight.
  const opened = useSignal<WaitingCommand | undefined>(undefined);
  const waiting = backend.proposals.waiting.value;
  return (
    <>
      <div class="page-head">
        <div>
          <h1>Proposals</h1>
          <p>What a rule gives to more than one person waits here, at most 24 hours, until enough have approved it.</p>
        </div>
      </div>
      <ChangesNote />
      {waiting.state === "loading" && <Waiting what="Reading what waits" />}
      {waiting.state === "failed" && (
        <div class="card">
          <Empty icon="offline" title="What waits cannot be shown">
            <p>
              <TroubleText trouble={waiting.trouble} />
            </p>
          </Empty>
        </div>
      )}
      {waiting.state === "ready" && <List all={waiting.value} onOpen={(one) => (opened.value = one)} />}
      {opened.value !== undefined && <ProposalDialog one={opened.value} onClosed={() => (opened.value = undefined)} />}
    </>
  );
}

/** Changes of the trust log wait too, on a page of their own. */
function ChangesNote() {
  const waiting = useApp().backend.statements.waiting.value;
  if (waiting.state !== "ready" || waiting.value.length === 0) return null;
  return (
    <p class="small">
      <a href="/people">{formatNumberOf(waiting.value.length, "change")} of who may do what</a>{" "}
      {waiting.value.length === 1 ? "waits" : "wait"} on the page People.
    </p>
  );
}

interface ListProps {
  readonly all: readonly WaitingCommand[];
  readonly onOpen: (one: WaitingCommand) => void;
}

function List({ all, onOpen }: ListProps) {
  if (all.length === 0) return <Nothing />;
  return (
    <div class="stack">
      {all.map((one) => (
        <ProposalCard key={one.facts.digest} one={one} onOpen={() => onOpen(one)} />
      ))}
    </div>
  );
}

function Nothing() {
  return (
    <div class="card">
      <Empty icon="people" title="Nothing waits">
        <p>
          When a <a href="/rules">rule</a> asks for more than one person, the command that the first of them approved
          waits here for the next.
        </p>
      </Empty>
    </div>
  );
}
