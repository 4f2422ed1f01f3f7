/** What can be made to follow its files: names only, because records keep them. */
export const effectKinds = [
  "ufw",
  "nft",
  "sysctl",
  "units",
  "sshd",
  "ssh-socket",
  "fail2ban",
  "journald",
  "service",
  "gateway-move",
] as const;
export type EffectKind = (typeof effectKinds)[number];
