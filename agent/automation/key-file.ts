/**
 * The file of an automation key: its seed, and what it was made for. Made on the machine that uses it; only the public
 * half ever leaves. A key that nobody granted in the trust log can do nothing.
 */
import { randomBytes } from "node:crypto";
import * as v from "valibot";
import { fromBase64url, toBase64url } from "../../protocol/bytes.ts";
import { digest, fixedBytes, id, label } from "../../protocol/fields.ts";
import { edgeUrl } from "../../protocol/signer-memory.ts";
import type { Signer } from "../../protocol/signing.ts";
import { automationKeyIdOf, automationKeyWords } from "../../protocol/words.ts";
import { signerOf } from "../shared/signer.ts";
import { readOwnerFile } from "../signer/owner-file.ts";
import { AutomationError } from "./trouble.ts";

const SEED_BYTES = 32;
const fileSchema = v.strictObject({
  v: v.literal(1),
  id,
  seed: fixedBytes(SEED_BYTES),
  workspace: digest,
  edge: edgeUrl,
  edgeName: v.optional(v.pipe(v.string(), v.maxLength(255))),
  label,
});

export interface AutomationKeyFile {
  /** Named in the grant; follows from the public key. */
  readonly id: string;
  readonly workspace: string;
  readonly edge: string;
  readonly edgeName: string | undefined;
  readonly label: string;
  readonly signer: Signer;
  /** Compared with the page on which the key is granted. */
  readonly words: readonly string[];
}

export interface NewKey {
  readonly workspace: string;
  readonly edge: string;
  readonly edgeName: string | undefined;
  readonly label: string;
}

/** The text of a new key file, and the key in it. */
export function makeKey({ edgeName, ...rest }: NewKey): { readonly text: string; readonly key: AutomationKeyFile } {
  const seed = toBase64url(randomBytes(SEED_BYTES));
  const { publicKey } = signerOf(fromBase64url(seed));
  const named = edgeName === undefined ? {} : { edgeName };
  const text = `${JSON.stringify({ v: 1, id: automationKeyIdOf(publicKey), seed, ...rest, ...named })}\n`;
  return { text, key: parseKey(text, "the new key") };
}

/** @throws {AutomationError} `key_exposed`, `key_file` */
export function readKeyFile(path: string, uid: number): AutomationKeyFile {
  const file = readOwnerFile(path, uid);
  if (file.kind === "text") return parseKey(file.text, path);
  if (file.kind === "exposed") {
    throw new AutomationError(
      "key_exposed",
      `The key in ${path} is not used: ${file.why}. Revoke it on the page Automation and make a new one; a key file belongs to one user, mode 600.`,
    );
  }
  throw unusable(path, file.kind === "absent" ? "there is no such file" : file.why);
}

/** @throws {AutomationError} `key_file` */
export function parseKey(text: string, place: string): AutomationKeyFile {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw unusable(place, "it is not JSON"); // the parser's own words would quote the seed
  }
  const parsed = v.safeParse(fileSchema, value);
  if (!parsed.success) throw unusable(place, "it holds something else");
  const { seed, workspace, edge, edgeName, label: name } = parsed.output;
  const signer = signerOf(fromBase64url(seed));
  if (parsed.output.id !== automationKeyIdOf(signer.publicKey)) throw unusable(place, "its id and its key do not fit");
  const words = automationKeyWords({ publicKey: signer.publicKey, workspace });
  return { id: parsed.output.id, workspace, edge, edgeName, label: name, signer, words };
}

function unusable(place: string, why: string): AutomationError {
  return new AutomationError(
    "key_file",
    `There is no automation key in ${place}: ${why}. Make one with clawhold run --make-key <file>.`,
  );
}
