/** The sessions of a gateway: what each costs, what runs, and its conversation after a touch. */
import { Foreign, ForeignBlock } from "../../components/foreign.tsx";
import { Fact } from "../../components/parts.tsx";
import type { Column } from "../../components/sheet.tsx";
import { State } from "../../components/state.tsx";
import { Relative } from "../../components/time.tsx";
import { formatCost, formatCount, unknown } from "../../format.ts";
import type { ReadResult } from "../../state/readings.ts";
import type { Shape } from "../../state/condition.ts";
import { useDesk } from "./desk.ts";
import { Granted, useGrantEnd } from "./granted.tsx";
import { Act, Detail, OpenLink, SignerNote, Things } from "./parts.tsx";
import { ListCard, MoreThere, Read, ReadWhen, useReading } from "./reading.tsx";

type Session = ReadResult<"gateway.sessions@1">["sessions"][number];

const states = {
  running: { shape: "pending", word: "running" },
  idle: { shape: "ok", word: "idle" },
  done: { shape: "ok", word: "done" },
  failed: { shape: "bad", word: "failed" },
  unknown: { shape: "unknown", word: "not known" },
} as const satisfies Record<Session["status"], { readonly shape: Shape; readonly word: string }>;

const columns: readonly Column<Session>[] = [
  { id: "key", name: "Session", cell: ({ tag, key }) => <OpenLink of={tag} name={key} />, order: ({ key }) => key },
  { id: "agent", name: "Agent", cell: ({ agent }) => <Foreign text={agent} />, order: ({ agent }) => agent },
  {
    id: "status",
    name: "State",
    cell: ({ status }) => <State shape={states[status].shape}>{states[status].word}</State>,
    order: ({ status }) => status,
  },
  {
    id: "model",
    name: "Model",
    cell: ({ model }) => (model === undefined ? unknown : <Foreign text={model} />),
    order: ({ model }) => model,
    isMinor: true,
  },
  {
    id: "updated",
    name: "Last turn",
    cell: ({ updatedAt }) => (updatedAt === undefined ? unknown : <Relative at={updatedAt} ago />),
    order: ({ updatedAt }) => updatedAt,
    isNumber: true,
  },
  {
    id: "tokens",
    name: "Tokens",
    cell: ({ totalTokens }) => formatCount(totalTokens),
    order: ({ totalTokens }) => totalTokens,
    isNumber: true,
  },
  {
    id: "cost",
    name: "Cost",
    cell: ({ costMicros }) => (costMicros === undefined ? unknown : formatCost(costMicros)),
    order: ({ costMicros }) => costMicros,
    isNumber: true,
  },
  {
    id: "acts",
    name: "",
    cell: ({ tag, key, status }) =>
      status === "running" && (
        <span class="sheet-acts">
          <Act wish={{ operation: "session.abort@1", args: { subject: tag } }} about={key}>
            Abort…
          </Act>
        </span>
      ),
  },
];

export function SessionsTab() {
  const { route } = useDesk();
  const read = useReading("gateway.sessions@1", {});
  const open = read.kept?.value.sessions.find(({ tag }) => tag === route.of);
  return (
    <>
      {open !== undefined && <SessionDetail session={open} />}
      <ListCard
        id="sessions"
        title="Sessions"
        read={read}
        what="the sessions"
        foot="Titles and messages stay on the host. A session opens its conversation with a touch."
      >
        {({ sessions, more }) => (
          <>
            <Things
              label="Sessions"
              rows={sessions}
              columns={columns}
              keyOf={({ tag }) => tag}
              textOf={({ key, agent, kind, channel, model, status }) =>
                [key, agent, kind, channel, model, states[status].word].join(" ")
              }
              usual="-updated"
            />
            <MoreThere more={more} />
          </>
        )}
      </ListCard>
    </>
  );
}

function SessionDetail({ session }: { readonly session: Session }) {
  const { tag, key, kind, channel, inputTokens, outputTokens } = session;
  const args = { subject: tag };
  return (
    <Detail title="Session" name={key}>
      <dl class="facts">
        <Fact name="Kind">
          <Foreign text={kind} />
        </Fact>
        {channel !== undefined && (
          <Fact name="Channel">
            <Foreign text={channel} />
          </Fact>
        )}
        <Fact name="Tokens">
          {formatCount(inputTokens)} in, {formatCount(outputTokens)} out
        </Fact>
      </dl>
      <div class="acts">
        <Act
          wish={{ operation: "session.abort@1", args }}
          icon="stopped"
          why={session.status === "running" ? undefined : "nothing runs in it"}
        >
          Abort its run…
        </Act>
        <Act wish={{ operation: "session.compact@1", args }}>Compact…</Act>
        <Act wish={{ operation: "session.reset@1", args }}>Reset…</Act>
      </div>
      <SignerNote asks={["session.compact@1", "session.reset@1"]} />
      <h3>Conversation</h3>
      <Granted kind="transcripts" session={tag} what="the conversation of this session">
        {() => <Transcript session={tag} />}
      </Granted>
    </Detail>
  );
}

function Transcript({ session }: { readonly session: string }) {
  const read = useReading("content.transcript@1", { session });
  useGrantEnd("transcripts", read);
  return (
    <>
      <ReadWhen read={read} />
      <Read read={read} what="the conversation">
        {({ entries, more }) => (
          <>
            {entries.length === 0 && <p class="small muted">Nothing was said in it.</p>}
            {more && <p class="small muted">Only the last part is shown; the gateway has more.</p>}
            <ol class="stack mid">
              {entries.map(({ role, at, text }, index) => (
                <li key={index} class="stack tight">
                  <p class="row wrap tiny faint">
                    <Foreign text={role} />
                    {at !== undefined && <Relative at={at} ago />}
                  </p>
                  <ForeignBlock caption={`Entry ${index + 1}, as the gateway keeps it`} text={text} />
                </li>
              ))}
            </ol>
          </>
        )}
      </Read>
    </>
  );
}
