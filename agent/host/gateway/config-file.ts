/**
 * The gateway's configuration file itself, where this agent may touch it: read to keep a version with its secrets, and
 * put back when the gateway does not come up to be told. Only a plain file is touched, and what is written keeps its
 * owner and mode. The text is never logged.
 */
import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import { constants, type Stats } from "node:fs";
import { lstat, open, readlink, rename, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { systemCode } from "../../shared/edge-error.ts";
import { ConfigurationSyntaxError, MAX_CONFIGURATION_CHARACTERS, parseConfiguration } from "./configuration.ts";
import { isBounded } from "./config-snapshot.ts";

const ROOT = 0;

interface Door {
  /** How the file is reached. */
  readonly at: string;
  /** Only a file of his is touched; undefined where our own rights are the limit. */
  readonly owner: number | undefined;
  readonly close: () => Promise<void>;
}

/**
 * Root may touch everything, so whoever owns the directory could lead it anywhere: the directory is held open, reached
 * through no link, and the file is reached from there. Undefined: it leads elsewhere. Where nothing names an open
 * directory (no /proc), root is kept out.
 */
async function doorTo(path: string, asRoot: boolean): Promise<Door | undefined> {
  if (!asRoot) return { at: path, owner: undefined, close: () => Promise.resolve() };
  const directory = await open(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  const close = (): Promise<void> => directory.close();
  try {
    const held = `/proc/self/fd/${String(directory.fd)}`;
    const { uid: owner } = await directory.stat();
    if ((await readlink(held)) === resolve(dirname(path))) return { at: join(held, basename(path)), owner, close };
  } catch (error) {
    await close();
    throw error;
  }
  await close();
  return undefined;
}

async function through<T>(path: string, asRoot: boolean, act: (door: Door) => Promise<T>): Promise<T | undefined> {
  const door = await doorTo(path, asRoot);
  if (door === undefined) return undefined;
  try {
    return await act(door);
  } finally {
    await door.close();
  }
}

/** Another user's file in a directory of his own choice (a second name for it, say) is not the gateway's configuration. */
function isTouchable({ owner }: Door, facts: Stats): boolean {
  if (!facts.isFile()) return false;
  return owner === undefined || (facts.nlink === 1 && (owner === ROOT || facts.uid === owner));
}

function isRoot(): boolean {
  return process.geteuid?.() === ROOT;
}

/** Undefined: there is none, it is another user's, or it is no plain file. `asRoot`: as whom we run; for tests. */
export async function readConfigFile(path: string, asRoot = isRoot()): Promise<string | undefined> {
  try {
    return await through(path, asRoot, readThrough);
  } catch (error) {
    if (systemCode(error) !== undefined || error instanceof TypeError) return undefined;
    throw error;
  }
}

async function readThrough(door: Door): Promise<string | undefined> {
  const file = await open(door.at, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  try {
    const facts = await file.stat();
    if (!isTouchable(door, facts) || facts.size > MAX_CONFIGURATION_CHARACTERS) return undefined;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(facts.size), 0, facts.size, 0);
    return new TextDecoder("utf-8", { fatal: true }).decode(buffer.subarray(0, bytesRead));
  } finally {
    await file.close();
  }
}

/** Old content or new, never half, with the owner and mode of the file that is there. False: not ours to write. */
export async function replaceConfigFile(path: string, text: string, asRoot = isRoot()): Promise<boolean> {
  try {
    return (await through(path, asRoot, (door) => replaceThrough(door, text))) ?? false;
  } catch (error) {
    if (systemCode(error) !== undefined) return false;
    throw error;
  }
}

async function replaceThrough(door: Door, text: string): Promise<boolean> {
  const beside = `${door.at}.${randomBytes(6).toString("hex")}.tmp`;
  const facts = await lstat(door.at);
  if (!isTouchable(door, facts)) return false;
  try {
    const file = await open(beside, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    try {
      await file.writeFile(text);
      await file.chown(facts.uid, facts.gid);
      await file.chmod(facts.mode & 0o777);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, door.at);
    return true;
  } catch (error) {
    await rm(beside, { force: true }).catch((left: unknown) => {
      if (systemCode(left) === undefined) throw left;
    });
    throw error;
  }
}

/** The gateway writes plain JSON; a person may have written more. Undefined: it does not parse, or is no configuration. */
export function parseConfigText(text: string): unknown {
  const tree = parseText(text);
  // Whoever wrote it may be hostile, and everything that follows goes as deep as it does.
  return isBounded(tree) ? tree : undefined;
}

function parseText(text: string): unknown {
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
