/**
 * What a person does about each check, by hand and today: one sentence, and the commands or the places in a configuration. Not every
 * machine is a Debian with systemd; where it is not, the sentence still says what to reach.
 */
import type { CheckId } from "../../../protocol/posture.ts";

export interface Step {
  readonly say: string;
  /** As typed or as written, in order. */
  readonly lines: readonly string[];
}

const config = (path: string, value: string): string => `openclaw config set ${path} ${value}`;
const RESTART = "openclaw gateway restart";
const sshd = (...lines: readonly string[]): readonly string[] => [
  ...lines.map((line) => `/etc/ssh/sshd_config.d/00-hardening.conf: ${line}`),
  "sudo sshd -t && sudo systemctl reload ssh",
];

export const steps = {
  "gw.bind.loopback": {
    say: "Let the gateway listen on loopback alone, and reach it by SSH, a VPN or Clawhold.",
    lines: [config("gateway.bind", "loopback"), RESTART],
  },
  "gw.port.external": {
    say: "Bind the gateway to loopback; until then drop its port at the firewall.",
    lines: [config("gateway.bind", "loopback"), RESTART, "sudo ufw deny 18789/tcp"],
  },
  "gw.proxy.public": {
    say: "Put a sign-in before the gateway in the proxy or tunnel that is named, or take it away.",
    lines: [
      "nginx: auth_request or mTLS in the location that passes on to the gateway",
      "cloudflared: an Access policy for the hostname",
    ],
  },
  "gw.auth.mode": {
    say: "Give the gateway a long random token and let it ask for it.",
    lines: [config("gateway.auth.mode", "token"), config("gateway.auth.token", '"$(openssl rand -hex 32)"'), RESTART],
  },
  "gw.auth.ratelimit": {
    say: "Limit wrong secrets, also for callers that come through a proxy on this machine.",
    lines: [config("gateway.auth.rateLimit", `'{"maxAttempts":10,"windowMs":60000,"lockoutMs":300000}'`)],
  },
  "gw.controlui.origins": {
    say: "Name the pages that may talk to the gateway, exactly, and switch the dangerous exceptions off.",
    lines: [config("gateway.controlUi.allowedOrigins", `'["https://your.page.example"]'`)],
  },
  "gw.pairing.manual": {
    say: "Let new devices wait for your yes.",
    lines: [
      config("gateway.nodes.pairing.autoApproveLocal", "false"),
      config("gateway.nodes.pairing.sshVerify", "false"),
    ],
  },
  "gw.channels.closed": {
    say: "Close each open channel: pairing or a list of people instead of everybody.",
    lines: [config("channels.<channel>.dmPolicy", "pairing"), config("channels.<channel>.groupPolicy", "allowlist")],
  },
  "gw.exec.asks": { say: "Let commands of agents ask, or be on a list.", lines: [config("tools.exec.mode", "ask")] },
  "gw.version.advisories": {
    say: "Upgrade the gateway to the newest release.",
    lines: ["openclaw update", "or: npm install -g openclaw@latest"],
  },
  "gw.rootdir.exposed": {
    say: "Serve a directory of its own, without lists of files and hidden files, and change every secret that was in reach.",
    lines: ["nginx: autoindex off; location ~ /\\. { deny all; }", "sudo systemctl reload nginx"],
  },
  "gw.mdns.off": { say: "Switch announcements off.", lines: [config("discovery.mdns.mode", "off"), RESTART] },
  "gw.tailscale.mode": {
    say: "Serve the gateway to the tailnet only.",
    lines: ["tailscale funnel reset", config("gateway.tailscale.mode", "serve")],
  },
  "gw.hooks.signed": {
    say: "Give the web hooks a long token of their own, or switch them off.",
    lines: [config("hooks.token", '"$(openssl rand -hex 32)"'), "or: " + config("hooks.enabled", "false")],
  },
  "gw.plugins.pinned": {
    say: "Name the plugins that may run, and install them in an exact version.",
    lines: [config("plugins.allow", `'["the-one-you-use"]'`), "openclaw plugins install <name>@<x.y.z>"],
  },
  "gw.audit.native": {
    say: "Let the gateway's own audit run without a network, and mend what it calls critical.",
    lines: ["sudo clawhold audit --deep"],
  },
  "ssh.password-auth": {
    say: "Put your key on the machine, try it, then switch passwords off; look also for Match blocks and cloud-init's drop-in.",
    lines: ["ssh-copy-id <user>@<this host>", ...sshd("PasswordAuthentication no")],
  },
  "ssh.root-login": { say: "Sign in as a user and use sudo.", lines: sshd("PermitRootLogin no") },
  "ssh.kbdint": {
    say: "Switch the second way of asking for a password off.",
    lines: sshd("KbdInteractiveAuthentication no"),
  },
  "ssh.port.nonstandard": {
    say: "Move SSH to a high port, and open it at the firewall first. It keeps logs quiet; it is no lock.",
    lines: ["sudo ufw limit <port>/tcp", ...sshd("Port <port>")],
  },
  "ssh.auth.limits": {
    say: "Limit attempts and waiting connections.",
    lines: sshd("MaxAuthTries 3", "LoginGraceTime 30", "MaxStartups 10:30:60"),
  },
  "ssh.crypto": {
    say: "Take the algorithms that are named out.",
    lines: sshd("KexAlgorithms -*sha1,diffie-hellman-group14-*", "MACs -hmac-sha1*,umac-64*", "Ciphers -*cbc"),
  },
  "ssh.forwarding": {
    say: "Switch forwarding off, but for what you use.",
    lines: sshd(
      "AllowAgentForwarding no",
      "X11Forwarding no",
      "AllowTcpForwarding no",
      "PermitTunnel no",
      "GatewayPorts no",
    ),
  },
  "ssh.allowlist": { say: "Name who may sign in.", lines: sshd("AllowUsers <you>") },
  "ssh.keys.inventory": {
    say: "Look at each key that is named; take out those that nobody can vouch for.",
    lines: ["~/.ssh/authorized_keys of the user that is named"],
  },
  "ssh.hostkeys": {
    say: "Make the machine's keys private, and replace weak ones.",
    lines: ["sudo chmod 600 /etc/ssh/ssh_host_*_key", "sudo ssh-keygen -A"],
  },
  "net.listeners": {
    say: "Stop what you do not need, or bind it to loopback.",
    lines: ["sudo ss -tulpn", "sudo systemctl disable --now <unit>"],
  },
  "net.forwarded-ports": {
    say: "Publish container ports on loopback, and take forwarding rules out that nobody needs.",
    lines: ["docker run -p 127.0.0.1:<port>:<port> ...", "sudo nft list ruleset"],
  },
  "fw.default-deny": {
    say: "Allow SSH first, then drop the rest, on IPv4 and IPv6.",
    lines: [
      "sudo apt install ufw",
      "sudo ufw limit <your SSH port>/tcp",
      "sudo ufw default deny incoming",
      "sudo ufw enable",
    ],
  },
  "fw.drift": {
    say: "See who changed the rules, then load the approved ones again.",
    lines: ["sudo nft list ruleset", "sudo ufw reload"],
  },
  "fw.boot-persistent": { say: "Let the firewall start with the machine.", lines: ["sudo systemctl enable ufw"] },
  "fw.rules.owned": {
    say: "Say at each opening why it is there, and close the others.",
    lines: ["sudo ufw status numbered", "sudo ufw allow <port>/tcp comment '<who, why>'"],
  },
  "fw.egress.gateway": {
    say: "Limit by user id where the gateway may connect to.",
    lines: ["nft: table inet, hook output, meta skuid <gateway's user> with a list of destinations, then drop"],
  },
  "fw.metadata.blocked": {
    say: "Drop the cloud's metadata address for the gateway's user.",
    lines: ["nft: meta skuid <gateway's user> ip daddr 169.254.169.254 drop"],
  },
  "ban.sshd.live": {
    say: "Let failed sign-ins be counted and shut out, and see that they are.",
    lines: [
      "sudo apt install fail2ban",
      "/etc/fail2ban/jail.d/sshd.local: [sshd] enabled = true, backend = systemd, ignoreself = false, ignoreip = 127.0.0.1/8 ::1 <your address>",
      "sudo fail2ban-client status sshd",
    ],
  },
  "ban.escalation": {
    say: "Let bans grow.",
    lines: ["/etc/fail2ban/jail.d/zz-bans.local: bantime.increment = true, bantime.maxtime = 5w"],
  },
  "ban.whitelist": {
    say: "Put the addresses that you come from on the list, and no more.",
    lines: ["/etc/fail2ban/jail.d/zz-bans.local: ignoreip = 127.0.0.1/8 ::1 <your address>"],
  },
  "ban.http": {
    say: "Add a jail for the log of your web server.",
    lines: ["/etc/fail2ban/jail.d/zz-http.local: [nginx-botsearch] enabled = true"],
  },
  "net.vpn.bind": {
    say: "Bind administration to the VPN's address.",
    lines: sshd("ListenAddress <address on the VPN>"),
  },
  "net.segmentation": {
    say: "Switch forwarding off, or drop it between the networks.",
    lines: ["sudo sysctl -w net.ipv4.ip_forward=0", "sudo ufw default deny routed"],
  },
  "net.sysctl": {
    say: "Set the kernel's network switches, for all and default.",
    lines: [
      "/etc/sysctl.d/zz-hardening.conf: rp_filter=1, accept_redirects=0, send_redirects=0, accept_source_route=0, tcp_syncookies=1",
      "sudo sysctl --system",
    ],
  },
  "usr.dedicated": {
    say: "Run the gateway as a system user of its own.",
    lines: [
      "sudo useradd --system --create-home --shell /usr/sbin/nologin openclaw",
      "unit of the gateway: User=openclaw",
      "an enrolled host does it by one command, gateway.isolate, that can be taken back",
    ],
  },
  "usr.single-tenant": {
    say: "Give each group of people who trust each other a gateway and a machine of its own.",
    lines: [],
  },
  "usr.no-sudo": {
    say: "Take the gateway's user out of the groups and rules that make it root.",
    lines: ["sudo gpasswd -d <gateway's user> docker", "sudo gpasswd -d <gateway's user> sudo", "sudo visudo"],
  },
  "usr.setuid-reach": {
    say: "Let the gateway's process gain no rights.",
    lines: ["unit of the gateway: NoNewPrivileges=yes"],
  },
  "usr.uid0": {
    say: "Delete, or renumber, every other account with number 0.",
    lines: ["awk -F: '$3==0' /etc/passwd"],
  },
  "usr.empty-pw": { say: "Lock accounts without a password.", lines: ["sudo passwd -l <user>"] },
  "agent.split": {
    say: "Run Clawhold as its own users beside the gateway's.",
    lines: ["clawhold host add, on the machine of your edge"],
  },
  "unit.starts": {
    say: "See why the gateway's service does not run or answer.",
    lines: ["systemctl status <unit>", "journalctl -u <unit> -n 50"],
  },
  "unit.score": {
    say: "Confine the gateway's service.",
    lines: ["systemd-analyze security <unit>", "sudo systemctl edit <unit>"],
  },
  "unit.probes": {
    say: "Close to the gateway's service what it does not need.",
    lines: [
      "unit of the gateway: ProtectSystem=strict, ProtectHome=tmpfs, PrivateTmp=yes, ReadWritePaths=<state directory>",
    ],
  },
  "unit.directive-supported": {
    say: "Do not count on the directives that are named: replace them by a firewall rule, or use a newer system.",
    lines: [],
  },
  "unit.resources": {
    say: "Bound what the gateway may use.",
    lines: ["unit of the gateway: MemoryMax=4G, TasksMax=512, CPUQuota=200%"],
  },
  "key.plaintext": {
    say: "Take the key out of the file that is named, make a new one at the provider, and let the old one end.",
    lines: ["shell: history -c && rm ~/.bash_history", "units: LoadCredential= or an EnvironmentFile= of mode 0600"],
  },
  "gw.state.perms": {
    say: "Close the gateway's files to everybody else.",
    lines: ["chmod -R go-rwx ~/.openclaw", "sudo chown -R <gateway's user>: <state directory>"],
  },
  "enc.at-rest": {
    say: "Put the state directory on an encrypted disk.",
    lines: ["cryptsetup luksFormat <volume>, mount it at the state directory"],
  },
  "cfg.immutable": {
    say: "Keep the configuration in a directory of root's, and let the gateway only read it.",
    lines: [
      "unit of the gateway: ReadOnlyPaths=<state directory>/openclaw.json",
      "environment of the gateway: OPENCLAW_CONFIG_READONLY=1",
    ],
  },
  "cfg.versioned": {
    say: "Change the configuration by commands that are written down.",
    lines: ["Clawhold keeps each version with its author on an enrolled host"],
  },
  "fs.suid-drift": {
    say: "Find out where each program that is named comes from.",
    lines: ["dpkg -S <path>", "sudo chmod u-s <path>"],
  },
  "fs.world-writable": { say: "Take the right to write from everybody.", lines: ["sudo chmod o-w <path>"] },
  "fim.baseline": { say: "Compare what changed, and approve it if it was you.", lines: ["dpkg --verify"] },
  "log.auditable": {
    say: "Keep the journal on disk, and the clock right.",
    lines: ["/etc/systemd/journald.conf.d/zz-keep.conf: Storage=persistent", "sudo timedatectl set-ntp true"],
  },
  "log.retention": {
    say: "Keep the journal for as long as you may be asked.",
    lines: ["/etc/systemd/journald.conf.d/zz-keep.conf: MaxRetentionSec=12month, SystemMaxUse=2G"],
  },
  "patch.auto": {
    say: "Let security updates come by themselves, and install those that wait.",
    lines: [
      "sudo apt install unattended-upgrades",
      "sudo dpkg-reconfigure -plow unattended-upgrades",
      "sudo apt update && sudo apt upgrade",
    ],
  },
} as const satisfies Record<CheckId, Step>;
