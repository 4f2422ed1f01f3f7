/** Drives of the checks of area secrets. */
import { OWNER } from "../root-file-system.ts";
import type { Area } from "./drive.ts";

const HISTORY = `/home/${OWNER}/.bash_history`;
/** Of the shape of a provider's, and of nobody. */
const KEY = `sk-proj-${"Ab3dE6gH9jK2mN5p".repeat(3)}`;

export const secretsDrives: Area = {
  drives: [
    {
      check: "key.plaintext",
      lane: "slow",
      mend: ({ machine }) => machine.delete(HISTORY),
      fail: ({ machine }) => machine.write(HISTORY, `export OPENAI_API_KEY=${KEY}\n`, "0600"),
      says: /bash_history holds a key/,
    },
    {
      check: "gw.state.perms",
      lane: "slow",
      mend: ({ machine }) => machine.must(["/usr/bin/chmod", "0700", "/home/openclaw/.openclaw"]),
      fail: ({ machine }) => machine.must(["/usr/bin/chmod", "0777", "/home/openclaw/.openclaw"]),
      says: /\.openclaw .*mode 0?777/,
    },
  ],
  undriven: {
    "enc.at-rest": "the lab's disks are layers over this machine's, with no device below them that could be encrypted",
  },
};
