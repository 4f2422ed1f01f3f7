/** Drives of the checks of area ssh: one drop-in that holds all that is asked for, and one word of it changed at a time. */
import { POSTURE_DIRECTORY } from "../scan.ts";
import { OWNER } from "../root-file-system.ts";
import type { Machine } from "../machine.ts";
import type { Area, Site } from "./drive.ts";

const DROP_IN = "/etc/ssh/sshd_config.d/00-drive.conf";
const PORT = 2_222;
const SAFE: Readonly<Record<string, string>> = {
  Port: String(PORT),
  PasswordAuthentication: "no",
  KbdInteractiveAuthentication: "no",
  PermitRootLogin: "no",
  MaxAuthTries: "3",
  LoginGraceTime: "30",
  PerSourceMaxStartups: "10",
  X11Forwarding: "no",
  AllowAgentForwarding: "no",
  AllowUsers: OWNER,
  MACs: "hmac-sha2-512-etm@openssh.com,hmac-sha2-256-etm@openssh.com,umac-128-etm@openssh.com",
};
const PLANTED = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDY0wIFi0xWiI4BvHFAbAVwo/v7Le3DbiWSq+ZXEx3aG attacker\n";
const HOST_KEY = "/etc/ssh/ssh_host_ed25519_key";

/** systemd refuses the sixth start in ten seconds unless it is made to forget. */
async function configured({ machine }: Site, changes: Readonly<Record<string, string>> = {}, more = ""): Promise<void> {
  const lines = Object.entries({ ...SAFE, ...changes }).map(([keyword, value]) => `${keyword} ${value}`);
  await machine.write(DROP_IN, `${lines.join("\n")}\n${more}`);
  await machine.must(["/usr/bin/systemctl", "reset-failed", "ssh"]);
  await machine.must(["/usr/bin/systemctl", "restart", "ssh"]);
}

/** The keys that the server has are the owner's. */
async function approved({ machine }: Site): Promise<void> {
  const posture = ["/usr/local/bin/node", "/opt/lab-scanner/posture.cjs"];
  await machine.delete("/root/.ssh/authorized_keys2");
  await machine.must([...posture, "scan", "--lane", "fast", "--directory", POSTURE_DIRECTORY]);
  await machine.must([...posture, "approve", "--directory", POSTURE_DIRECTORY, "--check", "ssh.keys.inventory"]);
}

const mode = (machine: Machine, bits: string): Promise<string> => machine.must(["/usr/bin/chmod", bits, HOST_KEY]);

/** SSH as the provider set it up: on port 22. */
async function leave({ machine }: Site): Promise<void> {
  await machine.delete(DROP_IN);
  await machine.must(["/usr/bin/systemctl", "reset-failed", "ssh"]);
  await machine.must(["/usr/bin/systemctl", "restart", "ssh"]);
}

export const sshDrives: Area = {
  leave,
  drives: [
    {
      check: "ssh.password-auth",
      mend: configured,
      // For a range that does not hold this machine's own address: nothing that is tried from here would show it.
      fail: (site) => configured(site, {}, "Match Address 198.51.100.0/24\n  PasswordAuthentication yes\n"),
      says: /PasswordAuthentication is yes for Match Address 198\.51\.100\.0\/24, by \/etc\/ssh\/sshd_config\.d\/00-drive\.conf:13/,
    },
    {
      check: "ssh.root-login",
      mend: configured,
      fail: (site) => configured(site, { PermitRootLogin: "prohibit-password" }),
      says: /PermitRootLogin is without-password, by .*00-drive/,
    },
    {
      check: "ssh.kbdint",
      mend: configured,
      fail: (site) => configured(site, { KbdInteractiveAuthentication: "yes" }),
      says: /:2222 offers keyboard-interactive to root/,
    },
    {
      check: "ssh.port.nonstandard",
      mend: configured,
      fail: (site) => configured(site, {}, "Port 22\n"),
      says: /sshd listens on 0\.0\.0\.0:22/,
    },
    {
      check: "ssh.auth.limits",
      mend: configured,
      fail: (site) => configured(site, { MaxAuthTries: "60" }),
      says: /MaxAuthTries is 60/,
    },
    {
      check: "ssh.crypto",
      mend: configured,
      fail: (site) => configured(site, { MACs: "hmac-sha1,hmac-sha2-256" }),
      says: /MAC hmac-sha1 \(SHA-1\)/,
    },
    {
      check: "ssh.forwarding",
      mend: configured,
      fail: (site) => configured(site, { X11Forwarding: "yes" }),
      says: /X11Forwarding is yes/,
    },
    {
      check: "ssh.allowlist",
      mend: configured,
      fail: (site) => configured(site, { AllowUsers: `${OWNER} gone` }),
      says: /gone, who does not exist/,
    },
    {
      check: "ssh.keys.inventory",
      mend: approved,
      fail: ({ machine }) => machine.write("/root/.ssh/authorized_keys2", PLANTED, "0600"),
      says: /nobody approved: root SHA256:/,
    },
    {
      check: "ssh.hostkeys",
      mend: ({ machine }) => mode(machine, "0600"),
      fail: ({ machine }) => mode(machine, "0640"),
      says: /can be read by others \(mode 0640\)/,
    },
  ],
  undriven: {},
};
