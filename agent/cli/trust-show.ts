/** `clawhold trust show`: whom this machine obeys, from its own verified trust log. Asks nobody, changes nothing. */
import { isOperationName, operations, type OperationName } from "../../protocol/operations.ts";
import {
  coversHost,
  hasPermission,
  peopleNeeded,
  usableAdministrators,
  type TrustState,
} from "../../protocol/trust/state.ts";
import { admissionOf, type Admission } from "../host/warden/admission.ts";
import { openDenyList, type DenyList } from "../host/warden/deny-list.ts";
import { readHostKeys } from "../host/warden/keys.ts";
import { HostError } from "../host/host-error.ts";
import type { HostState } from "../host/state.ts";
import { dataOption, type Command } from "./command.ts";
import { FOREIGN_KEY } from "./host-run.ts";
import { EXIT, type CliIo } from "./io.ts";
import { heldBy, openTrust, type OpenedTrust } from "./trust-state.ts";
import { explainFreeze, short } from "./trust-words.ts";

export const trustShow: Command = {
  name: "trust show",
  summary: "Show whom this machine obeys",
  help: `Usage: clawhold trust show [--data <directory>] [--json]

Shows the trust log that this host has verified: how far it goes, whether two histories are claimed, how many people,
roles and keys it knows, and for each operation who may command it here. People are shown by id; their names are not in
the log. Compare the head with another host's or with the page People: if they differ for long, something is withheld.

  --data <directory>   where the state of this installation lies
  --json               one JSON object

Exit code 4 while two histories are claimed.`,
  options: dataOption,
  run: async (input, io) => {
    const opened = openTrust(input, io);
    const { state } = await heldBy(opened);
    const shown = state === undefined ? undefined : show(state, opened, io);
    if (input.json) io.out(JSON.stringify({ workspace: opened.host.workspace, trust: shown }));
    else for (const line of text(opened, state, shown)) io.out(line);
    return state?.frozen === undefined ? EXIT.ok : EXIT.refused;
  },
};

/** Who may command one operation here. */
interface Obeyed {
  readonly operation: OperationName;
  /** On the deny list of this machine: nobody may. */
  readonly isDenied: boolean;
  readonly people: readonly string[];
  /** How many different people each command needs. */
  readonly needed: number;
  readonly automationKeys: readonly string[];
}

interface Shown {
  readonly head: TrustState["head"];
  readonly frozen: TrustState["frozen"];
  readonly host: string;
  readonly admission: Admission;
  readonly counts: {
    readonly people: number;
    readonly administrators: number;
    readonly passkeys: number;
    readonly roles: number;
    readonly hosts: number;
    readonly automationKeys: number;
    readonly rules: number;
    readonly revocations: number;
  };
  readonly obeys: readonly Obeyed[];
}

function show(trust: TrustState, { state, host }: OpenedTrust, io: CliIo): Shown {
  const keys = readHostKeys(state.files.keys);
  const denyList = readDenyList(state, io);
  return {
    head: trust.head,
    frozen: trust.frozen,
    host: host.host,
    admission: keys === undefined ? "none" : admissionOf(trust, keys),
    counts: {
      people: trust.people.size,
      administrators: usableAdministrators(trust).length,
      passkeys: trust.credentials.size,
      roles: trust.roles.size,
      hosts: trust.hosts.size,
      automationKeys: trust.automationKeys.size,
      rules: [...trust.policies.values()].filter(({ people }) => people > 1).length,
      revocations: trust.revocations.size,
    },
    obeys: Object.keys(operations)
      .filter((name) => isOperationName(name))
      .map((name) => obeyed(name, { trust, host: host.host, denyList, now: Math.floor(Date.now() / 1_000) })),
  };
}

interface Ground {
  readonly trust: TrustState;
  readonly host: string;
  readonly denyList: DenyList;
  readonly now: number;
}

function obeyed(name: OperationName, { trust, host, denyList, now }: Ground): Obeyed {
  const { permission } = operations[name];
  const people = [...trust.people.keys()].filter((id) => hasPermission(trust, id, { permission, host, now }));
  const keys = [...trust.automationKeys.values()].filter(
    (key) =>
      key.until >= now && coversHost(trust, key, host) && key.operations.some(({ operation }) => operation === name),
  );
  return {
    operation: name,
    isDenied: denyList.denies(name),
    people,
    needed: peopleNeeded(trust, name, host),
    automationKeys: keys.map(({ id }) => id),
  };
}

/** A list that cannot be trusted denies everything, to the agent and so to us. */
function readDenyList({ files }: Pick<HostState, "files">, { uid }: CliIo): DenyList {
  try {
    return openDenyList({ path: files.denyList, settings: files.settingsDenyList, ownUid: uid });
  } catch (error) {
    if (error instanceof HostError) return { denies: () => true };
    throw error;
  }
}

function text({ host }: OpenedTrust, trust: TrustState | undefined, shown: Shown | undefined): readonly string[] {
  const rows: (readonly [string, string])[] = [["Workspace", host.workspace]];
  if (trust === undefined || shown === undefined) {
    rows.push(["Trust log", "not received yet, so this host obeys nobody"]);
    return table(rows);
  }
  const { head, counts, admission } = shown;
  rows.push(
    ["Head", `statement ${String(head.n)}, ${short(head.hash)}, revocations ${short(head.revoked)}`],
    ["Standing", trust.frozen === undefined ? "one history" : "FROZEN: this host obeys nobody"],
    ["People", `${String(counts.people)}, of whom ${String(counts.administrators)} can administer`],
    ["Passkeys", String(counts.passkeys)],
    ["Roles", `${String(counts.roles)}, rules for more than one person: ${String(counts.rules)}`],
    ["Revocations", String(counts.revocations)],
    ["Hosts", String(counts.hosts)],
    ["This host", `${shown.host}, ${ADMISSIONS[admission]}`],
  );
  const lines = [...table(rows)];
  if (trust.frozen !== undefined) lines.push("", ...explainFreeze(trust.frozen));
  if (admission !== "admitted" || trust.frozen !== undefined) return lines;
  return [
    ...lines,
    "",
    "This host obeys",
    ...table(
      shown.obeys.map((one) => [`  ${one.operation}`, whom(one)]),
      24,
    ),
  ];
}

const ADMISSIONS = {
  none: "not admitted: it obeys nobody",
  admitted: "admitted",
  "foreign-key": FOREIGN_KEY,
} as const satisfies Record<Admission, string>;

function whom({ isDenied, people, needed, automationKeys }: Obeyed): string {
  if (isDenied) return "nobody: the deny list of this machine forbids it";
  if (people.length === 0 && automationKeys.length === 0) return "nobody";
  const persons =
    people.length === 0 ? [] : [needed > 1 ? `${String(needed)} of ${people.join(", ")}` : people.join(", ")];
  // A rule for two refuses every automation key.
  const keys = needed > 1 ? [] : automationKeys.map((id) => `key ${id}`);
  return [...persons, ...keys].join(", ");
}

/** `atLeast`: columns of several tables stand below each other. A longer name still keeps two spaces behind it. */
function table(rows: readonly (readonly [string, string])[], atLeast = 14): readonly string[] {
  const width = Math.max(atLeast, ...rows.map(([name]) => name.length + 2));
  return rows.map(([name, value]) => `${name.padEnd(width)}${value}`);
}
