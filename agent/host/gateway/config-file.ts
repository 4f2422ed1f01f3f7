/**
 * The gateway's configuration file itself, where this agent may touch it: read to keep a version with its secrets, and
 * put back when the gateway does not come up to be told. Only a plain file is touched, and what is written keeps its
 * owner and mode. The text is never logged.
 */
import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { lstat, open, rename, rm } from "node:fs/promises";
import { systemCode } from "../../shared/edge-error.ts";
import { ConfigurationSyntaxError, MAX_CONFIGURATION_CHARACTERS, parseConfiguration } from "./configuration.ts";

/** Undefined: there is none, it is another user's, or it is no plain file. */
export async function readConfigFile(path: string): Promise<string | undefined> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    try {
      const facts = await file.stat();
      if (!facts.isFile() || facts.size > MAX_CONFIGURATION_CHARACTERS) return undefined;
      const { buffer, bytesRead } = await file.read(Buffer.alloc(facts.size), 0, facts.size, 0);
      return new TextDecoder("utf-8", { fatal: true }).decode(buffer.subarray(0, bytesRead));
    } finally {
      await file.close();
    }
  } catch (error) {
    if (systemCode(error) !== undefined || error instanceof TypeError) return undefined;
    throw error;
  }
}

/** Old content or new, never half, with the owner and mode of the file that is there. False: not ours to write. */
export async function replaceConfigFile(path: string, text: string): Promise<boolean> {
  const beside = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    const facts = await lstat(path);
    if (!facts.isFile()) return false;
    const file = await open(beside, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    try {
      await file.writeFile(text);
      await file.chown(facts.uid, facts.gid);
      await file.chmod(facts.mode & 0o777);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, path);
    return true;
  } catch (error) {
    await rm(beside, { force: true }).catch((left: unknown) => {
      if (systemCode(left) === undefined) throw left;
    });
    if (systemCode(error) !== undefined) return false;
    throw error;
  }
}

/** The gateway writes plain JSON; a person may have written more. Undefined: it does not parse. */
export function parseConfigText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return parseByHand(text);
  }
}

function parseByHand(text: string): unknown {
  try {
    return parseConfiguration(text);
  } catch (error) {
    if (error instanceof ConfigurationSyntaxError) return undefined;
    throw error;
  }
}
