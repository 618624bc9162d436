# Completion for sockeye in fish. The candidates come from the program itself.
function __fish_sockeye_candidates
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    # Assignments of variables may precede the program.
    while string match -qr '^\w+=' -- $words[1]
        set -e words[1]
    end
    set -l program $words[1]
    set -e words[1]
    type -q -- $program; or set program sockeye
    set -l answer (printf '%s\0' fish $words "$word" | $program completions candidates 2>/dev/null)
    set -l lead $answer[2]
    set -l path (string replace -- "$lead" '' "$word")
    switch "$answer[1]"
        case files
            printf "$(string replace -a % %% -- "$lead")%s\n" (complete -C "'' $path")
        case directories
            __fish_complete_directories "$path" ''
    end
    set -e answer[1..4]
    test (count $answer) -gt 0; and printf '%s\n' $answer
end

complete -c sockeye -f -a '(__fish_sockeye_candidates)'
