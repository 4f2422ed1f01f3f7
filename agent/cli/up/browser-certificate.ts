/**
 * `clawhold up browser-certificate`: gives a browser the certificate without which the dashboard does not open where it
 * left loopback, lists them, and takes them away. The private key exists in this process and in the file, nowhere else.
 */
import { X509Certificate } from "node:crypto";
import { join } from "node:path";
import {
  browserAuthority,
  fingerprintOf,
  readBrowserCertificates,
  writeBrowserCertificates,
  type BrowserCertificate,
} from "../../edge/bind/browser-certificates.ts";
import { acquireLock } from "../../shared/lock.ts";
import { dataDirectoryOf, dataOption, type Command, type CommandInput } from "../command.ts";
import { CliError, EXIT, usageError, type CliIo, type ExitCode } from "../io.ts";
import { writeNewFile } from "../new-file.ts";
import { findRunningEdge } from "../running-edge.ts";
import { edgeAdmin } from "./edge-admin.ts";
import { makePassword, makePkcs12 } from "./pkcs12.ts";

const MAX_LABEL_CHARACTERS = 64;
/** Eight hex digits tell a person's certificates apart; more than one match is refused. */
const SHORT_CHARACTERS = 8;
/** One that ended long ago tells nobody anything. */
const FORGET_SECONDS = 90 * 86_400;

export const browserCertificate: Command = {
  name: "up browser-certificate",
  summary: "Give a browser the certificate that opens the dashboard from elsewhere; list and revoke them",
  help: `Usage: clawhold up browser-certificate --label <name> --out <file> [--pem] [--data <directory>] [--json]
       clawhold up browser-certificate --list
       clawhold up browser-certificate --revoke <fingerprint>

The dashboard on an address of --bind opens only in browsers that hold a certificate of this edge. This makes one, in a
new file that only you can read (PKCS #12), and prints its password once. Carry the file to the browser's machine,
import it there, then delete it. A certificate opens the sign-in page and nothing else: a passkey is still needed.

  --label <name>         whose browser it is, for the list, for example "Ada's laptop"
  --out <file>           the file to make, for example ada-laptop.p12
  --pem                  certificate and key as text, without a password: for clawhold ui and clawhold run, which take
                         it with --client-certificate
  --list                 show the certificates
  --revoke <fingerprint> take one away at once; its first eight characters are enough
  --data <directory>     the data directory of the running clawhold up
  --json                 one JSON object; the password is in it`,
  options: {
    ...dataOption,
    label: { type: "string" },
    out: { type: "string" },
    pem: { type: "boolean" },
    list: { type: "boolean" },
    revoke: { type: "string" },
  },
  run: (input, io) => {
    const [label, out, revoke] = [input.text("label"), input.text("out"), input.text("revoke")];
    const modes = [label !== undefined || out !== undefined, input.flag("list"), revoke !== undefined];
    if (modes.filter(Boolean).length !== 1)
      throw usageError("Give --label and --out to make a certificate, or --list, or --revoke and a fingerprint.");
    if (input.flag("list")) return Promise.resolve(list(input, io));
    if (revoke !== undefined) return revokeOne(revoke, input, io);
    return issue(labelOf(label), fileOf(out), { input, io });
  },
};

interface Asking {
  readonly input: CommandInput;
  readonly io: CliIo;
}

async function issue(label: string, out: string, { input, io }: Asking): Promise<ExitCode> {
  const data = dataDirectoryOf(input, io);
  const keys = join(data, "keys");
  const admin = edgeAdmin(findRunningEdge(data));
  const password = input.flag("pem") ? undefined : makePassword();
  let made: BrowserCertificate | undefined;
  await writeNewFile(out, async () => {
    const { makeBrowserCertificate } = await import("../../edge/certificates.ts");
    const now = new Date();
    const pair = await makeBrowserCertificate(await browserAuthority(keys, now), label, now);
    const certificate = new X509Certificate(pair.certificate);
    const file =
      password === undefined
        ? `${pair.certificate}${pair.key}`
        : await makePkcs12(pair, `Clawhold: ${label}`, password);
    const entry: BrowserCertificate = {
      fingerprint: fingerprintOf(certificate),
      label,
      issued: Math.floor(now.getTime() / 1_000),
      ends: Math.floor(certificate.validToDate.getTime() / 1_000),
    };
    // In the log before it opens anything: without its entry there is no certificate.
    await admin.browserCertificate(entry.fingerprint, "issued");
    change(keys, (before) => [...before, entry]);
    made = entry;
    return file;
  });
  if (made === undefined) throw new TypeError("a file was written without a certificate");
  if (input.json) {
    io.out(JSON.stringify({ event: "browser-certificate", file: out, password, ...made }));
    return EXIT.ok;
  }
  for (const line of password === undefined ? PEM_LINES : passwordLines(password)) io.out(line.replace("<file>", out));
  io.out(`It is good until ${dayOf(made.ends)}.`);
  io.out(`To take it away: clawhold up browser-certificate --revoke ${short(made)}`);
  return EXIT.ok;
}

