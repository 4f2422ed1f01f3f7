/** The keys with which the edge signs: what the log names, what waits, and one press to change from one to the other. */
import { useEffect } from "preact/hooks";
import { Banner } from "../../components/banner.tsx";
import { Command, Fact, TroubleText, Waiting } from "../../components/parts.tsx";
import { useApp } from "../../state/app.ts";
import { keyStanding, type KeyJob, type KeyStanding } from "../../state/edge-keys.ts";
import { CoveragePill, CoverageText, useCoverage } from "../../statement/coverage.tsx";
import { TrustFrame, type Desk } from "../people/frame.tsx";
import { jobWords } from "./wording.ts";

export function EdgeKeysPage() {
  return (
    <TrustFrame page="edge-keys" lead="With what the edge signs. It can command nothing with them.">
      {(desk) => <Keys desk={desk} />}
    </TrustFrame>
  );
}

function Keys({ desk }: { readonly desk: Desk }) {
  const { edgeKeys } = useApp().backend;
  const { head } = desk.view.state;
  // Again after each statement: it may have been a change of these.
  useEffect(() => void (desk.isAdmin && edgeKeys.load()), [edgeKeys, desk.isAdmin, head.hash]);
  const held = edgeKeys.held.value;
  const known = held.state === "ready" ? held.value : undefined;
  return (
    <>
      {desk.isAdmin && held.state === "loading" && <Waiting what="Asking the edge for its keys" />}
      {desk.isAdmin && held.state === "failed" && (
        <Banner tone="warn" icon="offline">
          <TroubleText trouble={held.trouble} />
        </Banner>
      )}
      {(["dispatch", "ledger"] as const).map((job) => (
        <KeyCard key={job} job={job} desk={desk} standing={keyStanding(desk.view.state, known, job)} />
      ))}
      <Told />
    </>
  );
}

interface KeyCardProps {
  readonly job: KeyJob;
  readonly desk: Desk;
  readonly standing: KeyStanding;
}

function KeyCard({ job, desk, standing: { named, isHeld, waiting, former } }: KeyCardProps) {
  const { title, what, statement } = jobWords[job];
  return (
    <section class="card" aria-labelledby={`key-${job}`}>
      <div class="card-head">
        <h2 id={`key-${job}`}>{title}</h2>
      </div>
      <div class="card-body stack">
        <p class="small muted">{what}</p>
        {isHeld === false && (
          <Banner tone="bad" icon="bad">
            <strong>The edge does not hold the key that the log names.</strong> Hosts take nothing that it signs. Give
            it that key back from a backup, or change to a key that it holds.
          </Banner>
        )}
        <dl class="facts">
          <Fact name="Named by the trust log">
            <code class="break">{named}</code>
          </Fact>
          {waiting !== undefined && (
            <Fact name="Waiting at the edge">
              <code class="break">{waiting}</code>
            </Fact>
          )}
          {former !== undefined && (
            <Fact name="The one before, still there">
              <code class="break">{former}</code>
            </Fact>
          )}
        </dl>
        {former !== undefined && (
          <p class="small muted">
            It counts for nothing any more. clawhold up removes it from the edge's machine at its next start.
          </p>
        )}
        {desk.mayChange && waiting !== undefined && (
          <div class="row wrap">
            <button
              class="btn"
              type="button"
              onClick={() => desk.statements.ask({ kind: statement, body: { key: waiting } })}
            >
              Change to the waiting key…
            </button>
            <span class="small muted">Compare it with what clawhold up new-key showed.</span>
          </div>
        )}
        {desk.mayChange && isHeld !== undefined && waiting === undefined && former === undefined && (
          <Command caption={`A new ${job} key is made beside the edge`} command={`clawhold up new-key ${job}`} />
        )}
      </div>
    </section>
  );
}

/** A host that was not told still takes the old key, and nothing that the new one signs. */
function Told() {
  const coverage = useCoverage();
  if (coverage === undefined) return null;
  return (
    <section class="card" aria-labelledby="keys-told">
      <div class="card-head">
        <h2 id="keys-told">Hosts that hold the newest log</h2>
        <CoveragePill coverage={coverage} />
      </div>
      <div class="card-body stack">
        <CoverageText coverage={coverage} />
      </div>
    </section>
  );
}
