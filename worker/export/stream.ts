/**
 * A copy as one stream. It reads a page only when the far end has taken the one before, so that neither a slow reader nor
 * a long log costs memory. Where it must not go on it breaks: a cut file is seen to be cut.
 */
import { logFault, logStep } from "../../durable-objects/log.ts";
import { utf8 } from "../../protocol/bytes.ts";
import { CopyDigest, type CopyPart } from "../../durable-objects/export/copy-digest.ts";
import type { Digest } from "../../protocol/signing.ts";
import { encodeCursor, START, type Cursor } from "./cursor.ts";
import type { ExportFile, Step } from "./file.ts";

/** Entries read at once: large enough that the database is asked seldom, about 400 KB in memory. */
const STREAM_ROWS = 500;

export interface ExportStream {
  readonly file: ExportFile;
  /** Asked before every page. */
  readonly mayGoOn: () => Promise<boolean>;
  /** Id of the export, for the log. */
  readonly name: string;
  /** The last byte is about to leave; the digest is of all of them. Only where somebody wants to know. */
  readonly onWhole?: (digest: Digest) => Promise<void>;
}

export function streamExport({ file, mayGoOn, name, onWhole }: ExportStream): ReadableStream<Uint8Array> {
  let cursor: Cursor | undefined = START;
  const digest = onWhole === undefined ? undefined : new CopyDigest();
  const pull = async (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
    try {
      if (!(await mayGoOn())) {
        logStep("export-stopped", { export: name });
        return controller.error(new Error("export: not allowed any more"));
      }
      while (cursor !== undefined) {
        const step = await file.step(cursor, STREAM_ROWS);
        const whole = digest?.add(partOf(cursor, step));
        cursor = step.next;
        // Before its end is handed out: what is not recorded is not kept, and must not look as if it were.
        if (whole !== undefined) await onWhole?.(whole);
        // A page of a filtered copy may hold nothing.
        if (step.text !== "") return controller.enqueue(utf8(step.text));
      }
      controller.close();
    } catch (error) {
      logFault("export_broken", error, { export: name });
      controller.error(error);
    }
  };
  return new ReadableStream({ pull }, { highWaterMark: 1 });
}

/** As it follows the one before. */
export function partOf(from: Cursor, { text, next }: Step): CopyPart {
  return {
    from: from.stage === START.stage ? undefined : encodeCursor(from),
    next: next === undefined ? undefined : encodeCursor(next),
    text,
  };
}
