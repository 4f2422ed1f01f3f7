/** Copies of the log, and how long the log itself is kept. */
import { CopyForm } from "./copy-form.tsx";
import { RetentionCard } from "./retention-card.tsx";
import { useApp } from "../../state/app.ts";

export function KeepingPage() {
  const { backend } = useApp();
  const may = backend.exports.mayExport.value;
  return (
    <>
      <div class="page-head">
        <div>
          <h1>Copies and retention</h1>
          <p>
            Take the activity log elsewhere, and say how long it stays here. <a href="/activity">Back to Activity</a>
          </p>
        </div>
      </div>
      <section class="card" aria-labelledby="copy-title">
        <div class="card-head">
          <h2 id="copy-title">Take a copy of everything</h2>
        </div>
        <div class="card-body">
          {may ? (
            <CopyForm filter={{}} nameOf={(id) => id} />
          ) : (
            <p class="muted">Your role does not let you read the ledger, so it gives you no copy either.</p>
          )}
        </div>
      </section>
      <RetentionCard />
    </>
  );
}
