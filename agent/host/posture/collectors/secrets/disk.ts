/** Whether what lies under a gateway's files is encrypted: which device it is, and what that device is made of. */
import * as v from "valibot";
import type { Collector, Setting } from "../../collector.ts";
import { unknown, type Fact } from "../../fact.ts";
import type { Machine } from "../../machine.ts";
import type { GatewayRow } from "../gateway.ts";
import { factOf, type Look } from "../gateway/rows.ts";
import type { SecretFacts } from "../secrets.ts";

const mountSchema = v.object({
  filesystems: v.pipe(v.array(v.object({ source: v.string(), fstype: v.string() })), v.minLength(1)),
});
interface Block {
  readonly type?: string | undefined;
  readonly children?: readonly Block[] | undefined;
}
const blockSchema: v.GenericSchema<Block> = v.object({
  type: v.optional(v.string()),
  children: v.optional(v.array(v.lazy(() => blockSchema))),
});
const blocksSchema = v.object({ blockdevices: v.array(blockSchema) });

/** In memory alone: nothing of it outlives the machine. */
const MEMORY = new Set(["tmpfs", "ramfs"]);

export const diskCollector: Collector = {
  name: "secrets.disk",
  lane: "slow",
  gives: ["secrets.disk"],
  after: ["gateway.found"],
  collect: async ({ machine, soFar }: Setting) => ({ "secrets.disk": await diskFact(machine, soFar["gateway.found"]) }),
};

type Row = SecretFacts["secrets.disk"][number];

async function diskFact(
  machine: Machine,
  found: Fact<readonly GatewayRow[]> | undefined,
): Promise<Fact<readonly Row[]>> {
  if (found?.kind !== "known") return unknown(found?.why ?? "failed", "state directories of gateways");
  const looks = await Promise.all(found.value.map((row) => lookAt(machine, row)));
  const rows = looks.flatMap((look) => ("row" in look ? [look.row] : []));
  return factOf(looks, {
    level: "runtime",
    source: "findmnt, lsblk",
    at: machine.now(),
    excerpt: rows
      .map(({ device, isEncrypted }) => `${device}: ${isEncrypted ? "encrypted" : "not encrypted"}`)
      .join("; "),
  });
}

async function lookAt(machine: Machine, { gateway, directory }: GatewayRow): Promise<Look<Row>> {
  const mount = parsed(await machine.run(["findmnt", "-J", "-T", directory, "-o", "SOURCE,FSTYPE"]), mountSchema);
  const [under] = mount?.filesystems ?? [];
  if (under === undefined) return { gap: { why: "not_visible", source: `findmnt -T ${directory}` } };
  if (MEMORY.has(under.fstype)) return { row: { gateway, device: under.fstype, isEncrypted: true } };
  const device = under.source.replace(/\[.*\]$/, "");
  if (!device.startsWith("/dev/")) return { gap: { why: "not_visible", source: `${under.fstype} ${device}` } };
  const blocks = parsed(await machine.run(["lsblk", "-J", "-s", "-o", "NAME,TYPE", device]), blocksSchema);
  if (blocks === undefined) return { gap: { why: "not_visible", source: `lsblk ${device}` } };
  return { row: { gateway, device, isEncrypted: blocks.blockdevices.some(hasCrypt) } };
}

function hasCrypt({ type, children = [] }: Block): boolean {
  return type === "crypt" || children.some(hasCrypt);
}

function parsed<S extends v.GenericSchema>(
  ran: Awaited<ReturnType<Machine["run"]>>,
  schema: S,
): v.InferOutput<S> | undefined {
  if (ran.kind !== "ran" || ran.exit !== 0) return undefined;
  try {
    const result = v.safeParse(schema, JSON.parse(ran.stdout));
    return result.success ? result.output : undefined;
  } catch {
    return undefined; // an older program that speaks no JSON
  }
}
