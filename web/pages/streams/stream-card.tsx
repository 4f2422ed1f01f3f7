/** One far end: how far it is, what it would not take, and everything that can be done with it. */
import { useSignal } from "@preact/signals";
import type { StreamChange } from "../../../protocol/contracts/streams.ts";
import type { DeliveryFault } from "../../../protocol/alerts.ts";
import { Banner } from "../../components/banner.tsx";
import { faultWords, secretFault } from "../../components/delivery-words.ts";
import { SecretField, TextField } from "../../components/fields.tsx";
import { filterWords, formatNames } from "../../components/ledger-formats.ts";
import { Fact, TouchButton } from "../../components/parts.tsx";
import { State } from "../../components/state.tsx";
import { Left, Relative } from "../../components/time.tsx";
import { Refusal, TouchOutcome, useTouching } from "../../components/touching.tsx";
import { formatIndex } from "../../format.ts";
import { useApp } from "../../state/app.ts";
import type { Result } from "../../state/backend.ts";
import type { StreamView } from "../../state/streams.ts";
import { asideWords, wordsOf } from "./wording.ts";

export function StreamCard({ stream }: { readonly stream: StreamView }) {
  const { now } = useApp();
  const { shape, word, sentence } = wordsOf(stream, now.value);
  const title = `stream-${stream.stream}`;
  return (
    <section class="card" aria-labelledby={title}>
      <div class="card-head">
        <h2 id={title}>
          <bdi>{stream.label}</bdi>
        </h2>
        <State shape={shape}>{word}</State>
      </div>
      <div class="card-body stack">
        <p class="small muted">{sentence}</p>
        {stream.setAside.length > 0 && <SetAside stream={stream} />}
        <Facts stream={stream} />
        <Doings stream={stream} />
      </div>
    </section>
  );
}

function Facts({ stream }: { readonly stream: StreamView }) {
  const { overlapUntil, lastSentAt } = stream;
  return (
    <dl class="facts">
      <Fact name="To">
        <bdi class="break">{stream.to}</bdi>
      </Fact>
      <Fact name="Form">{formatNames[stream.format]}</Fact>
      <Fact name="What">{filterWords(stream.filter, (id) => id)}</Fact>
      <Fact name="Looked at">
        <span class="num">
          #{formatIndex(stream.cursor)} of #{formatIndex(stream.head)}
        </span>
      </Fact>
      <Fact name="Last taken">{lastSentAt === undefined ? "nothing yet" : <Relative at={lastSentAt} ago />}</Fact>
      {overlapUntil !== undefined && (
        <Fact name="Old secret">
          signs too for <Left at={overlapUntil} />
        </Fact>
      )}
    </dl>
  );
}

function SetAside({ stream }: { readonly stream: StreamView }) {
  const { streams } = useApp().backend;
  const result = useSignal<Result<undefined> | undefined>(undefined);
  const replay = async () => {
    result.value = await streams.replay(stream.stream);
  };
  return (
    <Banner
      tone="warn"
      icon="warn"
      act={
        <button class="btn sm" type="button" onClick={() => void replay()}>
          Send them again
        </button>
      }
    >
      <strong>{asideWords(stream.setAside)}</strong> They were refused for good, so the others went on. Mend the far
      end, then send them again: they go first, in order.
      {result.value?.ok === false && <Refusal trouble={result.value.trouble} />}
    </Banner>
  );
}

type Doing = "rotate" | "rewind" | "remove";

