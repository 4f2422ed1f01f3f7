/** The code blocks of a document, in their order, by the heading that they stand under. */
import { readFileSync } from "node:fs";
import path from "node:path";

export interface Block {
  /** The number of the step: `## 2. Unpack` is 2. */
  readonly step: number;
  readonly text: string;
}

export function blocksOf(document: string): readonly Block[] {
  const text = readFileSync(path.resolve(import.meta.dirname, "../..", document), "utf8");
  return text.split(/^## /m).flatMap((section) => {
    const step = Number(/^(\d+)\./.exec(section)?.[1] ?? 0);
    return [...section.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = ""]) => ({ step, text: block }));
  });
}
