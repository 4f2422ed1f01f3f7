/**
 * The one table of what can be read from a host. Every answer is sealed to the key of whoever asked, so the edge sees who
 * asked for what kind of thing and how large it is. Metadata needs a session and a role; content also a read grant.
 */
import type * as v from "valibot";
import { contentReads } from "./reads/content.ts";
import { overviewReads } from "./reads/overview.ts";
import { postureReads } from "./reads/posture.ts";
import type { Read } from "./reads/read.ts";

export type { ContentKind, Read } from "./reads/read.ts";

export const reads = { ...overviewReads, ...postureReads, ...contentReads } as const satisfies Record<string, Read>;

export type ReadName = keyof typeof reads;
export type ReadArgs<N extends ReadName> = v.InferOutput<(typeof reads)[N]["args"]>;
export type ReadResult<N extends ReadName> = v.InferOutput<(typeof reads)[N]["result"]>;

export function isReadName(name: string): name is ReadName {
  return Object.hasOwn(reads, name);
}
