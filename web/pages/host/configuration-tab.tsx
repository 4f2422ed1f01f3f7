/** The configuration of a gateway: its versions and who wrote them, what drifted, and after a touch its values. */
import { DiffView } from "../../components/diff-view.tsx";
import { Foreign } from "../../components/foreign.tsx";
import type { Column } from "../../components/sheet.tsx";
import { State } from "../../components/state.tsx";
import { Relative } from "../../components/time.tsx";
import { formatHash, formatList, formatNumberOf } from "../../format.ts";
import type { ReadResult } from "../../state/readings.ts";
import { useAuthor } from "./author.ts";
import { ConfigEdit } from "./config-edit.tsx";
import { useDesk } from "./desk.ts";
import { Granted, useGrantEnd } from "./granted.tsx";
import { Act, Detail, SignerNote, Things } from "./parts.tsx";
import { ListCard, Read, ReadWhen, useReading } from "./reading.tsx";
import { useRollback } from "./rollback.ts";

type Config = ReadResult<"gateway.config@1">;
type Version = Config["versions"][number];
type Value = ReadResult<"content.config@1">["values"][number];

export function ConfigurationTab() {
  const { route } = useDesk();
  const read = useReading("gateway.config@1", {});
  const config = read.kept?.value;
  const open = config?.versions.find(({ version }) => `v-${version}` === route.of);
  return (
    <>
      {open !== undefined && config !== undefined && (
        <VersionDetail key={open.version} version={open} hash={config.hash} />
      )}
      <ListCard id="config" title="Configuration" read={read} what="the configuration's versions">
        {(value) => (
          <>
            <Standing config={value} />
            <Versions config={value} />
          </>
        )}
      </ListCard>
      <section class="card" aria-labelledby="values">
        <div class="card-head">
          <h2 id="values">Values</h2>
        </div>
        <div class="card-body">
          <Granted kind="config" what="the values of the configuration, without its secrets">
            {() => <Values />}
          </Granted>
        </div>
      </section>
      <SignerNote asks={["config.set@1", "config.rollback@1"]} />
    </>
  );
}

const hows = { added: "added", removed: "removed", changed: "changed" } as const;

function Standing({ config: { valid, isApplied, drift, hash } }: { readonly config: Config }) {
  return (
    <div class="card-body stack mid">
      <p class="row wrap small">
        <State shape={valid ? "ok" : "bad"}>{valid ? "valid" : "not valid: the gateway may not start with it"}</State>
        <State shape={isApplied ? "ok" : "warn"}>
          {isApplied ? "runs as the file says" : "the file says something else than what runs"}
        </State>
        <span class="tiny faint mono" title={hash}>
          {formatHash(hash)}
        </span>
      </p>
      {drift.length === 0 ? (
        <p class="small muted">Nothing drifted from the newest version.</p>
      ) : (
        <>
          <p class="small">
            <State shape="warn">{formatNumberOf(drift.length, "place")} drifted</State> from the newest version: changed
            outside of Clawhold.
          </p>
          <ul class="stack tight small">
            {drift.map(({ path, how }) => (
              <li key={path}>
                <Foreign text={path} /> <span class="faint">{hows[how]}</span>
              </li>
            ))}
          </ul>
        </>
      )}
    </div>
  );
}

