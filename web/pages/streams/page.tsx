/** Far ends that follow the log live: what each has taken, what it would not take, and changing them by a touch. */
import { useEffect } from "preact/hooks";
import { MAX_STREAMS } from "../../../protocol/limits.ts";
import { Empty, TroubleText, Waiting } from "../../components/parts.tsx";
import { useApp } from "../../state/app.ts";
import type { StreamView } from "../../state/streams.ts";
import { StreamCard } from "./stream-card.tsx";
import { AddStream } from "./stream-form.tsx";

export function StreamsPage() {
  const { streams } = useApp().backend;
  const may = streams.mayConfigure.value;
  useEffect(() => (may ? streams.watch() : undefined), [streams, may]);
  const list = streams.list.value;
  return (
    <>
      <div class="page-head">
        <div>
          <h1>Streams</h1>
          <p>
            A SIEM or another log follows this one live: every entry, in order, at least once, signed.{" "}
            <a href="/activity">Back to Activity</a>
          </p>
        </div>
      </div>
      {!may && (
        <div class="card">
          <Empty icon="lock" title="Streams are an administrator's">
            <p>They decide who gets a copy of everything that happens here. Ask one to look.</p>
          </Empty>
        </div>
      )}
      {may && list.state === "loading" && <Waiting what="Asking for streams" />}
      {may && list.state === "failed" && (
        <div class="card">
          <Empty icon="offline" title="The streams cannot be shown">
            <p>
              <TroubleText trouble={list.trouble} />
            </p>
          </Empty>
        </div>
      )}
      {may && list.state === "ready" && <Streams list={list.value} />}
    </>
  );
}

function Streams({ list }: { readonly list: readonly StreamView[] }) {
  return (
    <>
      {list.length === 0 && (
        <div class="card">
          <Empty icon="channel" title="No stream yet">
            <p>Whoever reads this log elsewhere has it even if this control plane is gone. Add the first one below.</p>
          </Empty>
        </div>
      )}
      {list.map((stream) => (
        <StreamCard key={stream.stream} stream={stream} />
      ))}
      {list.length < MAX_STREAMS ? (
        <AddStream />
      ) : (
        <p class="small muted">There are {MAX_STREAMS} streams, as many as there may be. Remove one to add another.</p>
      )}
    </>
  );
}
