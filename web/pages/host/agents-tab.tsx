/** The agents of a gateway: what each may and is told, the versions that are kept, and which one is in use. */
import { useSignal } from "@preact/signals";
import { DiffView } from "../../components/diff-view.tsx";
import { Foreign, ForeignBlock } from "../../components/foreign.tsx";
import { Fact } from "../../components/parts.tsx";
import type { Column } from "../../components/sheet.tsx";
import { State } from "../../components/state.tsx";
import { Relative } from "../../components/time.tsx";
import { formatBytes, formatNumberOf, unknown } from "../../format.ts";
import type { ReadResult } from "../../state/readings.ts";
import { AgentForm } from "./agent-form.tsx";
import { useAuthor } from "./author.ts";
import { useDesk, type Undo } from "./desk.ts";
import { useFresh } from "./fresh.ts";
import { Granted, useGrantEnd } from "./granted.tsx";
import { Act, Detail, OpenLink, SignerNote, Things } from "./parts.tsx";
import { ListCard, MoreThere, Read, ReadWhen, useReading } from "./reading.tsx";

type Agent = ReadResult<"gateway.agents@1">["agents"][number];

const columns: readonly Column<Agent>[] = [
  {
    id: "name",
    name: "Agent",
    cell: ({ tag, name, isDefault }) => (
      <>
        <OpenLink of={tag} name={name} /> {isDefault && <span class="badge">default</span>}
      </>
    ),
    order: ({ name }) => name,
  },
  {
    id: "model",
    name: "Model",
    cell: ({ model }) => (model === undefined ? unknown : <Foreign text={model} />),
    order: ({ model }) => model,
  },
  {
    id: "mode",
    name: "May",
    cell: ({ permissionMode }) => (permissionMode === undefined ? unknown : <Foreign text={permissionMode} />),
    order: ({ permissionMode }) => permissionMode,
  },
  {
    id: "files",
    name: "Files",
    cell: ({ files }) => files.length,
    order: ({ files }) => files.length,
    isNumber: true,
  },
  {
    id: "version",
    name: "In use",
    cell: ({ deployed, versions }) =>
      deployed !== undefined ? (
        `version ${deployed}`
      ) : versions.length > 0 ? (
        <State shape="warn">changed outside</State>
      ) : (
        unknown
      ),
    order: ({ deployed }) => deployed,
    isNumber: true,
  },
];

export function AgentsTab() {
  const { route, view } = useDesk();
  const read = useReading("gateway.agents@1", {});
  const open = read.kept?.value.agents.find(({ tag }) => tag === route.of);
  return (
    <>
      {route.of === "new" && (
        <Detail title="Create an agent">
          <AgentForm />
        </Detail>
      )}
      {open !== undefined && <AgentDetail key={open.tag} agent={open} />}
      <ListCard id="agents" title="Agents" read={read} what="the agents">
        {({ agents, more }) => (
          <>
            <Things
              label="Agents"
              rows={agents}
              columns={columns}
              keyOf={({ tag }) => tag}
              textOf={({ name, model, permissionMode }) => [name, model, permissionMode].join(" ")}
              usual="name"
              aside={
                <button class="btn sm" type="button" onClick={() => view({ of: "new" })}>
                  Create an agent
                </button>
              }
            />
            <MoreThere more={more} />
          </>
        )}
      </ListCard>
      <SignerNote asks={["agent.edit@1"]} />
    </>
  );
}

function AgentDetail({ agent }: { readonly agent: Agent }) {
  const { tag, subject, name, files, versions, isDefault } = agent;
  return (
    <Detail title="Agent" name={name}>
      <dl class="facts">
        {files.map((file) => (
          <Fact key={file.name} name="File">
            <Foreign text={file.name} />, {formatBytes(file.bytes)}
            {file.updatedAt !== undefined && (
              <>
                , changed <Relative at={file.updatedAt} ago />
              </>
            )}
          </Fact>
        ))}
      </dl>
      <h3>Versions</h3>
      {versions.length === 0 ? (
        <p class="small muted">None is kept yet: write one below, then deploy it.</p>
      ) : (
        <Versions agent={agent} />
      )}
      <h3>What it is told</h3>
      <Granted kind="agents" what="what this agent is told, to read, compare and change">
        {() => <Told agent={agent} />}
      </Granted>
      <div class="acts">
        <Act
          wish={{ operation: "agent.delete@1", args: { subject: tag }, expect: { subject } }}
          why={isDefault ? "it is the gateway's default agent" : undefined}
        >
          Delete the agent…
        </Act>
      </div>
    </Detail>
  );
}

