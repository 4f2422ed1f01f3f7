/**
 * What the edge saw of this host from outside, when somebody let it look: by port, with who asked and when, and what it is worth. A
 * port that answers is news; one that does not proves nothing, because it is the edge's word.
 */
import type { OutsideLook } from "../../../../protocol/posture/outside.ts";
import { knockWords, portNames } from "../../../../protocol/posture/outside-words.ts";
import { Banner } from "../../../components/banner.tsx";
import { Relative } from "../../../components/time.tsx";
import { Icon } from "../../../icons.tsx";
import { useAuthor } from "../author.ts";
import { useDesk } from "../desk.ts";
import { Act } from "../parts.tsx";
import { ListCard, useReading } from "../reading.tsx";

/** Nothing here is green: an edge that saw no answer proves nothing. */
const marks = {
  open: { icon: "globe", tone: "warn" },
  closed: { icon: "minus", tone: "unknown" },
  filtered: { icon: "minus", tone: "unknown" },
  error: { icon: "unknown", tone: "unknown" },
} as const satisfies Record<OutsideLook["ports"][number]["state"], object>;

export function Outside() {
  const read = useReading("posture.outside@1", {});
  const { colocated } = useDesk().host;
  return (
    <ListCard
      id="outside"
      title="Seen from outside"
      read={read}
      what="what the edge saw of this host"
      foot={
        <div class="row wrap">
          <Act wish={{ operation: "posture.look@1", args: {} }} icon="search">
            Look from outside…
          </Act>
          <span class="small muted">
            {colocated
              ? "The edge runs on this machine, so it sees nothing from outside and will say so. Look from an edge elsewhere."
              : "The edge tries a few ports at the address from which this host is connected, and nothing else."}
          </span>
        </div>
      }
    >
      {({ look }) =>
        look === undefined ? (
          <p class="card-body small muted">
            Nobody looked in the last seven days. What this host says of its own ports is what it sees from within.
          </p>
        ) : (
          <Seen look={look} />
        )
      }
    </ListCard>
  );
}

function Seen({ look }: { readonly look: OutsideLook }) {
  const authorOf = useAuthor();
  const { address, at, author, ports, vantage } = look;
  return (
    <>
      <div class="card-body stack tight">
        <p class="small muted long-words">
          The edge looked at <code>{address}</code> <Relative at={at} ago />, asked by <bdi>{authorOf(author)}</bdi>. It
          may lie: what it saw can fail a check, and passes none.
        </p>
        {vantage === "network" && (
          <Banner tone="honest" icon="unknown">
            <p class="small">
              The edge and this host are in one network. What the edge sees from there is not what the internet sees.
            </p>
          </Banner>
        )}
      </div>
      <ul class="list" aria-label="What each port did">
        {ports.map(({ port, state }) => (
          <li key={port}>
            <Icon name={marks[state].icon} class={`t-${marks[state].tone}`} />
            <p class="grow long-words">
              <span class="strong num">Port {port}</span>{" "}
              <span class="small muted">{portNames[port] ?? "named by this host"}:</span> {knockWords[state]}
            </p>
          </li>
        ))}
      </ul>
    </>
  );
}
