/**
 * Which of the gateway's devices are this agent's own, known from its own keys: a device that merely calls itself ours is
 * a stranger's, and must not escape being revoked by its name.
 */
import { Buffer } from "node:buffer";
import { createHash, createPrivateKey, createPublicKey } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { systemCode } from "../../shared/edge-error.ts";
import { readPrivateFile } from "../private-file.ts";
import { field } from "./wire.ts";

const KEY_FILE = /^gateway-[a-z]{1,16}\.key\.json$/;

/** Ids of the devices whose keys lie in this directory. @throws {HostError} when others could have read one */
export function ownDeviceIds(directory: string): ReadonlySet<string> {
  return new Set(keyFiles(directory).flatMap((name) => idIn(join(directory, name))));
}

function keyFiles(directory: string): readonly string[] {
  try {
    return readdirSync(directory).filter((name) => KEY_FILE.test(name));
  } catch (error) {
    if (systemCode(error) === "ENOENT") return [];
    throw error;
  }
}

function idIn(path: string): readonly string[] {
  const text = readPrivateFile(path);
  const pkcs8 = text === undefined ? undefined : field(JSON.parse(text), "pkcs8");
  if (typeof pkcs8 !== "string") return [];
  const key = createPrivateKey({ key: Buffer.from(pkcs8, "base64url"), format: "der", type: "pkcs8" });
  const raw = createPublicKey(key).export({ type: "spki", format: "der" }).subarray(-32);
  return [createHash("sha256").update(raw).digest("hex")];
}