const PEM_LINES = [
  "<file> is written, readable by you alone. It has no password: keep it on the machine that uses it, with mode 600.",
  "Use it there with: clawhold ui --client-certificate <file>, or clawhold run, and the rest as before.",
];

function passwordLines(password: string): readonly string[] {
  const written = "<file> is written, readable by you alone. Its password is shown this once:";
  return [written, "", `  ${password}`, "", "Import it in the browser that it is for, then delete the file."];
}

function list(input: CommandInput, io: CliIo): ExitCode {
  const all = readBrowserCertificates(join(dataDirectoryOf(input, io), "keys"));
  if (input.json) {
    io.out(JSON.stringify({ certificates: all }));
    return EXIT.ok;
  }
  if (all.length === 0)
    io.out(
      "No browser has a certificate of this edge. Make one with: clawhold up browser-certificate --label <name> --out <file>",
    );
  const now = Date.now() / 1_000;
  for (const one of all) io.out(`${short(one)}  ${stateOf(one, now).padEnd(20)}  ${one.label}`);
  return EXIT.ok;
}

/** Taking away comes first and needs no edge; the entry follows where one runs. */
async function revokeOne(text: string, input: CommandInput, io: CliIo): Promise<ExitCode> {
  const data = dataDirectoryOf(input, io);
  const keys = join(data, "keys");
  const found = findOne(readBrowserCertificates(keys), text);
  const now = Math.floor(Date.now() / 1_000);
  change(keys, (before) =>
    before
      .filter(({ ends }) => ends > now - FORGET_SECONDS)
      .map((one) => (one.fingerprint === found.fingerprint ? { ...one, revoked: one.revoked ?? now } : one)),
  );
  const isLogged = await log(data, found.fingerprint);
  if (input.json)
    io.out(JSON.stringify({ event: "browser-certificate-revoked", fingerprint: found.fingerprint, logged: isLogged }));
  else io.out(`The certificate of ${found.label} opens nothing any more.`);
  if (!isLogged)
    io.err("The log has no entry of it, because no edge took it. Start clawhold up and type this again to add it.");
  return EXIT.ok;
}

async function log(data: string, fingerprint: string): Promise<boolean> {
  try {
    await edgeAdmin(findRunningEdge(data)).browserCertificate(fingerprint, "revoked");
    return true;
  } catch (error) {
    // No edge, or one whose log cannot be written: said to the person, and the revocation stands.
    if (error instanceof Error && "code" in error) return false;
    throw error;
  }
}

function change(keys: string, edit: (before: readonly BrowserCertificate[]) => readonly BrowserCertificate[]): void {
  const lock = acquireLock(join(keys, "browser.lock"), () => new Date());
  try {
    writeBrowserCertificates(keys, edit(readBrowserCertificates(keys)));
  } finally {
    lock.release();
  }
}

function findOne(all: readonly BrowserCertificate[], text: string): BrowserCertificate {
  const wanted = text.toLowerCase();
  const found = wanted.length < SHORT_CHARACTERS ? [] : all.filter(({ fingerprint }) => fingerprint.startsWith(wanted));
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  throw new CliError(
    "certificate_unknown",
    "There is not exactly one browser certificate of that fingerprint. See them with: clawhold up browser-certificate --list",
    EXIT.usage,
  );
}

function labelOf(text: string | undefined): string {
  if (text === undefined || text.trim() === "" || text.length > MAX_LABEL_CHARACTERS || UNPRINTABLE.test(text))
    throw usageError(`--label needs the name of the browser, of at most ${MAX_LABEL_CHARACTERS} characters.`);
  return text;
}

/** Control and direction characters, which would show as another name. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

function fileOf(text: string | undefined): string {
  if (text === undefined || text === "") throw usageError("--out needs the file to make, for example ada-laptop.p12.");
  return text;
}

function short({ fingerprint }: BrowserCertificate): string {
  return fingerprint.slice(0, SHORT_CHARACTERS);
}

function stateOf({ revoked, ends }: BrowserCertificate, now: number): string {
  if (revoked !== undefined) return `revoked ${dayOf(revoked)}`;
  return ends < now ? `ended ${dayOf(ends)}` : `until ${dayOf(ends)}`;
}

function dayOf(seconds: number): string {
  return new Date(seconds * 1_000).toISOString().slice(0, 10);
}
