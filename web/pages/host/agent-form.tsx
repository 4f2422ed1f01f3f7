/** Creates an agent, or writes a version of one that nothing works with until it is deployed. Sealed for the host. */
import { useSignal, type Signal } from "@preact/signals";
import type { AgentDraft } from "../../../protocol/operations/agents.ts";
import { DiffView } from "../../components/diff-view.tsx";
import { TextField } from "../../components/fields.tsx";
import { Refusal } from "../../components/touching.tsx";
import { useDesk } from "./desk.ts";
import { LongField } from "./job-form.tsx";

type File = AgentDraft["files"][number];

interface AgentFormProps {
  /** Absent: a new one. */
  readonly edited?: {
    readonly tag: string;
    /** As the host calls it. */ readonly name: string;
    readonly draft: AgentDraft;
  };
}

const MAX_FILES = 16;
const MAX_FILE_CHARACTERS = 20_000;

/** What is missing, in one sentence; undefined: nothing. */
export function wrongWith({ name, files }: AgentDraft): string | undefined {
  if (!/^[a-z0-9][a-z0-9_-]{0,47}$/.test(name))
    return "Name the agent with small letters, digits, - and _, at most 48 of them.";
  const names = files.map((file) => file.name);
  if (names.some((one) => !/^[A-Za-z0-9._-]{1,64}$/.test(one)))
    return "Name each file with letters, digits, a dot, - and _, such as AGENTS.md.";
  return new Set(names).size === names.length ? undefined : "Two files have the same name.";
}

export function AgentForm({ edited }: AgentFormProps) {
  const desk = useDesk();
  const name = useSignal(edited?.draft.name ?? "");
  const model = useSignal(edited?.draft.model ?? "");
  const files = useSignal<readonly File[]>(edited?.draft.files ?? [{ name: "AGENTS.md", content: "" }]);
  const wrong = useSignal<string | undefined>(undefined);
  const operation = edited === undefined ? "agent.create@1" : "agent.edit@1";
  const obstacle = desk.obstacle(operation);
  const submit = () => {
    const kept = model.value.trim() === "" ? {} : { model: model.value.trim() };
    const draft: AgentDraft = { name: name.value.trim(), ...kept, files: [...files.value] };
    wrong.value = wrongWith(draft);
    if (wrong.value !== undefined || obstacle !== undefined) return;
    if (edited === undefined) desk.ask({ operation: "agent.create@1", content: draft });
    else
      desk.ask({
        operation: "agent.edit@1",
        args: { subject: edited.tag },
        about: edited.name,
        content: { ...kept, files: draft.files },
      });
  };
  return (
    <form
      class="stack mid"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      {edited === undefined && (
        <TextField id="agent-name" label="Name" value={name} maxLength={48} hint="Small letters, digits, - and _." />
      )}
      <TextField id="agent-model" label="Model" value={model} maxLength={120} hint="Empty: the gateway's usual one." />
      {files.value.map((file, index) => (
        <FileFields
          key={index}
          index={index}
          file={file}
          before={edited?.draft.files.find((one) => one.name === file.name)?.content}
          files={files}
        />
      ))}
      <div class="acts">
        <button
          class="btn sm"
          type="button"
          disabled={files.value.length >= MAX_FILES}
          onClick={() => (files.value = [...files.value, { name: "", content: "" }])}
        >
          Add a file
        </button>
      </div>
      {wrong.value !== undefined && <Refusal trouble={{ code: "typed", what: wrong.value }} />}
      <div class="acts">
        <button class="btn primary" type="submit" aria-disabled={obstacle === undefined ? undefined : "true"}>
          {edited === undefined ? "Create the agent…" : "Write this version…"}
        </button>
        {obstacle !== undefined && <span class="tiny faint">Not offered: {obstacle}.</span>}
      </div>
    </form>
  );
}

interface FileFieldsProps {
  readonly index: number;
  readonly file: File;
  /** As it is now, where it is. */
  readonly before: string | undefined;
  readonly files: Signal<readonly File[]>;
}

function FileFields({ index, file, before, files }: FileFieldsProps) {
  const put = (part: Partial<File>) =>
    (files.value = files.value.map((one, other) => (other === index ? { ...one, ...part } : one)));
  const set = (part: keyof File): Signal<string> =>
    ({
      get value() {
        return file[part];
      },
      set value(text: string) {
        put({ [part]: text });
      },
    }) as Signal<string>; // fields read and write its value and nothing else
  return (
    <fieldset class="tickset">
      <legend>File {index + 1}</legend>
      <TextField id={`file-name-${index}`} label="File name" value={set("name")} maxLength={64} />
      <LongField id={`file-text-${index}`} label="Text" value={set("content")} maxLength={MAX_FILE_CHARACTERS} />
      {before !== undefined && before !== file.content && (
        <DiffView caption={`File ${index + 1}, against what is in use`} before={before} after={file.content} />
      )}
      {files.value.length > 1 && (
        <div class="acts">
          <button
            class="btn quiet sm"
            type="button"
            onClick={() => (files.value = files.value.filter((_, other) => other !== index))}
          >
            Leave file {index + 1} out
          </button>
        </div>
      )}
    </fieldset>
  );
}
