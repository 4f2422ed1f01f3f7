/**
 * Reads WebAuthn clientDataJSON. Browsers differ in order and extra members (Chromium adds one at random, WebKit
 * omits crossOrigin, Android escapes slashes), so it is parsed, with two readings made impossible first.
 */
import { utf8Text } from "./bytes.ts";
import { MAX_CLIENT_DATA_BYTES } from "./limits.ts";

export interface ClientData {
  readonly type: string;
  readonly challenge: string;
  readonly origin: string;
  readonly crossOrigin: boolean;
  readonly hasTopOrigin: boolean;
}

/** Undefined when the bytes are not one JSON object with unique top-level keys and the members we read. */
export function parseClientData(bytes: Uint8Array): ClientData | undefined {
  if (bytes.length > MAX_CLIENT_DATA_BYTES) return undefined;
  let text: string;
  let value: unknown;
  try {
    text = utf8Text(bytes);
    value = JSON.parse(text);
  } catch {
    return undefined; // not UTF-8 JSON
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const keys = topLevelKeys(text);
  if (new Set(keys).size !== keys.length) return undefined;
  const { type, challenge, origin, crossOrigin } = value as { readonly [key: string]: unknown };
  if (typeof type !== "string" || typeof challenge !== "string" || typeof origin !== "string") return undefined;
  if (crossOrigin !== undefined && typeof crossOrigin !== "boolean") return undefined;
  return {
    type,
    challenge,
    origin,
    crossOrigin: crossOrigin ?? false,
    hasTopOrigin: Object.hasOwn(value, "topOrigin"),
  };
}

/**
 * Keys of the outermost object of a text that already parsed as JSON, in order, escapes resolved. JSON.parse
 * keeps only the last of two equal keys, so another parser could have read the first.
 */
function topLevelKeys(text: string): readonly string[] {
  const keys: string[] = [];
  let depth = 0;
  let keyNext = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (character === '"') {
      const end = endOfString(text, i);
      if (depth === 1 && keyNext) {
        keys.push(JSON.parse(text.slice(i, end + 1)) as string);
        keyNext = false;
      }
      i = end;
    } else if (character === "{" || character === "[") {
      depth += 1;
      keyNext = depth === 1;
    } else if (character === "}" || character === "]") {
      depth -= 1;
    } else if (character === "," && depth === 1) {
      keyNext = true;
    }
  }
  return keys;
}

function endOfString(text: string, start: number): number {
  let i = start + 1;
  while (text[i] !== '"') i += text[i] === "\\" ? 2 : 1;
  return i;
}
