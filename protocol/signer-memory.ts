/**
 * What a signer's own machine remembers of a workspace, as its page asks for it and brings it back. Answered by the
 * program that serves the page and by nobody else: it never travels to an edge, which is whom it is held against.
 */
import * as v from "valibot";
import { digest, trustHead } from "./fields.ts";

export const MEMORY_PATH = "/signer/memory";
/** A page of another site can send no header of ours without asking first, and is never answered. */
export const MEMORY_HEADER = "clawhold-memory";

/** The address of an edge, as a person types it: no path, nobody's name or password. */
export const edgeUrl = v.pipe(
  v.string(),
  v.maxLength(255),
  v.regex(/^https?:\/\/([a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(:[1-9]\d{0,4})?$/),
);

export const signerMemorySchema = v.strictObject({
  /** The pin, from this machine; absent while the workspace is not made. */
  workspace: v.optional(digest),
  /** Where requests are forwarded to; absent where the edge runs beside the page's own server. */
  edge: v.optional(edgeUrl),
  /** The newest trust head that a page of this machine verified. */
  head: v.optional(trustHead),
});
export type SignerMemory = v.InferOutput<typeof signerMemorySchema>;

/** What the page brings back: the head of a log that it verified from the pin on. */
export const seenSchema = v.strictObject({ workspace: digest, head: trustHead });
export type Seen = v.InferOutput<typeof seenSchema>;
