# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_sockeye_global_optspecs
    string join \n c/connect= l/listen= x/execute= w/wait= expect= expect-timeout= until= count= quiet-for= m/max-time= delimiter= 0/null b/binary input= output= send-only receive-only close= H/header= s/subprotocol= o/origin= host= A/user-agent= u/auth= digest bearer= netrc= cookie= p/protocol= L/location max-redirects= http2 http1.1 http= connect-timeout= resolve-timeout= tls-timeout= handshake-timeout= 4/ipv4 6/ipv6 proxy= noproxy= resolve= connect-to= unix-socket= interface= ca= ca-native k/insecure cert= key= passphrase= sni= no-sni tls-min= tls-max= pin= reconnect= reconnect-delay= reconnect-max-delay= reconnect-on= P/show-ping-pong slash json t/time exit-on-close no-history record= har= write-out= echo max-message= ping-interval= ping-timeout= idle-timeout= close-timeout= compress= no-compress compress-level= compress-min= v/verbose frames trace show-secrets q/quiet color= no-color config= no-config h/help V/version
end

function __fish_sockeye_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_sockeye_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_sockeye_using_subcommand
    set -l cmd (__fish_sockeye_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c sockeye -n "__fish_sockeye_needs_command" -s c -l connect -d 'The server, as wscat names it' -r -f
complete -c sockeye -n "__fish_sockeye_needs_command" -s l -l listen -d 'Be a server on this port, as wscat names it; see \'sockeye listen\'' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -s x -l execute -d 'Send this first, then what stdin gives; may be repeated' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -s w -l wait -d 'After the last -x or the end of stdin go on for this long; 0 closes at once, -1 never' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l expect -d 'Go on with the next -x only when a message matches; in order with -x, may be repeated' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l expect-timeout -d 'How long a message that is expected may take, else exit status 112' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l until -d 'Close and exit 0 when a message matches' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l count -d 'Close and exit 0 when this many messages have come' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l quiet-for -d 'How long the peer must be silent after the end of stdin [default: 1, or 5 without an answer]' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -s m -l max-time -d 'End the whole run after this long, with exit status 28' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l delimiter -d 'How messages follow each other, in stdin and in stdout' -r -f -a "lf\t'A line each'
nul\t'A NUL behind each'
none\t'Nothing: all of stdin is one message'
length\t'Its length before each: four bytes, the highest first'"
complete -c sockeye -n "__fish_sockeye_needs_command" -l input -d 'What stdin is: messages, or lines of JSON that say what to do' -r -f -a "text\t'Messages'
jsonl\t'A JSON object a line'"
complete -c sockeye -n "__fish_sockeye_needs_command" -l output -d 'What stdout gets: messages, or lines of JSON that tell all that happens' -r -f -a "text\t'Messages'
jsonl\t'A JSON object a line'"
complete -c sockeye -n "__fish_sockeye_needs_command" -l close -d 'The Close that ends the session [default: 1000]' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -s H -l header -d 'Add or replace a header (NAME:VALUE), remove it (NAME:), send it empty (NAME;), or do so for each line of a file (@FILE)' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -s s -l subprotocol -d 'Ask for a subprotocol; may be repeated, the first is preferred' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -s o -l origin -d 'The Origin header, which browsers send and some servers check' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l host -d 'The Host header, instead of the URL\'s host' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -s A -l user-agent -d 'The User-Agent header [default: sockeye/VERSION]' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -s u -l auth -l user -d 'Credentials for HTTP Basic authentication, or Digest if the server asks for it; without a password it is asked for. Secrets may be given as env:NAME, as file: and a path, or as cmd: and a command that prints it' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l bearer -d 'A bearer token for the Authorization header' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l netrc -d 'Take credentials for the host from a netrc file [default: $NETRC or ~/.netrc]' -r -F
complete -c sockeye -n "__fish_sockeye_needs_command" -l cookie -d 'Send cookies: NAME=VALUE, or a file as browsers export them; may be repeated' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -s p -l protocol -d 'The version of the WebSocket protocol that is asked for [default: 13]' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l max-redirects -d 'How many redirects are followed' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l http -d 'The version of HTTP under it; auto: 2 if a wss:// server has WebSocket there, otherwise 1.1' -r -f -a "1.1\t'HTTP/1.1'
2\t'HTTP/2'
auto\t'Whichever the server has'"
complete -c sockeye -n "__fish_sockeye_needs_command" -l connect-timeout -d 'How long opening the session may take, from the start' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l resolve-timeout -d 'How long looking a name up may take' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l tls-timeout -d 'How long the TLS handshake may take' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l handshake-timeout -d 'How long the answer to the opening handshake may take' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l proxy -d 'Connect through a proxy: http, https, socks4, socks4a, socks5 or socks5h (the proxy resolves the name) [default: what the environment says, as for curl]' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l noproxy -d 'Hosts, domains, addresses and networks to connect to without a proxy; * for all' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l resolve -d 'Use this address for a host and port, instead of looking it up; may be repeated' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l connect-to -d 'Connect to HOST2:PORT2 instead of HOST1:PORT1; may be repeated' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l unix-socket -d 'Connect to a Unix socket; @NAME for an abstract one' -r -F
complete -c sockeye -n "__fish_sockeye_needs_command" -l interface -l bind -d 'Connect from this network interface or address' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l ca -l cacert -d 'Trust the authorities in this PEM file or directory instead of the system\'s; may be repeated' -r -F
complete -c sockeye -n "__fish_sockeye_needs_command" -l cert -d 'A client certificate, with the chain behind it and perhaps its key, in PEM; or PKCS#12' -r -F
complete -c sockeye -n "__fish_sockeye_needs_command" -l key -d 'The key of the client certificate, in PEM' -r -F
complete -c sockeye -n "__fish_sockeye_needs_command" -l passphrase -d 'The passphrase of the key; asked for if not given' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l sni -d 'Ask for this name (SNI), and check the certificate for it, instead of the URL\'s host' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l tls-min -d 'The oldest version of TLS that is spoken [default: 1.2]' -r -f -a "1.2\t'TLS 1.2'
1.3\t'TLS 1.3'"
complete -c sockeye -n "__fish_sockeye_needs_command" -l tls-max -d 'The newest version of TLS that is spoken [default: 1.3]' -r -f -a "1.2\t'TLS 1.2'
1.3\t'TLS 1.3'"
complete -c sockeye -n "__fish_sockeye_needs_command" -l pin -d 'The server\'s public key must have this hash, also with -k; several with ; between them' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l reconnect -d 'Connect again when the connection is lost or cannot be made, at most MAX times in a row; -x is sent again' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l reconnect-delay -d 'The most that is waited before the first attempt; twice as much before each further one' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l reconnect-max-delay -d 'The most that is ever waited before an attempt' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l reconnect-on -d 'Connect again also after these close codes, beside 1001 and 1011 to 1014' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l record -d 'Record all that happens, with every frame, as lines of JSON; see \'sockeye show\'' -r -F
complete -c sockeye -n "__fish_sockeye_needs_command" -l har -d 'Record the handshakes and messages as HAR 1.2, which browsers\' tools import' -r -F
complete -c sockeye -n "__fish_sockeye_needs_command" -l write-out -d 'What to write to stdout at the end, as in curl: %{http_code}, %{time_total}, %{close_code}, %{json} and others; or @FILE' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l max-message -d 'The longest message taken, in bytes (K, M, G); 0 for any' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l ping-interval -d 'Ping after this long without a byte from the peer; 0 never' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l ping-timeout -d 'Give the session up when nothing follows a ping for this long, with exit status 28' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l idle-timeout -d 'End the session after this long without a message either way, with exit status 28' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l close-timeout -d 'How long the answer to our Close is waited for' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l compress -d 'Offer or accept compression with these parameters (RFC 7692), and not what browsers offer' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l compress-level -d 'How hard to compress, from 1 (fast) to 9 (small)' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l compress-min -d 'Compress messages of this length and more (K, M, G); 0 for all' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l color -d 'Whether what a person reads has colours; `NO_COLOR` and CLICOLOR count, too' -r -f -a "auto\t'Where there is a terminal that has them'
always\t'Also where there seems to be none'
never\t'Nowhere'"
complete -c sockeye -n "__fish_sockeye_needs_command" -l config -d 'Take defaults and targets from this file [default: ~/.config/sockeye/config.toml]' -r -F
complete -c sockeye -n "__fish_sockeye_needs_command" -s 0 -l null -d 'NUL between messages, as --delimiter nul'
complete -c sockeye -n "__fish_sockeye_needs_command" -s b -l binary -d 'Send binary messages'
complete -c sockeye -n "__fish_sockeye_needs_command" -l send-only -d 'Do not show what comes, and close when all is sent'
complete -c sockeye -n "__fish_sockeye_needs_command" -l receive-only -d 'Do not read stdin'
complete -c sockeye -n "__fish_sockeye_needs_command" -l digest -d 'Show the credentials only in answer to a Digest challenge'
complete -c sockeye -n "__fish_sockeye_needs_command" -s L -l location -d 'Follow redirects; credentials stay with the first origin, and TLS is never given up'
complete -c sockeye -n "__fish_sockeye_needs_command" -l http2 -d 'WebSocket over HTTP/2 (RFC 8441); with ws:// the server must expect it'
complete -c sockeye -n "__fish_sockeye_needs_command" -l http1.1 -d 'WebSocket over HTTP/1.1, as is the default'
complete -c sockeye -n "__fish_sockeye_needs_command" -s 4 -l ipv4 -d 'Use IPv4 only'
complete -c sockeye -n "__fish_sockeye_needs_command" -s 6 -l ipv6 -d 'Use IPv6 only'
complete -c sockeye -n "__fish_sockeye_needs_command" -l ca-native -d 'Trust the system\'s authorities beside those of --ca'
complete -c sockeye -n "__fish_sockeye_needs_command" -s k -s n -l insecure -l no-check -d 'Do not check the server\'s certificate'
complete -c sockeye -n "__fish_sockeye_needs_command" -l no-sni -d 'Do not say the host\'s name in the TLS handshake'
complete -c sockeye -n "__fish_sockeye_needs_command" -s P -l show-ping-pong -d 'Show pings and pongs in interactive mode'
complete -c sockeye -n "__fish_sockeye_needs_command" -l slash -d 'No effect: slash commands are always on (wscat needs it)'
complete -c sockeye -n "__fish_sockeye_needs_command" -l json -d 'Lay out JSON on a terminal, a member a line'
complete -c sockeye -n "__fish_sockeye_needs_command" -s t -l time -d 'Show the time of each message on a terminal'
complete -c sockeye -n "__fish_sockeye_needs_command" -l exit-on-close -d 'End with the session, also when something has been typed'
complete -c sockeye -n "__fish_sockeye_needs_command" -l no-history -d 'Keep no history of what is typed'
complete -c sockeye -n "__fish_sockeye_needs_command" -l echo -d 'Send every message back, same type, until the peer closes; stdin is not read'
complete -c sockeye -n "__fish_sockeye_needs_command" -l no-compress -d 'Do not offer or accept compression'
complete -c sockeye -n "__fish_sockeye_needs_command" -s v -l verbose -d 'Show the handshake and what happens, on stderr; secrets are redacted. Twice: with times, and every frame with its header'
complete -c sockeye -n "__fish_sockeye_needs_command" -l frames -d 'Show each frame in a line on stderr, and what is wrong with it (docs/frames.md)'
complete -c sockeye -n "__fish_sockeye_needs_command" -l trace -d 'As -vv, and the bytes of the handshake and of the session in hex'
complete -c sockeye -n "__fish_sockeye_needs_command" -l show-secrets -d 'Do not redact secrets in what is shown and recorded'
complete -c sockeye -n "__fish_sockeye_needs_command" -s q -l quiet -d 'Show nothing but errors on stderr'
complete -c sockeye -n "__fish_sockeye_needs_command" -l no-color -d 'Use no colours, as --color never'
complete -c sockeye -n "__fish_sockeye_needs_command" -l no-config -d 'Read no configuration file'
complete -c sockeye -n "__fish_sockeye_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sockeye -n "__fish_sockeye_needs_command" -s V -l version -d 'Print version'
complete -c sockeye -n "__fish_sockeye_needs_command" -a "listen" -d 'Be the server: what is typed or piped goes to every client, what they send is shown'
complete -c sockeye -n "__fish_sockeye_needs_command" -a "demo" -d 'Try it without a server: an echo server inside the process, and a client connected to it'
complete -c sockeye -n "__fish_sockeye_needs_command" -a "show" -d 'Show a recording as interactive mode shows a session'
complete -c sockeye -n "__fish_sockeye_needs_command" -a "completions" -d 'Print a completion script for a shell'
complete -c sockeye -n "__fish_sockeye_needs_command" -a "man" -d 'Print the man page, or write all of them into a directory'
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -s s -l subprotocol -d 'A subprotocol that is spoken; may be repeated' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l max-message -d 'The longest message taken, in bytes (K, M, G); 0 for any' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l ping-interval -d 'Ping after this long without a byte from the peer; 0 never' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l ping-timeout -d 'Give the session up when nothing follows a ping for this long, with exit status 28' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l idle-timeout -d 'End the session after this long without a message either way, with exit status 28' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l close-timeout -d 'How long the answer to our Close is waited for' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l compress -d 'Offer or accept compression with these parameters (RFC 7692), and not what browsers offer' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l compress-level -d 'How hard to compress, from 1 (fast) to 9 (small)' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l compress-min -d 'Compress messages of this length and more (K, M, G); 0 for all' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l color -d 'Whether what a person reads has colours; `NO_COLOR` and CLICOLOR count, too' -r -f -a "auto\t'Where there is a terminal that has them'
always\t'Also where there seems to be none'
never\t'Nowhere'"
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l config -d 'Take defaults and targets from this file [default: ~/.config/sockeye/config.toml]' -r -F
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l echo -d 'Send every message back, same type, until the peer closes; stdin is not read'
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l no-compress -d 'Do not offer or accept compression'
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -s v -l verbose -d 'Show the handshake and what happens, on stderr; secrets are redacted. Twice: with times, and every frame with its header'
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l frames -d 'Show each frame in a line on stderr, and what is wrong with it (docs/frames.md)'
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l trace -d 'As -vv, and the bytes of the handshake and of the session in hex'
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l show-secrets -d 'Do not redact secrets in what is shown and recorded'
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -s q -l quiet -d 'Show nothing but errors on stderr'
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l no-color -d 'Use no colours, as --color never'
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l no-config -d 'Read no configuration file'
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -s x -l execute -d 'Send this first, then what stdin gives; may be repeated' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -s w -l wait -d 'After the last -x or the end of stdin go on for this long; 0 closes at once, -1 never' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l expect -d 'Go on with the next -x only when a message matches; in order with -x, may be repeated' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l expect-timeout -d 'How long a message that is expected may take, else exit status 112' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l until -d 'Close and exit 0 when a message matches' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l count -d 'Close and exit 0 when this many messages have come' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l quiet-for -d 'How long the peer must be silent after the end of stdin [default: 1, or 5 without an answer]' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -s m -l max-time -d 'End the whole run after this long, with exit status 28' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l delimiter -d 'How messages follow each other, in stdin and in stdout' -r -f -a "lf\t'A line each'
nul\t'A NUL behind each'
none\t'Nothing: all of stdin is one message'
length\t'Its length before each: four bytes, the highest first'"
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l input -d 'What stdin is: messages, or lines of JSON that say what to do' -r -f -a "text\t'Messages'
jsonl\t'A JSON object a line'"
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l output -d 'What stdout gets: messages, or lines of JSON that tell all that happens' -r -f -a "text\t'Messages'
jsonl\t'A JSON object a line'"
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l close -d 'The Close that ends the session [default: 1000]' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -s H -l header -d 'Add or replace a header (NAME:VALUE), remove it (NAME:), send it empty (NAME;), or do so for each line of a file (@FILE)' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -s s -l subprotocol -d 'Ask for a subprotocol; may be repeated, the first is preferred' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -s o -l origin -d 'The Origin header, which browsers send and some servers check' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l host -d 'The Host header, instead of the URL\'s host' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -s A -l user-agent -d 'The User-Agent header [default: sockeye/VERSION]' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -s u -l auth -l user -d 'Credentials for HTTP Basic authentication, or Digest if the server asks for it; without a password it is asked for. Secrets may be given as env:NAME, as file: and a path, or as cmd: and a command that prints it' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l bearer -d 'A bearer token for the Authorization header' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l netrc -d 'Take credentials for the host from a netrc file [default: $NETRC or ~/.netrc]' -r -F
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l cookie -d 'Send cookies: NAME=VALUE, or a file as browsers export them; may be repeated' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -s p -l protocol -d 'The version of the WebSocket protocol that is asked for [default: 13]' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l max-redirects -d 'How many redirects are followed' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l http -d 'The version of HTTP under it; auto: 2 if a wss:// server has WebSocket there, otherwise 1.1' -r -f -a "1.1\t'HTTP/1.1'
2\t'HTTP/2'
auto\t'Whichever the server has'"
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l connect-timeout -d 'How long opening the session may take, from the start' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l resolve-timeout -d 'How long looking a name up may take' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l tls-timeout -d 'How long the TLS handshake may take' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l handshake-timeout -d 'How long the answer to the opening handshake may take' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l proxy -d 'Connect through a proxy: http, https, socks4, socks4a, socks5 or socks5h (the proxy resolves the name) [default: what the environment says, as for curl]' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l noproxy -d 'Hosts, domains, addresses and networks to connect to without a proxy; * for all' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l resolve -d 'Use this address for a host and port, instead of looking it up; may be repeated' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l connect-to -d 'Connect to HOST2:PORT2 instead of HOST1:PORT1; may be repeated' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l unix-socket -d 'Connect to a Unix socket; @NAME for an abstract one' -r -F
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l interface -l bind -d 'Connect from this network interface or address' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l ca -l cacert -d 'Trust the authorities in this PEM file or directory instead of the system\'s; may be repeated' -r -F
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l cert -d 'A client certificate, with the chain behind it and perhaps its key, in PEM; or PKCS#12' -r -F
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l key -d 'The key of the client certificate, in PEM' -r -F
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l passphrase -d 'The passphrase of the key; asked for if not given' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l sni -d 'Ask for this name (SNI), and check the certificate for it, instead of the URL\'s host' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l tls-min -d 'The oldest version of TLS that is spoken [default: 1.2]' -r -f -a "1.2\t'TLS 1.2'
1.3\t'TLS 1.3'"
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l tls-max -d 'The newest version of TLS that is spoken [default: 1.3]' -r -f -a "1.2\t'TLS 1.2'
1.3\t'TLS 1.3'"
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l pin -d 'The server\'s public key must have this hash, also with -k; several with ; between them' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l reconnect -d 'Connect again when the connection is lost or cannot be made, at most MAX times in a row; -x is sent again' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l reconnect-delay -d 'The most that is waited before the first attempt; twice as much before each further one' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l reconnect-max-delay -d 'The most that is ever waited before an attempt' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l reconnect-on -d 'Connect again also after these close codes, beside 1001 and 1011 to 1014' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l record -d 'Record all that happens, with every frame, as lines of JSON; see \'sockeye show\'' -r -F
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l har -d 'Record the handshakes and messages as HAR 1.2, which browsers\' tools import' -r -F
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l write-out -d 'What to write to stdout at the end, as in curl: %{http_code}, %{time_total}, %{close_code}, %{json} and others; or @FILE' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l max-message -d 'The longest message taken, in bytes (K, M, G); 0 for any' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l ping-interval -d 'Ping after this long without a byte from the peer; 0 never' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l ping-timeout -d 'Give the session up when nothing follows a ping for this long, with exit status 28' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l idle-timeout -d 'End the session after this long without a message either way, with exit status 28' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l close-timeout -d 'How long the answer to our Close is waited for' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l compress -d 'Offer or accept compression with these parameters (RFC 7692), and not what browsers offer' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l compress-level -d 'How hard to compress, from 1 (fast) to 9 (small)' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l compress-min -d 'Compress messages of this length and more (K, M, G); 0 for all' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l color -d 'Whether what a person reads has colours; `NO_COLOR` and CLICOLOR count, too' -r -f -a "auto\t'Where there is a terminal that has them'
always\t'Also where there seems to be none'
never\t'Nowhere'"
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -s 0 -l null -d 'NUL between messages, as --delimiter nul'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -s b -l binary -d 'Send binary messages'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l send-only -d 'Do not show what comes, and close when all is sent'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l receive-only -d 'Do not read stdin'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l digest -d 'Show the credentials only in answer to a Digest challenge'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -s L -l location -d 'Follow redirects; credentials stay with the first origin, and TLS is never given up'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l http2 -d 'WebSocket over HTTP/2 (RFC 8441); with ws:// the server must expect it'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l http1.1 -d 'WebSocket over HTTP/1.1, as is the default'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -s 4 -l ipv4 -d 'Use IPv4 only'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -s 6 -l ipv6 -d 'Use IPv6 only'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l ca-native -d 'Trust the system\'s authorities beside those of --ca'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -s k -s n -l insecure -l no-check -d 'Do not check the server\'s certificate'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l no-sni -d 'Do not say the host\'s name in the TLS handshake'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -s P -l show-ping-pong -d 'Show pings and pongs in interactive mode'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l slash -d 'No effect: slash commands are always on (wscat needs it)'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l json -d 'Lay out JSON on a terminal, a member a line'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -s t -l time -d 'Show the time of each message on a terminal'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l exit-on-close -d 'End with the session, also when something has been typed'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l no-history -d 'Keep no history of what is typed'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l echo -d 'Send every message back, same type, until the peer closes; stdin is not read'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l no-compress -d 'Do not offer or accept compression'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -s v -l verbose -d 'Show the handshake and what happens, on stderr; secrets are redacted. Twice: with times, and every frame with its header'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l frames -d 'Show each frame in a line on stderr, and what is wrong with it (docs/frames.md)'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l trace -d 'As -vv, and the bytes of the handshake and of the session in hex'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l show-secrets -d 'Do not redact secrets in what is shown and recorded'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -s q -l quiet -d 'Show nothing but errors on stderr'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l no-color -d 'Use no colours, as --color never'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sockeye -n "__fish_sockeye_using_subcommand show" -l filter -d 'Show only messages that match' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand show" -l har -d 'Show nothing, and write the recording as HAR 1.2 into this file' -r -F
complete -c sockeye -n "__fish_sockeye_using_subcommand show" -l color -d 'Whether there are colours; `NO_COLOR` and CLICOLOR count, too' -r -f -a "auto\t'Where there is a terminal that has them'
always\t'Also where there seems to be none'
never\t'Nowhere'"
complete -c sockeye -n "__fish_sockeye_using_subcommand show" -l frames -d 'Show the frames too'
complete -c sockeye -n "__fish_sockeye_using_subcommand show" -l json -d 'Lay JSON out, a member a line'
complete -c sockeye -n "__fish_sockeye_using_subcommand show" -s t -l time -d 'Show the time of day before each line'
complete -c sockeye -n "__fish_sockeye_using_subcommand show" -l no-color -d 'Use no colours, as --color never'
complete -c sockeye -n "__fish_sockeye_using_subcommand show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sockeye -n "__fish_sockeye_using_subcommand completions" -s h -l help -d 'Print help'
complete -c sockeye -n "__fish_sockeye_using_subcommand man" -s h -l help -d 'Print help'
complete -c sockeye -n "__fish_sockeye_needs_command; and string match -q '@*' -- (commandline -ct)" -f -a "(sockeye completions targets 2>/dev/null)"
