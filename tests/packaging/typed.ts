// A real shell at a pseudo-terminal: what a person types there, and what the line is after the TAB key.

import { mkdirSync, writeFileSync } from "node:fs";
import { until } from "../helpers/until.ts";

const INSERT_ALL = "\x18i";
const SAY_LINE = "\x18l";

/** How each shell is started with nothing but our completions, and told to insert all matches and to say its line. */
const SHELLS = {
  bash: {
    rc: ".bashrc",
    setup: (folder: string) => `
PS1=
bind 'set bell-style none'
bind 'set completion-query-items -1'
bind 'set page-completions off'
bind '"\\C-xi": insert-completions'
bind -x '"\\C-xl": printf "LINE<%s>\\n" "$READLINE_LINE"'
for file in ${folder}/bash-completion/completions/*; do . "$file"; done
printf 'READY<>\\n'`,
    command: (home: string) => ["bash", "--noprofile", "--rcfile", `${home}/.bashrc`, "-i"],
  },
  zsh: {
    rc: ".zshrc",
    setup: (folder: string) => `
PS1=
unsetopt zle_bracketed_paste prompt_cr prompt_sp list_beep 2>/dev/null
fpath=(${folder}/zsh/site-functions $fpath)
autoload -Uz compinit && compinit -u -d "$HOME/.zcompdump"
zle -C insert-all complete-word _generic
zstyle ':completion:insert-all::::' completer _all_matches _complete
zstyle ':completion:insert-all:*' insert true
bindkey '^Xi' insert-all
say-line() { print -r -- "LINE<$BUFFER>"; zle reset-prompt; }
zle -N say-line
bindkey '^Xl' say-line
precmd() { print 'READY<>'; precmd() { :; }; }`,
    command: () => ["zsh", "-i"],
  },
} as const;

export type Shell = keyof typeof SHELLS;

/**
 * Types `words` at a prompt of `shell`, then TAB (or, with `all`, what inserts every match), and returns the line that stands there.
 * @param folder the completions, as under /usr/share
 * @param bin a folder that stands first in PATH
 */
export async function afterTab(
  shell: Shell,
  words: string,
  { home, folder, bin, all = false }: { home: string; folder: string; bin: string; all?: boolean },
): Promise<string> {
  const { rc, setup, command } = SHELLS[shell];
  mkdirSync(home, { recursive: true });
  writeFileSync(`${home}/${rc}`, setup(folder));
  let screen = "";
  const child = Bun.spawn([...command(home)], {
    env: { HOME: home, PATH: `${bin}:/usr/bin:/bin`, TERM: "dumb", LC_ALL: "C.UTF-8" },
    cwd: home,
    terminal: { cols: 4000, rows: 50, data: (_, bytes) => void (screen += new TextDecoder().decode(bytes)) },
  });
  const line = () => /LINE<(.*)>\r?\n/.exec(screen)?.[1];
  try {
    await until(`${shell} is ready`, () => screen.includes("READY<>"));
    child.terminal?.write(words + (all ? INSERT_ALL : "\t") + SAY_LINE);
    await until(`${shell} says its line`, () => line() !== undefined);
    return line() ?? "";
  } catch (error) {
    throw new Error(`${shell} shows ${JSON.stringify(screen)}`, { cause: error });
  } finally {
    child.kill("SIGKILL");
    await child.exited;
    child.terminal?.close();
  }
}
