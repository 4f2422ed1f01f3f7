/** Takes out of a machine's answers what a report must not carry: shapes of keys and tokens, and characters that deceive. */

/** Values behind a name that says secret, and the shapes that providers give their keys. */
const secrets = [
  /((?:pass(?:word|wd)?|secret|token|api[_-]?key|authorization|bearer)["']?\s*[:=]\s*["']?)([^\s"',;]{4,})/gi,
  /\b((?:sk|pk|rk|xox[abpr]|ghp|gho|ghs|glpat|AKIA|ASIA|AIza)[-_]?)([A-Za-z0-9_-]{12,})/g,
  /(-----BEGIN [A-Z ]*PRIVATE KEY-----)([\s\S]*?)(?=-----END|$)/g,
] as const;

export function redacted(text: string): string {
  let result = text;
  for (const shape of secrets) result = result.replace(shape, "$1[redacted]");
  // A shadow line's hash: `name:$y$...:`.
  return result.replace(/:\$[0-9a-z]{1,3}\$[^\s:]+/g, ":[redacted]");
}

/** At most so many characters, on printable ground. */
export function excerptOf(text: string, characters: number): string {
  const printable = redacted(text).replace(/(?![\n\t])[\p{Cc}\p{Cf}]/gu, "\u00B7");
  const trimmed = printable.trim();
  return trimmed.length <= characters ? trimmed : `${trimmed.slice(0, characters - 1)}\u2026`;
}
