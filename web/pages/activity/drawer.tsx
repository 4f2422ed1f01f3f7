/**
 * The proof of one entry: who approved it and from where, that it was written first, the host's signed receipt, where
 * it stands in the chain, and each thing this browser computed to say so.
 */
import type { ComponentChildren } from "preact";
import { saveFile } from "../../components/save-file.ts";
import { useEffect, useRef } from "preact/hooks";
import { Banner } from "../../components/banner.tsx";
import { rememberFocus } from "../../components/focus.ts";
import { TroubleText, Waiting } from "../../components/parts.tsx";
import { Exact } from "../../components/time.tsx";
import {
  formatAge,
  formatCount,
  formatHash,
  formatIndex,
  formatList,
  formatMilliseconds,
  formatShortId,
} from "../../format.ts";
import { Icon } from "../../icons.tsx";
import type { IconName } from "../../icons.tsx";
import { useApp } from "../../state/app.ts";
import type { Mark } from "../../state/ledger.ts";
import type { CheckState, EntryProof, LedgerEntry, ReceiptView, Seal } from "../../state/backend.ts";
import { EraseValues, fieldNames } from "./erase-value.tsx";
import { Sentence } from "./sentences.tsx";
import { useWaitingNames } from "./waiting-names.ts";

interface DrawerProps {
  readonly index: number;
  readonly onClose: () => void;
}

export function ProofDrawer({ index, onClose }: DrawerProps) {
  const { backend } = useApp();
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    const giveBack = rememberFocus();
    // A copied link opens the page with the drawer: then nobody moved, and focus stays where reading starts.
    if (document.activeElement !== document.body) title.current?.focus({ preventScroll: true });
    return giveBack;
  }, [index]);
  // A drawer does not trap focus; Esc closes it from anywhere on the page.
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key === "Escape" && document.querySelector("dialog[open], :popover-open") === null) onClose();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [onClose]);
  const proof = backend.activity.proof(index).value;
  // Cosignatures and receipts come later: who opens it again has it checked again.
  useEffect(() => backend.activity.prove(index), [backend, index]);
  return (
    <aside class="drawer" aria-labelledby="proof-title">
      <div class="card-head">
        <h2 id="proof-title" tabIndex={-1} ref={title}>
          Entry #{formatIndex(index)}
        </h2>
        <button class="btn quiet icon-only sm" type="button" aria-label="Close the proof" onClick={onClose}>
          <Icon name="x" />
        </button>
      </div>
      <div class="card-body stack">
        {proof.state === "loading" && <Waiting what="Checking this entry" />}
        {proof.state === "failed" && (
          <>
            <p>
              <TroubleText trouble={proof.trouble} />
            </p>
            <div class="row">
              <button class="btn sm" type="button" onClick={() => backend.activity.prove(index)}>
                Check again
              </button>
            </div>
          </>
        )}
        {proof.state === "ready" && <Proof proof={proof.value} />}
      </div>
    </aside>
  );
}

function Proof({ proof }: { readonly proof: EntryProof }) {
  const { entry } = proof;
  const named = useWaitingNames();
  return (
    <>
      <div>
        <p class="strong">
          <Sentence entry={named(entry)} />
        </p>
        <p class="small muted">
          <Exact at={entry.at} />
        </p>
      </div>
      <SealBanner seal={entry.seal} word={entry.word} />
      <StandsOut index={entry.index} />
      <ol class="chain">
        <ApprovalLink proof={proof} />
        <ChainLink proof={proof} />
        {proof.receipt !== undefined && <ReceiptLink receipt={proof.receipt} />}
        <Link icon="seal" title="What your browser computed">
          <Checks proof={proof} />
        </Link>
      </ol>
      {proof.file !== undefined && <ProofFile file={proof.file} />}
      <EraseValues entry={entry} />
    </>
  );
}

/** Why a rule marked it, in whole sentences. */
function StandsOut({ index }: { readonly index: number }) {
  const { activity } = useApp().backend;
  void activity.rows.changed.value;
  const { marks = [], findings = [] } = activity.rows.item(index) ?? {};
  return (
    <>
      {findings.map(({ code, weight, what, next }) => (
        <Banner key={code} tone={weight === "wrong" ? "bad" : "honest"} icon={weight === "wrong" ? "bad" : "unknown"}>
          <p class="small">
            <strong>Cross-check: {what}.</strong> {next} <code class="faint">{code}</code>
          </p>
        </Banner>
      ))}
      {marks.length > 0 && <MarkedWhy marks={marks} />}
    </>
  );
}

function MarkedWhy({ marks }: { readonly marks: readonly Mark[] }) {
  return (
    <Banner tone="warn" icon="warn">
      {marks.map(({ rule, why }) => (
        <p key={rule} class="small">
          {why}
        </p>
      ))}
      <p class="tiny">A mark says why somebody may want to look; it accuses nobody.</p>
    </Banner>
  );
}

