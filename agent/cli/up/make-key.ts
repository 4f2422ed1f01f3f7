/** What `clawhold up new-key` does: has the edge that runs make the key, or makes it itself where none runs. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { publicKey as publicKeySchema } from "../../../protocol/fields.ts";
import { CONTROL_SOCKET } from "../../edge/control.ts";
import { addNextSeed, keyJobs, type KeyJob } from "../../edge/key-change.ts";
import { unixRequest, type UnixRequest, type UnixResponse } from "../../edge/unix-http.ts";
import { EdgeError, systemCode } from "../../shared/edge-error.ts";
import { acquireLock, type Lock } from "../../shared/lock.ts";
import { dataDirectoryOf, type CommandInput } from "../command.ts";
import { CliError, EXIT, usageError, type CliIo, type ExitCode } from "../io.ts";
import { runDirectoryOf } from "../running-edge.ts";

/** The runtime is started again meanwhile. */
const TIMEOUT_SECONDS = 60;

const answerSchema = v.strictObject({ publicKey: publicKeySchema });
const refusalSchema = v.object({ code: v.literal("key_waiting"), detail: v.string() });

export async function runNewKey(input: CommandInput, io: CliIo): Promise<ExitCode> {
  const [word] = input.words;
  const job = keyJobs.find((one) => one === word);
  if (job === undefined)
    throw usageError("Say which key: clawhold up new-key dispatch, or clawhold up new-key ledger.");
  const dataDirectory = dataDirectoryOf(input, io);
  if (!existsSync(join(dataDirectory, "version")))
    throw new CliError(
      "no_data",
      `There is no data directory at ${dataDirectory}. Say which one with --data.`,
      EXIT.usage,
    );
  const publicKey = await makeKey(dataDirectory, job);
  if (input.json) io.out(JSON.stringify({ event: "key-added", job, publicKey }));
  else {
    io.out(`A new ${job} key waits. Its public half:\n\n  ${publicKey}\n`);
    io.out("Change to it in the dashboard, under Keys of the edge, and compare it there. Until then nothing changes.");
  }
  return EXIT.ok;
}

/** The lock is the edge's while one runs; otherwise ours for the moment, so that none starts meanwhile. */
async function makeKey(dataDirectory: string, job: KeyJob): Promise<string> {
  const lock = tryLock(dataDirectory);
  if (lock === undefined) return askRunning(dataDirectory, job);
  try {
    return addNextSeed(join(dataDirectory, "keys"), job);
  } finally {
    lock.release();
  }
}

function tryLock(dataDirectory: string): Lock | undefined {
  try {
    return acquireLock(join(dataDirectory, "lock"), () => new Date());
  } catch (error) {
    if (error instanceof EdgeError && error.code === "locked") return undefined;
    throw error;
  }
}

async function askRunning(dataDirectory: string, job: KeyJob): Promise<string> {
  const socketPath = join(runDirectoryOf(dataDirectory), CONTROL_SOCKET);
  const request = { socketPath, path: `/new-key/${job}`, body: {}, timeoutSeconds: TIMEOUT_SECONDS };
  const { status, text } = await ask(request, dataDirectory);
  const answer = v.safeParse(answerSchema, status === 200 ? JSON.parse(text) : undefined);
  if (answer.success) return answer.output.publicKey;
  const refusal = v.safeParse(refusalSchema, status === 409 ? JSON.parse(text) : undefined);
  if (refusal.success) throw new EdgeError("key_waiting", refusal.output.detail);
  throw new CliError(
    "edge_answer",
    "The edge here gave no answer to this. Its log says why: log/edge.log in the data directory.",
  );
}

async function ask(request: UnixRequest, dataDirectory: string): Promise<UnixResponse> {
  try {
    return await unixRequest(request);
  } catch (error) {
    if (!["ECONNREFUSED", "ENOENT"].includes(systemCode(error) ?? "")) throw error;
    throw new CliError(
      "not_running",
      `Another program uses ${dataDirectory} just now, for a backup or a start perhaps. Type this again in a moment.`,
      EXIT.unreachable,
    );
  }
}
