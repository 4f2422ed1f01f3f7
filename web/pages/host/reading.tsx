/**
 * One sealed reading on a page: asked for when it is shown and after every command, with when it was read, what is old
 * and why it cannot be read. What was read before stays, marked, while the host is away.
 */
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { Banner } from "../../components/banner.tsx";
import { Empty, TroubleText, Waiting } from "../../components/parts.tsx";
import { Relative } from "../../components/time.tsx";
import { Icon } from "../../icons.tsx";
import { useApp } from "../../state/app.ts";
import type { Trouble } from "../../state/backend.ts";
import type { KeptReading, Question, ReadArgs, ReadName, ReadResult } from "../../state/readings.ts";
import { useDesk } from "./desk.ts";

/** As figures elsewhere: older than this is marked. */
const OLD_SECONDS = 300;

export interface ReadState<N extends ReadName> {
  readonly kept: KeptReading<N> | undefined;
  readonly busy: boolean;
  readonly trouble: Trouble | undefined;
  readonly again: () => void;
}

interface Held<N extends ReadName> {
  readonly name: string;
  readonly kept: KeptReading<N> | undefined;
  readonly busy: boolean;
  readonly trouble: Trouble | undefined;
}

export function useReading<N extends ReadName>(operation: N, args: ReadArgs<N>): ReadState<N> {
  const { backend } = useApp();
  const { host, round } = useDesk();
  const asked = useSignal(0);
  const name = `${operation} ${JSON.stringify(args)}`;
  const question: Question<N> = { host: host.id, operation, args };
  const held = useSignal<Held<N>>({
    name,
    kept: backend.readings.last(question),
    busy: host.connected,
    trouble: undefined,
  });
  const again = asked.value;
  useEffect(() => {
    const before = held.peek();
    const kept = before.name === name ? before.kept : backend.readings.last(question);
    if (!host.connected) {
      held.value = { name, kept, busy: false, trouble: away(host.label) };
      return undefined;
    }
    let isShown = true;
    held.value = { name, kept, busy: true, trouble: undefined };
    void backend.readings.read(question).then((answer) => {
      if (!isShown) return;
      held.value = answer.ok
        ? { name, kept: answer.value, busy: false, trouble: undefined }
        : { name, kept, busy: false, trouble: answer.trouble };
    });
    return () => {
      isShown = false;
    };
  }, [backend, host.id, host.connected, name, round, again, held]);
  const now = held.value;
  const isThis = now.name === name;
  return {
    kept: isThis ? now.kept : undefined,
    busy: isThis ? now.busy : true,
    trouble: isThis ? now.trouble : undefined,
    again: () => (asked.value += 1),
  };
}

function away(label: string): Trouble {
  return {
    code: "host_away",
    what: `${label} is not connected, so nothing new can be read of it.`,
    next: "What this page read before stays here. It is read again when the host is back.",
  };
}

interface ReadProps<N extends ReadName> {
  readonly read: ReadState<N>;
  /** Completes "reading …". */
  readonly what: string;
  readonly children: (value: ReadResult<N>) => ComponentChildren;
}

/** The value when there is one; otherwise what is being waited for, or why there is none. */
export function Read<N extends ReadName>({ read, what, children }: ReadProps<N>) {
  const { kept, busy, trouble } = read;
  if (kept === undefined && busy) return <Waiting what={`Reading ${what}`} />;
  if (kept === undefined) {
    return (
      <Empty icon="offline" title="This cannot be shown now" actions={<Again read={read} />}>
        <p>{trouble !== undefined && <TroubleText trouble={trouble} />}</p>
      </Empty>
    );
  }
  return (
    <>
      {trouble !== undefined && (
        <div class="card-body">
          <Banner tone="honest" icon="unknown" live>
            <TroubleText trouble={trouble} />
          </Banner>
        </div>
      )}
      {children(kept.value)}
    </>
  );
}

/** "Read 12 s ago", and again. Stands in the head of a list. */
export function ReadWhen<N extends ReadName>({ read }: { readonly read: ReadState<N> }) {
  const { now } = useApp();
  const { kept, busy } = read;
  const isOld = kept !== undefined && (now.value - kept.readAt > OLD_SECONDS || read.trouble !== undefined);
  return (
    <span class="row tiny faint">
      {kept !== undefined && (
        <span class={isOld ? "stale" : undefined}>
          {isOld ? "old: read " : "read "}
          <Relative at={kept.readAt} ago />
        </span>
      )}
      {busy ? (
        <span class="row">
          <Icon name="pending" class="s spin" />
          reading
        </span>
      ) : (
        <Again read={read} />
      )}
    </span>
  );
}

function Again<N extends ReadName>({ read }: { readonly read: ReadState<N> }) {
  return (
    <button class="btn quiet sm" type="button" onClick={read.again}>
      <Icon name="restart" class="s" />
      Read again
    </button>
  );
}

interface ListCardProps<N extends ReadName> {
  readonly id: string;
  readonly title: string;
  readonly read: ReadState<N>;
  readonly what: string;
  readonly children: (value: ReadResult<N>) => ComponentChildren;
  readonly foot?: ComponentChildren;
}

export function ListCard<N extends ReadName>({ id, title, read, what, children, foot }: ListCardProps<N>) {
  return (
    <section class="card" aria-labelledby={id}>
      <div class="card-head">
        <h2 id={id}>{title}</h2>
        <ReadWhen read={read} />
      </div>
      <Read read={read} what={what}>
        {children}
      </Read>
      {foot !== undefined && <div class="card-foot">{foot}</div>}
    </section>
  );
}

/** Beside a list that was longer than a reading may be. */
export function MoreThere({ more }: { readonly more: boolean }) {
  return more ? <p class="card-foot">The gateway has more than this; only the first are shown.</p> : null;
}
