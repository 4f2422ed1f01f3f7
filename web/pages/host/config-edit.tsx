/**
 * Changes of the configuration by path: what the host's own gateway takes at a place, what is there now, and every change
 * as a difference before it is signed. Values are sealed for the host.
 */
import { useSignal, type Signal } from "@preact/signals";
import type { ConfigChange } from "../../../protocol/operations/configuration.ts";
import { DiffView } from "../../components/diff-view.tsx";
import { TextField, ChoiceField } from "../../components/fields.tsx";
import { Foreign } from "../../components/foreign.tsx";
import { Fact } from "../../components/parts.tsx";
import { Refusal } from "../../components/touching.tsx";
import { formatNumberOf } from "../../format.ts";
import type { ReadResult } from "../../state/readings.ts";
import { useDesk } from "./desk.ts";
import { LongField } from "./job-form.tsx";
import { Act } from "./parts.tsx";
import { Read, useReading } from "./reading.tsx";
import { useRollback } from "./rollback.ts";

type Schema = ReadResult<"content.config-schema@1">;
type Value = ReadResult<"content.config@1">["values"][number];
type Change = ConfigChange["changes"][number];

const PATH = /^[A-Za-z0-9_$-]+(\.[A-Za-z0-9_$@/:-]+)*$/;
const MAX_CHANGES = 32;

/** What was typed as JSON text, by the type that the gateway says; or one sentence of what is wrong. */
export function valueOf(typed: string, type: string | undefined): { readonly value: string } | string {
  if (type === "string") return { value: JSON.stringify(typed) };
  const text = typed.trim();
  if (text === "") return "Write a value.";
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return 'This is no JSON. Write a number, true, false, a "text" in quotes, a list or an object.';
  }
  if ((type === "number" || type === "integer") && typeof parsed !== "number")
    return "The gateway wants a number here.";
  if (type === "boolean" && typeof parsed !== "boolean") return "The gateway wants true or false here.";
  return { value: JSON.stringify(parsed) };
}

interface ConfigEditProps {
  readonly values: readonly Value[];
  readonly configHash: string;
}

export function ConfigEdit({ values, configHash }: ConfigEditProps) {
  const path = useSignal("");
  const changes = useSignal<readonly Change[]>([]);
  const note = useSignal("");
  const at = path.value.trim();
  const put = (change: Change) => {
    changes.value = [...changes.value.filter((one) => one.path !== change.path), change];
    path.value = "";
  };
  return (
    <div class="stack">
      <TextField
        id="config-path"
        label="Path"
        value={path}
        maxLength={200}
        hint="Such as gateway.bind. Below it: what this gateway takes there."
      />
      {(at === "" || PATH.test(at)) && (
        <Place
          key={at}
          path={at}
          now={values.find((one) => one.path === at)}
          isFull={changes.value.length >= MAX_CHANGES}
          onGo={(to) => (path.value = to)}
          onPut={put}
        />
      )}
      {changes.value.length > 0 && <Changes changes={changes} note={note} values={values} configHash={configHash} />}
    </div>
  );
}

interface ChangesProps extends ConfigEditProps {
  readonly changes: Signal<readonly Change[]>;
  readonly note: Signal<string>;
}

function Changes({ changes, note, values, configHash }: ChangesProps) {
  const undo = useRollback();
  const said = note.value.trim();
  const content: ConfigChange = { changes: [...changes.value], ...(said === "" ? {} : { note: said }) };
  return (
    <div class="stack">
      <h3>{formatNumberOf(changes.value.length, "change")}, as it will be</h3>
      {changes.value.map(({ path, value }) => {
        const now = values.find((one) => one.path === path);
        return (
          <div key={path} class="stack tight">
            <p class="row wrap small">
              <Foreign text={path} />
              <button
                class="btn quiet sm"
                type="button"
                onClick={() => (changes.value = changes.value.filter((one) => one.path !== path))}
              >
                Leave out
              </button>
            </p>
            <DiffView
              caption={value === undefined ? "Taken out" : "Set"}
              before={now === undefined ? "" : now.isSecret ? "(a secret, not shown)" : now.value}
              after={value ?? ""}
            />
          </div>
        );
      })}
      <TextField
        id="config-note"
        label="Why"
        value={note}
        maxLength={200}
        capitals
        hint="Kept beside the version on the host."
      />
      <p class="small muted">
        If the gateway does not come back healthy, the host puts the version before back by itself.
      </p>
      <div class="acts">
        <Act
          wish={{
            operation: "config.set@1",
            args: { changes: changes.value.length },
            expect: { configHash },
            content,
          }}
          look="btn primary"
          undo={undo}
        >
          Change the configuration…
        </Act>
      </div>
    </div>
  );
}

