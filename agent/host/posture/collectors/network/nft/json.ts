/** Reading a foreign program's JSON: whatever is not as expected is undefined, and the caller says what that means. */
export function member(value: unknown, name: string): unknown {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

export function numberOf(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The name and the content of an object with one member, as nft writes expressions. */
export function only(value: unknown): readonly [string, unknown] | undefined {
  if (!isObject(value)) return undefined;
  const [first, ...more] = Object.entries(value);
  return first === undefined || more.length > 0 ? undefined : first;
}

export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