function Versions({ agent: { tag, subject, name, versions, deployed } }: { readonly agent: Agent }) {
  const fresh = useFresh();
  const authorOf = useAuthor();
  const undo: Undo | undefined =
    deployed === undefined
      ? undefined
      : {
          title: `Deploy version ${deployed} again`,
          make: async () => {
            const now = await fresh("gateway.agents@1", {}, ({ agents }) => agents.find((one) => one.tag === tag));
            if (now === undefined) return undefined;
            const args = { subject: tag, version: deployed };
            return { operation: "agent.deploy@1", args, expect: { subject: now.subject } };
          },
        };
  return (
    <ul class="list">
      {versions.map(({ version, at, author, files }) => (
        <li key={version}>
          <div class="grow">
            <p class="small strong">
              Version {version} {version === deployed && <State shape="ok">in use</State>}
            </p>
            <p class="tiny faint">
              <Relative at={at} ago /> by {authorOf(author)}, {formatNumberOf(files, "file")}
            </p>
          </div>
          {version !== deployed && (
            <Act
              wish={{ operation: "agent.deploy@1", args: { subject: tag, version }, expect: { subject } }}
              about={`${name}, version ${version}`}
              undo={undo}
            >
              Deploy…
            </Act>
          )}
        </li>
      ))}
    </ul>
  );
}

function Told({ agent }: { readonly agent: Agent }) {
  const { tag, versions } = agent;
  const read = useReading("content.agent@1", { agent: tag });
  const compared = useSignal<number | undefined>(undefined);
  const writing = useSignal(false);
  useGrantEnd("agents", read);
  return (
    <>
      <ReadWhen read={read} />
      <Read read={read} what="what it is told">
        {({ agent: draft, subject }) => (
          <>
            <div class="acts">
              <button
                class="btn sm"
                type="button"
                aria-expanded={writing.value}
                onClick={() => (writing.value = !writing.value)}
              >
                Write a version
              </button>
              {versions.map(({ version }) => (
                <button
                  key={version}
                  class="chip"
                  type="button"
                  aria-pressed={compared.value === version}
                  onClick={() => (compared.value = compared.value === version ? undefined : version)}
                >
                  Compare with version {version}
                </button>
              ))}
            </div>
            {writing.value && <AgentForm key={subject} edited={{ tag, name: agent.name, draft }} />}
            {compared.value !== undefined && <Compared tag={tag} version={compared.value} now={draft} />}
            {!writing.value &&
              compared.value === undefined &&
              draft.files.map((file, index) => (
                <div key={file.name} class="stack tight">
                  <p class="small">
                    <Foreign text={file.name} />
                  </p>
                  <ForeignBlock caption={`File ${index + 1} of this agent`} text={file.content} />
                </div>
              ))}
          </>
        )}
      </Read>
    </>
  );
}

interface ComparedProps {
  readonly tag: string;
  readonly version: number;
  readonly now: ReadResult<"content.agent@1">["agent"];
}

/** From what is in use to that version: what deploying it would change. */
function Compared({ tag, version, now }: ComparedProps) {
  const read = useReading("content.agent@1", { agent: tag, version });
  return (
    <Read read={read} what={`version ${version}`}>
      {({ agent }) => {
        const names = [...new Set([...now.files, ...agent.files].map(({ name }) => name))];
        return (
          <>
            {now.model !== agent.model && (
              <DiffView caption="Model" before={now.model ?? "the usual one"} after={agent.model ?? "the usual one"} />
            )}
            {names.map((name, index) => (
              <div key={name} class="stack tight">
                <p class="small">
                  <Foreign text={name} />
                </p>
                <DiffView
                  caption={`File ${index + 1}: in use, and in version ${version}`}
                  before={now.files.find((one) => one.name === name)?.content ?? ""}
                  after={agent.files.find((one) => one.name === name)?.content ?? ""}
                />
              </div>
            ))}
          </>
        );
      }}
    </Read>
  );
}
