/** Whether what a gateway runs is a version that this host wrote down, with an author. The versions hold secrets: only names are compared. */
import { dirname, join } from "node:path";
import { KeptFileError } from "../../../gateway/kept-file.ts";
import { ConfigVersions, OUTSIDE } from "../../../gateway/versions-file.ts";
import type { Fact } from "../../fact.ts";
import type { Machine } from "../../machine.ts";
import type { AppliedRow, GatewayFacts } from "../gateway.ts";
import type { FoundGateway } from "./find.ts";
import { factOf, type Look } from "./rows.ts";

/** Where an installed host keeps its state. */
const INSTALLED = "/var/lib/clawhold/host";

interface Scene {
  readonly machine: Machine;
  readonly directory: string | undefined;
  readonly gateways: readonly FoundGateway[];
  readonly at: number;
}

type Row = GatewayFacts["gateway.versions"][number];

export async function versionsOf(
  { machine, directory, gateways, at }: Scene,
  applied: Fact<readonly AppliedRow[]>,
): Promise<Fact<readonly Row[]>> {
  const host = directory === undefined ? INSTALLED : dirname(directory);
  const path = join(host, "gateway");
  const isHost = (await machine.look(host)) !== undefined;
  const isClosed = isHost && !machine.isRoot && (await machine.look(join(path, "config-versions.json"))) === undefined;
  const looks = gateways.map(({ name }): Look<Row> => {
    if (isClosed) return { gap: { why: "not_root", source: path } };
    const runs = applied.kind === "known" ? applied.value.find(({ gateway }) => gateway === name) : undefined;
    const hash = runs?.applied.configHash;
    return { row: { gateway: name, state: stateOf(isHost ? newestIn(path) : undefined, hash) } };
  });
  const rows = looks.flatMap((look) => ("row" in look ? [look.row] : []));
  return factOf(looks, {
    level: "runtime",
    source: path,
    at,
    excerpt: rows.map(({ gateway, state }) => `${gateway}: ${state}`).join("; "),
  });
}

function newestIn(path: string): { readonly author: string; readonly hash: string } | undefined {
  try {
    return new ConfigVersions(path).newest();
  } catch (error) {
    if (error instanceof KeptFileError) return undefined; // a list that nobody can read holds no author
    throw error;
  }
}

function stateOf(newest: ReturnType<typeof newestIn>, hash: string | undefined): Row["state"] {
  if (newest === undefined) return "none";
  if (hash !== undefined && newest.hash !== hash) return "changed";
  return newest.author === OUTSIDE ? "outside" : "written";
}
