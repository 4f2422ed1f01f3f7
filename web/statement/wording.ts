/**
 * What each kind of statement says before the touch: question, one plain sentence of what will happen, the effect on
 * the button, what ended, and the facts. One row for each kind of the protocol; a new one does not compile without.
 * May not: say anything that is not in the statement's own bytes or in the verified log.
 */
import type { BodyOf, Statement, StatementKind } from "../../protocol/trust/statements.ts";
import { formatList, formatNumberOf } from "../format.ts";
import type { Ground } from "./ground.ts";
import { wordsOfKey, wordsOfNewcomer } from "./ground.ts";
import { momentWords, peopleWords, permissionWords, roleWords, scopeWords, sessionWords } from "./words.ts";

export type FactRow = readonly [name: string, value: string];

export interface Wording<K extends StatementKind> {
  readonly question: (body: BodyOf<K>, ground: Ground) => string;
  readonly sentence: (body: BodyOf<K>, ground: Ground) => string;
  /** Second line of the button; starts lower case. */
  readonly effect: (body: BodyOf<K>, ground: Ground) => string;
  readonly done: (body: BodyOf<K>, ground: Ground) => string;
  readonly facts: (body: BodyOf<K>, ground: Ground) => readonly FactRow[];
}

type Wordings = { readonly [K in StatementKind]: Wording<K> };

