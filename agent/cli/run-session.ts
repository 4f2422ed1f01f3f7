/** What `clawhold run` does: reads the order as it was typed, runs it, and says how it ended. */
import * as v from "valibot";
import { digest, label as labelSchema } from "../../protocol/fields.ts";
import { MAX_TARGETS } from "../../protocol/limits.ts";
import { isOperationName, operations, type OperationName } from "../../protocol/operations.ts";
import { AutomationClient } from "../automation/client.ts";
import { runOrder, type Ending, type Order } from "../automation/course.ts";
import { makeKey, parseKey, readKeyFile, type AutomationKeyFile } from "../automation/key-file.ts";
import { readAccessToken } from "../signer/access-token.ts";
import { readAuthorities } from "../signer/authorities.ts";
import { readClientCertificate } from "../signer/client-certificate.ts";
import { parseEdgeAddress } from "../signer/edge-address.ts";
import type { CommandInput } from "./command.ts";
import { EXIT, usageError, type CliIo, type ExitCode } from "./io.ts";
import { writeNewFile } from "./new-file.ts";

const MAX_KEY_BYTES = 8_192;
const DEFAULT_WAIT_SECONDS = 90;

/** @throws {CliError | AutomationError | SignerError} */
export async function makeKeyFile(input: CommandInput, io: CliIo): Promise<ExitCode> {
  const path = required(input, "make-key", "a file that does not exist yet");
  const workspace = required(input, "workspace", "the workspace's id; clawhold status shows it");
  const name = required(input, "label", "what the key is called, for example ci-deploy");
  if (!v.is(digest, workspace)) throw usageError("--workspace is not the id of a workspace: 43 letters and digits.");
  if (!v.is(labelSchema, name)) throw usageError("--label takes 1 to 64 characters, without control characters.");
  const edgeName = input.text("edge-name");
  const { url } = parseEdgeAddress(required(input, "edge", "the address of the edge"), edgeName);
  const { text, key } = makeKey({ workspace, edge: url, edgeName, label: name });
  await writeNewFile(path, () => Promise.resolve(text));
  if (!input.json) io.out(`The key lies in ${path}, readable by this user only.`);
  describeKey(key, { path, json: input.json }, io);
  return EXIT.ok;
}

/** @throws {AutomationError} */
export function showKeyFile(input: CommandInput, io: CliIo): ExitCode {
  const path = required(input, "show-key", "a key file");
  describeKey(readKeyFile(path, io.uid), { path, json: input.json }, io);
  return EXIT.ok;
}

/** What an administrator needs; nothing of it is secret. */
function describeKey(
  { id, signer, words, label: name }: AutomationKeyFile,
  { path, json }: { readonly path: string; readonly json: boolean },
  io: CliIo,
): void {
  const shown = { key: id, publicKey: signer.publicKey, words, label: name, file: path };
  if (json) return io.out(JSON.stringify(shown));
  io.out("It may do nothing until an administrator grants it on the page Automation:");
  io.out(`  public key   ${shown.publicKey}`);
  io.out(`  six words    ${words.join(" ")}`);
  io.out("The words on the page must be these. If one differs, somebody stands between.");
}

/** @throws {CliError | AutomationError | SignerError} */
export async function runWithKey(input: CommandInput, io: CliIo): Promise<ExitCode> {
  const order = readOrder(input);
  const key = await openKey(input, io);
  const accessFile = input.text("access-token-file");
  const certificateFile = input.text("client-certificate");
  const client = new AutomationClient({
    key,
    dialled: {
      edge: parseEdgeAddress(key.edge, key.edgeName),
      authorities: readAuthorities(input.text("ca")),
      certificate: certificateFile === undefined ? undefined : readClientCertificate(certificateFile, io.uid),
    },
    access: accessFile === undefined ? undefined : readAccessToken(accessFile, io.uid),
    now: () => Date.now(),
  });
  const { intent, endings } = await runOrder(order, {
    client,
    key,
    wait: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
    elapsed: () => performance.now(),
  });
  const exit = exitOf(endings);
  if (input.json) io.out(JSON.stringify({ operation: order.operation, intent, ok: exit === EXIT.ok, hosts: endings }));
  else for (const { says } of endings) io.out(says);
  return exit;
}

