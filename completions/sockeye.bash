# Completion for sockeye in bash. The candidates come from the program itself.
_sockeye() {
    local program=${1/#\~\//$HOME/} kind lead path quoted word action
    type -P -- "$program" >/dev/null || program=sockeye
    COMPREPLY=()
    {
        IFS= read -r kind && IFS= read -r lead && IFS= read -r path && IFS= read -r quoted || return
        while IFS= read -r word; do
            COMPREPLY+=("$word")
        done
    } < <(printf '%s\0' bash "${COMP_LINE:0:COMP_POINT}" "$2" |
        "$program" completions candidates 2>/dev/null)
    if [[ $kind ]]; then
        [[ $kind == directories ]] && action=-d || action=-f
        # Readline quotes names of files and appends slashes, but not after another text.
        if [[ ! $lead && ${#COMPREPLY[@]} == 0 ]]; then
            compopt -o filenames 2>/dev/null
            while IFS= read -r word; do
                COMPREPLY+=("$word")
            done < <(compgen "$action" -- "$path")
        else
            while IFS= read -r word; do
                [[ -d $word ]] && word+=/
                [[ $quoted ]] || printf -v word %q "$word"
                COMPREPLY+=("$lead$word")
            done < <(compgen "$action" -- "$path")
        fi
    fi
    if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *[:/] ]]; then
        compopt -o nospace 2>/dev/null
    fi
}

complete -F _sockeye sockeye
