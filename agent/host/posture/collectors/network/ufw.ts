/**
 * What ufw was told: never what holds (its status says "active" over an empty kernel), only why an opening is there and whether its
 * rules ought to be in the kernel.
 */
import type { Machine } from "../../machine.ts";

export interface UfwRule {
  readonly protocol: "tcp" | "udp" | "any";
  readonly from: number;
  readonly to: number;
  readonly reason: string;
}

export interface Ufw {
  readonly isEnabled: boolean;
  readonly rules: readonly UfwRule[];
}

export async function readUfw(machine: Machine): Promise<Ufw> {
  const [settings, ...files] = await Promise.all(
    ["/etc/ufw/ufw.conf", "/etc/ufw/user.rules", "/etc/ufw/user6.rules"].map((path) => machine.read(path)),
  );
  const isEnabled = settings?.kind === "text" && /^\s*ENABLED\s*=\s*["']?yes/im.test(settings.text);
  return { isEnabled, rules: files.flatMap((file) => (file.kind === "text" ? ufwRules(file.text) : [])) };
}

/** `### tuple ### allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 OpenSSH - in comment=737368`: the comment in hexadecimal. */
export function ufwRules(text: string): readonly UfwRule[] {
  return [...text.matchAll(/^### tuple ### (?:allow|limit)\S* (tcp|udp|any) (\S+) (.*)$/gm)].flatMap(
    ([, protocol, ports = "", rest = ""]) => {
      if (protocol !== "tcp" && protocol !== "udp" && protocol !== "any") return [];
      const comment = /comment=([0-9a-f]+)/.exec(rest)?.[1];
      // An application's name, where somebody allowed it by name, is a reason too.
      const application = /^\S+ \S+ \S+ ([A-Za-z]\S*) /.exec(rest)?.[1];
      const reason = comment === undefined ? (application ?? "") : Buffer.from(comment, "hex").toString("utf8");
      return ports.split(",").map((part) => {
        const [from = 0, to = from] = part === "any" ? [0, 65_535] : part.split(":").map(Number);
        return { protocol, from, to, reason: reason.replaceAll("%20", " ") };
      });
    },
  );
}