function exitOf(endings: readonly Ending[]): ExitCode {
  const verdicts = endings.map(({ verdict }) => verdict);
  if (verdicts.includes("failed") || verdicts.includes("interrupted")) return EXIT.failed;
  if (verdicts.includes("refused")) return EXIT.refused;
  return verdicts.includes("silent") ? EXIT.unreachable : EXIT.ok;
}

async function openKey(input: CommandInput, io: CliIo): Promise<AutomationKeyFile> {
  const path = required(input, "key", "the key file, or - for standard input");
  if (path !== "-") return readKeyFile(path, io.uid);
  const bytes = await io.readInput(MAX_KEY_BYTES);
  return parseKey(new TextDecoder().decode(bytes), "standard input");
}

function readOrder(input: CommandInput): Order {
  const [typed] = input.words;
  if (typed === undefined) throw usageError("Say which operation to run. Type clawhold run --help for what it takes.");
  const hosts = input.texts("host");
  if (hosts.length === 0) throw usageError("Say on which host, with --host and its label.");
  if (hosts.length > MAX_TARGETS) throw usageError(`One command goes to at most ${String(MAX_TARGETS)} hosts.`);
  const operation = readOperation(typed);
  const args = Object.fromEntries(input.texts("arg").map(readArgument));
  if (!v.is(operations[operation].args, args))
    throw usageError(`These are not arguments that ${operation} takes. ${argumentsOf(operation)}`);
  return { operation, args, hosts: [...new Set(hosts)], waitMilliseconds: readWait(input) };
}

/** What the operation's own schema says, where it can be said in words. */
function argumentsOf(operation: OperationName): string {
  const entries: readonly (readonly [string, unknown])[] = Object.entries(operations[operation].args.entries);
  if (entries.length === 0) return "It takes none: leave --arg out.";
  const taken = entries.map(([name, schema]) => {
    const choices = isPicklist(schema) ? schema.options.join(", ") : "a value";
    return `--arg ${name}=<one of: ${choices}>`;
  });
  return `It takes: ${taken.join(" ")}.`;
}

function isPicklist(schema: unknown): schema is { readonly options: readonly string[] } {
  return typeof schema === "object" && schema !== null && "options" in schema && Array.isArray(schema.options);
}

/** `gateway.restart` means its newest version. */
function readOperation(typed: string): OperationName {
  if (isOperationName(typed)) return typed;
  const versions = Object.keys(operations)
    .filter(isOperationName)
    .filter((name) => name.startsWith(`${typed}@`));
  const newest = versions.toSorted((a, b) => versionOf(b) - versionOf(a))[0];
  if (newest !== undefined) return newest;
  throw usageError(
    `There is no operation ${JSON.stringify(typed.slice(0, 40))}. There are: ${Object.keys(operations).join(", ")}.`,
  );
}

function versionOf(name: OperationName): number {
  return Number(name.split("@")[1]);
}

function readArgument(text: string): readonly [string, string] {
  const at = text.indexOf("=");
  if (at < 1) throw usageError("--arg takes a name and a value: --arg scenario=lost-device.");
  return [text.slice(0, at), text.slice(at + 1)];
}

function readWait(input: CommandInput): number {
  const text = input.text("wait") ?? String(DEFAULT_WAIT_SECONDS);
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text) * 1_000;
  throw usageError("--wait takes seconds, 1 to 9999.");
}

function required(input: CommandInput, name: string, what: string): string {
  const value = input.text(name);
  if (value === undefined || value === "") throw usageError(`--${name} is missing: ${what}.`);
  return value;
}
