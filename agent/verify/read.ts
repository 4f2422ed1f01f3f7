/** From chunks of bytes to a result: the one loop around the verifier. */
import { LineCutter, LineTooLong } from "./lines.ts";
import { FileVerifier, type VerifyOptions, type VerifyResult } from "./verifier.ts";

/** Each chunk is used up before the next is asked for. */
export async function verifyChunks(
  chunks: AsyncIterable<Buffer> | Iterable<Buffer>,
  options: VerifyOptions,
): Promise<VerifyResult> {
  const verifier = new FileVerifier(options);
  const cutter = new LineCutter();
  try {
    for await (const chunk of chunks) {
      cutter.push(chunk);
      while (cutter.advance()) {
        const pending = verifier.line(cutter);
        if (pending !== undefined) await pending;
        if (verifier.isStopped) return await verifier.finish(false);
      }
    }
  } catch (error) {
    if (!(error instanceof LineTooLong)) throw error;
    verifier.tooLong();
  }
  return verifier.finish(cutter.isInside);
}
