/**
 * The door of the running `clawhold up` itself (not of the Worker): a unix socket in the private run directory, for other
 * commands of the same user. It hands out setup links, holds the writers still for a backup, and has seeds made that wait;
 * it hands none out. It can neither sign nor command, and is never to be reachable from a listener.
 */

import { chmodSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { EdgeError } from "../shared/edge-error.ts";
import type { EdgeLog } from "./edge-log.ts";
import { keyJobs, type KeyJob } from "./key-change.ts";
import { sendProblem, type Problem } from "./problem.ts";
import { goOn, standStill } from "./stand-still.ts";

/** In the run directory; no longer than the longest name that has room there. */
export const CONTROL_SOCKET = "up.sock";
/** Opening some thousand databases takes a second. Whoever needs longer has died or is stuck: hosts wait meanwhile. */
export const MAX_HOLD_SECONDS = 10;
const MAX_CONNECTIONS = 16;

export interface SetupOffer {
  /** Holds a seed: for a terminal only. */
  readonly url: string;
  /** Seconds since 1970. */
  readonly expires: number;
}

export interface ControlDeps {
  /** Everything that writes in the data directory beside this process, which writes only its logs there. */
  readonly writers: () => readonly number[];
  /** Undefined when there is a workspace already, or not yet an edge to make one at. */
  readonly setupLink: () => Promise<SetupOffer | undefined>;
  /** Makes a seed that waits, and gives its public key. */
  readonly newKey: (job: KeyJob) => Promise<string>;
  readonly log: EdgeLog;
  /** For tests. */
  readonly maxHoldSeconds?: number;
}

export interface Control {
  close(): Promise<void>;
}

const NOT_FOUND: Problem = { status: 404, code: "not_found", detail: "There is nothing at this address." };
const BUSY: Problem = { status: 409, code: "backup_running", detail: "Another backup is being made. Try again then." };
const NO_SETUP: Problem = { status: 409, code: "workspace_exists", detail: "There is a workspace already." };

export async function openControl(path: string, deps: ControlDeps): Promise<Control> {
  const { log } = deps;
  const hold = holder(deps);
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.method !== "POST") return sendProblem(response, NOT_FOUND);
    if (request.url === "/hold") return await hold.answer(response);
    const job = keyJobs.find((one) => request.url === `/new-key/${one}`);
    if (job !== undefined) return await answerNewKey(job, response, deps);
    if (request.url !== "/setup-link") return sendProblem(response, NOT_FOUND);
    const offer = await deps.setupLink();
    if (offer === undefined) return sendProblem(response, NO_SETUP);
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(offer));
  };
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      log({ level: "error", code: "control_failed", detail: String(error) });
      response.destroy();
    });
  });
  server.maxConnections = MAX_CONNECTIONS;
  rmSync(path, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  chmodSync(path, 0o600);
  return {
    close: async () => {
      hold.end();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

async function answerNewKey(job: KeyJob, response: ServerResponse, { newKey }: ControlDeps): Promise<void> {
  try {
    const publicKey = await newKey(job);
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ publicKey }));
  } catch (error) {
    if (!(error instanceof EdgeError) || error.code !== "key_waiting") throw error;
    sendProblem(response, { status: 409, code: error.code, detail: error.message });
  }
}

/**
 * One at a time, ended by whoever asked for it, by their death, or by the clock: never left standing. Its first line names
 * the processes; it lasts as long as the answer.
 */
function holder({ writers, log, maxHoldSeconds = MAX_HOLD_SECONDS }: ControlDeps): {
  answer(response: ServerResponse): Promise<void>;
  end(): void;
} {
  let end: (() => void) | undefined;
  return {
    async answer(response) {
      if (end !== undefined) return sendProblem(response, BUSY);
      const pids = writers();
      const timer = setTimeout(() => {
        log({ level: "warn", code: "backup_held_long", detail: `a backup held the edge for ${maxHoldSeconds} s` });
        end?.();
      }, maxHoldSeconds * 1_000);
      end = () => {
        end = undefined;
        clearTimeout(timer);
        goOn(pids);
        response.end();
      };
      response.on("close", () => end?.());
      try {
        await standStill(pids);
      } catch (error) {
        end?.();
        throw error;
      }
      response.writeHead(200, { "content-type": "application/json" });
      response.write(`${JSON.stringify({ pids })}\n`);
    },
    end: () => end?.(),
  };
}