const wordings: Wordings = {
  "person.add": {
    question: (body, ground) => `Add ${newcomer(body, ground)}?`,
    sentence: (body, ground) =>
      `${newcomer(body, ground)} can sign in with the passkey below and may do what ${roleWords(body.roles)} allows. Hosts obey this once they hear of it.`,
    effect: (body, ground) => `${newcomer(body, ground)} becomes ${roleWords(body.roles)}`,
    done: (body, ground) => `${newcomer(body, ground)} is added`,
    facts: (body, ground) => [
      ["Name", newcomer(body, ground)],
      ["Roles", roleWords(body.roles)],
      ["Ends", momentWords(body.until)],
      ...(body.credentials ?? []).flatMap((credential): FactRow[] => [
        ["Passkey", passkeyWords(credential, ground)],
        ["Six words", wordsOfNewcomer(ground, credential, body.name).join(" ")],
      ]),
    ],
  },
  "credential.add": {
    question: ({ person }, ground) =>
      person === ground.me ? "Add a passkey of yours?" : `Add a passkey for ${ground.nameOf(person)}?`,
    sentence: ({ person }, ground) =>
      `Whoever holds this passkey can sign in as ${ground.nameOf(person)} and approve what they may.`,
    effect: ({ person }, ground) => `one more passkey counts as ${ground.nameOf(person)}`,
    done: ({ person }, ground) => `${ground.nameOf(person)} has one more passkey`,
    facts: (body, ground) => [
      ["Person", ground.nameOf(body.person)],
      ["Passkey", passkeyWords(body, ground)],
    ],
  },
  "role.define": {
    question: ({ id }, { view }) => (view.state.roles.has(id) ? `Change the role ${id}?` : `Write the role ${id}?`),
    sentence: ({ id }, { view }) => {
      const holders = [...view.state.people.values()].filter(({ roles }) => roles.includes(id)).length;
      return holders === 0
        ? "Nobody holds it yet, so nothing changes for anybody until somebody is given it."
        : `${formatNumberOf(holders, "person holds", "people hold")} it, and may do what it says from now on.`;
    },
    effect: ({ id }) => `the trust log says what ${id} may do`,
    done: ({ id }) => `The role ${id} is written`,
    facts: (role, { labelOf }) => [
      ["May", role.permissions.map((one) => permissionWords[one]).join("; ") || "nothing"],
      ["On", scopeWords(role, labelOf)],
      ...wholeWorkspace(role),
      ["Sessions", sessionWords(role)],
    ],
  },
  "role.assign": {
    question: (body, ground) =>
      isRenewal(body, ground)
        ? `Renew the roles of ${ground.nameOf(body.person)}?`
        : `Change the roles of ${ground.nameOf(body.person)}?`,
    sentence: ({ person, roles }, ground) =>
      roles.length === 0
        ? `${ground.nameOf(person)} may do nothing any more, and keeps the passkeys.`
        : `${ground.nameOf(person)} may do what ${roleWords(roles)} allows, and nothing else, until the end below.`,
    effect: ({ person, roles }, ground) => `${ground.nameOf(person)} holds ${roleWords(roles)}`,
    done: ({ person, roles }, ground) => `${ground.nameOf(person)} holds ${roleWords(roles)}`,
    facts: ({ person, roles, until }, ground) => [
      ["Person", ground.nameOf(person)],
      ["Until now", roleWords(ground.view.state.people.get(person)?.roles ?? [])],
      ["From now on", roleWords(roles)],
      ["Ends", momentWords(until)],
    ],
  },
  "host.admit": {
    question: ({ label }) => `Admit ${label}?`,
    sentence: ({ label }) => `${label} becomes a host of this workspace and takes commands of the people in its log.`,
    effect: ({ label }) => `${label} becomes a host of this workspace`,
    done: ({ label }) => `${label} is admitted`,
    facts: ({ host, label, colocated }) => [
      ["Host", label],
      ["Id", host],
      ["Beside the edge", colocated ? "yes: it is no witness" : "no"],
    ],
  },
  "host.remove": {
    question: ({ host }, { labelOf }) => `Remove ${labelOf(host)}?`,
    sentence: ({ host }, { labelOf }) =>
      `${labelOf(host)} leaves this workspace for good. Its gateway keeps running; nobody here can command it any more. To come back it joins as a new host.`,
    effect: ({ host }, { labelOf }) => `${labelOf(host)} is removed for good`,
    done: ({ host }, { labelOf }) => `${labelOf(host)} is removed`,
    facts: ({ host }, { labelOf }) => [
      ["Host", labelOf(host)],
      ["Id", host],
    ],
  },
  "automation-key.add": {
    question: ({ label }) => `Grant the automation key ${label}?`,
    sentence: (key, { labelOf }) =>
      `Whoever holds the key ${key.label} can run these operations on ${scopeWords(key, labelOf)} without a person's touch, until the end below.`,
    effect: ({ label }) => `${label} may run these operations alone`,
    done: ({ label }) => `The key ${label} is granted`,
    facts: (key, ground) => [
      ["Id", key.id],
      ["Six words", wordsOfKey(ground, key).join(" ")],
      ...key.operations.map(({ operation, limits }): FactRow => ["Operation", `${operation}${limitWords(limits)}`]),
      ["On", scopeWords(key, ground.labelOf)],
      [
        "At most",
        `${formatNumberOf(key.rate.commands, "command")} in ${formatNumberOf(key.rate.seconds, "second")} on each host`,
      ],
      ["Ends", momentWords(key.until)],
    ],
  },
  "origin.add": {
    question: ({ origin }) => `Add the address ${origin}?`,
    sentence: ({ class: kind }) =>
      kind === "signer"
        ? "Touches made there count for everything the person's role allows. It must be a page that people's own machines serve."
        : "Touches made there count for daily operations only, because an edge serves the page.",
    effect: ({ origin }) => `touches made on ${origin} count`,
    done: ({ origin }) => `${origin} is listed`,
    facts: ({ origin, rpId, class: kind }) => [
      ["Address", origin],
      ["Name", rpId],
      ["Class", kind],
    ],
  },
  "dispatch-key.rotate": keyChange("the edge's dispatch key"),
  "ledger-key.rotate": keyChange("the ledger's key"),
  "root.rotate": {
    question: () => "Let another edge take over?",
    sentence: () => "Hosts obey the new edge's keys from now on, and no longer those of the present one.",
    effect: () => "hosts obey another edge",
    done: () => "Another edge took over",
    facts: ({ dispatchKey, ledgerKey }) => [
      ["Dispatch key", dispatchKey],
      ["Ledger key", ledgerKey],
    ],
  },
  "policy.set": {
    question: ({ id, people, execOnceFrom }, { view }) => {
      if (execOnceFrom !== undefined) return "Answer commands from a phone?";
      if (people === 1) return `End the rule ${id}?`;
      return view.state.policies.has(id) ? `Change the rule ${id}?` : `Set the rule ${id}?`;
    },
    sentence: (rule, { labelOf, nameOf }) =>
      rule.execOnceFrom !== undefined
        ? `${rule.execOnceFrom.people.map(nameOf).join(", ")} may allow a command once on ${scopeWords(rule, labelOf)} from any page of this workspace, not only in the signer. One touch of theirs on a hostile page can then run one command as the gateway's user.`
        : rule.people === 1
          ? "What it named needs one person again, unless another rule names it too."
          : `From now on ${operationWords(rule.operations)} on ${scopeWords(rule, labelOf)} needs ${peopleWords(rule.people)}. Every host asks for it by itself.`,
    effect: ({ id, people, execOnceFrom }) =>
      execOnceFrom !== undefined
        ? "one touch can run one command"
        : people === 1
          ? `the rule ${id} ends`
          : `${peopleWords(people)} are needed`,
    done: ({ id, people, execOnceFrom }) =>
      people === 1 && execOnceFrom === undefined ? `The rule ${id} ended` : `The rule ${id} is set`,
    facts: (rule, { labelOf }) => [
      ["Operations", operationWords(rule.operations)],
      ["On", scopeWords(rule, labelOf)],
      ...(rule.execOnceFrom === undefined
        ? [["People", String(rule.people)] as const]
        : [["Who", rule.execOnceFrom.people.join(", ")] as const]),
    ],
  },
  "fork.resolve": {
    question: () => "Keep this history?",
    sentence: ({ drop }) =>
      drop === undefined
        ? "Hosts that froze go on with the statement below and all that follow it. What was revoked stays revoked."
        : "Hosts that froze go on with the history kept below. What only the other one said counts for nothing; what either revoked stays revoked.",
    effect: () => "frozen hosts go on with this history",
    done: () => "This history is kept",
    facts: ({ keep, drop }, { view }) => [
      ["Keep", `${keep}${knownAs(keep, view.applied)}`],
      ...(drop === undefined ? [] : [["Drop", `${drop}${knownAs(drop, view.applied)}`] as const]),
    ],
  },
  "person.revoke": {
    question: ({ person }, ground) => `Revoke ${ground.nameOf(person)}?`,
    sentence: ({ person }, ground) =>
      `No passkey of ${ground.nameOf(person)} counts any more, on every host as soon as it hears of it. Their sessions end. It cannot be undone: somebody who comes back is invited anew.`,
    effect: ({ person }, ground) => `${ground.nameOf(person)} may do nothing any more`,
    done: ({ person }, ground) => `${ground.nameOf(person)} is revoked`,
    facts: ({ person }, ground) => [
      ["Person", ground.nameOf(person)],
      ["Id", person],
      ["Passkeys", String(passkeyCount(person, ground))],
    ],
  },
  "credential.revoke": {
    question: ({ credential }, ground) => `Revoke a passkey of ${ownerOf(credential, ground)}?`,
    sentence: ({ credential }, ground) =>
      `This passkey counts for nothing any more, on every host as soon as it hears of it; sessions opened with it end. ${ownerOf(credential, ground)} keeps ${formatNumberOf(remaining(credential, ground), "passkey")}.`,
    effect: ({ credential }, ground) => `this passkey of ${ownerOf(credential, ground)} counts for nothing`,
    done: () => "The passkey is revoked",
    facts: ({ credential }, ground) => [
      ["Person", ownerOf(credential, ground)],
      ["Passkey", credential],
    ],
  },
  "role.revoke": {
    question: ({ grant }, ground) => `Take all roles from ${granteeOf(grant, ground)}?`,
    sentence: ({ grant }, ground) =>
      `${granteeOf(grant, ground)} may do nothing any more, on every host as soon as it hears of it. The passkeys stay, and roles can be given again.`,
    effect: ({ grant }, ground) => `${granteeOf(grant, ground)} holds no role`,
    done: ({ grant }, ground) => `${granteeOf(grant, ground)} holds no role`,
    facts: ({ grant }, ground) => [
      ["Person", granteeOf(grant, ground)],
      ["Grant", grant],
    ],
  },
  "automation-key.revoke": {
    question: ({ automationKey }, { view }) => `Revoke the key ${keyLabel(automationKey, view)}?`,
    sentence: () =>
      "It runs nothing any more, on every host as soon as it hears of it. What uses it fails from then on.",
    effect: ({ automationKey }, { view }) => `${keyLabel(automationKey, view)} runs nothing any more`,
    done: ({ automationKey }, { view }) => `The key ${keyLabel(automationKey, view)} is revoked`,
    facts: ({ automationKey }, { view }) => [
      ["Key", keyLabel(automationKey, view)],
      ["Id", automationKey],
    ],
  },
  "origin.revoke": {
    question: ({ origin }) => `Revoke the address ${origin}?`,
    sentence: () =>
      "Touches made there count for nothing any more, and sessions opened there end. The same address can never be listed again.",
    effect: ({ origin }) => `touches made on ${origin} count for nothing`,
    done: ({ origin }) => `${origin} is revoked`,
    facts: ({ origin }) => [["Address", origin]],
  },
};

