/** Small parts that several pages share: figures, facts, words, empty and waiting states, commands to type. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { Icon } from "../icons.tsx";
import type { IconName } from "../icons.tsx";
import type { Trouble } from "../state/backend.ts";

interface TileProps {
  readonly label: string;
  readonly children: ComponentChildren;
  readonly sub: ComponentChildren;
}

export function Tile({ label, children, sub }: TileProps) {
  return (
    <div class="tile">
      <span class="eyebrow">{label}</span>
      <span class="figure">{children}</span>
      <span class="sub">{sub}</span>
    </div>
  );
}

export function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** Six numbered cells: made to be compared with a terminal, cell by cell. */
export function Words({ words, label }: { readonly words: readonly string[]; readonly label: string }) {
  return (
    <ol class="words" aria-label={label}>
      {words.map((word, index) => (
        <li key={index}>{word}</li>
      ))}
    </ol>
  );
}

interface EmptyProps {
  readonly icon: IconName;
  readonly title: string;
  readonly children: ComponentChildren;
  readonly actions?: ComponentChildren;
  readonly turns?: boolean;
  readonly level?: 1 | 2;
}

export function Empty({ icon, title, children, actions, turns = false, level = 2 }: EmptyProps) {
  return (
    <div class="empty">
      <Icon name={icon} class={turns ? "spin" : undefined} />
      <div class="stack tight">
        {level === 1 ? <h1>{title}</h1> : <h2>{title}</h2>}
        {children}
      </div>
      {actions !== undefined && <div class="row">{actions}</div>}
    </div>
  );
}

/** What happened, why, what next; the code beside it for who reads logs. */
export function TroubleText({ trouble }: { readonly trouble: Trouble }) {
  return (
    <>
      <strong>{trouble.what}</strong>
      {trouble.why !== undefined && ` ${trouble.why}`}
      {trouble.next !== undefined && ` ${trouble.next}`} <code class="faint nowrap">{trouble.code}</code>
      {trouble.id !== undefined && <span class="faint tiny"> {trouble.id}</span>}
    </>
  );
}

/** For a page that cannot begin yet and goes on by itself. */
export function Delayed({ trouble, onRetry }: { readonly trouble: Trouble; readonly onRetry?: () => void }) {
  const actions =
    onRetry === undefined ? undefined : (
      <button class="btn sm" type="button" onClick={onRetry}>
        Try now
      </button>
    );
  return (
    <div class="card">
      <Empty icon="offline" title={trouble.what.replace(/\.$/, "")} level={1} actions={actions}>
        <p role="status">
          {trouble.why} {trouble.next} This page tries again by itself.
        </p>
        <p class="tiny faint">
          <code>{trouble.code}</code>
        </p>
      </Empty>
    </div>
  );
}

const SHAPE_AFTER_MS = 300;
const SENTENCE_AFTER_MS = 5_000;

/** Nothing for 300 ms, then the shape, after 5 s a sentence. */
export function Waiting({ what }: { readonly what: string }) {
  const age = useSignal<"new" | "late" | "long">("new");
  useEffect(() => {
    const late = setTimeout(() => (age.value = "late"), SHAPE_AFTER_MS);
    const long = setTimeout(() => (age.value = "long"), SENTENCE_AFTER_MS);
    return () => {
      clearTimeout(late);
      clearTimeout(long);
    };
  }, [age]);
  if (age.value === "new") return null;
  return (
    <div class="card" aria-busy="true">
      <div class="card-body stack">
        <div class="skeleton w3" />
        <div class="skeleton w2" />
        <div class="skeleton w1" />
        <p class="small muted" role="status">
          {age.value === "long" ? (
            `${what} takes longer than usual. It goes on by itself.`
          ) : (
            <span class="sr">{what}</span>
          )}
        </p>
      </div>
    </div>
  );
}

interface CommandProps {
  readonly caption: string;
  readonly command: string;
}

/** A command to type elsewhere, with a copy button that also works where the clipboard is not allowed. */
export function Command({ caption, command }: CommandProps) {
  const text = useRef<HTMLPreElement>(null);
  const word = useSignal("Copy");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(command);
      word.value = "Copied";
    } catch {
      // The browser forbids it here: select the text, so that one key press copies it.
      if (text.current !== null) getSelection()?.selectAllChildren(text.current);
      word.value = "Press Ctrl C";
    }
  };
  return (
    <div class="code">
      <div class="cap">
        <span>{caption}</span>
        <button class="btn quiet sm" type="button" onClick={() => void copy()}>
          <Icon name="copy" class="s" />
          {word}
        </button>
      </div>
      <pre tabIndex={0} role="region" aria-label={caption} ref={text}>
        {command}
      </pre>
    </div>
  );
}

interface TouchLabel {
  readonly title: string;
  /** Names the effect, and the thing it happens to. */
  readonly effect: string;
}

/** The only button of its kind: two lines, the second names the effect. */
export function TouchButton(
  props: TouchLabel & { readonly onClick: () => void; readonly busy?: boolean; readonly block?: boolean },
) {
  const { busy = false } = props;
  return (
    <button
      class={`btn primary approve${props.block === true ? " block" : ""}`}
      type="button"
      aria-disabled={busy ? "true" : undefined}
      onClick={() => {
        if (!busy) props.onClick();
      }}
    >
      <Icon name={busy ? "pending" : "touch"} class={busy ? "spin" : undefined} />
      <span>
        {busy ? "Waiting for your authenticator" : props.title}
        <small>{props.effect}</small>
      </span>
    </button>
  );
}