function Versions({ config: { versions, hash } }: { readonly config: Config }) {
  const { host } = useDesk();
  const authorOf = useAuthor();
  const undo = useRollback();
  const columns: readonly Column<Version>[] = [
    {
      id: "version",
      name: "Version",
      cell: ({ version }) => <a href={`/hosts/${host.id}/configuration?of=v-${version}`}>Version {version}</a>,
      order: ({ version }) => version,
    },
    { id: "at", name: "When", cell: ({ at }) => <Relative at={at} ago />, order: ({ at }) => at, isNumber: true },
    {
      id: "author",
      name: "By",
      cell: ({ author }) => <bdi>{authorOf(author)}</bdi>,
      order: ({ author }) => authorOf(author),
    },
    {
      id: "paths",
      name: "Changed",
      cell: ({ paths, note }) => (
        <span class="stack tight">
          {paths.length === 0 ? (
            <span class="faint">the first that was seen</span>
          ) : (
            <Foreign text={formatList(paths.slice(0, 3)) + (paths.length > 3 ? ` and ${paths.length - 3} more` : "")} />
          )}
          {note !== undefined && <Foreign text={note} />}
        </span>
      ),
    },
    {
      id: "acts",
      name: "",
      cell: (version) => (
        <span class="sheet-acts">
          <Act
            wish={{ operation: "config.rollback@1", args: { version: version.version }, expect: { configHash: hash } }}
            about={`version ${version.version}`}
            undo={undo}
            why={version.hash === hash ? "it is what is there now" : undefined}
          >
            Roll back…
          </Act>
        </span>
      ),
    },
  ];
  return (
    <Things
      label="Versions of the configuration"
      rows={versions}
      columns={columns}
      keyOf={({ version }) => `v-${version}`}
      textOf={({ version, author, note, paths }) => [version, authorOf(author), note, ...paths].join(" ")}
      usual="-version"
    />
  );
}

function VersionDetail({ version, hash }: { readonly version: Version; readonly hash: string }) {
  const undo = useRollback();
  const { note, paths } = version;
  return (
    <Detail title={`Version ${version.version}`}>
      {note !== undefined && (
        <p class="small">
          Why: <Foreign text={note} />
        </p>
      )}
      {paths.length > 0 && (
        <ul class="stack tight small" aria-label="Places that it changed">
          {paths.map((path) => (
            <li key={path}>
              <Foreign text={path} />
            </li>
          ))}
        </ul>
      )}
      <h3>What rolling back to it would change now</h3>
      <Granted kind="config" what="what this version would change">
        {() => <WouldChange version={version.version} />}
      </Granted>
      <div class="acts">
        <Act
          wish={{ operation: "config.rollback@1", args: { version: version.version }, expect: { configHash: hash } }}
          undo={undo}
          why={version.hash === hash ? "it is what is there now" : undefined}
        >
          Roll back to version {version.version}…
        </Act>
      </div>
    </Detail>
  );
}

function WouldChange({ version }: { readonly version: number }) {
  const read = useReading("content.config-version@1", { version });
  useGrantEnd("config", read);
  return (
    <Read read={read} what="what it would change">
      {({ changes }) =>
        changes.length === 0 ? (
          <p class="small muted">Nothing: it is what is there now.</p>
        ) : (
          <>
            {changes.map(({ path, from, to, isSecret }) => (
              <div key={path} class="stack tight">
                <p class="small">
                  <Foreign text={path} />
                </p>
                {isSecret ? (
                  <p class="small muted">A secret differs; it is not shown.</p>
                ) : (
                  <DiffView caption="Now, and then" before={from ?? ""} after={to ?? ""} />
                )}
              </div>
            ))}
          </>
        )
      }
    </Read>
  );
}

const columns: readonly Column<Value>[] = [
  { id: "path", name: "Path", cell: ({ path }) => <Foreign text={path} />, order: ({ path }) => path },
  {
    id: "value",
    name: "Value",
    cell: ({ value, isSecret }) =>
      isSecret ? <span class="faint">a secret, not shown</span> : <Foreign text={value} />,
  },
];

function Values() {
  const read = useReading("content.config@1", {});
  useGrantEnd("config", read);
  return (
    <>
      <ReadWhen read={read} />
      <Read read={read} what="the values">
        {({ values, hash }) => (
          <>
            <h3>Change it</h3>
            <ConfigEdit key={hash} values={values} configHash={hash} />
            <h3>As it is</h3>
            <Things
              label="Values of the configuration"
              rows={values}
              columns={columns}
              keyOf={({ path }) => path}
              textOf={({ path, value, isSecret }) => `${path} ${isSecret ? "" : value}`}
            />
          </>
        )}
      </Read>
    </>
  );
}
