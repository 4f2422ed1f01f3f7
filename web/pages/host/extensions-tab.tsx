/** Plugins, skills and MCP servers of a gateway with their versions. Each runs with the gateway's rights. */
import { Foreign } from "../../components/foreign.tsx";
import type { Column } from "../../components/sheet.tsx";
import { State } from "../../components/state.tsx";
import { unknown } from "../../format.ts";
import type { ReadResult } from "../../state/readings.ts";
import { useFresh } from "./fresh.ts";
import { Act, SignerNote, Things } from "./parts.tsx";
import { ListCard, MoreThere, useReading } from "./reading.tsx";

type Extension = ReadResult<"gateway.extensions@1">["extensions"][number];

const kinds = { plugin: "plugin", skill: "skill", mcp: "MCP server" } as const;

const columns: readonly Column<Extension>[] = [
  { id: "name", name: "Name", cell: ({ name }) => <Foreign text={name} />, order: ({ name }) => name },
  { id: "kind", name: "Kind", cell: ({ kind }) => kinds[kind], order: ({ kind }) => kind },
  {
    id: "version",
    name: "Version",
    cell: ({ version }) => (version === undefined ? unknown : <Foreign text={version} />),
    order: ({ version }) => version,
  },
  {
    id: "state",
    name: "State",
    cell: ({ enabled, state }) => (
      <>
        <State shape={enabled ? "ok" : "stopped"}>{enabled ? "enabled" : "disabled"}</State>{" "}
        {state !== undefined && state !== (enabled ? "enabled" : "disabled") && <Foreign text={state} />}
      </>
    ),
    order: ({ enabled }) => (enabled ? 0 : 1),
  },
  {
    id: "source",
    name: "Comes from",
    cell: ({ source }) => (source === undefined ? unknown : <Foreign text={source} />),
    order: ({ source }) => source,
    isMinor: true,
  },
  { id: "acts", name: "", cell: (extension) => <Switch extension={extension} /> },
];

export function ExtensionsTab() {
  const read = useReading("gateway.extensions@1", {});
  return (
    <>
      <ListCard
        id="extensions"
        title="Plugins, skills and MCP servers"
        read={read}
        what="the extensions"
        foot="An MCP server is switched in the configuration."
      >
        {({ extensions, more, withoutPlugins }) => (
          <>
            <Things
              label="Plugins, skills and MCP servers"
              rows={extensions}
              columns={columns}
              keyOf={({ kind, tag }) => `${kind} ${tag}`}
              textOf={({ kind, name, version, source, enabled, state }) =>
                [kinds[kind], name, version, source, state, enabled ? "enabled" : "disabled"].join(" ")
              }
              usual="state"
            />
            <MoreThere more={more} />
            {withoutPlugins === true && (
              <p class="card-body small muted">
                This version of the gateway does not say which plugins it has: only skills and MCP servers are listed.
              </p>
            )}
          </>
        )}
      </ListCard>
      <SignerNote asks={["plugin.enable@1"]} />
    </>
  );
}

function Switch({ extension: { tag, subject, kind, name, enabled } }: { readonly extension: Extension }) {
  const fresh = useFresh();
  if (kind === "mcp") return null;
  const args = { subject: tag, kind };
  if (enabled) {
    const make = async () => {
      const now = await fresh("gateway.extensions@1", {}, ({ extensions }) =>
        extensions.find((one) => one.tag === tag && one.kind === kind),
      );
      if (now === undefined) return undefined;
      return { operation: "plugin.enable@1", args, expect: { subject: now.subject } } as const;
    };
    return (
      <span class="sheet-acts">
        <Act wish={{ operation: "plugin.disable@1", args }} about={name} undo={{ title: "Enable it again", make }}>
          Disable…
        </Act>
      </span>
    );
  }
  const disable = { operation: "plugin.disable@1", args } as const;
  return (
    <span class="sheet-acts">
      <Act
        wish={{ operation: "plugin.enable@1", args, expect: { subject } }}
        about={name}
        undo={{ title: "Disable it again", make: async () => disable }}
      >
        Enable…
      </Act>
    </span>
  );
}
