/**
 * `clawhold up tailscale-policy`: the tailnet's policy for an edge that is bound to Tailscale. Shows what it would change
 * before it changes anything, changes nothing that it did not write, and reads back what it wrote.
 */
import {
  TAILSCALE_API,
  TailscaleApi,
  TailscaleError,
  type TailscaleCode,
  type TailscalePlace,
} from "../../edge/tailscale/api.ts";
import { HujsonError } from "../../edge/tailscale/hujson.ts";
import { planPolicy, type PolicyPlan } from "../../edge/tailscale/merge.ts";
import { OWNER, PRINCIPAL, policyText, textOf, wantedParts, type Part } from "../../edge/tailscale/policy.ts";
import { readOwnerFile } from "../../signer/owner-file.ts";
import { portOf, type Command, type CommandInput } from "../command.ts";
import { CliError, EXIT, usageError, type CliIo, type ExitCode } from "../io.ts";
import { DEFAULT_AGENT_PORT, DEFAULT_PORT } from "./ports.ts";

const KEY = /^tskey-[A-Za-z0-9_-]{8,200}$/;
const TAILNET = /^(?:-|[A-Za-z0-9@._-]{1,190})$/;
const MAX_PEOPLE = 32;

export const tailscalePolicy: Command = {
  name: "up tailscale-policy",
  summary: "Make the tailnet's policy let hosts and named people reach the edge, and nothing else",
  help: `Usage: clawhold up tailscale-policy --print --people <who>
       clawhold up tailscale-policy --plan  --people <who> --api-key-file <file>
       clawhold up tailscale-policy --apply --people <who> --api-key-file <file>

For an edge that listens on tailscale0. Machines tagged tag:clawhold-host may reach the agents' port of the machine
tagged tag:clawhold-edge, the people whom you name its dashboard, and tests in the policy fail when anybody opens more.
Entries that this command wrote carry a comment; what others wrote is left as it is.

  --print                print the entries alone; asks nobody
  --plan                 compare with the tailnet's policy and show what would change
  --apply                have Tailscale validate the result, write it, and read it back
  --people <who>         who may open the dashboard: an e-mail address or group:<name>; may be repeated
  --owner <who>          who may give machines the tags (default: autogroup:admin); may be repeated
  --api-key-file <file>  a file that holds an API key of Tailscale, readable by you alone
  --tailnet <name>       the tailnet (default: that of the key)
  --port <number>        the dashboard's port (default: ${String(DEFAULT_PORT)})
  --agent-port <number>  the agents' port (default: ${String(DEFAULT_AGENT_PORT)})
  --json                 one JSON object`,
  options: {
    print: { type: "boolean" },
    plan: { type: "boolean" },
    apply: { type: "boolean" },
    people: { type: "string", multiple: true },
    owner: { type: "string", multiple: true },
    "api-key-file": { type: "string" },
    tailnet: { type: "string" },
    port: { type: "string" },
    "agent-port": { type: "string" },
  },
  run: (input, io) => runTailscalePolicy(input, io, TAILSCALE_API),
};

/** `base`: where the API is; the command has no option for it, because a key would follow. */
export async function runTailscalePolicy(input: CommandInput, io: CliIo, base: string): Promise<ExitCode> {
  const mode = modeOf(input);
  const parts = partsOf(input);
  if (mode === "print") {
    io.out(input.json ? JSON.stringify({ policy: policyText(parts) }) : policyText(parts));
    return EXIT.ok;
  }
  try {
    return await compare(new TailscaleApi(placeOf(input, io, base)), { input, io, mode, parts });
  } catch (error) {
    if (error instanceof TailscaleError) throw new CliError(error.code, error.message, EXITS[error.code]);
    throw error;
  }
}

const EXITS: Readonly<Record<TailscaleCode, ExitCode>> = {
  tailscale_answer: EXIT.failed,
  tailscale_changed: EXIT.refused,
  tailscale_invalid: EXIT.refused,
  tailscale_key: EXIT.refused,
  tailscale_limited: EXIT.unreachable,
  tailscale_unreachable: EXIT.unreachable,
};

interface Comparing {
  readonly input: CommandInput;
  readonly io: CliIo;
  readonly mode: "plan" | "apply";
  readonly parts: readonly Part[];
}

async function compare(api: TailscaleApi, { input, io, mode, parts }: Comparing): Promise<ExitCode> {
  const stored = await api.read();
  const plan = planOf(stored.text, parts);
  const isEqual = plan.add.length === 0 && plan.remove.length === 0;
  if (!input.json) for (const line of planLines(plan)) io.out(line);
  if (mode === "apply" && !isEqual) await apply(api, { plan, etag: stored.etag, parts });
  const isApplied = mode === "apply" && !isEqual;
  if (input.json) io.out(JSON.stringify({ event: "tailscale-policy", ...told(plan), applied: isApplied }));
  else if (isApplied) io.out("Written, and read back as planned.");
  else if (!isEqual)
    io.out("Nothing was changed. Write it with: clawhold up tailscale-policy --apply, and the rest as before.");
  return EXIT.ok;
}

