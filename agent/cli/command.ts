/** The shape of a command and how its words are read: closed options, no guessing, no abbreviations. */
import { parseArgs, type ParseArgsConfig } from "node:util";
import { join, resolve } from "node:path";
import { usageError, type CliIo, type ExitCode } from "./io.ts";

type Options = NonNullable<ParseArgsConfig["options"]>;

export interface Command {
  /** As it is typed, e.g. `host run`. */
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** The text of `--help`, without the options that every command has. */
  readonly help: string;
  readonly options: Options;
  /** How many words may follow that are no options. */
  readonly words?: number;
  run(input: CommandInput, io: CliIo): Promise<ExitCode>;
}

export interface CommandInput {
  readonly words: readonly string[];
  readonly json: boolean;
  text(name: string): string | undefined;
  /** Every value of an option that may be repeated. */
  texts(name: string): readonly string[];
  /** True when an option without a value was typed. */
  flag(name: string): boolean;
}

const COMMON: Options = { help: { type: "boolean", short: "h" }, json: { type: "boolean" } };

export type Parsed = { readonly kind: "help" } | { readonly kind: "run"; readonly input: CommandInput };

export function parseCommand(command: Command, argv: readonly string[]): Parsed {
  let values: Readonly<Record<string, unknown>>;
  let positionals: readonly string[];
  try {
    ({ values, positionals } = parseArgs({
      args: joinedIds(command, argv),
      options: { ...command.options, ...COMMON },
      allowPositionals: (command.words ?? 0) > 0,
    }));
  } catch (error) {
    throw usageError(`${reasonOf(error)} Type clawhold ${command.name} --help for what it takes.`);
  }
  if (values["help"] === true) return { kind: "help" };
  if (positionals.length > (command.words ?? 0))
    throw usageError(
      `clawhold ${command.name} takes fewer words. Type clawhold ${command.name} --help for what it takes.`,
    );
  return {
    kind: "run",
    input: {
      words: positionals,
      json: values["json"] === true,
      text: (name) => {
        const value = values[name];
        return typeof value === "string" ? value : undefined;
      },
      texts: (name) => {
        const value = values[name];
        return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
      },
      flag: (name) => values[name] === true,
    },
  };
}

const ID_WITH_DASH = /^-[A-Za-z0-9_-]{42}$/;

/** One id of 64 begins with a dash, and would be taken for an option: joined to the option that it belongs to. */
function joinedIds(command: Command, argv: readonly string[]): string[] {
  const joined: string[] = [];
  for (const word of argv) {
    const last = joined.at(-1) ?? "";
    const takesText = last.startsWith("--") && command.options[last.slice(2)]?.type === "string";
    if (takesText && ID_WITH_DASH.test(word)) joined.splice(-1, 1, `${last}=${word}`);
    else joined.push(word);
  }
  return joined;
}

/** The first sentence of parseArgs: it names the option and no value. */
function reasonOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (!(error instanceof Error) || typeof code !== "string" || !code.startsWith("ERR_PARSE_ARGS")) throw error;
  const first = error.message.split(/\. |\n/)[0] ?? "The options could not be read";
  return `${first.replace(/[.]$/, "")}.`;
}

export const dataOption = { data: { type: "string" } } as const satisfies Options;

/** Where this installation keeps its data unless --data says otherwise. */
export function dataDirectoryOf(input: CommandInput, io: CliIo): string {
  const given = input.text("data");
  if (given === "") throw usageError("--data needs a directory.");
  if (given !== undefined) return resolve(given);
  const base = io.environment["XDG_DATA_HOME"];
  // The XDG base directory specification: a relative path in the variable is to be ignored.
  return join(
    base !== undefined && base.startsWith("/") ? base : join(io.homeDirectory, ".local", "share"),
    "clawhold",
  );
}

/** The state of this machine's agent, inside the data directory. */
export function hostDirectoryOf(input: CommandInput, io: CliIo): string {
  return join(dataDirectoryOf(input, io), "host");
}

export function portOf(input: CommandInput, name: string, fallback: number): number {
  const text = input.text(name);
  if (text === undefined) return fallback;
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw usageError(`--${name} takes a port number, 0 to 65535 (0: any free port).`);
}
