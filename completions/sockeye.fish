# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_sockeye_global_optspecs
    string join \n c/connect= l/listen= x/execute= w/wait= expect= expect-timeout= answer= every= expand append= until= count= quiet-for= m/max-time= delimiter= 0/null b/binary input= output= decode= send-only receive-only close= H/header= s/subprotocol= o/origin= host= A/user-agent= u/auth= digest bearer= netrc= cookie= cookie-jar= path-as-is p/protocol= L/location max-redirects= lenient http2 http1.1 http= connect-timeout= resolve-timeout= tls-timeout= handshake-timeout= 4/ipv4 6/ipv6 proxy= noproxy= resolve= connect-to= unix-socket= interface= ca= ca-native k/insecure cert= key= passphrase= sni= no-sni tls-min= tls-max= pin= reconnect= reconnect-delay= reconnect-max-delay= reconnect-on= P/show-ping-pong slash json t/time exit-on-close no-history record= har= write-out= echo max-message= fragment= ping-interval= ping-timeout= idle-timeout= close-timeout= compress= no-compress compress-level= compress-min= v/verbose frames trace show-secrets q/quiet color= no-color config= no-config h/help V/version
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

complete -c sockeye -n "__fish_sockeye_needs_command" -s c -l connect -d 'Server URL, as in wscat' -r -f
complete -c sockeye -n "__fish_sockeye_needs_command" -s l -l listen -d 'Run a server on this port, as in wscat; see \'sockeye listen\'' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -s x -l execute -d 'Send MESSAGE before reading stdin; may be repeated' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -s w -l wait -d 'Keep receiving this long after the input ends; -1 for no limit' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l expect -d 'Wait for a matching message before the next -x; may be repeated' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l expect-timeout -d 'Time limit for each --expect' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l answer -d 'Answer each matching message; may be repeated' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l every -d 'Send a message at an interval; may be repeated' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l append -d 'Append BYTES to each message sent, as an end mark' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l until -d 'Close and exit 0 when a received message matches' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l count -d 'Close and exit 0 after N received messages' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l quiet-for -d 'Close after this much silence once input ends [default: 1 or 5]' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -s m -l max-time -d 'Time limit for the whole run' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l delimiter -d 'Message framing on stdin and stdout' -r -f -a "lf\t'Each message is a line; CRLF is accepted on stdin'
nul\t'Each message ends with NUL'
none\t'All of stdin is one message; nothing separates messages on stdout'
length\t'Each message follows its length (4 bytes, big-endian)'"
complete -c sockeye -n "__fish_sockeye_needs_command" -l input -d 'Format of stdin' -r -f -a "text\t'Messages, framed according to --delimiter'
jsonl\t'One JSON object per line: actions on stdin, events on stdout'"
complete -c sockeye -n "__fish_sockeye_needs_command" -l output -d 'Format of stdout' -r -f -a "text\t'Messages, framed according to --delimiter'
jsonl\t'One JSON object per line: actions on stdin, events on stdout'"
complete -c sockeye -n "__fish_sockeye_needs_command" -l decode -d 'Decode binary messages: gzip, zlib, deflate, msgpack or auto' -r -f -a "gzip\t''
zlib\t''
deflate\t'With or without the header of zlib'
msgpack\t''
auto\t''"
complete -c sockeye -n "__fish_sockeye_needs_command" -l close -d 'Close code and reason to send [default: 1000]' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -s H -l header -d 'Set a request header; may be repeated' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -s s -l subprotocol -d 'Subprotocol to offer; may be repeated, in order of preference' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -s o -l origin -d 'Origin header; browsers send it, and some servers require it' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l host -d 'Host header, instead of the URL\'s host' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -s A -l user-agent -d 'User-Agent header [default: sockeye/VERSION]' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -s u -l auth -l user -d 'Credentials for HTTP Basic or Digest authentication' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l bearer -d 'Bearer token for the Authorization header' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l netrc -d 'Read credentials from a netrc file [default: $NETRC or ~/.netrc]' -r -F
complete -c sockeye -n "__fish_sockeye_needs_command" -l cookie -d 'Cookie, or the path of a cookie file; may be repeated' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l cookie-jar -d 'Read cookies from FILE, and write them back at the end' -r -F
complete -c sockeye -n "__fish_sockeye_needs_command" -s p -l protocol -d 'WebSocket protocol version to request [default: 13]' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l max-redirects -d 'Maximum number of redirects to follow [default: 10]' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l http -d 'HTTP version' -r -f -a "1.1\t''
2\t''
auto\t'2 if a wss:// server supports WebSocket over it, otherwise 1.1'"
complete -c sockeye -n "__fish_sockeye_needs_command" -l connect-timeout -d 'Time limit for opening a session' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l resolve-timeout -d 'Time limit for the name lookup' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l tls-timeout -d 'Time limit for the TLS handshake' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l handshake-timeout -d 'Time limit for the opening handshake' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l proxy -d 'Proxy URL [default: from the environment]' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l noproxy -d 'Hosts and networks to reach without a proxy' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l resolve -d 'Use ADDRESS for HOST:PORT instead of a lookup' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l connect-to -d 'Connect to HOST2:PORT2 instead of HOST1:PORT1' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l unix-socket -d 'Connect to a Unix socket; @NAME is abstract' -r -F
complete -c sockeye -n "__fish_sockeye_needs_command" -l interface -l bind -d 'Local interface or address' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l ca -l cacert -d 'Use these CAs instead of the system\'s' -r -F
complete -c sockeye -n "__fish_sockeye_needs_command" -l cert -d 'Client certificate: PEM (may include the key) or PKCS#12' -r -F
complete -c sockeye -n "__fish_sockeye_needs_command" -l key -d 'Private key of the client certificate, in PEM' -r -F
complete -c sockeye -n "__fish_sockeye_needs_command" -l passphrase -d 'Passphrase of the private key; prompts if omitted' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l sni -d 'Server name for SNI and certificate verification' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l tls-min -d 'Minimum TLS version [default: 1.2]' -r -f -a "1.2\t''
1.3\t''"
complete -c sockeye -n "__fish_sockeye_needs_command" -l tls-max -d 'Maximum TLS version [default: 1.3]' -r -f -a "1.2\t''
1.3\t''"
complete -c sockeye -n "__fish_sockeye_needs_command" -l pin -d 'Require a server public key with this SHA-256 hash' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l reconnect -d 'Reconnect, at most MAX times in a row' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l reconnect-delay -d 'Maximum delay before the first retry' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l reconnect-max-delay -d 'Maximum delay before any retry' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l reconnect-on -d 'Also reconnect after these close codes' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l record -d 'Record the run as JSON Lines; see \'sockeye show\'' -r -F
complete -c sockeye -n "__fish_sockeye_needs_command" -l har -d 'Record handshakes and messages as HAR 1.2' -r -F
complete -c sockeye -n "__fish_sockeye_needs_command" -l write-out -d 'Print FORMAT at the end of the run, with curl-style variables' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l max-message -d 'Maximum size of a received message; 0 for no limit [default: 100M]' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l fragment -d 'Maximum payload of a data frame to send [default: 64K]' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l ping-interval -d 'Ping after this much silence; 0 to disable' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l ping-timeout -d 'Fail if nothing arrives this long after a ping' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l idle-timeout -d 'Fail after this long without a message in either direction' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l close-timeout -d 'Time limit for closing a session' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l compress -d 'Set the permessage-deflate parameters (RFC 7692)' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l compress-level -d 'Compression level, from 1 (fastest) to 9 (smallest)' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l compress-min -d 'Minimum size of a message to compress; 0 for all' -r
complete -c sockeye -n "__fish_sockeye_needs_command" -l color -d 'Use colours' -r -f -a "auto\t'On terminals that support them'
always\t'Even if the output is not a terminal'
never\t''"
complete -c sockeye -n "__fish_sockeye_needs_command" -l config -d 'Configuration file [default: ~/.config/sockeye/config.toml]' -r -F
complete -c sockeye -n "__fish_sockeye_needs_command" -l expand -d 'Replace ${...} in the messages of -x, --answer and --every'
complete -c sockeye -n "__fish_sockeye_needs_command" -s 0 -l null -d 'End each message with NUL; same as --delimiter nul'
complete -c sockeye -n "__fish_sockeye_needs_command" -s b -l binary -d 'Send binary instead of text messages'
complete -c sockeye -n "__fish_sockeye_needs_command" -l send-only -d 'Send only: discard received messages, close once all is sent'
complete -c sockeye -n "__fish_sockeye_needs_command" -l receive-only -d 'Receive only: do not read stdin'
complete -c sockeye -n "__fish_sockeye_needs_command" -l digest -d 'Send credentials only in response to a Digest challenge'
complete -c sockeye -n "__fish_sockeye_needs_command" -l path-as-is -d 'Keep . and .. in the path'
complete -c sockeye -n "__fish_sockeye_needs_command" -s L -l location -d 'Follow redirects'
complete -c sockeye -n "__fish_sockeye_needs_command" -l lenient -d 'Accept some violations of the protocol by the server'
complete -c sockeye -n "__fish_sockeye_needs_command" -l http2 -d 'Use WebSocket over HTTP/2 (RFC 8441)'
complete -c sockeye -n "__fish_sockeye_needs_command" -l http1.1 -d 'Use WebSocket over HTTP/1.1 (the default)'
complete -c sockeye -n "__fish_sockeye_needs_command" -s 4 -l ipv4 -d 'Use IPv4 only'
complete -c sockeye -n "__fish_sockeye_needs_command" -s 6 -l ipv6 -d 'Use IPv6 only'
complete -c sockeye -n "__fish_sockeye_needs_command" -l ca-native -d 'Trust the system\'s CAs in addition to --ca'
complete -c sockeye -n "__fish_sockeye_needs_command" -s k -s n -l insecure -l no-check -d 'Do not verify the server\'s certificate'
complete -c sockeye -n "__fish_sockeye_needs_command" -l no-sni -d 'Do not send the server name in the TLS handshake'
complete -c sockeye -n "__fish_sockeye_needs_command" -s P -l show-ping-pong -d 'Show pings and pongs in interactive mode'
complete -c sockeye -n "__fish_sockeye_needs_command" -l slash -d 'No effect; accepted for compatibility with wscat'
complete -c sockeye -n "__fish_sockeye_needs_command" -l json -d 'Pretty-print JSON messages on a terminal'
complete -c sockeye -n "__fish_sockeye_needs_command" -s t -l time -d 'Show the time of each message on a terminal'
complete -c sockeye -n "__fish_sockeye_needs_command" -l exit-on-close -d 'Exit when the session ends, even if something has been typed'
complete -c sockeye -n "__fish_sockeye_needs_command" -l no-history -d 'Do not read or write the history file'
complete -c sockeye -n "__fish_sockeye_needs_command" -l echo -d 'Send every received message back; stdin is not read'
complete -c sockeye -n "__fish_sockeye_needs_command" -l no-compress -d 'Disable compression'
complete -c sockeye -n "__fish_sockeye_needs_command" -s v -l verbose -d 'Show the handshake and progress on stderr; -vv adds frames and times'
complete -c sockeye -n "__fish_sockeye_needs_command" -l frames -d 'Show each frame on stderr, with any protocol violation'
complete -c sockeye -n "__fish_sockeye_needs_command" -l trace -d 'Like -vv, with a hex dump of the handshake and session'
complete -c sockeye -n "__fish_sockeye_needs_command" -l show-secrets -d 'Do not redact secrets in diagnostics and recordings'
complete -c sockeye -n "__fish_sockeye_needs_command" -s q -l quiet -d 'Print only errors on stderr'
complete -c sockeye -n "__fish_sockeye_needs_command" -l no-color -d 'Disable colours; same as --color never'
complete -c sockeye -n "__fish_sockeye_needs_command" -l no-config -d 'Do not read a configuration file'
complete -c sockeye -n "__fish_sockeye_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sockeye -n "__fish_sockeye_needs_command" -s V -l version -d 'Print version'
complete -c sockeye -n "__fish_sockeye_needs_command" -a "listen" -d 'Options that only a server has'
complete -c sockeye -n "__fish_sockeye_needs_command" -a "demo" -d 'Try sockeye without a server: talk to a built-in echo server'
complete -c sockeye -n "__fish_sockeye_needs_command" -a "show" -d 'Show a recording in the format of interactive mode'
complete -c sockeye -n "__fish_sockeye_needs_command" -a "completions" -d 'Print a shell completion script'
complete -c sockeye -n "__fish_sockeye_needs_command" -a "man" -d 'Print the man page, or write all man pages to a directory'
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -s s -l subprotocol -d 'Subprotocol to accept; may be repeated' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l max-message -d 'Maximum size of a received message; 0 for no limit [default: 100M]' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l fragment -d 'Maximum payload of a data frame to send [default: 64K]' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l ping-interval -d 'Ping after this much silence; 0 to disable' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l ping-timeout -d 'Fail if nothing arrives this long after a ping' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l idle-timeout -d 'Fail after this long without a message in either direction' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l close-timeout -d 'Time limit for closing a session' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l compress -d 'Set the permessage-deflate parameters (RFC 7692)' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l compress-level -d 'Compression level, from 1 (fastest) to 9 (smallest)' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l compress-min -d 'Minimum size of a message to compress; 0 for all' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l color -d 'Use colours' -r -f -a "auto\t'On terminals that support them'
always\t'Even if the output is not a terminal'
never\t''"
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l config -d 'Configuration file [default: ~/.config/sockeye/config.toml]' -r -F
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l exec -d 'Run a shell command for each client' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l reply -d 'Reply to clients by the rules of a TOML file; stdin is not read' -r -F
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l fault -d 'Make a fault happen, such as \'drop every 3 out\'; may be repeated' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l seed -d 'Seed of what --reply and --fault choose at random [default: another for each run]' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l clients -d 'Exit when N clients have left' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -s m -l max-time -d 'Time limit for the whole run' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l count -d 'Exit after N messages from clients' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l until -d 'Exit when a message from a client matches' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l max-queue -d 'Maximum number of bytes that wait for a client [default: 1M]' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l slow -d 'Treatment of a client that does not read fast enough [default: drop]' -r -f -a "drop\t'Close its session with 1013'
wait\t'Wait for it'
skip\t'Do not send it what it has no room for'"
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l path -d 'Paths to accept, such as /chat or /rooms/*; may be repeated (404)' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -s u -l auth -l user -d 'Require HTTP Basic credentials (401)' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -s o -l origin -d 'Origins to accept, such as https://*.example.com; may be repeated (403)' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l require-header -d 'Require a request header, perhaps with this value; may be repeated (403)' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l status -d 'Refuse requests with this status: all, the first N or for a time' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l max-clients -d 'Maximum number of clients at the same time (503)' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -s H -l header -d 'Add a header to the response; may be repeated' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l cert -d 'Certificate chain in PEM, or chain and key in PKCS#12' -r -F
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l key -d 'Private key of --cert in PEM, if it is not in the same file' -r -F
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l passphrase -d 'Passphrase of the private key [default: prompt]' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l record -d 'Record the run as JSON Lines; see \'sockeye show\'' -r -F
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l har -d 'Record handshakes and messages as HAR 1.2' -r -F
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l delimiter -d 'Message framing on stdin and stdout [default: lf]' -r -f -a "lf\t'Each message is a line; CRLF is accepted on stdin'
nul\t'Each message ends with NUL'
none\t'All of stdin is one message; nothing separates messages on stdout'
length\t'Each message follows its length (4 bytes, big-endian)'"
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l input -d 'Format of stdin [default: text]' -r -f -a "text\t'Messages, framed according to --delimiter'
jsonl\t'One JSON object per line: actions on stdin, events on stdout'"
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l output -d 'Format of stdout [default: text]' -r -f -a "text\t'Messages, framed according to --delimiter'
jsonl\t'One JSON object per line: actions on stdin, events on stdout'"
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l echo -d 'Send every received message back; stdin is not read'
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l no-compress -d 'Disable compression'
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -s v -l verbose -d 'Show the handshake and progress on stderr; -vv adds frames and times'
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l frames -d 'Show each frame on stderr, with any protocol violation'
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l trace -d 'Like -vv, with a hex dump of the handshake and session'
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l show-secrets -d 'Do not redact secrets in diagnostics and recordings'
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -s q -l quiet -d 'Print only errors on stderr'
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l no-color -d 'Disable colours; same as --color never'
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l no-config -d 'Do not read a configuration file'
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l broadcast -d 'Send each message to all other clients; stdin is not read'
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l reply-check -d 'Check the file of --reply and exit'
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l once -d 'Exit when the first client has left; same as --clients 1'
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l tls-self-signed -d 'Use a certificate made for this run'
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l label -d 'Write the client\'s number and a tab before each message'
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -l no-label -d 'Write messages without the client\'s number'
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -s 0 -l null -d 'End each message with NUL; same as --delimiter nul'
complete -c sockeye -n "__fish_sockeye_using_subcommand listen" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -s x -l execute -d 'Send MESSAGE before reading stdin; may be repeated' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -s w -l wait -d 'Keep receiving this long after the input ends; -1 for no limit' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l expect -d 'Wait for a matching message before the next -x; may be repeated' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l expect-timeout -d 'Time limit for each --expect' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l answer -d 'Answer each matching message; may be repeated' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l every -d 'Send a message at an interval; may be repeated' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l append -d 'Append BYTES to each message sent, as an end mark' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l until -d 'Close and exit 0 when a received message matches' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l count -d 'Close and exit 0 after N received messages' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l quiet-for -d 'Close after this much silence once input ends [default: 1 or 5]' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -s m -l max-time -d 'Time limit for the whole run' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l delimiter -d 'Message framing on stdin and stdout' -r -f -a "lf\t'Each message is a line; CRLF is accepted on stdin'
nul\t'Each message ends with NUL'
none\t'All of stdin is one message; nothing separates messages on stdout'
length\t'Each message follows its length (4 bytes, big-endian)'"
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l input -d 'Format of stdin' -r -f -a "text\t'Messages, framed according to --delimiter'
jsonl\t'One JSON object per line: actions on stdin, events on stdout'"
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l output -d 'Format of stdout' -r -f -a "text\t'Messages, framed according to --delimiter'
jsonl\t'One JSON object per line: actions on stdin, events on stdout'"
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l decode -d 'Decode binary messages: gzip, zlib, deflate, msgpack or auto' -r -f -a "gzip\t''
zlib\t''
deflate\t'With or without the header of zlib'
msgpack\t''
auto\t''"
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l close -d 'Close code and reason to send [default: 1000]' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -s H -l header -d 'Set a request header; may be repeated' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -s s -l subprotocol -d 'Subprotocol to offer; may be repeated, in order of preference' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -s o -l origin -d 'Origin header; browsers send it, and some servers require it' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l host -d 'Host header, instead of the URL\'s host' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -s A -l user-agent -d 'User-Agent header [default: sockeye/VERSION]' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -s u -l auth -l user -d 'Credentials for HTTP Basic or Digest authentication' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l bearer -d 'Bearer token for the Authorization header' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l netrc -d 'Read credentials from a netrc file [default: $NETRC or ~/.netrc]' -r -F
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l cookie -d 'Cookie, or the path of a cookie file; may be repeated' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l cookie-jar -d 'Read cookies from FILE, and write them back at the end' -r -F
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -s p -l protocol -d 'WebSocket protocol version to request [default: 13]' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l max-redirects -d 'Maximum number of redirects to follow [default: 10]' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l http -d 'HTTP version' -r -f -a "1.1\t''
2\t''
auto\t'2 if a wss:// server supports WebSocket over it, otherwise 1.1'"
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l connect-timeout -d 'Time limit for opening a session' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l resolve-timeout -d 'Time limit for the name lookup' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l tls-timeout -d 'Time limit for the TLS handshake' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l handshake-timeout -d 'Time limit for the opening handshake' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l proxy -d 'Proxy URL [default: from the environment]' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l noproxy -d 'Hosts and networks to reach without a proxy' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l resolve -d 'Use ADDRESS for HOST:PORT instead of a lookup' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l connect-to -d 'Connect to HOST2:PORT2 instead of HOST1:PORT1' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l unix-socket -d 'Connect to a Unix socket; @NAME is abstract' -r -F
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l interface -l bind -d 'Local interface or address' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l ca -l cacert -d 'Use these CAs instead of the system\'s' -r -F
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l cert -d 'Client certificate: PEM (may include the key) or PKCS#12' -r -F
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l key -d 'Private key of the client certificate, in PEM' -r -F
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l passphrase -d 'Passphrase of the private key; prompts if omitted' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l sni -d 'Server name for SNI and certificate verification' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l tls-min -d 'Minimum TLS version [default: 1.2]' -r -f -a "1.2\t''
1.3\t''"
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l tls-max -d 'Maximum TLS version [default: 1.3]' -r -f -a "1.2\t''
1.3\t''"
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l pin -d 'Require a server public key with this SHA-256 hash' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l reconnect -d 'Reconnect, at most MAX times in a row' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l reconnect-delay -d 'Maximum delay before the first retry' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l reconnect-max-delay -d 'Maximum delay before any retry' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l reconnect-on -d 'Also reconnect after these close codes' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l record -d 'Record the run as JSON Lines; see \'sockeye show\'' -r -F
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l har -d 'Record handshakes and messages as HAR 1.2' -r -F
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l write-out -d 'Print FORMAT at the end of the run, with curl-style variables' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l max-message -d 'Maximum size of a received message; 0 for no limit [default: 100M]' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l fragment -d 'Maximum payload of a data frame to send [default: 64K]' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l ping-interval -d 'Ping after this much silence; 0 to disable' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l ping-timeout -d 'Fail if nothing arrives this long after a ping' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l idle-timeout -d 'Fail after this long without a message in either direction' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l close-timeout -d 'Time limit for closing a session' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l compress -d 'Set the permessage-deflate parameters (RFC 7692)' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l compress-level -d 'Compression level, from 1 (fastest) to 9 (smallest)' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l compress-min -d 'Minimum size of a message to compress; 0 for all' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l color -d 'Use colours' -r -f -a "auto\t'On terminals that support them'
always\t'Even if the output is not a terminal'
never\t''"
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l expand -d 'Replace ${...} in the messages of -x, --answer and --every'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -s 0 -l null -d 'End each message with NUL; same as --delimiter nul'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -s b -l binary -d 'Send binary instead of text messages'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l send-only -d 'Send only: discard received messages, close once all is sent'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l receive-only -d 'Receive only: do not read stdin'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l digest -d 'Send credentials only in response to a Digest challenge'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l path-as-is -d 'Keep . and .. in the path'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -s L -l location -d 'Follow redirects'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l lenient -d 'Accept some violations of the protocol by the server'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l http2 -d 'Use WebSocket over HTTP/2 (RFC 8441)'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l http1.1 -d 'Use WebSocket over HTTP/1.1 (the default)'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -s 4 -l ipv4 -d 'Use IPv4 only'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -s 6 -l ipv6 -d 'Use IPv6 only'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l ca-native -d 'Trust the system\'s CAs in addition to --ca'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -s k -s n -l insecure -l no-check -d 'Do not verify the server\'s certificate'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l no-sni -d 'Do not send the server name in the TLS handshake'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -s P -l show-ping-pong -d 'Show pings and pongs in interactive mode'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l slash -d 'No effect; accepted for compatibility with wscat'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l json -d 'Pretty-print JSON messages on a terminal'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -s t -l time -d 'Show the time of each message on a terminal'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l exit-on-close -d 'Exit when the session ends, even if something has been typed'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l no-history -d 'Do not read or write the history file'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l echo -d 'Send every received message back; stdin is not read'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l no-compress -d 'Disable compression'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -s v -l verbose -d 'Show the handshake and progress on stderr; -vv adds frames and times'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l frames -d 'Show each frame on stderr, with any protocol violation'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l trace -d 'Like -vv, with a hex dump of the handshake and session'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l show-secrets -d 'Do not redact secrets in diagnostics and recordings'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -s q -l quiet -d 'Print only errors on stderr'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -l no-color -d 'Disable colours; same as --color never'
complete -c sockeye -n "__fish_sockeye_using_subcommand demo" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sockeye -n "__fish_sockeye_using_subcommand show" -l filter -d 'Show only messages that match' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand show" -l conn -d 'Show only the events of this client' -r
complete -c sockeye -n "__fish_sockeye_using_subcommand show" -l har -d 'Convert the recording to HAR 1.2 instead of showing it' -r -F
complete -c sockeye -n "__fish_sockeye_using_subcommand show" -l color -d 'Use colours' -r -f -a "auto\t'On terminals that support them'
always\t'Even if the output is not a terminal'
never\t''"
complete -c sockeye -n "__fish_sockeye_using_subcommand show" -l frames -d 'Show frames as well as messages'
complete -c sockeye -n "__fish_sockeye_using_subcommand show" -l json -d 'Pretty-print JSON messages'
complete -c sockeye -n "__fish_sockeye_using_subcommand show" -s t -l time -d 'Prefix each line with the time of day'
complete -c sockeye -n "__fish_sockeye_using_subcommand show" -l no-color -d 'Disable colours; same as --color never'
complete -c sockeye -n "__fish_sockeye_using_subcommand show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sockeye -n "__fish_sockeye_using_subcommand completions" -s h -l help -d 'Print help'
complete -c sockeye -n "__fish_sockeye_using_subcommand man" -s h -l help -d 'Print help'
complete -c sockeye -n "__fish_sockeye_needs_command; and string match -q '@*' -- (commandline -ct)" -f -a "(sockeye completions targets 2>/dev/null)"