function keyChange(what: string): Wording<"dispatch-key.rotate"> & Wording<"ledger-key.rotate"> {
  return {
    question: () => `Change ${what}?`,
    sentence: () => `Hosts take ${what} from now on, and no longer the one before.`,
    effect: () => `${what} changes`,
    done: () => `${what[0]?.toUpperCase() ?? ""}${what.slice(1)} is changed`,
    facts: ({ key }) => [["Key", key]],
  };
}

/** A statement as people read it. */
export interface Told {
  readonly question: string;
  readonly sentence: string;
  readonly effect: string;
  readonly done: string;
  readonly facts: readonly FactRow[];
}

export function tell(statement: Statement, ground: Ground): Told {
  return told(statement, ground);
}

function told<K extends StatementKind>(
  { kind, body }: { readonly kind: K; readonly body: BodyOf<K> },
  ground: Ground,
): Told {
  const wording: Wording<K> = wordings[kind];
  return {
    question: wording.question(body, ground),
    sentence: wording.sentence(body, ground),
    effect: wording.effect(body, ground),
    done: wording.done(body, ground),
    facts: wording.facts(body, ground),
  };
}

// ---- small words ----

function newcomer({ id, name }: BodyOf<"person.add">, ground: Ground): string {
  return ground.nameOfCommitment(name) ?? ground.view.names.get(id) ?? `person ${id.slice(0, 8)}`;
}

