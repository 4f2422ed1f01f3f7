/** How long entries are kept here: a policy in days, sealed segments that fall due, and dropping one after its copy. */
import { useEffect } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { retentionPresets, type Retention, type Segment } from "../../../protocol/contracts/ledger.ts";
import { TextField } from "../../components/fields.tsx";
import { TroubleText, Waiting } from "../../components/parts.tsx";
import { State } from "../../components/state.tsx";
import { Relative } from "../../components/time.tsx";
import { TouchFoot, useTouching } from "../../components/touching.tsx";
import { formatEntries, formatExact, formatIndex } from "../../format.ts";
import { useApp } from "../../state/app.ts";
import { CopyForm } from "./copy-form.tsx";
import { daysOf, isDue, policyWords } from "./wording.ts";

export function RetentionCard() {
  const { keeping } = useApp().backend;
  useEffect(() => void keeping.load(), [keeping]);
  const retention = keeping.retention.value;
  return (
    <section class="card" aria-labelledby="keeping-title">
      <div class="card-head">
        <h2 id="keeping-title">How long it is kept here</h2>
      </div>
      <div class="card-body stack">
        {retention.state === "loading" && <Waiting what="Reading what is kept" />}
        {retention.state === "failed" && (
          <p class="muted">
            <TroubleText trouble={retention.trouble} />
          </p>
        )}
        {retention.state === "ready" && <Kept retention={retention.value} />}
      </div>
    </section>
  );
}

function Kept({ retention }: { readonly retention: Retention }) {
  const { keeping } = useApp().backend;
  return (
    <>
      <p>{policyWords(retention.days)}</p>
      <p class="small muted">
        Nothing goes by itself. A segment that is due can be dropped once exactly it was copied, by a touch that names
        the copy. Its hashes stay, so that everything later still proves itself.
      </p>
      {keeping.mayChange.value ? (
        <Policy days={retention.days} />
      ) : (
        <p class="small muted">An administrator says how long the log is kept.</p>
      )}
      <Segments retention={retention} />
    </>
  );
}

function Policy({ days }: { readonly days: number | undefined }) {
  const { keeping } = useApp().backend;
  const typed = useSignal(days === undefined ? "" : String(days));
  const touching = useTouching();
  const save = () => {
    const wanted = daysOf(typed.value);
    if (wanted === undefined)
      return touching.refuse("Days must be a whole number from 90 to 36,500, or nothing at all.");
    void touching.run(
      keeping.change(
        wanted === "all" ? { setting: "ledgerRetentionOff" } : { setting: "ledgerRetention", days: wanted },
      ),
    );
  };
  return (
    <div class="stack mid">
      <TextField
        id="retention-days"
        label="Days"
        value={typed}
        maxLength={6}
        numeric
        hint="At least 90. Empty: everything is kept."
      />
      <div class="row wrap">
        <button class="btn sm" type="button" onClick={() => (typed.value = String(retentionPresets.hipaa))}>
          HIPAA, six years
        </button>
        <button class="btn sm" type="button" onClick={() => (typed.value = String(retentionPresets.pci))}>
          PCI DSS, twelve months
        </button>
      </div>
      <TouchFoot title="Keep it this long" touching={touching} onClick={save} />
    </div>
  );
}

function Segments({ retention }: { readonly retention: Retention }) {
  if (retention.segments.length === 0) {
    return (
      <p class="small muted">No segment is sealed yet: entries from #{formatIndex(retention.openFrom)} on are open.</p>
    );
  }
  const oldest = retention.segments.find(({ droppedAt }) => droppedAt === undefined)?.n;
  return (
    <ul class="list">
      {retention.segments.map((segment) => (
        <SegmentRow key={segment.n} segment={segment} days={retention.days} isOldest={segment.n === oldest} />
      ))}
    </ul>
  );
}

interface SegmentRowProps {
  readonly segment: Segment;
  readonly days: number | undefined;
  /** Only the oldest can go: the log is cut from its beginning, never in the middle. */
  readonly isOldest: boolean;
}

function SegmentRow({ segment, days, isOldest }: SegmentRowProps) {
  const { backend, now } = useApp();
  const due = isDue(segment, days, now.value);
  return (
    <li>
      <div class="grow stack tight">
        <p class="row wrap">
          <span class="medium">
            Segment {segment.n}: #{formatIndex(segment.first)} to #{formatIndex(segment.last)}
          </span>
          <SegmentState segment={segment} due={due} />
        </p>
        <p class="small muted">
          Newest entry {formatExact(segment.newest)}, sealed <Relative at={segment.sealedAt} ago />.
        </p>
        {isOldest && due && backend.keeping.mayChange.value && <DropSegment segment={segment} />}
      </div>
    </li>
  );
}

function SegmentState({ segment, due }: { readonly segment: Segment; readonly due: boolean }) {
  const { droppedAt, exported } = segment;
  if (droppedAt !== undefined) {
    return (
      <State shape="stopped">
        Dropped <Relative at={droppedAt} ago />
      </State>
    );
  }
  if (!due) return <State shape="ok">Kept</State>;
  return <State shape="warn">{exported === undefined ? "Due, not copied yet" : "Due, copied"}</State>;
}

function DropSegment({ segment: { n, exported, first, last } }: { readonly segment: Segment }) {
  const { keeping } = useApp().backend;
  const touching = useTouching();
  if (exported === undefined) {
    return (
      <details class="narrow">
        <summary class="small">Take its copy first</summary>
        <CopyForm filter={{}} segment={n} nameOf={(id) => id} />
      </details>
    );
  }
  return (
    <div class="stack mid">
      <p class="small">
        {formatEntries(last - first + 1)} go from here for good; the copy with SHA-256{" "}
        <code class="hash break">{exported}</code> is all that is left of them. Run clawhold verify on it before.
      </p>
      <TouchFoot
        title={`Drop segment ${n}`}
        effect="for good; one touch, recorded in the ledger"
        touching={touching}
        onClick={() => void touching.run(keeping.change({ setting: "ledgerDropSegment", n, exported }))}
      />
    </div>
  );
}
