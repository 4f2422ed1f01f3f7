/** Prints the worked example as Markdown. Layout only: every value comes from worked-example.ts. */
import { fromBase64url, toHex, utf8Text } from "../../protocol/bytes.ts";
import { preAuthenticationEncoding } from "../../protocol/signing.ts";
import { tableText } from "./markdown.ts";
import { workedExample, type WorkedExample } from "./worked-example.ts";

function block(...lines: readonly string[]): string {
  return ["```text", ...lines, "```"].join("\n");
}

/** Bytes that were signed, as text, then what belongs to them. */
function quoted(text: string, facts: Readonly<Record<string, string>>): string {
  const width = Math.max(...Object.keys(facts).map((name) => name.length));
  return block(text, "", ...Object.entries(facts).map(([name, value]) => `${name.padEnd(width)}  ${value}`));
}

function bodyText(body: string): string {
  return utf8Text(fromBase64url(body));
}

function before(example: WorkedExample): string {
  return [
    "**Before.** Ada made the workspace and admitted one host, so the trust log has two lines. The workspace is named",
    "by the digest of its root, the host by its key, and both are spoken as six words when a person compares them.",
    "",
    block(
      `workspace      ${example.workspace}`,
      `host           ${example.host}`,
      `six words      ${example.words}`,
      `trust head 0   ${example.trust.root.digest}   (the root)`,
      `trust head 1   ${example.trust.admit.digest}   (host.admit)`,
    ),
  ].join("\n");
}

function signIn(example: WorkedExample): string {
  const { assertion, body } = example.session;
  return [
    "**1. Ada signs in.** The browser makes a session key and writes the certificate that she will sign. The challenge",
    "given to her passkey is the digest of these bytes, so the assertion certifies this key, for this workspace, until `exp`.",
    "",
    quoted(bodyText(body), { "digest = challenge": example.sessionDigest, "passkey's signature": assertion.signature }),
  ].join("\n");
}

function prepare(example: WorkedExample): string {
  return [
    "**2. Her page asks the host for a challenge.** Signed by the session key. Edge and host both refuse it if her role",
    "lacks the operation, so nobody reads a dialog in vain.",
    "",
    quoted(example.prepare.text, {
      digest: example.prepare.digest,
      "session key's signature": example.prepare.signature,
    }),
    "",
    "**3. The host answers.** Signed by the host key: a one-time challenge, its own clock, and the facts that the page",
    "may show. The page checks the signature against the host key in the trust log; the edge cannot make this up.",
    "",
    quoted(example.prepared.text, {
      digest: example.prepared.digest,
      "host key's signature": example.prepared.signature,
    }),
  ].join("\n");
}

function intent(example: WorkedExample): string {
  const bytes = fromBase64url(example.intent.body);
  const encoded = utf8Text(preAuthenticationEncoding("intent", bytes));
  return [
    "**4. The page builds the intent,** and shows Ada what it parsed from these very bytes. `iat` is the host's clock",
    "carried forward by the page's stopwatch (two seconds here). `expect` pins the gateway process that she was looking at.",
    "",
    quoted(example.intent.text, { digest: example.intent.digest, "session key's signature": example.intent.signature }),
    "",
    `The body is ${bytes.length} bytes. What is hashed and what is signed is not the body alone but its`,
    "pre-authentication encoding, which begins:",
    "",
    block(`${encoded.slice(0, encoded.indexOf("{") + 20)}…`),
  ].join("\n");
}

function approval(example: WorkedExample): string {
  const { assertion, body } = example.approval;
  const data = toHex(fromBase64url(assertion.authenticatorData));
  return [
    "**5. Ada presses the button and touches her passkey.** The approval names the intent by its digest; `after` says",
    "that four seconds passed between building it and the press. Its own digest is the passkey's challenge.",
    "",
    block(
      bodyText(body),
      "",
      "clientDataJSON, as her browser wrote it:",
      bodyText(assertion.clientData),
      "",
      "authenticator data, 37 bytes:",
      `${data.slice(0, 64)}  SHA-256 of the rpId`,
      `${data.slice(64, 66).padEnd(64)}  flags: user present, user verified`,
      `${data.slice(66).padEnd(64)}  counter`,
      "",
      `passkey's signature  ${assertion.signature}`,
    ),
  ].join("\n");
}

function delivery(example: WorkedExample): string {
  return [
    "**6. The edge writes `command.accepted` in the ledger, then delivers.** It adds its own signature over the tunnel and",
    "the certificate on which it delivers. That signature does not make the command valid; its absence makes it void.",
    "",
    quoted(example.dispatch.text, { "dispatch key's signature": example.dispatch.signature }),
    "",
    "The envelope is the canonical JSON of intent, session signature, session certificate, approvals and dispatch, each in",
    `base64url of its exact bytes: ${example.envelopeBytes.length} bytes here.`,
  ].join("\n");
}

function outcome(example: WorkedExample): string {
  return [
    "**7. The host verifies, writes `started` in its journal, restarts the gateway, and signs what it saw.**",
    "",
    quoted(example.receipt.text, { digest: example.receipt.digest, "host key's signature": example.receipt.signature }),
    "",
    "**8. Two ledger entries remain.** Each names the digest of the one before. `source` is a commitment to an IP address.",
    "",
    block(...example.ledger.flatMap(({ text, hash }, i) => [...(i === 0 ? [] : [""]), text, `digest  ${hash}`])),
  ].join("\n");
}

export async function exampleText(): Promise<{ readonly example: string; readonly bent: string }> {
  const example = await workedExample();
  const parts = [before, signIn, prepare, intent, approval, delivery, outcome];
  const rows = example.bent.map(({ what, code }) => [what, `\`${code}\``]);
  return {
    example: parts.map((part) => part(example)).join("\n\n"),
    bent: tableText(["the host is given", "and answers"], rows),
  };
}
