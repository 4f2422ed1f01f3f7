/** Tries what would be written, where it harms nobody: whoever will read it is asked whether it would take it. */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { Hands } from "./hands.ts";
import type { Desired, Stage } from "./remedy.ts";
import { DROP_IN_DIRECTORY, MAIN_FILE } from "./survey-ssh.ts";
import { NFT_DIRECTORY } from "./effects.ts";

type DesiredFile = Extract<Desired, { kind: "file" }>;

/** What does not pass, in a sentence; undefined when all do. */
export async function dryFailure(
  hands: Hands,
  { opening, closing }: { readonly opening: Stage; readonly closing: Stage },
): Promise<string | undefined> {
  const scratch = mkdtempSync(join(tmpdir(), "clawhold-dry-"));
  try {
    for (const { desired, deeds } of [opening, closing]) {
      const files = desired.filter((one) => one.kind === "file");
      const failure =
        (await sshFailure(hands, files, scratch)) ??
        (await nftFailure(hands, files, scratch)) ??
        (await bansFailure(hands, files, scratch)) ??
        (await unitFailure(hands, files, scratch)) ??
        (await ufwFailure(
          hands,
          deeds.map(({ argv }) => argv),
        ));
      if (failure !== undefined) return failure;
    }
    return undefined;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function failureOf(hands: Hands, argv: readonly string[], what: string): Promise<string | undefined> {
  const ran = await hands.run(argv);
  if (ran.kind === "ran" && ran.exit === 0) return undefined;
  const said = ran.kind === "ran" ? `${ran.stderr}${ran.stdout}`.trim().slice(-240) : ran.kind;
  return `${what} would not be taken: ${said}`;
}

/** The first value counts, so ours before the main file is what sshd would read. */
async function sshFailure(hands: Hands, files: readonly DesiredFile[], scratch: string): Promise<string | undefined> {
  const ours = files.filter(({ path }) => path.startsWith(`${DROP_IN_DIRECTORY}/`));
  if (ours.length === 0) return undefined;
  const composed = join(scratch, "sshd_config");
  // Whatever a file of ours says for `Match all` ends where it ends, as in a file that is included.
  const globals = ours.map(({ text }) => text.split(/^Match all$/m)[0] ?? "");
  const matches = ours.map(({ text }) => text.split(/^Match all$/m)[1] ?? "").join("");
  const main = hands.disk.text(MAIN_FILE) ?? "";
  writeFileSync(composed, `${globals.join("")}\n${main}\nMatch all\n${matches}`);
  return failureOf(hands, ["sshd", "-t", "-f", composed], "sshd's settings");
}

async function nftFailure(hands: Hands, files: readonly DesiredFile[], scratch: string): Promise<string | undefined> {
  for (const { path, text } of files.filter((file) => file.path.startsWith(`${NFT_DIRECTORY}/`))) {
    const file = join(scratch, basename(path));
    writeFileSync(file, text);
    const failure = await failureOf(hands, ["nft", "-c", "-f", file], "the rules");
    if (failure !== undefined) return failure;
  }
  return undefined;
}

const BANS = "/etc/fail2ban";

async function bansFailure(hands: Hands, files: readonly DesiredFile[], scratch: string): Promise<string | undefined> {
  const ours = files.filter(({ path }) => path.startsWith(`${BANS}/`));
  if (ours.length === 0) return undefined;
  const copy = join(scratch, "fail2ban");
  cpSync(hands.disk.at(BANS), copy, { recursive: true });
  for (const { path, text } of ours) writeFileSync(join(copy, path.slice(BANS.length)), text);
  return failureOf(hands, ["fail2ban-client", "-c", copy, "-t"], "the ban service's settings");
}

async function unitFailure(hands: Hands, files: readonly DesiredFile[], scratch: string): Promise<string | undefined> {
  const units = files.filter(({ path }) => /^\/etc\/systemd\/system\/[^/]+\.service$/.test(path));
  for (const { path, text } of units) {
    const file = join(scratch, basename(path));
    writeFileSync(file, text);
    const failure = await failureOf(hands, ["systemd-analyze", "verify", "--man=no", file], basename(path));
    if (failure !== undefined) return failure;
  }
  return undefined;
}

async function ufwFailure(hands: Hands, deeds: readonly (readonly string[])[]): Promise<string | undefined> {
  for (const [program, ...rest] of deeds) {
    // A dry run of `enable` is none: ufw 0.36.2 writes ENABLED=yes.
    if (program !== "ufw" || !["allow", "delete"].includes(rest[0] ?? "")) continue;
    const failure = await failureOf(hands, ["ufw", "--dry-run", ...rest], "the firewall's rule");
    if (failure !== undefined) return failure;
  }
  return undefined;
}