interface PlaceProps {
  readonly path: string;
  readonly now: Value | undefined;
  readonly isFull: boolean;
  readonly onGo: (path: string) => void;
  readonly onPut: (change: Change) => void;
}

function Place({ path, now, isFull, onGo, onPut }: PlaceProps) {
  const read = useReading("content.config-schema@1", path === "" ? {} : { path });
  return (
    <Read read={read} what="what it may hold">
      {(schema) => (
        <div class="stack mid">
          <SchemaFacts schema={schema} path={path} now={now} />
          {schema.children.length > 0 && (
            <ul class="filters" aria-label="Places below it">
              {schema.children.map(({ name, title }) => (
                <li key={name}>
                  <button
                    class="chip"
                    type="button"
                    title={title === undefined ? undefined : "Go there"}
                    onClick={() => onGo(path === "" ? name : `${path}.${name}`)}
                  >
                    <Foreign text={name} whole />
                  </button>
                </li>
              ))}
            </ul>
          )}
          {path !== "" && !isFull && <Setting schema={schema} path={path} now={now} onPut={onPut} />}
          {isFull && <p class="small muted">One command carries at most {MAX_CHANGES} changes.</p>}
        </div>
      )}
    </Read>
  );
}

const reloads = {
  hot: "taken up without a restart",
  restart: "the gateway restarts for it",
  none: "nothing is loaded anew",
  unknown: "the gateway does not say whether it restarts",
} as const satisfies Record<Schema["reload"], string>;

function SchemaFacts({ schema, path, now }: Pick<PlaceProps, "path" | "now"> & { readonly schema: Schema }) {
  if (path === "") return null;
  return (
    <dl class="facts">
      {schema.title !== undefined && (
        <Fact name="Called">
          <Foreign text={schema.title} />
        </Fact>
      )}
      {schema.type !== undefined && (
        <Fact name="Type">
          <Foreign text={schema.type} />
        </Fact>
      )}
      {schema.help !== undefined && (
        <Fact name="The gateway says">
          <Foreign text={schema.help} whole />
        </Fact>
      )}
      <Fact name="When changed">{reloads[schema.reload]}</Fact>
      {now !== undefined && (
        <Fact name="Now">{now.isSecret ? "a secret, not shown" : <Foreign text={now.value} />}</Fact>
      )}
    </dl>
  );
}

interface SettingProps {
  readonly schema: Schema;
  readonly path: string;
  readonly now: Value | undefined;
  readonly onPut: (change: Change) => void;
}

/** What is chosen and not written. */
function choicesOf({ type, choices }: Schema): readonly string[] {
  return type === "boolean" && choices.length === 0 ? ["true", "false"] : choices;
}

function startOf(schema: Schema, now: Value | undefined): string {
  if (now === undefined || now.isSecret) return choicesOf(schema)[0] ?? "";
  if (schema.type !== "string") return now.value;
  try {
    return String(JSON.parse(now.value));
  } catch {
    return now.value; // a hostile gateway's word: shown as it came
  }
}

function Setting({ schema, path, now, onPut }: SettingProps) {
  const { host } = useDesk();
  const typed = useSignal(startOf(schema, now));
  const wrong = useSignal<string | undefined>(undefined);
  const choices = choicesOf(schema);
  const hasChoices = choices.length > 0;
  const submit = () => {
    const value = valueOf(typed.value, hasChoices && schema.type === undefined ? "string" : schema.type);
    wrong.value = typeof value === "string" ? value : undefined;
    if (typeof value !== "string") onPut({ path, value: value.value });
  };
  return (
    <form
      class="stack mid"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      {hasChoices ? (
        <ChoiceField
          id="config-value"
          label="Value"
          value={typed}
          options={[...new Set([typed.value, ...choices])].map((one) => [one, one] as const)}
        />
      ) : (
        <LongField
          id="config-value"
          label={schema.type === "string" ? "Text" : "Value, as JSON"}
          value={typed}
          maxLength={16_000}
          {...(schema.isSecret ? { hint: `A secret: sealed for ${host.label}, and never shown again.` } : {})}
        />
      )}
      {wrong.value !== undefined && <Refusal trouble={{ code: "typed", what: wrong.value }} />}
      <div class="acts">
        <button class="btn sm" type="submit">
          Put it on the list
        </button>
        {now !== undefined && (
          <button class="btn quiet sm" type="button" onClick={() => onPut({ path })}>
            Take it out
          </button>
        )}
      </div>
    </form>
  );
}
