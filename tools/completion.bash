# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Completion asks cairn itself: what `--help` shows is what it offers, files otherwise.

_cairn() {
    local word=${COMP_WORDS[COMP_CWORD]} tool=${COMP_WORDS[0]} offered
    if ((COMP_CWORD == 1)); then
        offered=$("$tool" --help 2>/dev/null | awk '/^  [a-z]/ {print $1}')
    elif [[ ${COMP_WORDS[COMP_CWORD - 1]} =~ ^(-e|--event)$ ]]; then
        offered="waits syscalls locks marker: kprobe: kretprobe: uprobe: uretprobe:"
    elif [[ $word == -* ]]; then
        offered=$("$tool" "${COMP_WORDS[1]}" --help 2>/dev/null | grep -oE -- '--?[a-z][a-z-]*' | sort -u)
    fi
    mapfile -t COMPREPLY < <(compgen -W "$offered" -- "$word")
}
complete -o default -F _cairn cairn
