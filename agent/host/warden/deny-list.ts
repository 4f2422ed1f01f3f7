/**
 * The local deny list: operations that this machine never performs, whoever signed them. One operation
 * (`gateway.restart@1`) or prefix (`gateway.*`) a line; `#` starts a comment. A list that somebody else could have
 * written, or that does not parse, stops the agent from starting, and denies everything when it appears later.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { ruleNames } from "../../../protocol/rule-names.ts";
import { systemCode } from "../../shared/edge-error.ts";
import { HostError } from "../host-error.ts";

const MAX_DENY_LIST_BYTES = 65_536;
const ROOT = 0;
const LINE = /^[a-z][a-z.-]{0,40}(@[1-9][0-9]?|\*)$/;

export interface DenyList {
  denies(operation: string): boolean;
}

export interface DenyListPlace {
  readonly path: string;
  /** A second one, of an installed host: what either of them names is denied. */
  readonly settings?: string | undefined;
  /** Who may own the file besides root: the user that the warden runs as. */
  readonly ownUid: number;
}

/** Reads the list now, to refuse a start, and again for every command, so that an edit counts at once. */
export function openDenyList(place: DenyListPlace): DenyList {
  readDenyList(place);
  return {
    denies(operation) {
      try {
        const names = ruleNames(operation);
        return readDenyList(place).some((line) => names.some((name) => matches(line, name)));
      } catch (error) {
        if (error instanceof HostError) return true; // unreadable or unsafe since the start: nothing runs
        throw error;
      }
    },
  };
}

function matches(line: string, operation: string): boolean {
  return line.endsWith("*") ? operation.startsWith(line.slice(0, -1)) : operation === line;
}

function readDenyList({ path, settings, ownUid }: DenyListPlace): readonly string[] {
  const paths = settings === undefined ? [path] : [path, settings];
  return paths.flatMap((one) => readFile(one, ownUid));
}

function readFile(path: string, ownUid: number): readonly string[] {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    const code = systemCode(error);
    if (code === "ENOENT") return [];
    throw refusal(path, code === "ELOOP" ? "it is a symbolic link" : `it cannot be read (${code ?? "unknown"})`);
  }
  try {
    const facts = fstatSync(fd);
    if (!facts.isFile() || facts.size > MAX_DENY_LIST_BYTES) throw refusal(path, "it is not a short plain file");
    if (facts.uid !== ROOT && facts.uid !== ownUid) throw refusal(path, `it belongs to uid ${facts.uid}`);
    if ((facts.mode & 0o022) !== 0) throw refusal(path, "users other than its owner can change it");
    return parse(path, readFileSync(fd, "utf8"));
  } finally {
    closeSync(fd);
  }
}

function parse(path: string, text: string): readonly string[] {
  const lines = text.split("\n").map((line) => line.replace(/#.*$/, "").trim());
  const rules = lines.filter((line) => line !== "");
  const wrong = lines.findIndex((line) => line !== "" && !LINE.test(line));
  if (wrong >= 0)
    throw refusal(path, `line ${wrong + 1} is neither an operation like gateway.restart@1 nor a prefix like gateway.*`);
  return rules;
}

function refusal(path: string, why: string): HostError {
  return new HostError(
    "deny_list",
    `The deny list ${path} cannot be used: ${why}. Correct it, or remove it if this machine should deny nothing.`,
  );
}
