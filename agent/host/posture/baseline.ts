/**
 * What was seen of a thing that should not change by itself (keys, setuid programs, system files), and which state of it the
 * owner approved. A state is named by the digest of its list, so approving is to name one: a file of one line. Nothing is
 * approved by being the first that was seen.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { digest, seconds } from "../../../protocol/fields.ts";
import { writeFileAtomically } from "../../shared/atomic-file.ts";
import { known, unknown, type Fact, type Seen } from "./fact.ts";
import { keptJson, keptText } from "./kept-json.ts";

export const baselineNames = ["ssh-keys", "setuid", "files"] as const;
export type BaselineName = (typeof baselineNames)[number];

/** What each thing is (a digest, a mode), by its name. */
export type Listing = Readonly<Record<string, string>>;

export interface Drift {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
  /** How many things were compared. */
  readonly total: number;
}

const approvalSchema = v.strictObject({ v: v.literal(1), digest, at: seconds });
const listingSchema = v.record(v.string(), v.string());
/** Of each kind: a list that is so long is not the whole one. */
export const MAX_NAMED = 100;

export function digestOf(listing: Listing): string {
  const sorted = Object.entries(listing).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return createHash("sha256").update(JSON.stringify(sorted)).digest("base64url");
}

export interface Comparing {
  /** State directory of posture; undefined without an installation. */
  readonly directory: string | undefined;
  readonly name: BaselineName;
  readonly listing: Listing;
  readonly seen: Omit<Seen, "raw">;
}

/** Remembers what was seen, and compares it with what was approved. */
export function compare({ directory, name, listing, seen }: Comparing): Fact<Drift> {
  const total = Object.keys(listing).length;
  const now = digestOf(listing);
  if (directory === undefined)
    return unknown("not_approved", `${String(total)} seen; nothing is remembered without an installation`);
  const places = placesOf(directory, name);
  const approval = keptJson(places.approval, approvalSchema);
  const before = approval === undefined ? undefined : keptJson(places.listing(approval.digest), listingSchema);
  keep(directory, { name, listing, digest: now, approved: approval?.digest });
  if (approval === undefined || before === undefined || digestOf(before) !== approval.digest)
    return unknown("not_approved", `${String(total)} seen, approved by nobody yet; name of this state: ${now}`);
  const drift = differenceOf(before, listing);
  return known(drift, { ...seen, raw: JSON.stringify(drift), excerpt: excerptOf(drift) });
}

export function differenceOf(before: Listing, after: Listing): Drift {
  const names = (of: Listing): readonly string[] => Object.keys(of);
  return {
    added: names(after)
      .filter((name) => !Object.hasOwn(before, name))
      .slice(0, MAX_NAMED),
    changed: names(after)
      .filter((name) => Object.hasOwn(before, name) && before[name] !== after[name])
      .slice(0, MAX_NAMED),
    removed: names(before)
      .filter((name) => !Object.hasOwn(after, name))
      .slice(0, MAX_NAMED),
    total: names(after).length,
  };
}

function excerptOf({ added, changed, removed, total }: Drift): string {
  const lines = [
    ...added.map((name) => `+ ${name}`),
    ...changed.map((name) => `~ ${name}`),
    ...removed.map((name) => `- ${name}`),
  ];
  return lines.length === 0 ? `${String(total)} as approved` : lines.join("\n");
}

function placesOf(directory: string, name: BaselineName) {
  const folder = join(directory, "baselines");
  return {
    folder,
    approval: join(folder, `${name}.approved.json`),
    latest: join(folder, `${name}.seen.json`),
    listing: (which: string) => join(folder, `${name}-${which}.json`),
  };
}

interface Keeping {
  readonly name: BaselineName;
  readonly listing: Listing;
  readonly digest: string;
  readonly approved: string | undefined;
}

/** The approved list and the newest one stay; others are of no use. */
function keep(directory: string, { name, listing, digest: now, approved }: Keeping): void {
  const places = placesOf(directory, name);
  if (keptJson(places.latest, approvalSchema)?.digest === now) return;
  mkdirSync(places.folder, { recursive: true, mode: 0o700 });
  writeFileAtomically(places.listing(now), JSON.stringify(listing));
  writeFileAtomically(places.latest, JSON.stringify({ v: 1, digest: now, at: Math.floor(Date.now() / 1_000) }));
  const used = [now, approved].map((which) => `${name}-${which ?? ""}.json`);
  for (const file of readdirSync(places.folder))
    if (file.startsWith(`${name}-`) && file.endsWith(".json") && !used.includes(file))
      rmSync(join(places.folder, file));
}

export interface Approval {
  readonly path: string;
  readonly before: string | undefined;
  /** To be written there, and all that approving is. Undefined: nothing was seen yet. */
  readonly after: string | undefined;
  /** How the newest state differs from the approved one; of nothing approved, everything is added. */
  readonly drift: Drift;
}

/** What approving the state that was seen last would write, for whoever shows it before it is done. */
export function approvalOf(directory: string, name: BaselineName, now: number): Approval {
  const places = placesOf(directory, name);
  const latest = keptJson(places.latest, approvalSchema);
  const approved = keptJson(places.approval, approvalSchema);
  const of = (one: { readonly digest: string } | undefined): Listing =>
    one === undefined ? {} : (keptJson(places.listing(one.digest), listingSchema) ?? {});
  const isSame = latest !== undefined && latest.digest === approved?.digest;
  return {
    path: places.approval,
    before: keptText(places.approval),
    after: isSame ? keptText(places.approval) : latest && JSON.stringify({ v: 1, digest: latest.digest, at: now }),
    drift: differenceOf(of(approved), of(latest)),
  };
}

/** @throws {BaselineError} nothing was seen, or not what was named */
export function approve(
  directory: string,
  { name, digest: named, now }: { name: BaselineName; digest?: string; now: number },
): Drift {
  const { path, after, drift } = approvalOf(directory, name, now);
  const seen = after === undefined ? undefined : v.parse(approvalSchema, JSON.parse(after)).digest;
  if (after === undefined || seen === undefined)
    throw new BaselineError("nothing_seen", "No scan has looked at this yet. Run the slow scan first.");
  if (named !== undefined && named !== seen)
    throw new BaselineError("other_state", `The state that was seen last is ${seen}, not the one that was named.`);
  writeFileAtomically(path, after);
  return drift;
}

export class BaselineError extends Error {
  override readonly name = "BaselineError";
  readonly code: "nothing_seen" | "other_state";

  constructor(code: BaselineError["code"], message: string) {
    super(message);
    this.code = code;
  }
}
