/** Which advisories this program knows: those that it was built with, or those of a newer file that the release key signed. */
import { dirname, join } from "node:path";
import { utf8 } from "../../../../protocol/bytes.ts";
import { MalformedError } from "../../../../protocol/canonical.ts";
import { releaseKeyCodec } from "../../../../protocol/release.ts";
import type { Machine } from "../machine.ts";
import { MAX_ADVISORIES_BYTES, openAdvisories, type Advisories, type Advisory } from "./format.ts";
import { AS_OF, REVISION, ROWS } from "./data.ts";
import { rowsIn } from "./rows.ts";
import { isAffected } from "./versions.ts";

/** In the posture directory. */
export const ADVISORIES_FILE = "advisories.json";
const KEY_FILE = "release-key.json";

const embedded: Advisories = { v: 1, revision: REVISION, asOf: AS_OF, advisories: rowsIn(ROWS) };

export interface KnownAdvisories {
  readonly asOf: string;
  readonly count: number;
  readonly revision: number;
  /** `built in`, or the path of the file. */
  readonly source: string;
  /** Why a file that is there does not count. */
  readonly refused?: "malformed" | "signature" | "no_key" | "older" | "unreadable";
}

export interface AdvisoriesHere {
  readonly summary: KnownAdvisories;
  readonly list: readonly Advisory[];
}

/** One advisory that an installed version is in the range of. */
export type Affecting = Pick<Advisory, "id" | "severity" | "fixed" | "title">;

export async function advisoriesIn(directory: string | undefined, machine: Machine): Promise<AdvisoriesHere> {
  if (directory === undefined) return here(embedded, "built in");
  const path = join(directory, ADVISORIES_FILE);
  const file = await machine.read(path, 2 * MAX_ADVISORIES_BYTES);
  if (file.kind === "absent") return here(embedded, "built in");
  if (file.kind !== "text") return here(embedded, "built in", "unreadable");
  const opened = await openAdvisories(file.text, await releaseKey(directory, machine));
  if (opened.kind !== "ok") return here(embedded, "built in", opened.kind);
  if (opened.advisories.revision <= embedded.revision) return here(embedded, "built in", "older");
  return here(opened.advisories, path);
}

/** As it was pinned when the host was installed: a file that came with the list proves nothing. */
async function releaseKey(directory: string, machine: Machine): Promise<string | undefined> {
  const file = await machine.read(join(dirname(directory), "warden", KEY_FILE));
  if (file.kind !== "text") return undefined;
  try {
    return releaseKeyCodec.decode(utf8(file.text)).publicKey;
  } catch (error) {
    if (error instanceof MalformedError) return undefined; // no key: nothing is believed
    throw error;
  }
}

function here(
  { asOf, revision, advisories }: Advisories,
  source: string,
  refused?: KnownAdvisories["refused"],
): AdvisoriesHere {
  return {
    summary: { asOf, revision, count: advisories.length, source, ...(refused === undefined ? {} : { refused }) },
    list: advisories,
  };
}

const MAX_AFFECTING = 200;

export function affecting(version: string, list: readonly Advisory[]): readonly Affecting[] {
  return list
    .filter((advisory) => isAffected(version, advisory))
    .slice(0, MAX_AFFECTING)
    .map(({ id, severity, fixed, title }) => ({ id, severity, fixed, title }));
}