function isRenewal({ person, roles }: BodyOf<"role.assign">, { view }: Ground): boolean {
  const held = view.state.people.get(person)?.roles ?? [];
  return roles.length === held.length && roles.every((role) => held.includes(role));
}

/** A scope of hosts bounds nothing that is not about a host. */
function wholeWorkspace({ permissions, hosts }: BodyOf<"role.define">): readonly FactRow[] {
  if (hosts.includes("all") || !permissions.includes("workspace.administer")) return [];
  return [["Everywhere", `${permissionWords["workspace.administer"]}: they are the whole workspace's`]];
}

interface PinnedFacts {
  readonly credentialId: string;
  readonly rpId: string;
  readonly backupEligible: boolean;
}

function passkeyWords({ credentialId, rpId, backupEligible }: PinnedFacts, { view }: Ground): string {
  const kind = view.state.chain.rpClasses.get(rpId) ?? "daily";
  const where = kind === "signer" ? "for everything" : "for daily operations only";
  const copies = backupEligible ? "may be copied to other devices" : "stays on one device";
  return `${credentialId.slice(0, 12)}…, made for ${rpId} (${where}), ${copies}`;
}

function passkeyCount(person: string, { view }: Ground): number {
  return [...view.state.credentials.values()].filter((one) => one.person === person).length;
}

function personOf(credential: string, { view }: Ground): string {
  return view.state.chain.credentials.get(credential)?.person ?? "";
}

function ownerOf(credential: string, ground: Ground): string {
  const person = personOf(credential, ground);
  return person === "" ? "nobody known" : ground.nameOf(person);
}

function remaining(credential: string, ground: Ground): number {
  const count = passkeyCount(personOf(credential, ground), ground);
  return ground.view.state.credentials.has(credential) ? count - 1 : count;
}

function granteeOf(grant: string, ground: Ground): string {
  const person = [...ground.view.state.chain.people.values()].find((one) => one.grant === grant);
  return person === undefined ? "nobody known" : ground.nameOf(person.id);
}

function keyLabel(id: string, { state }: Ground["view"]): string {
  return state.chain.automationKeys.get(id)?.label ?? id;
}

export function operationWords(operations: readonly string[]): string {
  return operations.includes("all") ? "every operation" : formatList(operations);
}

type Limits = BodyOf<"automation-key.add">["operations"][number]["limits"];

function limitWords(limits: Limits): string {
  if (limits.length === 0) return "";
  const each = limits.map(({ argument, values }) => `${argument} ${values.map(String).join(" or ")}`);
  return `, only with ${formatList(each)}`;
}

function knownAs(hash: string, applied: Ground["view"]["applied"]): string {
  const found = applied.find((one) => one.hash === hash);
  return found === undefined ? "" : ` (${found.statement.kind})`;
}
