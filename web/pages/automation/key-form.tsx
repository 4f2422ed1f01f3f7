/** Granting a key: paste its public half, compare six words with the machine, choose what it may do and until when. */
import { useSignal, type Signal } from "@preact/signals";
import { operationWords } from "../../../protocol/operation-words.ts";
import { operations, type Operation } from "../../../protocol/operations.ts";
import { TextField } from "../../components/fields.tsx";
import { Words } from "../../components/parts.tsx";
import { useApp } from "../../state/app.ts";
import { readOfferedKey, type OfferedKey } from "../../state/automation.ts";
import { Choices, EndField, FormFoot, isEmptyScope, ScopeFields, scopeOf, useScope } from "../people/fields.tsx";
import type { Desk } from "../people/frame.tsx";

/** A minute less than the protocol's longest: the statement's time is a little later than this page's. */
const MARGIN_SECONDS = 60;

export function KeyForm({ desk }: { readonly desk: Desk }) {
  const { backend } = useApp();
  const text = useSignal("");
  const label = useSignal("");
  const chosen = useSignal<readonly string[]>([]);
  const limits = useSignal<Readonly<Record<string, string>>>({});
  const scope = useScope(undefined, false);
  const commands = useSignal("10");
  const seconds = useSignal("3600");
  const days = useSignal(90);
  const offered = readOfferedKey(text.value, desk.view.state.workspace);
  const rate = { commands: wholeOf(commands.value), seconds: wholeOf(seconds.value) };
  const problem = problemOf({
    isKey: offered !== undefined,
    isKnown: offered !== undefined && desk.view.state.chain.automationKeys.has(offered.id),
    label: label.value.trim(),
    isEmpty: chosen.value.length === 0 || isEmptyScope(scope),
    rate,
  });
  const grant = () => {
    if (offered === undefined) return;
    desk.statements.ask({
      kind: "automation-key.add",
      body: {
        id: offered.id,
        publicKey: offered.publicKey,
        label: label.value.trim(),
        operations: chosen.value.map((operation) => ({ operation, limits: limitsOf(limits.value[operation] ?? "") })),
        ...scopeOf(scope),
        rate,
        until: backend.now() + days.value * 86_400 - MARGIN_SECONDS,
      },
    });
  };
  return (
    <section class="card" aria-labelledby="grant-key">
      <div class="card-head">
        <h2 id="grant-key">Grant a key</h2>
      </div>
      <div class="card-body stack">
        <KeyField text={text} offered={offered} />
        <TextField id="key-label" label="What the key is called" value={label} maxLength={64} capitals />
        <Choices
          legend="May run"
          options={Object.entries(operationWords).map(([value, { verb }]) => ({ value, label: `${verb} (${value})` }))}
          chosen={chosen}
        />
        <LimitFields chosen={chosen.value} limits={limits} />
        <ScopeFields id="key" view={desk.view} scope={scope} />
        <RateFields commands={commands} seconds={seconds} />
        <EndField id="key-end" value={days} what="The grant ends" />
        <FormFoot
          title={offered === undefined ? "Grant the key…" : "The words match, grant the key…"}
          problem={problem}
          onAsk={grant}
        />
      </div>
    </section>
  );
}

interface KeyFieldProps {
  readonly text: Signal<string>;
  readonly offered: OfferedKey | undefined;
}

function KeyField({ text, offered }: KeyFieldProps) {
  return (
    <>
      <TextField id="key-text" label="Public key" value={text} hint="As the machine printed it: 43 characters." />
      {offered !== undefined && (
        <div class="stack tight">
          <p>The machine printed six words. They must be these:</p>
          <Words words={offered.words} label="Six words of the key" />
        </div>
      )}
    </>
  );
}

interface RateFieldsProps {
  readonly commands: Signal<string>;
  readonly seconds: Signal<string>;
}

function RateFields({ commands, seconds }: RateFieldsProps) {
  return (
    <div class="grid-2">
      <TextField id="key-commands" label="At most so many commands on each host" value={commands} numeric />
      <TextField id="key-seconds" label="in so many seconds" value={seconds} numeric />
    </div>
  );
}

interface LimitProps {
  readonly chosen: readonly string[];
  readonly limits: Signal<Readonly<Record<string, string>>>;
}

/** One line for each operation that takes arguments. */
function LimitFields({ chosen, limits }: LimitProps) {
  const table: Readonly<Record<string, Operation>> = operations;
  const withArguments = chosen.filter((name) => argumentNames(table[name]).length > 0);
  return (
    <>
      {withArguments.map((name) => (
        <div class="field" key={name}>
          <label for={`limit-${name}`}>Only with these arguments: {name}</label>
          <input
            class="input"
            id={`limit-${name}`}
            value={limits.value[name] ?? ""}
            autocomplete="off"
            spellcheck={false}
            aria-describedby={`limit-${name}-hint`}
            onInput={(event) => (limits.value = { ...limits.value, [name]: event.currentTarget.value })}
          />
          <p class="tiny faint" id={`limit-${name}-hint`}>
            {exampleOf(table[name])} Empty: any arguments that the operation takes.
          </p>
        </div>
      ))}
    </>
  );
}

function argumentNames(operation: Operation | undefined): readonly string[] {
  if (operation === undefined || !("entries" in operation.args)) return [];
  const { entries } = operation.args;
  return typeof entries === "object" && entries !== null ? Object.keys(entries) : [];
}

/** With values that it really takes, where its schema names them. */
function exampleOf(operation: Operation | undefined): string {
  const [name] = argumentNames(operation);
  if (operation === undefined || name === undefined || !("entries" in operation.args)) return "";
  const schema: unknown = Object.entries(operation.args.entries ?? {}).find(([entry]) => entry === name)?.[1];
  const options = typeof schema === "object" && schema !== null && "options" in schema ? schema.options : undefined;
  return `For example ${name}=${Array.isArray(options) ? options.slice(0, 2).join(",") : "one,two"}.`;
}

/** `scenario=lost-device,second-person; other=1`: names and the values that each may have. */
export function limitsOf(text: string): { argument: string; values: string[] }[] {
  return text
    .split(";")
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .map((part) => {
      const [argument = "", values = ""] = part.split("=", 2);
      return { argument: argument.trim(), values: values.split(",").map((value) => value.trim()) };
    });
}

function wholeOf(text: string): number {
  return /^\d{1,6}$/.test(text.trim()) ? Number(text.trim()) : 0;
}

interface Facts {
  readonly isKey: boolean;
  /** Ids are never used again, also those of revoked keys. */
  readonly isKnown: boolean;
  readonly label: string;
  readonly isEmpty: boolean;
  readonly rate: { readonly commands: number; readonly seconds: number };
}

function problemOf({ isKey, isKnown, label, isEmpty, rate }: Facts): string | undefined {
  if (!isKey) return "It needs the public key as the machine printed it.";
  if (isKnown) return "This key was granted before. Make a new one on the machine for another grant.";
  if (label === "") return "It needs a name.";
  if (isEmpty) return "It needs at least one operation and one host.";
  const isRate = rate.commands >= 1 && rate.commands <= 1_000 && rate.seconds >= 1 && rate.seconds <= 86_400;
  return isRate ? undefined : "The rate is 1 to 1000 commands in 1 to 86400 seconds.";
}