function Doings({ stream }: { readonly stream: StreamView }) {
  const { streams } = useApp().backend;
  const open = useSignal<Doing | undefined>(undefined);
  const touching = useTouching();
  const change = async (wanted: StreamChange) => {
    if (await touching.run(streams.change(wanted))) open.value = undefined;
  };
  const { stream: id, state } = stream;
  const paused = state === "paused";
  return (
    <div class="stack mid">
      <div class="row wrap">
        <Test stream={id} />
        <button
          class="btn sm"
          type="button"
          aria-disabled={touching.busy ? "true" : undefined}
          onClick={() => void change({ setting: paused ? "streamResume" : "streamPause", stream: id })}
        >
          {paused ? "Go on" : "Pause"}
        </button>
        {(["rotate", "rewind", "remove"] as const).map((doing) => (
          <button
            key={doing}
            class={doing === "remove" ? "btn sm danger" : "btn sm"}
            type="button"
            aria-expanded={open.value === doing}
            onClick={() => (open.value = open.value === doing ? undefined : doing)}
          >
            {doingNames[doing]}
          </button>
        ))}
      </div>
      {open.value === "rotate" && <Rotate busy={touching.busy} id={id} onChange={change} onWrong={touching.refuse} />}
      {open.value === "rewind" && (
        <Rewind busy={touching.busy} stream={stream} onChange={change} onWrong={touching.refuse} />
      )}
      {open.value === "remove" && (
        <div class="stack mid">
          <p class="small">
            Nothing more is sent to <bdi>{stream.to}</bdi>, and its secret goes. What it has, it keeps.
          </p>
          <div class="row">
            <TouchButton
              title="Remove this stream"
              effect="one touch, recorded in the ledger"
              busy={touching.busy}
              onClick={() => void change({ setting: "streamRemove", stream: id })}
            />
          </div>
        </div>
      )}
      <TouchOutcome touching={touching} />
    </div>
  );
}

const doingNames = {
  rotate: "New secret…",
  rewind: "Send from…",
  remove: "Remove…",
} as const satisfies Record<Doing, string>;

function Test({ stream }: { readonly stream: string }) {
  const { streams } = useApp().backend;
  const busy = useSignal(false);
  const result = useSignal<Result<DeliveryFault | undefined> | undefined>(undefined);
  const send = async () => {
    if (busy.value) return;
    busy.value = true;
    result.value = await streams.sendTest(stream);
    busy.value = false;
  };
  const shown = result.value;
  return (
    <>
      <button class="btn sm" type="button" aria-disabled={busy.value ? "true" : undefined} onClick={() => void send()}>
        Send a test
      </button>
      <span class="small muted" role="status">
        {busy.value ? "Sending" : shown?.ok === true ? testWords(shown.value) : ""}
      </span>
      {shown?.ok === false && <Refusal trouble={shown.trouble} />}
    </>
  );
}

export function testWords(fault: DeliveryFault | undefined): string {
  return fault === undefined ? "It took the test." : `It did not take the test: ${faultWords[fault]}.`;
}

interface DoingProps {
  readonly busy: boolean;
  readonly onChange: (change: StreamChange) => Promise<void>;
  readonly onWrong: (what: string) => void;
}

function Rotate({ id, busy, onChange, onWrong }: DoingProps & { readonly id: string }) {
  const { streams } = useApp().backend;
  const secret = useSignal("");
  const save = () => {
    const fault = secretFault(secret.value);
    if (fault !== undefined) return onWrong(fault);
    void onChange({ setting: "streamRotate", stream: id, secret: secret.value });
  };
  return (
    <div class="stack mid">
      <SecretField id={`rotate-${id}`} value={secret} fresh={() => streams.freshSecret()} />
      <p class="small muted">Both secrets sign for a day, so that the far end can change over without a gap.</p>
      <div class="row">
        <TouchButton title="Use the new secret" effect="one touch, recorded in the ledger" busy={busy} onClick={save} />
      </div>
    </div>
  );
}

function Rewind({ stream, busy, onChange, onWrong }: DoingProps & { readonly stream: StreamView }) {
  const from = useSignal(String(Math.max(1, stream.cursor)));
  const save = () => {
    const index = /^[1-9]\d{0,14}$/.test(from.value.trim()) ? Number(from.value.trim()) : undefined;
    if (index === undefined || index > stream.head)
      return onWrong(`The first entry must be a number from 1 to ${stream.head}.`);
    void onChange({ setting: "streamRewind", stream: stream.stream, from: index });
  };
  return (
    <div class="stack mid">
      <TextField
        id={`rewind-${stream.stream}`}
        label="First entry"
        value={from}
        maxLength={15}
        numeric
        hint="Everything from there on is sent again. The far end tells repeats by their webhook-id."
      />
      <div class="row">
        <TouchButton
          title="Send again from there"
          effect="one touch, recorded in the ledger"
          busy={busy}
          onClick={save}
        />
      </div>
    </div>
  );
}
