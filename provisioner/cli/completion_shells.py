"""What bash, zsh and fish are taught, and how each is answered. The script hands on the line up to the cursor in
COMP_LINE; the answer is a line for each candidate: its kind, the word and a comment, apart by tabs.
"""

from __future__ import annotations

import os
from pathlib import PurePath
from typing import TYPE_CHECKING

from click.shell_completion import ShellComplete, split_arg_string

from provisioner.cli.completion import FILES, FOLDERS

if TYPE_CHECKING:
    import click
    from click.shell_completion import CompletionItem

VARIABLE = "_PROVISION_COMPLETE"
_PROGRAM = "provision"
# At the end of the line: it makes the word at the cursor one even where it is empty yet.
_CURSOR = "\x01"

_BASH = """\
%(complete_func)s() {
    local kind value comment quoted
    COMPREPLY=()
    while IFS=$'\\t' read -r kind value comment; do
        case $kind in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            open) compopt -o nospace; COMPREPLY+=("$value") ;;
            plain) printf -v quoted %%q "$value"; COMPREPLY+=("$quoted") ;;
        esac
    done < <(COMP_LINE="${COMP_LINE:0:COMP_POINT}" COMP_WORDBREAKS="$COMP_WORDBREAKS" \\
        %(complete_var)s=bash_complete "$1" 2>/dev/null)
}

complete -o nosort -F %(complete_func)s %(prog_name)s
"""

_ZSH = """\
#compdef %(prog_name)s

%(complete_func)s() {
    local -a whole whole_shown open open_shown
    local kind value comment files folders
    while IFS=$'\\t' read -r kind value comment; do
        case $kind in
            dir) folders=1 ;;
            file) files=1 ;;
            open) open+=("$value"); open_shown+=("$value${comment:+  -- $comment}") ;;
            plain) whole+=("$value"); whole_shown+=("$value${comment:+  -- $comment}") ;;
        esac
    done < <(COMP_LINE="${(j: :)words[1,CURRENT-1]} $PREFIX" %(complete_var)s=zsh_complete ${words[1]} 2>/dev/null)
    [[ $PREFIX == --*=* ]] && compset -P '*='
    (( $#whole )) && compadd -V whole -l -d whole_shown -a whole
    (( $#open )) && compadd -V open -S '' -l -d open_shown -a open
    [[ -n $files ]] && _files
    [[ -n $folders ]] && _files -/
    return 0
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    %(complete_func)s "$@"
else
    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
    compdef %(complete_func)s %(prog_name)s
fi
"""

_FISH = """\
function %(complete_func)s
    set -l program (commandline -po)[1]
    env COMP_LINE=(commandline -cp | string collect) %(complete_var)s=fish_complete $program 2>/dev/null \\
        | while read -l -d \\t kind value comment
        switch $kind
            case dir
                __fish_complete_directories (commandline -ct)
            case file
                __fish_complete_path (commandline -ct)
            case plain open
                if test -n "$comment"
                    printf '%%s\\t%%s\\n' $value $comment
                else
                    printf '%%s\\n' $value
                end
        end
    end
end

complete --keep-order --no-files --command %(prog_name)s --arguments "(%(complete_func)s)"
"""


class _Shell(ShellComplete):
    """The part that the shells have in common. `_raw` is the word at the cursor as far as it is typed."""

    _raw = ""
    _value = ""

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words before the cursor, after the program's own name, and the one at the cursor."""
        words = split_arg_string(os.environ.get("COMP_LINE", "") + _CURSOR)
        names = [index for index, word in enumerate(words[:-1]) if PurePath(word).name == _PROGRAM]
        self._raw = words[-1].partition(_CURSOR)[0]
        return words[(names[0] if names else 0) + 1 : -1], self._raw

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[str]]:
        """What may stand at the cursor; of `--option=value` the value."""
        option, equals, value = incomplete.partition("=")
        joined = bool(equals) and option.startswith("--")
        self._value = value if joined else incomplete
        return super().get_completions(args, incomplete)

    def format_completion(self, item: CompletionItem[str]) -> str:
        """One line of the answer."""
        comment = " ".join((item.help or "").split())
        value = item.value if item.type in (FILES, FOLDERS) else self.shown(item.value)
        return f"{item.type}\t{value}\t{comment}"

    def shown(self, value: str) -> str:
        """The word as the shell is to put it in."""
        return value


class Bash(_Shell):
    """Readline breaks words at `=` and `:` too, and replaces only what is behind the last of them."""

    name = "bash"
    source_template = _BASH

    def shown(self, value: str) -> str:
        """The part of a word behind what readline takes for the beginning of one."""
        breaks = [character for character in os.environ.get("COMP_WORDBREAKS", "") if character in "=:@,"]
        begin = max((self._raw.rfind(character) for character in breaks), default=-1) + 1
        return value[max(len(self._value) - (len(self._raw) - begin), 0) :]


class Zsh(_Shell):
    """Takes the value of `--option=value` by itself, as the script tells it to."""

    name = "zsh"
    source_template = _ZSH


class Fish(_Shell):
    """Replaces the whole word, and so wants `--option=` before the value."""

    name = "fish"
    source_template = _FISH

    def shown(self, value: str) -> str:
        """The whole word."""
        return self._raw[: len(self._raw) - len(self._value)] + value


SHELLS = {shell.name: shell for shell in (Bash, Zsh, Fish)}


def script(main: click.Command, shell: str) -> str:
    """The script that teaches a shell to complete."""
    return SHELLS[shell](main, {}, _PROGRAM, VARIABLE).source()


def answer(main: click.Command, instruction: str) -> str:
    """What the script of a shell is answered: `bash_complete`; empty for what is not known."""
    shell = SHELLS.get(instruction.removesuffix("_complete"))
    return shell(main, {}, _PROGRAM, VARIABLE).complete() if shell else ""
