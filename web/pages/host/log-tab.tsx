/**
 * The gateway's log after a touch: followed every two seconds, narrowed by level on the host, searched in the browser over
 * what was read. A log that was turned over says so.
 */
import { useEffect } from "preact/hooks";
import { useSignal, type Signal } from "@preact/signals";
import { Banner } from "../../components/banner.tsx";
import { Runs } from "../../components/foreign.tsx";
import { TroubleText } from "../../components/parts.tsx";
import { Relative } from "../../components/time.tsx";
import { formatIso, formatNumberOf } from "../../format.ts";
import { Icon } from "../../icons.tsx";
import { useApp } from "../../state/app.ts";
import type { Trouble } from "../../state/backend.ts";
import type { ReadResult } from "../../state/readings.ts";
import { matches } from "../../state/sheet-order.ts";
import { useDesk } from "./desk.ts";
import { Granted } from "./granted.tsx";

type Line = ReadResult<"content.logs@1">["lines"][number];
type Level = NonNullable<Line["level"]>;

const levels = ["trace", "debug", "info", "warn", "error", "fatal"] as const satisfies readonly Level[];
/** Between two looks while it is followed. */
const FOLLOW_MILLISECONDS = 2_000;
/** Kept in the page; older lines go first. */
const MAX_LINES = 5_000;
/** Drawn at once: the newest of those that match. */
const DRAWN_LINES = 500;

interface Followed {
  readonly lines: readonly Line[];
  readonly cursor: number | undefined;
  readonly readAt: number | undefined;
  readonly wasReset: boolean;
  readonly trouble: Trouble | undefined;
}

const nothing: Followed = { lines: [], cursor: undefined, readAt: undefined, wasReset: false, trouble: undefined };

export function LogTab() {
  return (
    <section class="card" aria-labelledby="log">
      <div class="card-head">
        <h2 id="log">Log of the gateway</h2>
      </div>
      <div class="card-body">
        <Granted kind="logs" what="the gateway's log">
          {() => <Follow />}
        </Granted>
      </div>
    </section>
  );
}

/** What is new of a log joins what was read; after a turn-over nothing before it is next to it. */
export function joined(
  before: Followed,
  { lines, cursor, isReset }: ReadResult<"content.logs@1">,
  readAt: number,
): Followed {
  const wasRead = before.cursor !== undefined;
  return {
    lines: [...before.lines, ...lines].slice(-MAX_LINES),
    cursor,
    readAt,
    wasReset: before.wasReset || (wasRead && isReset),
    trouble: undefined,
  };
}

function useFollowed(level: Level | undefined, isFollowing: boolean): Followed {
  const { backend } = useApp();
  const { host, dropGrants } = useDesk();
  const followed = useSignal<Followed>(nothing);
  useEffect(() => {
    followed.value = nothing;
  }, [level, followed]);
  useEffect(() => {
    let isOpen = true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = async (): Promise<void> => {
      const { cursor } = followed.peek();
      const args = { ...(cursor === undefined ? {} : { cursor }), ...(level === undefined ? {} : { level }) };
      const answer = await backend.readings.read({ host: host.id, operation: "content.logs@1", args });
      if (!isOpen) return;
      if (answer.ok) followed.value = joined(followed.peek(), answer.value.value, answer.value.readAt);
      else if (answer.trouble.code === "grant") {
        dropGrants("logs");
        return;
      } else followed.value = { ...followed.peek(), trouble: answer.trouble };
      if (isFollowing) timer = setTimeout(() => void look(), FOLLOW_MILLISECONDS);
    };
    void look();
    return () => {
      isOpen = false;
      clearTimeout(timer);
    };
  }, [backend, host.id, level, isFollowing, followed]);
  return followed.value;
}

function Follow() {
  const { route } = useDesk();
  const level = useSignal<Level | undefined>(undefined);
  const isFollowing = useSignal(true);
  const followed = useFollowed(level.value, isFollowing.value);
  const search = route.text ?? "";
  const found = search === "" ? followed.lines : followed.lines.filter(({ text }) => matches(text, search));
  return (
    <div class="stack mid">
      <LogTools level={level} isFollowing={isFollowing} search={search} />
      {followed.trouble !== undefined && (
        <Banner tone="honest" icon="unknown" live>
          <TroubleText trouble={followed.trouble} />
        </Banner>
      )}
      {followed.wasReset && (
        <Banner tone="honest" icon="info">
          <strong>The log was turned over while this was open.</strong> Lines in between may be missing.
        </Banner>
      )}
      <Lines found={found} followed={followed} search={search} />
    </div>
  );
}

interface LogToolsProps {
  readonly level: Signal<Level | undefined>;
  readonly isFollowing: Signal<boolean>;
  readonly search: string;
}

function LogTools({ level, isFollowing, search }: LogToolsProps) {
  const { view } = useDesk();
  return (
    <div class="filters">
      <div class="input-icon">
        <Icon name="search" class="s" />
        <label class="sr" for="q">
          Find in the lines that were read
        </label>
        <input
          class="input"
          id="q"
          type="search"
          maxLength={80}
          autocomplete="off"
          spellcheck={false}
          value={search}
          onInput={(event) => view({ text: event.currentTarget.value })}
        />
      </div>
      <label class="sr" for="level">
        Lowest level
      </label>
      <select
        class="select log-level"
        id="level"
        value={level.value ?? ""}
        onChange={(event) => (level.value = levels.find((one) => one === event.currentTarget.value))}
      >
        <option value="">every level</option>
        {levels.slice(1).map((one) => (
          <option key={one} value={one}>
            {one} and worse
          </option>
        ))}
      </select>
      <button
        class="chip"
        type="button"
        aria-pressed={isFollowing.value}
        onClick={() => (isFollowing.value = !isFollowing.value)}
      >
        Follow
      </button>
    </div>
  );
}

interface LinesProps {
  readonly found: readonly Line[];
  readonly followed: Followed;
  readonly search: string;
}

function Lines({ found, followed, search }: LinesProps) {
  const shown = found.slice(-DRAWN_LINES);
  return (
    <div class="untrusted">
      <div class="cap">
        <span>Written by the gateway, secrets taken out on the host</span>
        <span>
          {formatNumberOf(found.length, "line")}
          {found.length > shown.length && `, the last ${shown.length} shown`}
          {followed.readAt !== undefined && (
            <>
              , read <Relative at={followed.readAt} ago />
            </>
          )}
        </span>
      </div>
      <pre class="log-lines" tabIndex={0} role="region" aria-label="Lines of the log">
        {shown.map((line, index) => (
          <LogLine key={found.length - shown.length + index} line={line} />
        ))}
        {shown.length === 0 && <span class="faint">{search === "" ? "No lines yet." : "No line matches."}</span>}
      </pre>
    </div>
  );
}

function LogLine({ line: { at, level, text } }: { readonly line: Line }) {
  return (
    <>
      {at !== undefined && <span class="faint">{formatIso(at)} </span>}
      {level !== undefined && <span class={`lv-${level}`}>{level.padEnd(5)} </span>}
      <Runs text={text} />
      {"\n"}
    </>
  );
}
