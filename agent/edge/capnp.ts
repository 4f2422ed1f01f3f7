/**
 * Renders a plain structure as a Cap'n Proto text configuration for workerd.
 * Paths and texts reach it from the outside (a data directory's name), so every string goes through one escape, and
 * a field name that is not an identifier is a mistake of ours.
 */

/** A file that workerd reads itself, named relative to the configuration file. */
export class Embed {
  readonly file: string;

  constructor(file: string) {
    this.file = file;
  }
}

export type CapnpValue = string | number | boolean | Embed | readonly CapnpValue[] | CapnpStruct;
export interface CapnpStruct {
  readonly [field: string]: CapnpValue;
}

export function renderConfig(config: CapnpStruct): string {
  return `using Workerd = import "/workerd/workerd.capnp";\nconst config :Workerd.Config = ${render(config)};\n`;
}

function render(value: CapnpValue): string {
  if (typeof value === "string") return quote(value);
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (value instanceof Embed) return `embed ${quote(value.file)}`;
  if (isList(value)) return `[${value.map(render).join(", ")}]`;
  const fields = Object.entries(value).map(([name, field]) => `${identifier(name)} = ${render(field)}`);
  return `(${fields.join(", ")})`;
}

function isList(value: readonly CapnpValue[] | CapnpStruct): value is readonly CapnpValue[] {
  return Array.isArray(value);
}

function identifier(name: string): string {
  if (!/^[a-z][A-Za-z0-9]*$/.test(name)) throw new TypeError(`not a field name: ${name}`);
  return name;
}

/** Non-ASCII passes as it is (the format is UTF-8); whatever could end the literal or the line does not. */
function quote(text: string): string {
  const escaped = text.replaceAll(/["\\\p{Cc}]/gu, (character) => {
    if (character === '"' || character === "\\") return `\\${character}`;
    return [...Buffer.from(character)].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
  });
  return `"${escaped}"`;
}
