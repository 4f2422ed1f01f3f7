/** What was mended on this host, what became of it, and the way back. */
import { checks } from "../../../../protocol/posture.ts";
import type { Fix } from "../../../../protocol/posture/plan.ts";
import { reasonSentence } from "../../../../protocol/posture-words.ts";
import { Foreign } from "../../../components/foreign.tsx";
import { Relative } from "../../../components/time.tsx";
import { formatNumberOf } from "../../../format.ts";
import { Icon } from "../../../icons.tsx";
import { useApp } from "../../../state/app.ts";
import { useAuthor } from "../author.ts";
import { Act, SignerNote } from "../parts.tsx";
import { ListCard, useReading } from "../reading.tsx";

const words = {
  armed: { icon: "pending", tone: "warn", word: "applied, and waits for its proof" },
  applied: { icon: "ok", tone: "ok", word: "proven, and holds" },
  undone: { icon: "undo", tone: "unknown", word: "undone: it is as before" },
  failed: { icon: "bad", tone: "bad", word: "failed" },
} as const satisfies Record<Fix["state"], object>;

export function Fixes() {
  const { backend } = useApp();
  const read = useReading("posture.fixes@1", {});
  return (
    <ListCard
      id="fixes"
      title="Fixed lately"
      read={read}
      what="what was mended"
      foot={backend.origin.class === "signer" ? undefined : <SignerNote asks={["posture.rollback@1"]} />}
    >
      {({ fixes }) =>
        fixes.length === 0 ? (
          <p class="card-body small muted">Nothing was mended through Clawhold on this host.</p>
        ) : (
          <ul class="list">
            {fixes.map((fix) => (
              <Row key={fix.fix} fix={fix} />
            ))}
          </ul>
        )
      }
    </ListCard>
  );
}

function Row({ fix }: { readonly fix: Fix }) {
  const authorOf = useAuthor();
  const { icon, tone, word } = words[fix.state];
  const [first] = fix.checks;
  const title = first === undefined ? fix.fix : checks[first].title;
  const more = fix.checks.length - 1;
  const stands = fix.state === "applied" || fix.state === "armed";
  return (
    <li>
      <Icon name={icon} class={`t-${tone}`} />
      <div class="grow stack tight">
        <p class="strong">
          {title}
          {more > 0 && ` and ${formatNumberOf(more, "other check")}`}
        </p>
        <p class="small muted long-words">
          {word} · by <bdi>{authorOf(fix.author)}</bdi>, <Relative at={fix.at} ago />
          {fix.reason !== undefined && ` · ${reasonSentence(fix.reason)}`}
        </p>
        {fix.drifted.length > 0 && (
          <p class="small t-warn">
            Changed by hand since: <Foreign text={fix.drifted.join(", ")} />
          </p>
        )}
      </div>
      {stands && (
        <span class="end">
          <Act wish={{ operation: "posture.rollback@1", args: { fix: fix.fix } }} icon="undo" about={title}>
            Undo…
          </Act>
        </span>
      )}
    </li>
  );
}
