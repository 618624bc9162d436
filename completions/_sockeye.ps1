
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'sockeye' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'sockeye'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'sockeye' {
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'The server, as wscat names it')
            [CompletionResult]::new('--connect', '--connect', [CompletionResultType]::ParameterName, 'The server, as wscat names it')
            [CompletionResult]::new('-l', '-l', [CompletionResultType]::ParameterName, 'Be a server on this port, as wscat names it; see ''sockeye listen''')
            [CompletionResult]::new('--listen', '--listen', [CompletionResultType]::ParameterName, 'Be a server on this port, as wscat names it; see ''sockeye listen''')
            [CompletionResult]::new('-x', '-x', [CompletionResultType]::ParameterName, 'Send this first, then what stdin gives; may be repeated')
            [CompletionResult]::new('--execute', '--execute', [CompletionResultType]::ParameterName, 'Send this first, then what stdin gives; may be repeated')
            [CompletionResult]::new('-w', '-w', [CompletionResultType]::ParameterName, 'After the last -x or the end of stdin go on for this long; 0 closes at once, -1 never')
            [CompletionResult]::new('--wait', '--wait', [CompletionResultType]::ParameterName, 'After the last -x or the end of stdin go on for this long; 0 closes at once, -1 never')
            [CompletionResult]::new('--count', '--count', [CompletionResultType]::ParameterName, 'Close and exit 0 when this many messages have come')
            [CompletionResult]::new('--quiet-for', '--quiet-for', [CompletionResultType]::ParameterName, 'How long the peer must be silent after the end of stdin [default: 1, or 5 without an answer]')
            [CompletionResult]::new('-m', '-m', [CompletionResultType]::ParameterName, 'End the whole run after this long, with exit status 28')
            [CompletionResult]::new('--max-time', '--max-time', [CompletionResultType]::ParameterName, 'End the whole run after this long, with exit status 28')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Add or replace a header (NAME:VALUE), remove it (NAME:) or send it empty (NAME;)')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Add or replace a header (NAME:VALUE), remove it (NAME:) or send it empty (NAME;)')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'Ask for a subprotocol; may be repeated, the first is preferred')
            [CompletionResult]::new('--subprotocol', '--subprotocol', [CompletionResultType]::ParameterName, 'Ask for a subprotocol; may be repeated, the first is preferred')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'The Origin header, which browsers send and some servers check')
            [CompletionResult]::new('--origin', '--origin', [CompletionResultType]::ParameterName, 'The Origin header, which browsers send and some servers check')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'The Host header, instead of the URL''s host')
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'The User-Agent header [default: sockeye/VERSION]')
            [CompletionResult]::new('--user-agent', '--user-agent', [CompletionResultType]::ParameterName, 'The User-Agent header [default: sockeye/VERSION]')
            [CompletionResult]::new('-u', '-u', [CompletionResultType]::ParameterName, 'Credentials for HTTP Basic authentication')
            [CompletionResult]::new('--auth', '--auth', [CompletionResultType]::ParameterName, 'Credentials for HTTP Basic authentication')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'Credentials for HTTP Basic authentication')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'The version of the WebSocket protocol that is asked for [default: 13]')
            [CompletionResult]::new('--protocol', '--protocol', [CompletionResultType]::ParameterName, 'The version of the WebSocket protocol that is asked for [default: 13]')
            [CompletionResult]::new('--max-redirects', '--max-redirects', [CompletionResultType]::ParameterName, 'How many redirects are followed')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'How long opening the session may take, from the start')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Connect through a proxy')
            [CompletionResult]::new('--ca', '--ca', [CompletionResultType]::ParameterName, 'Trust the authorities in this PEM file instead of the system''s; may be repeated')
            [CompletionResult]::new('--cacert', '--cacert', [CompletionResultType]::ParameterName, 'Trust the authorities in this PEM file instead of the system''s; may be repeated')
            [CompletionResult]::new('--cert', '--cert', [CompletionResultType]::ParameterName, 'A client certificate')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The key of the client certificate')
            [CompletionResult]::new('--passphrase', '--passphrase', [CompletionResultType]::ParameterName, 'The passphrase of the key; asked for if not given')
            [CompletionResult]::new('--max-message', '--max-message', [CompletionResultType]::ParameterName, 'The longest message taken, in bytes (K, M, G); 0 for any')
            [CompletionResult]::new('--ping-interval', '--ping-interval', [CompletionResultType]::ParameterName, 'Ping after this long without a byte from the peer; 0 never')
            [CompletionResult]::new('--ping-timeout', '--ping-timeout', [CompletionResultType]::ParameterName, 'Give the session up when nothing follows a ping for this long, with exit status 28')
            [CompletionResult]::new('--close-timeout', '--close-timeout', [CompletionResultType]::ParameterName, 'How long the answer to our Close is waited for')
            [CompletionResult]::new('--compress', '--compress', [CompletionResultType]::ParameterName, 'Offer or accept compression with these parameters (RFC 7692), and not what browsers offer')
            [CompletionResult]::new('--compress-level', '--compress-level', [CompletionResultType]::ParameterName, 'How hard to compress, from 1 (fast) to 9 (small)')
            [CompletionResult]::new('--compress-min', '--compress-min', [CompletionResultType]::ParameterName, 'Compress messages of this length and more (K, M, G); 0 for all')
            [CompletionResult]::new('-L', '-L ', [CompletionResultType]::ParameterName, 'Follow redirects')
            [CompletionResult]::new('--location', '--location', [CompletionResultType]::ParameterName, 'Follow redirects')
            [CompletionResult]::new('-4', '-4', [CompletionResultType]::ParameterName, 'Use IPv4 only')
            [CompletionResult]::new('--ipv4', '--ipv4', [CompletionResultType]::ParameterName, 'Use IPv4 only')
            [CompletionResult]::new('-6', '-6', [CompletionResultType]::ParameterName, 'Use IPv6 only')
            [CompletionResult]::new('--ipv6', '--ipv6', [CompletionResultType]::ParameterName, 'Use IPv6 only')
            [CompletionResult]::new('-k', '-k', [CompletionResultType]::ParameterName, 'Do not check the server''s certificate')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Do not check the server''s certificate')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Do not check the server''s certificate')
            [CompletionResult]::new('--no-check', '--no-check', [CompletionResultType]::ParameterName, 'Do not check the server''s certificate')
            [CompletionResult]::new('-P', '-P ', [CompletionResultType]::ParameterName, 'Show pings and pongs in interactive mode')
            [CompletionResult]::new('--show-ping-pong', '--show-ping-pong', [CompletionResultType]::ParameterName, 'Show pings and pongs in interactive mode')
            [CompletionResult]::new('--slash', '--slash', [CompletionResultType]::ParameterName, 'No effect: slash commands are always on (wscat needs it)')
            [CompletionResult]::new('--no-history', '--no-history', [CompletionResultType]::ParameterName, 'Keep no history of what is typed')
            [CompletionResult]::new('--echo', '--echo', [CompletionResultType]::ParameterName, 'Send every message back, same type, until the peer closes; stdin is not read')
            [CompletionResult]::new('--no-compress', '--no-compress', [CompletionResultType]::ParameterName, 'Do not offer or accept compression')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show the handshake and what happens, on stderr; secrets are redacted')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show the handshake and what happens, on stderr; secrets are redacted')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Show nothing but errors on stderr')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Show nothing but errors on stderr')
            [CompletionResult]::new('--no-color', '--no-color', [CompletionResultType]::ParameterName, 'Use no colours')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('listen', 'listen', [CompletionResultType]::ParameterValue, 'Be the server: what is typed or piped goes to every client, what they send is shown')
            [CompletionResult]::new('demo', 'demo', [CompletionResultType]::ParameterValue, 'Try it without a server: an echo server inside the process, and a client connected to it')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print a completion script for a shell')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Print the man page, or write all of them into a directory')
            break
        }
        'sockeye;listen' {
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'A subprotocol that is spoken; may be repeated')
            [CompletionResult]::new('--subprotocol', '--subprotocol', [CompletionResultType]::ParameterName, 'A subprotocol that is spoken; may be repeated')
            [CompletionResult]::new('--max-message', '--max-message', [CompletionResultType]::ParameterName, 'The longest message taken, in bytes (K, M, G); 0 for any')
            [CompletionResult]::new('--ping-interval', '--ping-interval', [CompletionResultType]::ParameterName, 'Ping after this long without a byte from the peer; 0 never')
            [CompletionResult]::new('--ping-timeout', '--ping-timeout', [CompletionResultType]::ParameterName, 'Give the session up when nothing follows a ping for this long, with exit status 28')
            [CompletionResult]::new('--close-timeout', '--close-timeout', [CompletionResultType]::ParameterName, 'How long the answer to our Close is waited for')
            [CompletionResult]::new('--compress', '--compress', [CompletionResultType]::ParameterName, 'Offer or accept compression with these parameters (RFC 7692), and not what browsers offer')
            [CompletionResult]::new('--compress-level', '--compress-level', [CompletionResultType]::ParameterName, 'How hard to compress, from 1 (fast) to 9 (small)')
            [CompletionResult]::new('--compress-min', '--compress-min', [CompletionResultType]::ParameterName, 'Compress messages of this length and more (K, M, G); 0 for all')
            [CompletionResult]::new('--echo', '--echo', [CompletionResultType]::ParameterName, 'Send every message back, same type, until the peer closes; stdin is not read')
            [CompletionResult]::new('--no-compress', '--no-compress', [CompletionResultType]::ParameterName, 'Do not offer or accept compression')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show the handshake and what happens, on stderr; secrets are redacted')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show the handshake and what happens, on stderr; secrets are redacted')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Show nothing but errors on stderr')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Show nothing but errors on stderr')
            [CompletionResult]::new('--no-color', '--no-color', [CompletionResultType]::ParameterName, 'Use no colours')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'sockeye;demo' {
            [CompletionResult]::new('-x', '-x', [CompletionResultType]::ParameterName, 'Send this first, then what stdin gives; may be repeated')
            [CompletionResult]::new('--execute', '--execute', [CompletionResultType]::ParameterName, 'Send this first, then what stdin gives; may be repeated')
            [CompletionResult]::new('-w', '-w', [CompletionResultType]::ParameterName, 'After the last -x or the end of stdin go on for this long; 0 closes at once, -1 never')
            [CompletionResult]::new('--wait', '--wait', [CompletionResultType]::ParameterName, 'After the last -x or the end of stdin go on for this long; 0 closes at once, -1 never')
            [CompletionResult]::new('--count', '--count', [CompletionResultType]::ParameterName, 'Close and exit 0 when this many messages have come')
            [CompletionResult]::new('--quiet-for', '--quiet-for', [CompletionResultType]::ParameterName, 'How long the peer must be silent after the end of stdin [default: 1, or 5 without an answer]')
            [CompletionResult]::new('-m', '-m', [CompletionResultType]::ParameterName, 'End the whole run after this long, with exit status 28')
            [CompletionResult]::new('--max-time', '--max-time', [CompletionResultType]::ParameterName, 'End the whole run after this long, with exit status 28')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Add or replace a header (NAME:VALUE), remove it (NAME:) or send it empty (NAME;)')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Add or replace a header (NAME:VALUE), remove it (NAME:) or send it empty (NAME;)')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'Ask for a subprotocol; may be repeated, the first is preferred')
            [CompletionResult]::new('--subprotocol', '--subprotocol', [CompletionResultType]::ParameterName, 'Ask for a subprotocol; may be repeated, the first is preferred')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'The Origin header, which browsers send and some servers check')
            [CompletionResult]::new('--origin', '--origin', [CompletionResultType]::ParameterName, 'The Origin header, which browsers send and some servers check')
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'The Host header, instead of the URL''s host')
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'The User-Agent header [default: sockeye/VERSION]')
            [CompletionResult]::new('--user-agent', '--user-agent', [CompletionResultType]::ParameterName, 'The User-Agent header [default: sockeye/VERSION]')
            [CompletionResult]::new('-u', '-u', [CompletionResultType]::ParameterName, 'Credentials for HTTP Basic authentication')
            [CompletionResult]::new('--auth', '--auth', [CompletionResultType]::ParameterName, 'Credentials for HTTP Basic authentication')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'Credentials for HTTP Basic authentication')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'The version of the WebSocket protocol that is asked for [default: 13]')
            [CompletionResult]::new('--protocol', '--protocol', [CompletionResultType]::ParameterName, 'The version of the WebSocket protocol that is asked for [default: 13]')
            [CompletionResult]::new('--max-redirects', '--max-redirects', [CompletionResultType]::ParameterName, 'How many redirects are followed')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'How long opening the session may take, from the start')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Connect through a proxy')
            [CompletionResult]::new('--ca', '--ca', [CompletionResultType]::ParameterName, 'Trust the authorities in this PEM file instead of the system''s; may be repeated')
            [CompletionResult]::new('--cacert', '--cacert', [CompletionResultType]::ParameterName, 'Trust the authorities in this PEM file instead of the system''s; may be repeated')
            [CompletionResult]::new('--cert', '--cert', [CompletionResultType]::ParameterName, 'A client certificate')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The key of the client certificate')
            [CompletionResult]::new('--passphrase', '--passphrase', [CompletionResultType]::ParameterName, 'The passphrase of the key; asked for if not given')
            [CompletionResult]::new('--max-message', '--max-message', [CompletionResultType]::ParameterName, 'The longest message taken, in bytes (K, M, G); 0 for any')
            [CompletionResult]::new('--ping-interval', '--ping-interval', [CompletionResultType]::ParameterName, 'Ping after this long without a byte from the peer; 0 never')
            [CompletionResult]::new('--ping-timeout', '--ping-timeout', [CompletionResultType]::ParameterName, 'Give the session up when nothing follows a ping for this long, with exit status 28')
            [CompletionResult]::new('--close-timeout', '--close-timeout', [CompletionResultType]::ParameterName, 'How long the answer to our Close is waited for')
            [CompletionResult]::new('--compress', '--compress', [CompletionResultType]::ParameterName, 'Offer or accept compression with these parameters (RFC 7692), and not what browsers offer')
            [CompletionResult]::new('--compress-level', '--compress-level', [CompletionResultType]::ParameterName, 'How hard to compress, from 1 (fast) to 9 (small)')
            [CompletionResult]::new('--compress-min', '--compress-min', [CompletionResultType]::ParameterName, 'Compress messages of this length and more (K, M, G); 0 for all')
            [CompletionResult]::new('-L', '-L ', [CompletionResultType]::ParameterName, 'Follow redirects')
            [CompletionResult]::new('--location', '--location', [CompletionResultType]::ParameterName, 'Follow redirects')
            [CompletionResult]::new('-4', '-4', [CompletionResultType]::ParameterName, 'Use IPv4 only')
            [CompletionResult]::new('--ipv4', '--ipv4', [CompletionResultType]::ParameterName, 'Use IPv4 only')
            [CompletionResult]::new('-6', '-6', [CompletionResultType]::ParameterName, 'Use IPv6 only')
            [CompletionResult]::new('--ipv6', '--ipv6', [CompletionResultType]::ParameterName, 'Use IPv6 only')
            [CompletionResult]::new('-k', '-k', [CompletionResultType]::ParameterName, 'Do not check the server''s certificate')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Do not check the server''s certificate')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Do not check the server''s certificate')
            [CompletionResult]::new('--no-check', '--no-check', [CompletionResultType]::ParameterName, 'Do not check the server''s certificate')
            [CompletionResult]::new('-P', '-P ', [CompletionResultType]::ParameterName, 'Show pings and pongs in interactive mode')
            [CompletionResult]::new('--show-ping-pong', '--show-ping-pong', [CompletionResultType]::ParameterName, 'Show pings and pongs in interactive mode')
            [CompletionResult]::new('--slash', '--slash', [CompletionResultType]::ParameterName, 'No effect: slash commands are always on (wscat needs it)')
            [CompletionResult]::new('--no-history', '--no-history', [CompletionResultType]::ParameterName, 'Keep no history of what is typed')
            [CompletionResult]::new('--echo', '--echo', [CompletionResultType]::ParameterName, 'Send every message back, same type, until the peer closes; stdin is not read')
            [CompletionResult]::new('--no-compress', '--no-compress', [CompletionResultType]::ParameterName, 'Do not offer or accept compression')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show the handshake and what happens, on stderr; secrets are redacted')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show the handshake and what happens, on stderr; secrets are redacted')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Show nothing but errors on stderr')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Show nothing but errors on stderr')
            [CompletionResult]::new('--no-color', '--no-color', [CompletionResultType]::ParameterName, 'Use no colours')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'sockeye;completions' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'sockeye;man' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
