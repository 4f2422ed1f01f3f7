/**
 * Judges a run by everything that was seen of it: what the person was told, what the hosts did, what is written down.
 * Pure; each accusation can be shown to come about with a made-up history.
 */
import { ZERO_DIGEST } from "../../../protocol/messages.ts";

/** One command as its sender knows it when everything has come to rest. */
export interface JudgedCommand {
  readonly intent: string;
  readonly host: string;
  readonly operation: string;
  readonly boot: string | undefined;
  readonly acknowledged: boolean;
  /** The edge said that nothing was done, and it was not sent again. */
  readonly isDenied: boolean;
  /** How it ended for the page, first and now: `verdict` of the receipt, or `refused unsigned`. Undefined: it has no end. */
  readonly first: string | undefined;
  readonly last: string | undefined;
  /** Digest of the receipt that the page shows. */
  readonly receipt: string | undefined;
  /** The edge has heard of it. */
  readonly isKnown: boolean;
}

export interface LedgerReceipt {
  readonly host: string;
  readonly intent: string;
  readonly number: number;
  readonly previous: string;
  readonly verdict: string;
  readonly digest: string;
}

export interface Ledger {
  readonly entries: readonly { readonly action: string; readonly intent: string | undefined }[];
  readonly receipts: readonly LedgerReceipt[];
  /** Where the chain of entries or a receipt does not verify. */
  readonly fault?: string;
}

export interface HostJournal {
  readonly host: string;
  readonly receipts: readonly { readonly number: number; readonly digest: string }[];
  readonly unfinished: readonly string[];
  readonly unacked: readonly number[];
  /** Why no agent would start over it. */
  readonly fault?: string;
}

/** What the gateway behind a host and the agent itself did. */
export interface HostEffects {
  readonly host: string;
  readonly executions: readonly string[];
  /** Boots of the gateway that somebody asked to end, in order. */
  readonly restarts: readonly string[];
}

export interface History {
  readonly commands: readonly JudgedCommand[];
  readonly ledger: Ledger;
  readonly journals: readonly HostJournal[];
  readonly effects: readonly HostEffects[];
  /** Hosts whose tunnel did not come back. */
  readonly away: readonly string[];
}

export type Accusation =
  /** Acknowledged, and then nobody knows of it. */
  | "lost"
  | "executed twice"
  /** No end, although nothing is wrong any more. */
  | "stuck"
  /** The person was told one end, and now another. */
  | "changed its mind"
  /** The word about it is not what happened. */
  | "untrue"
  | "not in the ledger"
  | "ledger broken"
  | "receipt missing"
  | "journal damaged"
  | "host away";

export interface Finding {
  readonly accusation: Accusation;
  readonly detail: string;
}

export function judge(history: History): readonly Finding[] {
  const { commands, ledger, effects, journals, away } = history;
  const broken: Finding[] = ledger.fault === undefined ? [] : [{ accusation: "ledger broken", detail: ledger.fault }];
  return [
    ...broken,
    ...commands.flatMap((command) => judgeCommand(command, history)),
    ...effects.flatMap((each) => judgeEffects(each, commands)),
    ...journals.flatMap((journal) => judgeReceipts(journal, ledger)),
    ...away.map((host): Finding => ({ accusation: "host away", detail: host })),
  ];
}

/** What was seen of one command, counted. */
interface Seen {
  readonly command: JudgedCommand;
  readonly ran: number;
  readonly accepted: number;
  readonly refused: number;
  readonly receipts: readonly LedgerReceipt[];
}

function judgeCommand(command: JudgedCommand, { ledger, effects }: History): readonly Finding[] {
  const { intent, host } = command;
  const times = (action: string): number =>
    ledger.entries.filter((entry) => entry.action === action && entry.intent === intent).length;
  const seen: Seen = {
    command,
    ran: effects.flatMap((each) => each.executions).filter((one) => one === intent).length,
    accepted: times("command.accepted"),
    refused: times("command.refused"),
    receipts: ledger.receipts.filter((receipt) => receipt.intent === intent && receipt.host === host),
  };
  return [...twice(seen), ...(command.isKnown ? [...ending(seen), ...recorded(seen)] : forgotten(seen))];
}

function about({ command }: Seen, accusation: Accusation, why: string): Finding {
  return { accusation, detail: `${command.operation} ${command.intent} ${why}` };
}

