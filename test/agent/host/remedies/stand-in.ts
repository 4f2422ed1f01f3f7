/**
 * A machine that is only a directory: real files, real lock, real records. Its programs are a stand-in that answers as Debian's do
 * and remembers what was asked of it. The real ones are in test/lab.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Answer, Order, Wanted } from "../../../../agent/host/posture/door.ts";
import type { Ran } from "../../../../agent/host/posture/machine.ts";
import { Disk } from "../../../../agent/host/remedies/disk.ts";
import type { Hands } from "../../../../agent/host/remedies/hands.ts";
import type { TransactionStep } from "../../../../agent/host/remedies/transacting.ts";
import { orderVerb, type VerbOptions } from "../../../../agent/host/remedies/verbs.ts";
import type { CheckId } from "../../../../protocol/posture.ts";
import type { FixOptions } from "../../../../protocol/posture/options.ts";

/** Changing an owner is root's. */
export const isRoot = process.getuid?.() === 0;

export const ok = (stdout = "", stderr = ""): Ran => ({ kind: "ran", exit: 0, stdout, stderr });
export const failed = (stderr: string): Ran => ({ kind: "ran", exit: 1, stdout: "", stderr });
export type Program = (argv: readonly string[]) => Ran | undefined;

export class StandIn {
  readonly root = mkdtempSync(path.join(tmpdir(), "clawhold-remedies-"));
  readonly directory = path.join(this.root, "posture");
  readonly asked: string[] = [];
  readonly said: string[] = [];
  now = 1_800_000_000;
  isRoot = true;
  rules: string | undefined = "rules";
  /** Answers before all others do. */
  program: Program = () => undefined;
  afterStep: (step: TransactionStep) => Promise<void> = () => Promise.resolve();
  readonly disk = new Disk(this.root);

  constructor() {
    this.write("/etc/ssh/sshd_config", "Include /etc/ssh/sshd_config.d/*.conf\nUsePAM yes\n");
    mkdirSync(path.join(this.root, "etc/ssh/sshd_config.d"));
    this.write("/etc/passwd", "root:x:0:0::/root:/bin/bash\nowner:x:0:0::/home/owner:/bin/bash\n");
    this.write("/home/owner/.ssh/authorized_keys", "ssh-ed25519 AAAA owner\n");
    for (const program of ["usr/sbin/sshd", "usr/sbin/nft", "usr/bin/ssh", "usr/bin/sudo"])
      this.write(`/${program}`, "");
    mkdirSync(path.join(this.root, "run/systemd/system"), { recursive: true });
    mkdirSync(path.join(this.root, "etc/systemd/system/multi-user.target.wants"), { recursive: true });
  }

  write(file: string, text: string): void {
    const place = path.join(this.root, file);
    mkdirSync(path.dirname(place), { recursive: true, mode: 0o755 });
    writeFileSync(place, text, { mode: 0o644 });
  }

  read(file: string): string {
    return readFileSync(path.join(this.root, file), "utf8");
  }

  remove(): void {
    rmSync(this.root, { recursive: true });
  }

  get hands(): Hands {
    return {
      isRoot: this.isRoot,
      now: () => this.now,
      self: ["/usr/local/bin/node", "/opt/posture.cjs"],
      disk: this.disk,
      addresses: () => [],
      patienceMilliseconds: 0,
      rulesDigest: () => Promise.resolve(this.rules),
      run: (argv) => {
        this.asked.push(argv.join(" "));
        return Promise.resolve(this.program(argv) ?? this.#answer(argv));
      },
    };
  }

  get options(): VerbOptions {
    const { hands, directory, afterStep } = this;
    return { hands, directory, afterStep, log: (line) => this.said.push(line) };
  }

  #answer([program, ...rest]: readonly string[]): Ran {
    if (program === "sshd" && rest[0] === "-T") return ok(this.#effective());
    if (program === "ssh")
      return { kind: "ran", exit: 255, stdout: "", stderr: "root@127.0.0.1: Permission denied (publickey)." };
    if (program === "sudo") return ok("User owner may run the following commands:\n    (ALL : ALL) ALL");
    return ok();
  }

  /** The first value counts, as sshd has it. */
  #effective(): string {
    const files = this.disk.names("/etc/ssh/sshd_config.d").map((name) => `/etc/ssh/sshd_config.d/${name}`);
    const found = new Map<string, string>();
    for (const file of [...files, "/etc/ssh/sshd_config"])
      for (const line of (this.disk.text(file) ?? "").split("\n")) {
        const [key = "", ...value] = line.split(" ");
        if (/^[A-Z]/.test(key) && !found.has(key.toLowerCase())) found.set(key.toLowerCase(), value.join(" "));
      }
    const defaults = ["port 22", "passwordauthentication yes", "authorizedkeysfile .ssh/authorized_keys"];
    return [
      ...[...found].map(([key, value]) => `${key} ${value}`),
      ...defaults.filter((line) => !found.has(line.split(" ")[0] ?? "")),
    ].join("\n");
  }

  order(order: Order): Promise<Answer> {
    return orderVerb(this.options, JSON.stringify(order));
  }

  async plan(check: CheckId, options: FixOptions = {}) {
    const answer = await this.order({ verb: "plan", wanted: { kind: "check", check, options } });
    if (answer.kind !== "plan") throw new Error(JSON.stringify(answer));
    return answer;
  }

  async apply(check: CheckId, options: FixOptions = {}): Promise<Answer> {
    const wanted: Wanted = { kind: "check", check, options };
    const { subject } = await this.plan(check, options);
    return this.order({ verb: "apply", wanted, subject, author: "p-1" });
  }

  /** Applies it; the name of the fix that then stands. */
  async mend(check: CheckId): Promise<string> {
    const answer = await this.apply(check);
    if (answer.kind !== "fix" || answer.fix.state !== "applied") throw new Error(JSON.stringify(answer));
    return answer.fix.fix;
  }

  rollback(fix: string): Promise<Answer> {
    return this.order({ verb: "rollback", fix, author: "p-1" });
  }

  async states(): Promise<readonly string[]> {
    const answer = await this.order({ verb: "fixes" });
    return answer.kind === "fixes" ? answer.fixes.map(({ state, reason }) => `${state} ${reason ?? ""}`.trim()) : [];
  }
}