function SealBanner({ seal, word }: { readonly seal: Seal; readonly word: LedgerEntry["word"] }) {
  switch (seal.state) {
    case "verified":
      return (
        <Banner tone="ink" icon="seal">
          <p class="small">
            <strong>Verified here.</strong>{" "}
            {word === "signed"
              ? "Your browser checked each step below; nothing was taken on trust from the edge."
              : "It stands in the chain unchanged. That it happened so is the edge's account: nobody signs this kind of entry."}
          </p>
        </Banner>
      );
    case "failed":
      return (
        <Banner tone="bad" icon="sealbad">
          <p class="small">
            <strong>Does not add up.</strong> {seal.reason} Do not rely on this entry.
          </p>
        </Banner>
      );
    case "no-receipt":
      return (
        <Banner tone="honest" icon="sealnot">
          <p class="small">
            <strong>No receipt yet.</strong> The host has not answered. The command may or may not have run.
          </p>
        </Banner>
      );
    case "unverified":
      return (
        <Banner tone="honest" icon="sealnot">
          <p class="small">
            <strong>Not verified yet.</strong> Your browser has not come to this entry.
          </p>
        </Banner>
      );
  }
}

interface LinkProps {
  readonly icon: IconName;
  readonly title: ComponentChildren;
  readonly children: ComponentChildren;
}

function Link({ icon, title, children }: LinkProps) {
  return (
    <li>
      <Icon name={icon} />
      <h3>{title}</h3>
      {children}
    </li>
  );
}

function ApprovalLink({ proof }: { readonly proof: EntryProof }) {
  const { approval, entry } = proof;
  if (approval === undefined) {
    return entry.source === undefined ? null : (
      <Link icon="globe" title="Where it came from">
        <p class="small muted num">{entry.source}, as the edge saw it</p>
      </Link>
    );
  }
  return (
    <Link icon="touch" title={approval.before === undefined ? "A person approved it" : "Several people approved it"}>
      {approval.before !== undefined && (
        <p class="small muted">
          First <bdi>{formatList(approval.before)}</bdi>, over the same command as a proposal; last, and carried out by:
        </p>
      )}
      <p class="small muted">
        <bdi>{approval.person}</bdi>
        {approval.passkey !== undefined && `, passkey ${approval.passkey}`}
        {approval.userVerified ? ", user verified" : ", user not verified"}
        {approval.afterSeconds !== undefined && `, ${formatAge(approval.afterSeconds)} after it was shown`}.
      </p>
      <p class="small muted">
        From <code>{approval.origin}</code>, {approval.originClass === "signer" ? "a signer" : "a daily page"}
        {entry.source !== undefined && `, address ${entry.source}`}.
      </p>
    </Link>
  );
}

function ChainLink({ proof }: { readonly proof: EntryProof }) {
  const { entry, chainSize, cosigners } = proof;
  return (
    <Link icon="activity" title={entry.action === "command.accepted" ? "It was written first" : "It is in the chain"}>
      <p class="hash" title={entry.hash}>
        entry {formatHash(entry.hash)}
      </p>
      <p class="hash" title={entry.previous}>
        after {formatHash(entry.previous)}
      </p>
      <p class="small muted">
        Number {formatIndex(entry.index)} of {formatIndex(chainSize)}
        {cosigners.length > 0 && (
          <>
            ; that log was cosigned by <bdi>{formatList(cosigners)}</bdi>
          </>
        )}
      </p>
      {entry.closed !== undefined && (
        <p class="small muted">
          Not shown: {formatList(entry.closed.map((field) => fieldNames[field]))}, erased or kept back. An erasure is an
          entry of its own; clawhold verify tells which.
        </p>
      )}
    </Link>
  );
}

function ReceiptLink({ receipt }: { readonly receipt: ReceiptView }) {
  return (
    <Link
      icon="host"
      title={
        <>
          <bdi>{receipt.hostLabel}</bdi> signed a receipt
        </>
      }
    >
      <p class="small muted">
        number {formatCount(receipt.number)}, {receipt.verdict}
        {receipt.code !== undefined && (
          <>
            , rule <code>{receipt.code}</code>
          </>
        )}
        {receipt.tookMs !== undefined && `, ${formatMilliseconds(receipt.tookMs)}`}
        {receipt.bootBefore !== undefined && receipt.bootAfter !== undefined && (
          <>
            , boot <code>{formatShortId(receipt.bootBefore)}</code> → <code>{formatShortId(receipt.bootAfter)}</code>
          </>
        )}
      </p>
    </Link>
  );
}

const checkLooks = {
  passed: { icon: "ok", tone: "t-ink", word: "passed" },
  failed: { icon: "bad", tone: "t-bad", word: "failed" },
  unchecked: { icon: "unknown", tone: "faint", word: "not checked" },
} satisfies Record<CheckState, { icon: IconName; tone: string; word: string }>;

function Checks({ proof }: { readonly proof: EntryProof }) {
  return (
    <ul class="stack tight small checks">
      {proof.checks.map(({ name, state, detail }) => (
        <li key={name} class="row top">
          <Icon name={checkLooks[state].icon} class={`s ${checkLooks[state].tone}`} />
          <span>
            {name}
            <span class="sr">, {checkLooks[state].word}</span>
            {detail !== undefined && <span class="faint"> {detail}</span>}
          </span>
        </li>
      ))}
    </ul>
  );
}

function ProofFile({ file }: { readonly file: NonNullable<EntryProof["file"]> }) {
  const download = () => saveFile(new Blob([file.json], { type: "application/json" }), file.name);
  return (
    <>
      <div class="row wrap">
        <button class="btn sm" type="button" onClick={download}>
          <Icon name="download" class="s" />
          Proof file
        </button>
      </div>
      <p class="tiny faint">
        Check it without us: <code>clawhold verify {file.name}</code>
      </p>
    </>
  );
}