function twice(seen: Seen): readonly Finding[] {
  const findings: Finding[] = [];
  if (seen.ran > 1) findings.push(about(seen, "executed twice", `ran ${String(seen.ran)} times`));
  if (seen.accepted > 1) findings.push(about(seen, "executed twice", `was accepted ${String(seen.accepted)} times`));
  return findings;
}

function forgotten(seen: Seen): readonly Finding[] {
  const findings: Finding[] = [];
  if (seen.command.acknowledged) findings.push(about(seen, "lost", "was acknowledged and is unknown"));
  else if (seen.accepted > 0) findings.push(about(seen, "lost", "is in the ledger and its host has no place for it"));
  if (seen.ran > 0) findings.push(about(seen, "untrue", "ran, and the edge does not know it"));
  return findings;
}

function ending(seen: Seen): readonly Finding[] {
  const { first, last } = seen.command;
  if (last === undefined) return [about(seen, "stuck", "has no end")];
  const findings: Finding[] = [];
  if (seen.command.isDenied && seen.ran > 0) findings.push(about(seen, "untrue", "ran, and was called not done"));
  if (first !== last) findings.push(about(seen, "changed its mind", `was ${String(first)}, is ${last}`));
  if (last.startsWith("refused") && seen.ran > 0) findings.push(about(seen, "untrue", `ran, and is called ${last}`));
  if (last === "executed" && seen.ran === 0) findings.push(about(seen, "untrue", "is called executed and never ran"));
  return findings;
}

function recorded(seen: Seen): readonly Finding[] {
  const { ran, accepted, refused, receipts, command } = seen;
  const findings: Finding[] = [];
  const missing = (why: string): void => void findings.push(about(seen, "not in the ledger", why));
  if (accepted === 0) missing("has no entry of its acceptance");
  if (ran > 0 && receipts.length !== 1) missing(`ran and has ${String(receipts.length)} receipts`);
  if (command.receipt !== undefined && !receipts.some(({ digest }) => digest === command.receipt))
    missing("shows a receipt that is not there");
  if (command.last !== undefined && command.receipt === undefined && refused === 0)
    missing("was refused without a word of it");
  return findings;
}

/** Every end of a boot is one command's, and every command ends at most the boot that it was signed for. */
function judgeEffects({ host, restarts }: HostEffects, commands: readonly JudgedCommand[]): readonly Finding[] {
  return restarts.flatMap((boot, i): Finding[] => {
    if (restarts.indexOf(boot) !== i) return [{ accusation: "executed twice", detail: `${host} ended ${boot} twice` }];
    const asked = commands.some((command) => command.host === host && command.boot === boot);
    return asked ? [] : [{ accusation: "executed twice", detail: `${host} ended ${boot}, for which nobody signed` }];
  });
}

/** Numbers from 1 without gap or double, each naming the one before, and the journal's are the ledger's. */
function judgeReceipts(journal: HostJournal, ledger: Ledger): readonly Finding[] {
  const { host } = journal;
  if (journal.fault !== undefined) return [{ accusation: "journal damaged", detail: journal.fault }];
  const missing = (why: string): Finding => ({ accusation: "receipt missing", detail: `${host}: ${why}` });
  const inLedger = ledger.receipts.filter((receipt) => receipt.host === host).toSorted((a, b) => a.number - b.number);
  const findings: Finding[] = [];
  let previous: string = ZERO_DIGEST;
  for (const [i, receipt] of inLedger.entries()) {
    if (receipt.number !== i + 1) findings.push(missing(`${String(receipt.number)} stands at ${String(i + 1)}`));
    else if (receipt.previous !== previous) findings.push(missing(`${String(receipt.number)} does not follow`));
    previous = receipt.digest;
  }
  for (const { number, digest } of journal.receipts)
    if (!inLedger.some((receipt) => receipt.digest === digest))
      findings.push(missing(`${String(number)} of the journal`));
  if (inLedger.length !== journal.receipts.length)
    findings.push(
      missing(`${String(journal.receipts.length)} in the journal, ${String(inLedger.length)} in the ledger`),
    );
  for (const number of journal.unacked) findings.push(missing(`${String(number)} was never acknowledged`));
  for (const intent of journal.unfinished) findings.push({ accusation: "stuck", detail: `${intent} never ended` });
  return findings;
}
