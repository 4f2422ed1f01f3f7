/** A throw-away sshd on loopback with its own keys and an empty shell profile, as a baseline. Root only. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import { temporaryDirectory } from "../e2e/installation.ts";

const PORT = 25_022;

export interface Ssh {
  readonly fresh: () => Promise<void>;
  readonly multiplexed: () => Promise<void>;
  stop(): Promise<void>;
}

function run(program: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: "ignore" });
    child.on("error", reject);
    child.on("exit", (code) => (code === 0 ? resolve() : reject(new Error(`${program} ended with ${code}`))));
  });
}

export async function startSsh(): Promise<Ssh | { readonly skipped: string }> {
  if (process.getuid?.() !== 0) return { skipped: "sshd with an empty profile needs root" };
  if (!existsSync("/usr/sbin/sshd")) {
    spawnSync("/usr/bin/apt-get", ["install", "-y", "-qq", "openssh-server"], { stdio: "ignore" });
    if (!existsSync("/usr/sbin/sshd")) return { skipped: "no sshd. Type: apt-get install openssh-server" };
  }
  const home = temporaryDirectory("ssh");
  const file = (name: string) => path.join(home.path, name);
  await run("/usr/bin/ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", file("host")]);
  await run("/usr/bin/ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", file("user")]);
  await run("/usr/bin/install", ["-m", "600", file("user.pub"), file("authorized_keys")]);
  mkdirSync("/run/sshd", { recursive: true });
  writeFileSync(
    file("sshd_config"),
    [
      `Port ${PORT}`,
      "ListenAddress 127.0.0.1",
      `HostKey ${file("host")}`,
      `AuthorizedKeysFile ${file("authorized_keys")}`,
      "StrictModes no",
      "UsePAM no",
      "PermitRootLogin yes",
      "PrintMotd no",
    ].join("\n"),
  );
  writeFileSync(
    file("config"),
    [
      "Host fresh mux",
      "  HostName 127.0.0.1",
      `  Port ${PORT}`,
      `  IdentityFile ${file("user")}`,
      "  IdentitiesOnly yes",
      "  StrictHostKeyChecking no",
      "  UserKnownHostsFile /dev/null",
      "  LogLevel ERROR",
      "Host mux",
      "  ControlMaster auto",
      `  ControlPath ${file("m")}`,
      "  ControlPersist 120",
    ].join("\n"),
  );
  // In a mount namespace of its own, so that root's shell profile is empty for it and for nobody else.
  const profile = path.join(homedir(), ".bashrc");
  const script = path.join(import.meta.dirname, "sshd-without-profile.ts");
  const hidden = existsSync(profile) ? [profile] : [];
  const args = ["--mount", "--", process.execPath, script, file("sshd_config"), ...hidden];
  const server = spawn("/usr/bin/unshare", args, { stdio: "ignore" });
  const call = (name: string) => run("/usr/bin/ssh", ["-F", file("config"), name, "true"]);
  for (let tries = 0; ; tries++) {
    try {
      await call("fresh");
      break;
    } catch (error) {
      if (tries === 50) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  return {
    fresh: () => call("fresh"),
    multiplexed: () => call("mux"),
    async stop() {
      spawnSync("/usr/bin/ssh", ["-F", file("config"), "-O", "exit", "mux"], { stdio: "ignore" });
      server.kill("SIGTERM");
      home.remove();
    },
  };
}
