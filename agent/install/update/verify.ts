/**
 * The warden's side of an update: what a verified command named is fetched by somebody who holds no authority, and judged here.
 * Two things must hold: the SHA-256 that a person signed, and the signature of the release key that was pinned by hand. So neither
 * the edge nor a stolen passkey alone chooses what runs, and nobody brings back an old version with a known hole.
 */
import { createHash } from "node:crypto";
import { execFile } from "node:child_process";
import { closeSync, constants, existsSync, fstatSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { MalformedError } from "../../../protocol/canonical.ts";
import {
  compareVersions,
  MAX_BUNDLE_BYTES,
  releaseKeyCodec,
  releaseVersion,
  verifyRelease,
} from "../../../protocol/release.ts";
import type { AgentUpdates, UpdateOrder, UpdateRefusal } from "../../host/update/control-interface.ts";
import type { HostLayout } from "../../host/units/layout.ts";
import { writeFileAtomically } from "../../shared/atomic-file.ts";
import { systemCode } from "../../shared/edge-error.ts";
import { writeWhole } from "../release-directory.ts";
import { readLast } from "./order.ts";
import { UPDATE_UNITS, updatePlaces, type UpdatePlaces } from "./places.ts";

const SYSTEMCTL = "/usr/bin/systemctl";
/** Longer than the unit itself may take. */
const START_MILLISECONDS = 200_000;
const MAX_SIGNED_BYTES = 4_096;

export interface UpdatesOptions {
  readonly layout: HostLayout;
  /** Of this very program. */
  readonly version: string;
  /** For tests: starts a unit, to its end unless it is the one that ends us. True when that worked. */
  readonly start?: (unit: string) => Promise<boolean>;
}

export function agentUpdates({ layout, version, start = startUnit }: UpdatesOptions): AgentUpdates {
  const places = updatePlaces(layout);
  return {
    standing() {
      if (!v.is(releaseVersion, version)) return undefined;
      const last = readLast(places.last);
      const isWell = last?.ended === "updated" && last.to === version;
      return isWell ? { version, since: last.at } : { version };
    },
    async begin(order) {
      const key = pinnedKey(places);
      if (key === undefined) return "no_release_key";
      if (compareVersions(order.version, version) <= 0) return "release_older";
      if (existsSync(places.pending)) return "update_running";
      writeWhole(places.order, `${JSON.stringify({ version: order.version, sha256: order.sha256 })}\n`);
      if (!(await start(UPDATE_UNITS.fetch))) return "release_unreachable";
      const refusal = await judge(places, order, key);
      if (refusal !== undefined) return refusal;
      return (await start(UPDATE_UNITS.update)) ? undefined : "update_not_started";
    },
  };
}

/** Writes the archive down for root alone, once it is what was signed. */
async function judge(places: UpdatePlaces, order: UpdateOrder, key: string): Promise<UpdateRefusal | undefined> {
  const archive = readForeign(join(places.incoming, "clawhold.tar.gz"), MAX_BUNDLE_BYTES);
  const signed = readForeign(join(places.incoming, "release.json"), MAX_SIGNED_BYTES);
  if (archive === undefined || signed === undefined) return "release_unreachable";
  if (createHash("sha256").update(archive).digest("hex") !== order.sha256) return "release_sum";
  const release = await verified(signed, key);
  if (release?.version !== order.version || release.sha256 !== order.sha256) return "release_signature";
  writeFileAtomically(places.archive, archive);
  return undefined;
}

async function verified(file: Uint8Array, key: string): ReturnType<typeof verifyRelease> {
  try {
    return await verifyRelease(file, key);
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}

function pinnedKey({ releaseKey }: UpdatePlaces): string | undefined {
  if (!existsSync(releaseKey)) return undefined;
  return releaseKeyCodec.decode(readFileSync(releaseKey)).publicKey;
}

/** Somebody else's file: no link, nothing that blocks, and not more than fits. */
function readForeign(path: string, maxBytes: number): Uint8Array | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (systemCode(error) !== undefined) return undefined;
    throw error;
  }
  try {
    const facts = fstatSync(fd);
    return facts.isFile() && facts.size <= maxBytes ? readFileSync(fd) : undefined;
  } finally {
    closeSync(fd);
  }
}

function startUnit(unit: string): Promise<boolean> {
  // The update stops this very process, which waits for the command that is running: so nobody waits for the update.
  const waiting = unit === UPDATE_UNITS.update ? ["--no-block"] : [];
  return new Promise((resolve) => {
    execFile(SYSTEMCTL, ["start", ...waiting, unit], { timeout: START_MILLISECONDS }, (error) =>
      resolve(error === null),
    );
  });
}