interface Applying {
  readonly plan: PolicyPlan;
  readonly etag: string;
  readonly parts: readonly Part[];
}

async function apply(api: TailscaleApi, { plan, etag, parts }: Applying): Promise<void> {
  const failures = await api.validate(plan.text);
  if (failures.length > 0)
    throw new CliError(
      "tailscale_invalid",
      `Tailscale's tests refuse the policy, so nothing was changed: ${failures.join("; ")}. A rule of your own that lets more through, such as one from * to *, has to go first.`,
      EXIT.refused,
    );
  await api.write(plan.text, etag);
  const after = planOf((await api.read()).text, parts);
  if (after.add.length > 0 || after.remove.length > 0)
    throw new CliError(
      "tailscale_read_back",
      "What Tailscale holds now is not what was written. Look at it with: clawhold up tailscale-policy --plan, and in Tailscale's admin console.",
    );
}

function planOf(text: string, parts: readonly Part[]): PolicyPlan {
  try {
    return planPolicy(text, parts);
  } catch (error) {
    if (!(error instanceof HujsonError)) throw error;
    throw new CliError(
      "tailscale_policy",
      `The tailnet's policy cannot be read here (${error.message}), so nothing was changed. Merge the entries by hand: clawhold up tailscale-policy --print`,
    );
  }
}

function planLines({ add, remove, foreign }: PolicyPlan): readonly string[] {
  if (add.length === 0 && remove.length === 0)
    return ["The tailnet's policy has every entry of Clawhold as it should be.", ...foreignLines(foreign)];
  return [
    ...remove.map((part) => `- ${part.section}: ${textOf(part)}`),
    ...add.map((part) => `+ ${part.section}: ${textOf(part)}`),
    ...foreignLines(foreign),
  ];
}

function foreignLines(foreign: readonly string[]): readonly string[] {
  if (foreign.length === 0) return [];
  return ["Somebody else's entries about these tags, left as they are:", ...foreign.map((text) => `  ${text}`)];
}

function told({ add, remove, foreign }: PolicyPlan): object {
  return { add: add.map(entryOf), remove: remove.map(entryOf), foreign };
}

function entryOf(part: Part): string {
  return `${part.section}: ${textOf(part)}`;
}

function modeOf(input: CommandInput): "print" | "plan" | "apply" {
  const modes = (["print", "plan", "apply"] as const).filter((mode) => input.flag(mode));
  const [only] = modes;
  if (only !== undefined && modes.length === 1) return only;
  throw usageError("Give one of --print, --plan and --apply.");
}

function partsOf(input: CommandInput): readonly Part[] {
  const people = input.texts("people");
  const owners = input.texts("owner");
  if (people.length === 0 || people.length > MAX_PEOPLE || !people.every((one) => PRINCIPAL.test(one)))
    throw usageError(
      "--people needs e-mail addresses or group:<name>, at most 32. Nobody else will reach the dashboard.",
    );
  if (!owners.every((one) => OWNER.test(one)))
    throw usageError("--owner needs e-mail addresses, group:<name> or autogroup:admin.");
  return wantedParts({
    people: [...new Set(people)],
    owners: owners.length === 0 ? ["autogroup:admin"] : [...new Set(owners)],
    port: portOf(input, "port", DEFAULT_PORT),
    agentPort: portOf(input, "agent-port", DEFAULT_AGENT_PORT),
  });
}

function placeOf(input: CommandInput, io: CliIo, base: string): TailscalePlace {
  const tailnet = input.text("tailnet") ?? "-";
  if (!TAILNET.test(tailnet)) throw usageError("--tailnet needs the name of a tailnet.");
  return { base, key: keyOf(input, io), tailnet };
}

function keyOf(input: CommandInput, io: CliIo): string {
  const path = input.text("api-key-file");
  if (path === undefined || path === "")
    throw usageError(
      "--api-key-file needs the file that holds the key: never the key itself, which others could read.",
    );
  const file = readOwnerFile(path, io.uid);
  if (file.kind === "absent") throw usageError(`There is no file ${path}.`);
  if (file.kind !== "text")
    throw new CliError(
      "key_exposed",
      `${path} is not used: ${file.why}. If nobody else read it, close it: chmod 600 ${path}. Otherwise make a new key.`,
      EXIT.refused,
    );
  const key = file.text.trim();
  if (KEY.test(key)) return key;
  throw usageError(`${path} holds no key of Tailscale; they begin with tskey-.`);
}
