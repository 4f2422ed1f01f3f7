/** The machine's own addresses that others may reach it by: not loopback, not of a bridge that only containers sit behind. */
import * as v from "valibot";
import type { Machine } from "../machine.ts";
import { ranOnce } from "./asked-once.ts";

const listSchema = v.array(
  v.object({
    ifname: v.string(),
    flags: v.optional(v.array(v.string()), []),
    addr_info: v.optional(v.array(v.object({ local: v.string(), scope: v.optional(v.string(), "global") })), []),
  }),
);

/** With details, which one of the others who ask wants: it is one program for all. */
export const LIST_ADDRESSES: readonly string[] = ["ip", "-j", "-d", "address"];

/** At most so many are knocked at. */
const MAX_ADDRESSES = 4;

export async function ownAddresses(machine: Machine): Promise<readonly string[]> {
  const ran = await ranOnce(machine, LIST_ADDRESSES);
  if (ran.kind !== "ran" || ran.exit !== 0) return [];
  return parseAddresses(ran.stdout).slice(0, MAX_ADDRESSES);
}

export function parseAddresses(text: string): readonly string[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return []; // an `ip` that knows no JSON: probes stay on loopback, and say so
  }
  const parsed = v.safeParse(listSchema, value);
  if (!parsed.success) return [];
  return parsed.output
    .filter(
      ({ ifname, flags }) =>
        flags.includes("UP") &&
        !flags.includes("LOOPBACK") &&
        !/^(?:docker|br-|veth|virbr|lxc|lxdbr|cni|podman)/.test(ifname),
    )
    .flatMap(({ addr_info }) => addr_info.filter(({ scope }) => scope === "global").map(({ local }) => local));
}
