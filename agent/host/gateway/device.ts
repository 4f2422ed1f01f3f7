/**
 * The agent's own identities at the gateway: one Ed25519 key for reading, another for the warden, each with the device
 * token that the gateway gave it. Keys and tokens live in files that only this OS user can read; a file that others
 * can read is refused, never repaired, because then the key may already be in other hands.
 */
import { Buffer } from "node:buffer";
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, randomUUID, sign } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { field, isFields } from "./wire.ts";

/** `answers`: the standing one that answers questions before commands, where that is switched on. */
export type DeviceKind = "reader" | "warden" | "answers";

export interface Device {
  /** SHA-256 of the raw public key, hexadecimal: the gateway's own definition. */
  readonly id: string;
  readonly publicKey: string;
  /** Unique for each key: a gateway drops older silent pairings that share client and name with a newer one. */
  readonly displayName: string;
  sign(payload: string): string;
}

/** A device with the place where its token is kept. */
export interface DeviceStore {
  readonly device: Device;
  /** The token that the gateway at this URL gave to this key, if any. */
  token(url: string): Promise<string | undefined>;
  keepToken(url: string, token: string): Promise<void>;
  forgetToken(): Promise<void>;
}

export class DeviceFileError extends Error {
  override readonly name = "DeviceFileError";
  readonly code: "device_file_exposed" | "device_file_damaged";

  constructor(code: "device_file_exposed" | "device_file_damaged", path: string) {
    super(
      code === "device_file_exposed"
        ? `Other users of this machine can read ${path}, so the key in it may be known to them. Delete the file; a new key is made at the next start.`
        : `${path} is not a device file that this version wrote. Delete it; a new key is made at the next start.`,
    );
    this.code = code;
  }
}

/** A device file is 150 bytes; anything much larger is not ours. */
const MAX_DEVICE_FILE_BYTES = 8_192;
const TOKEN = /^[0-9A-Za-z._~+/=-]{16,512}$/;

function deviceOf(privateKey: KeyObject, label: string): Device {
  const raw = createPublicKey(privateKey).export({ type: "spki", format: "der" }).subarray(-32);
  const id = createHash("sha256").update(raw).digest("hex");
  return {
    id,
    publicKey: raw.toString("base64url"),
    displayName: `clawhold ${label} ${id.slice(0, 8)}`,
    sign: (payload) => sign(null, Buffer.from(payload, "utf8"), privateKey).toString("base64url"),
  };
}

/** A device that lives in memory only: it never pairs and is forgotten with the process. */
export function transientDevice(label: string): Device {
  return deviceOf(generateKeyPairSync("ed25519").privateKey, label);
}

/** Opens the device of this kind under `directory`, creating key and directory on first use. */
export async function openDevice(directory: string, kind: DeviceKind): Promise<DeviceStore> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const keyPath = join(directory, `gateway-${kind}.key.json`);
  const tokenPath = join(directory, `gateway-${kind}.token.json`);
  const stored = await readPrivate(keyPath);
  const privateKey = stored === undefined ? await createKey(keyPath) : parseKey(stored, keyPath);
  const device = deviceOf(privateKey, kind);
  return {
    device,
    token: (url) => readToken(tokenPath, device.id, url),
    keepToken: (url, token) => keepToken(tokenPath, { device: device.id, url, token }),
    forgetToken: () => rm(tokenPath, { force: true }),
  };
}

async function createKey(path: string): Promise<KeyObject> {
  const { privateKey } = generateKeyPairSync("ed25519");
  const pkcs8 = privateKey.export({ type: "pkcs8", format: "der" }).toString("base64url");
  await writePrivate(path, JSON.stringify({ v: 1, pkcs8 }));
  return privateKey;
}

function parseKey(text: string, path: string): KeyObject {
  const body = parseFile(text, path, ["v", "pkcs8"]);
  const pkcs8 = body["pkcs8"];
  if (body["v"] !== 1 || typeof pkcs8 !== "string") throw new DeviceFileError("device_file_damaged", path);
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: Buffer.from(pkcs8, "base64url"), format: "der", type: "pkcs8" });
  } catch {
    throw new DeviceFileError("device_file_damaged", path);
  }
  if (key.asymmetricKeyType !== "ed25519") throw new DeviceFileError("device_file_damaged", path);
  return key;
}

async function readToken(path: string, device: string, url: string): Promise<string | undefined> {
  const text = await readPrivate(path);
  if (text === undefined) return undefined;
  const body = parseFile(text, path, ["v", "device", "url", "token"]);
  const token = body["token"];
  if (body["v"] !== 1 || typeof token !== "string" || !TOKEN.test(token))
    throw new DeviceFileError("device_file_damaged", path);
  // A token of another key or another gateway is of no use here, and showing it there would be a leak.
  return body["device"] === device && body["url"] === url ? token : undefined;
}

/** A token that is not a token (the gateway made it up to break our file) is not kept; the next connect pairs again. */
async function keepToken(path: string, entry: { device: string; url: string; token: string }): Promise<void> {
  if (!TOKEN.test(entry.token)) return;
  const text = JSON.stringify({ v: 1, ...entry });
  if ((await readPrivate(path)) !== text) await writePrivate(path, text);
}

function parseFile(text: string, path: string, keys: readonly string[]): Readonly<Record<string, unknown>> {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new DeviceFileError("device_file_damaged", path);
  }
  if (!isFields(body) || Object.keys(body).length !== keys.length)
    throw new DeviceFileError("device_file_damaged", path);
  if (keys.some((key) => field(body, key) === undefined)) throw new DeviceFileError("device_file_damaged", path);
  return body;
}

async function readPrivate(path: string): Promise<string | undefined> {
  const facts = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (facts === undefined) return undefined;
  if ((facts.mode & 0o077) !== 0) throw new DeviceFileError("device_file_exposed", path);
  if (!facts.isFile() || facts.size > MAX_DEVICE_FILE_BYTES) throw new DeviceFileError("device_file_damaged", path);
  return readFile(path, "utf8");
}

/** Written beside and renamed: after a crash the file is the old one or the new one. */
async function writePrivate(path: string, text: string): Promise<void> {
  const beside = `${path}.${randomUUID()}.new`;
  const file = await open(beside, "wx", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(beside, path);
}
