/** How strong a secret is, without saying what it is; and where the gateway takes it from. */
import { GatewayCredential, MAX_SECRET_CHARACTERS, type CredentialKind } from "../../../gateway/credential.ts";
import { field, isFields } from "../../../gateway/wire.ts";

/** Numbers alone: neither the secret nor a digest of it, by which it could be guessed. */
export interface Strength {
  readonly characters: number;
  /** An estimate from its length and the kinds of characters in it; 0 for a placeholder. */
  readonly bits: number;
}

/** What somebody meant to replace, and what a shell makes of a variable that is not there. */
const PLACEHOLDER = /^(?:|undefined|null|changeme|change-me|secret|token|password|openclaw|test|your[-_ ].*|<.*>)$/i;

export function strengthOf(secret: string): Strength {
  const characters = secret.length;
  if (PLACEHOLDER.test(secret.trim())) return { characters, bits: 0 };
  const alphabet = alphabetOf(secret);
  // A word that repeats itself is as strong as its different characters.
  const distinct = new Set(secret).size;
  const counted = Math.min(characters, distinct * 4);
  return { characters, bits: Math.floor(counted * Math.log2(Math.max(2, Math.min(alphabet, distinct * 4)))) };
}

function alphabetOf(secret: string): number {
  if (/^\d+$/.test(secret)) return 10;
  if (/^(?:[0-9a-f]+|[0-9A-F]+)$/.test(secret)) return 16;
  const kinds: readonly (readonly [RegExp, number])[] = [
    [/[a-z]/, 26],
    [/[A-Z]/, 26],
    [/\d/, 10],
    [/[^a-zA-Z0-9]/, 10],
  ];
  return kinds.reduce((sum, [kind, size]) => sum + (kind.test(secret) ? size : 0), 0);
}

/** `reference`: kept elsewhere, where we cannot look. `absent`: none is set. */
export type SecretSource = "configuration" | "environment" | "reference" | "absent";

export interface GatewaySecret {
  readonly source: SecretSource;
  readonly credential: GatewayCredential | undefined;
}

/** The shared secret as the gateway's process would take it: its configuration, else its own environment. */
export function secretOf(tree: unknown, environment: Readonly<Record<string, string>>): GatewaySecret {
  const auth = field(field(tree, "gateway"), "auth");
  const kind: CredentialKind = field(auth, "mode") === "password" ? "password" : "token";
  const written = field(auth, kind);
  if (isFields(written)) return { source: "reference", credential: undefined };
  if (typeof written === "string" && written !== "") {
    const name = /^\$\{([A-Za-z_][A-Za-z0-9_]{0,127})\}$/.exec(written)?.[1];
    if (name === undefined) return { source: "configuration", credential: credentialOf(kind, written) };
    const named = environment[name];
    return named === undefined
      ? { source: "reference", credential: undefined }
      : { source: "environment", credential: credentialOf(kind, named) };
  }
  const fallback = environment[kind === "token" ? "OPENCLAW_GATEWAY_TOKEN" : "OPENCLAW_GATEWAY_PASSWORD"];
  if (fallback === undefined || fallback === "") return { source: "absent", credential: undefined };
  return { source: "environment", credential: credentialOf(kind, fallback) };
}

function credentialOf(kind: CredentialKind, text: string): GatewayCredential | undefined {
  return text === "" || text.length > MAX_SECRET_CHARACTERS ? undefined : new GatewayCredential(kind, text);
}

/** Lines of an environment file or of /proc/<pid>/environ; quotes around a value are the file's. */
export function environmentIn(text: string, separator: "\n" | "\0"): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const line of text.split(separator)) {
    const [, name, value] = /^(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=([^]*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined) continue;
    found[name] = separator === "\0" ? value : value.trim().replace(/^(["'])([^]*)\1$/, "$2");
  }
  return found;
}
