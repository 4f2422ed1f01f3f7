/** What `clawhold up link` does: asks the running `clawhold up` for a link, and shows it where it is read once. */
import { join } from "node:path";
import * as v from "valibot";
import { CONTROL_SOCKET } from "../../edge/control.ts";
import { unixRequest, type UnixResponse } from "../../edge/unix-http.ts";
import { systemCode } from "../../shared/edge-error.ts";
import { dataDirectoryOf, type CommandInput } from "../command.ts";
import { CliError, EXIT, type CliIo, type ExitCode } from "../io.ts";
import { dashboardsOf, runDirectoryOf } from "../running-edge.ts";

const offerSchema = v.strictObject({
  url: v.pipe(v.string(), v.startsWith("http")),
  expires: v.pipe(v.number(), v.integer()),
});
const TIMEOUT_SECONDS = 15;

export async function runLink(input: CommandInput, io: CliIo): Promise<ExitCode> {
  const dataDirectory = dataDirectoryOf(input, io);
  const { status, text } = await ask(dataDirectory);
  if (status === 409) {
    const { dashboard = "http://clawhold.localhost with the port of clawhold up" } = dashboardsOf(dataDirectory);
    throw new CliError(
      "workspace_exists",
      `The edge here has a workspace already, or is just starting. Sign in on its dashboard: ${dashboard}`,
      EXIT.refused,
    );
  }
  const offer = status === 200 ? v.safeParse(offerSchema, JSON.parse(text)) : undefined;
  if (offer?.success !== true) {
    throw new CliError(
      "edge_answer",
      "The edge here gave no link. Its log says why: log/edge.log in the data directory.",
    );
  }
  const { url, expires } = offer.output;
  if (input.json) io.out(JSON.stringify({ event: "setup", url, expires }));
  else {
    const until = new Date(expires * 1_000).toTimeString().slice(0, 5);
    io.out(`Open this link on this machine to make the workspace. It works once, until ${until}:`);
    io.out(`\n  ${url}\n`);
  }
  return EXIT.ok;
}

async function ask(dataDirectory: string): Promise<UnixResponse> {
  try {
    const socketPath = join(runDirectoryOf(dataDirectory), CONTROL_SOCKET);
    return await unixRequest({ socketPath, path: "/setup-link", body: {}, timeoutSeconds: TIMEOUT_SECONDS });
  } catch (error) {
    const code = systemCode(error);
    if (code === "EACCES" || code === "EPERM") {
      throw new CliError(
        "not_yours",
        `The edge over ${dataDirectory} belongs to another user. Type this as that user or as root.`,
        EXIT.refused,
      );
    }
    if (code !== "ECONNREFUSED" && code !== "ENOENT") throw error;
  }
  throw new CliError("not_running", `No edge runs over ${dataDirectory}. Start it with: clawhold up`, EXIT.unreachable);
}
