/**
 * Asks the running edge to hold its writers still, and lets them go again. When this process dies its connection does too,
 * and the edge goes on by itself.
 */

import { request as httpRequest, type ClientRequest, type IncomingMessage } from "node:http";
import * as v from "valibot";
import { EdgeError } from "../../shared/edge-error.ts";
import { MAX_HOLD_SECONDS } from "../control.ts";
import { areStill } from "../stand-still.ts";
import type { Hold } from "./make.ts";

export function holdRunning(socketPath: string): Promise<Hold> {
  return new Promise((resolve, reject) => {
    const fail = (cause?: Error): void =>
      reject(
        new EdgeError(
          "backup_slow",
          "The running edge did not hold still. Nothing was backed up. Try again; its log says more.",
          { cause },
        ),
      );
    const request = httpRequest({
      socketPath,
      path: "/hold",
      method: "POST",
      agent: false,
      timeout: MAX_HOLD_SECONDS * 2_000,
      headers: { host: "clawhold", "content-length": "0" },
    });
    request.on("error", fail);
    request.on("timeout", () => request.destroy());
    request.on("response", (response) => {
      if (response.statusCode === 200) return held({ request, response, fail }, resolve);
      request.destroy();
      fail();
    });
    request.end();
  });
}

interface Asked {
  readonly request: ClientRequest;
  readonly response: IncomingMessage;
  readonly fail: () => void;
}

const heldSchema = v.strictObject({
  pids: v.pipe(v.array(v.pipe(v.number(), v.integer(), v.minValue(1))), v.minLength(1)),
});

/** The word may only be believed when it has come: headers alone say nothing. */
function held({ request, response, fail }: Asked, resolve: (hold: Hold) => void): void {
  let text = "";
  let isOver = false;
  const closed = new Promise<void>((done) => response.once("close", done));
  response.setEncoding("utf8");
  response.on("error", fail); // after our own release it says nothing new: the promise is settled by then
  response.on("close", fail);
  response.on("data", (chunk: string) => {
    text += chunk;
    if (!text.endsWith("\n")) return;
    const pids = pidsOf(text);
    if (pids === undefined) return void request.destroy();
    resolve({
      get isOver() {
        return isOver;
      },
      release: async () => {
        isOver = !areStill(pids);
        request.destroy();
        await closed;
      },
    });
  });
}

function pidsOf(text: string): readonly number[] | undefined {
  try {
    const result = v.safeParse(heldSchema, JSON.parse(text));
    return result.success ? result.output.pids : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
