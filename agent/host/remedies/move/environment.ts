/**
 * What the gateway's process was given besides its files: keys of providers, most of all. They are taken from the process as it runs,
 * whichever unit, drop-in or file they came from, into one file that root alone reads; systemd hands it to the service. A plan
 * names them and never shows a value.
 */
import { environmentIn } from "../../posture/collectors/gateway/secret.ts";
import type { Disk } from "../disk.ts";

/** What would load code into it, or into programs that it starts. */
const CODE =
  /^(?:NODE_(?:OPTIONS|PATH|REPL_EXTERNAL_MODULE)|OPENSSL_(?:CONF|MODULES|ENGINES)|LD_[A-Z0-9_]+|GCONV_PATH|BASH_ENV|PROMPT_COMMAND|PYTHON(?:PATH|HOME|STARTUP)|PERL5?(?:LIB|OPT)|RUBY(?:LIB|OPT)|GIT_(?:SSH|SSH_COMMAND|EXEC_PATH|ASKPASS|PROXY_COMMAND|CONFIG[A-Z0-9_]*)|npm_config_(?:node_options|script_shell|userconfig|globalconfig))$/i;
/** Of the session, of the service manager, of where it was. */
const LEFT =
  /^(?:HOME|USER|LOGNAME|SHELL|PATH|LANG|LANGUAGE|TERM|PWD|OLDPWD|MAIL|SHLVL|_|EDITOR|PAGER|DISPLAY|HOSTNAME|INVOCATION_ID|JOURNAL_STREAM|NOTIFY_SOCKET|MANAGERPID|MANAGERPIDFDID|MAINPID|CREDENTIALS_DIRECTORY|(?:LC|XDG|DBUS|SYSTEMD|LISTEN|WATCHDOG|MEMORY_PRESSURE|SSH|SUDO|TMUX|OPENCLAW_SERVICE|OPENCLAW_SYSTEMD|OPENCLAW_LAUNCHD)_?[A-Z_]*|TMUX|OPENCLAW_(?:HOME|STATE_DIR|CONFIG_PATH|PROFILE))$/;
const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;
const MAX_VARIABLES = 128;

export function environmentOf(disk: Disk, pid: number): Readonly<Record<string, string>> {
  return environmentIn(disk.text(`/proc/${String(pid)}/environ`) ?? "", "\0");
}

/** Names in order; what is not a plain name is not carried. */
export function carriedNames(environment: Readonly<Record<string, string>>): readonly string[] {
  return Object.keys(environment)
    .filter((name) => NAME.test(name) && !LEFT.test(name) && !CODE.test(name))
    .toSorted()
    .slice(0, MAX_VARIABLES);
}

/** As systemd.exec(5) reads it: within double quotes four characters are escaped, and line ends stand for themselves. */
export function environmentText(environment: Readonly<Record<string, string>>): string {
  return carriedNames(environment)
    .map((name) => `${name}="${(environment[name] ?? "").replaceAll(/["\\$`]/g, String.raw`\$&`)}"\n`)
    .join("");
}
