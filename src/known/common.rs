//! Texts that are too common to be replaced as secrets.

/// Reports whether a text is so common that its replacement would garble what it is not about: a
/// short number, as a port or a year, or a word of our own sentences.
pub(super) fn is_common(text: &str) -> bool {
    let is_number = text.len() < MIN_NUMBER_DIGITS && text.bytes().all(|c| c.is_ascii_digit());
    is_number || OUR_WORDS.iter().any(|word| word.eq_ignore_ascii_case(text))
}

/// Reports whether a text is a word of our own sentences that a server may say as well, where it may
/// be a secret.
pub(super) fn is_sentence_word(text: &str) -> bool {
    SENTENCE_WORDS.iter().any(|word| word.eq_ignore_ascii_case(text))
}

/// Shorter numbers would match by chance.
pub(super) const MIN_NUMBER_DIGITS: usize = 6;
/// Words of our own sentences, which are public.
const OUR_WORDS: [&str; 8] =
    ["sockeye", "websocket", "upgrade", "connection", "handshake", "close", "frame", "http/1.1"];
/// Words of our own sentences that have been seen as passwords.
const SENTENCE_WORDS: [&str; 16] = [
    "certificate",
    "client",
    "cookie",
    "header",
    "host",
    "message",
    "passphrase",
    "password",
    "path",
    "port",
    "proxy",
    "secret",
    "server",
    "session",
    "token",
    "user",
];
