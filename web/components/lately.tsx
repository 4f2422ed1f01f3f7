/** The last entries of the ledger, of all hosts or of one, each with its seal. */
import { Icon } from "../icons.tsx";
import { SealMark } from "./state.tsx";
import { Relative } from "./time.tsx";
import { useWaitingNames } from "../pages/activity/waiting-names.ts";
import { wasRefused } from "../pages/activity/filter.ts";
import { Sentence, iconOf } from "../pages/activity/sentences.tsx";
import { useApp } from "../state/app.ts";
import type { LedgerEntry } from "../state/backend.ts";

/** Comings and goings of a connection are in Activity; here they would push out what people did. */
const quiet: readonly LedgerEntry["action"][] = ["host.connected", "host.disconnected", "session.ended"];

interface LatelyProps {
  readonly title: string;
  readonly hostId?: string;
  readonly count: number;
}

export function Lately({ title, hostId, count }: LatelyProps) {
  const { backend } = useApp();
  const entries = backend.activity.entries.value;
  const named = useWaitingNames();
  const list = entries.state === "ready" ? entries.value : [];
  const shown = list
    .filter(({ action }) => !quiet.includes(action))
    .filter(({ target, actor }) => hostId === undefined || target?.id === hostId || actor.id === hostId)
    .slice(0, count)
    .map(named);
  return (
    <section class="card" aria-label={title}>
      <div class="card-head">
        <h2>{title}</h2>
        <a class="small" href="/activity">
          Activity
        </a>
      </div>
      {shown.length === 0 ? (
        <p class="card-body small muted">
          {entries.state === "ready" ? "Nothing has happened here yet." : "Reading the ledger."}
        </p>
      ) : (
        <ul class="list">
          {shown.map((entry) => (
            <LatelyItem key={entry.index} entry={entry} />
          ))}
        </ul>
      )}
    </section>
  );
}

function LatelyItem({ entry }: { readonly entry: LedgerEntry }) {
  return (
    <li>
      <Icon name={iconOf(entry)} class="faint" />
      <div class="grow">
        <p class="small">
          <a class="plain" href={`/activity?entry=${entry.index}`}>
            <Sentence entry={entry} />
            {wasRefused(entry) && entry.detail.code !== undefined && (
              <>
                {" "}
                <code class="faint">{entry.detail.code}</code>
              </>
            )}
          </a>
        </p>
        <p class="row wrap tiny faint">
          <Relative at={entry.at} ago />
          <SealMark seal={entry.seal} />
        </p>
      </div>
    </li>
  );
}
