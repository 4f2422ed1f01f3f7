/**
 * Where the gateway's user gets to, tried as that user: an address that is nobody's (RFC 5737, what reaches it is lost), and the
 * address at which clouds hand out the machine's credentials. A rule that refuses answers at once; without one the packet is gone.
 */
import type { Setting } from "../../collector.ts";
import { known, unknown, type Fact } from "../../fact.ts";
import type { Machine, Tried } from "../../machine.ts";
import { listRuleset, type Listed } from "./listing.ts";
import { answerOf, type Answer } from "./nft/inbound.ts";
import { parsedJson, member, textOf } from "./nft/json.ts";
import { pass } from "./nft/walk.ts";

export interface EgressProbe {
  readonly user: string;
  readonly uid: number;
  readonly asUser: Tried["outcome"];
  readonly asRoot: Tried["outcome"];
  /** What the rules for outgoing packets say: where everybody gets the same answer, the router may have given it. */
  readonly byRules: Answer;
}

export interface EgressFacts {
  "net.egress": readonly EgressProbe[];
  "net.metadata": { readonly isThere: boolean; readonly cloud: string; readonly probes: readonly EgressProbe[] };
}

export const egressGives = ["net.egress", "net.metadata"] as const;
type Facts = { readonly [N in keyof EgressFacts]: Fact<EgressFacts[N]> };

const NOBODY = "192.0.2.1";
/** Discard: a port that no gateway needs, so that a rule that allows the web does not let it out. */
const UNNEEDED_PORT = 9;
const METADATA = "169.254.169.254";
const outcomes: readonly string[] = [
  "open",
  "closed",
  "filtered",
  "unreachable",
  "failed",
] satisfies Tried["outcome"][];

export interface GatewayUser {
  readonly user: string;
  readonly uid: number;
  readonly gid: number;
}

export async function egressFacts({ machine }: Setting, users: readonly GatewayUser[]): Promise<Facts> {
  const source = `tcp ${NOBODY}:${String(UNNEEDED_PORT)} as the gateway's user`;
  const place = `tcp ${METADATA}:80 as the gateway's user`;
  if (!machine.isRoot) return { "net.egress": unknown("not_root", source), "net.metadata": unknown("not_root", place) };
  const [listed, toInterface, cloud] = await Promise.all([listRuleset(machine), wayOut(machine), cloudOf(machine)]);
  const ask: Ask = { machine, users, listed, toInterface };
  const [out, metadata] = await Promise.all([probes(ask, NOBODY, UNNEEDED_PORT), probes(ask, METADATA, 80)]);
  const at = machine.now();
  const isThere = metadata.asRoot === "open" || metadata.asRoot === "closed";
  const value = { isThere, cloud, probes: metadata.rows };
  const failed = (rows: readonly EgressProbe[]): boolean => rows.some(({ asUser }) => asUser === "failed");
  return {
    "net.egress": failed(out.rows)
      ? unknown("failed", source)
      : known(out.rows, { level: "probed", source, at, raw: JSON.stringify(out), excerpt: told(out) }),
    "net.metadata": failed(metadata.rows)
      ? unknown("failed", place)
      : known(value, { level: "probed", source: place, at, raw: JSON.stringify(value), excerpt: told(metadata) }),
  };
}

interface Ask {
  readonly machine: Machine;
  readonly users: readonly GatewayUser[];
  readonly listed: Listed;
  readonly toInterface: string | undefined;
}

interface Probes {
  readonly asRoot: Tried["outcome"];
  readonly rows: readonly EgressProbe[];
}

function told({ asRoot, rows }: Probes): string {
  const words = rows.map(({ user, asUser, byRules }) => `${user}: ${asUser} (${byRules} by the rules)`);
  return [`root: ${asRoot}`, ...words].join(", ");
}

async function probes({ machine, users, listed, toInterface }: Ask, host: string, port: number): Promise<Probes> {
  const [root, ...tried] = await Promise.all([
    machine.tcp(host, port),
    ...users.map(({ uid, gid }) => tryAs(machine, { uid, gid }, { host, port })),
  ]);
  const rows = users.map(({ user, uid }, index): EgressProbe => {
    const packet = { family: 4, protocol: "tcp", port, from: undefined, to: [host], toInterface } as const;
    const byRules =
      listed.kind === "listed"
        ? answerOf(
            pass(listed.ruleset, "output", {
              ...packet,
              isPassedOn: false,
              isTranslated: false,
              user: { uid, name: user },
            }).accepted,
          )
        : "unknown";
    return { user, uid, asUser: tried[index] ?? "failed", asRoot: root.outcome, byRules };
  });
  return { asRoot: root.outcome, rows };
}

/** The interface of the default route. */
async function wayOut(machine: Machine): Promise<string | undefined> {
  const answer = await machine.run(["ip", "-j", "route", "get", NOBODY]);
  const list = answer.kind === "ran" ? parsedJson(answer.stdout) : undefined;
  return Array.isArray(list) ? textOf(member(list[0], "dev")) : undefined;
}

/** This program again, as that user: one word comes back. */
async function tryAs(
  machine: Machine,
  as: { readonly uid: number; readonly gid: number },
  { host, port }: { readonly host: string; readonly port: number },
): Promise<Tried["outcome"]> {
  const answer = await machine.run([...machine.self, "try", "tcp", host, String(port)], { as, maxBytes: 4_096 });
  const word = textOf(member(answer.kind === "ran" ? parsedJson(answer.stdout) : undefined, "outcome")) ?? "";
  return isOutcome(word) ? word : "failed";
}

function isOutcome(word: string): word is Tried["outcome"] {
  return outcomes.includes(word);
}

/** What the firmware says whose machine this is; empty for none that is known to hand out credentials. */
async function cloudOf(machine: Machine): Promise<string> {
  const file = await machine.read("/sys/class/dmi/id/sys_vendor");
  const vendor = file.kind === "text" ? file.text.trim() : "";
  return /amazon|google|microsoft|digitalocean|hetzner|vultr|linode|akamai|oracle|alibaba|openstack|scaleway|exoscale|upcloud|ovh/i.test(
    vendor,
  )
    ? vendor
    : "";
}
