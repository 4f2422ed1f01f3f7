/** Plugins, skills and MCP servers: what the gateway loads. */
import type { ReadResult } from "../../../../protocol/reads.ts";
import { readTree } from "../config-snapshot.ts";
import { GatewayError } from "../faults.ts";
import { ReadingError } from "../reading-error.ts";
import { extensionSubject } from "../subjects.ts";
import { field, isFields } from "../wire.ts";
import type { Asking } from "./asking.ts";
import { name, present, text } from "./shown.ts";

type Extensions = ReadResult<"gateway.extensions@1">;
type Extension = Extensions["extensions"][number];

const MAX_EXTENSIONS = 400;
const MAX_ID_CHARACTERS = 512;

export async function readExtensions({ acting, ask, now }: Asking): Promise<Extensions> {
  const [plugins, skills, tree] = await Promise.all([
    askPlugins(ask),
    ask("skills.status"),
    acting.connection().then(readTree),
  ]);
  const { tags } = acting;
  const servers = field(field(tree, "mcp"), "servers");
  const all: Extension[] = [
    // The catalogue of what could be installed is not what is there.
    ...(plugins ?? [])
      .filter((row) => field(row, "installed") !== false)
      .flatMap((row) => withId(row, "id", (id) => pluginOf(row, tags.tag("plugin", id)))),
    ...listIn(skills, "skills").flatMap((row) => withId(row, "skillKey", (id) => skillOf(row, tags.tag("skill", id)))),
    ...Object.entries(isFields(servers) ? servers : {}).map(([id, server]) =>
      serverOf({ id, server, tag: tags.tag("mcp", id) }),
    ),
  ];
  const unsaid = plugins === undefined ? { withoutPlugins: true as const } : {};
  return { at: now, extensions: all.slice(0, MAX_EXTENSIONS), more: all.length > MAX_EXTENSIONS, ...unsaid };
}

/** Undefined: the extended-stable line of the gateway has no such request, and says that ours is not valid. */
async function askPlugins(ask: Asking["ask"]): Promise<readonly unknown[] | undefined> {
  try {
    return listIn(await ask("plugins.list"), "plugins");
  } catch (error) {
    if (error instanceof GatewayError && error.code === "refused.INVALID_REQUEST") return undefined;
    throw error;
  }
}

function listIn(answer: unknown, key: string): readonly unknown[] {
  const list = field(answer, key);
  if (!Array.isArray(list)) throw new ReadingError("gateway");
  return list;
}

function withId(row: unknown, key: string, make: (id: string) => Extension): readonly Extension[] {
  const id = field(row, key);
  return typeof id === "string" && id !== "" && id.length <= MAX_ID_CHARACTERS ? [make(id)] : [];
}

function pluginOf(row: unknown, tag: string): Extension {
  return {
    tag,
    subject: extensionSubject("plugin", row),
    kind: "plugin",
    name: name(field(row, "id")) ?? "",
    enabled: field(row, "enabled") === true,
    ...present({
      version: text(field(row, "version"), 40),
      source: text(field(row, "origin"), 64),
      state: text(field(row, "state"), 64),
    }),
  };
}

function skillOf(row: unknown, tag: string): Extension {
  const isEligible = field(row, "eligible");
  return {
    tag,
    subject: extensionSubject("skill", row),
    kind: "skill",
    name: name(field(row, "skillKey")) ?? "",
    enabled: field(row, "disabled") !== true,
    ...present({
      source: text(field(row, "source"), 64),
      state: typeof isEligible === "boolean" ? (isEligible ? "eligible" : "not eligible") : undefined,
    }),
  };
}

/** From the configuration: how one is started is content, and not here. */
function serverOf({
  id,
  server,
  tag,
}: {
  readonly id: string;
  readonly server: unknown;
  readonly tag: string;
}): Extension {
  const enabled = field(server, "enabled") !== false && field(server, "disabled") !== true;
  return {
    tag,
    subject: extensionSubject("mcp", { id, enabled }),
    kind: "mcp",
    name: id.slice(0, 200),
    enabled,
    source: field(server, "url") === undefined ? "command" : "address",
  };
}
