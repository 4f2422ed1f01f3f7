/**
 * A copy as one stream. It reads a page only when the far end has taken the one before, so that neither a slow reader nor
 * a long log costs memory. Where it must not go on it breaks: a cut file is seen to be cut.
 */
import { logFault, logStep } from "../../durable-objects/log.ts";
import { utf8 } from "../../protocol/bytes.ts";
import { START, type Cursor } from "./cursor.ts";
import type { ExportFile } from "./file.ts";

/** Entries read at once: large enough that the database is asked seldom, about 400 KB in memory. */
const STREAM_ROWS = 500;

export interface ExportStream {
  readonly file: ExportFile;
  /** Asked before every page. */
  readonly mayGoOn: () => Promise<boolean>;
  /** Id of the export, for the log. */
  readonly name: string;
}

export function streamExport({ file, mayGoOn, name }: ExportStream): ReadableStream<Uint8Array> {
  let cursor: Cursor | undefined = START;
  const pull = async (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
    try {
      if (!(await mayGoOn())) {
        logStep("export-stopped", { export: name });
        return controller.error(new Error("export: not allowed any more"));
      }
      while (cursor !== undefined) {
        const step = await file.step(cursor, STREAM_ROWS);
        cursor = step.next;
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
