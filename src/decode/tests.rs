use super::*;
use flate2::{
    Compress, Compression, FlushCompress,
    write::{DeflateEncoder, GzEncoder, ZlibEncoder},
};
use proptest::prelude::*;
use std::io::Write as _;

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn zlib(data: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn deflate(data: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

/// Decodes one message. Returns its text, or the fault.
fn decoded(encoding: Encoding, message: &[u8]) -> Result<String, DecodeFault> {
    let mut decoder = ContentDecoder::new(encoding, 1 << 20);
    let (_, content) = decoder.decode(message)?;
    Ok(String::from_utf8_lossy(content).into_owned())
}

fn json(message: &[u8]) -> Result<String, DecodeFault> {
    decoded(Encoding::Msgpack, message)
}

#[test]
fn each_encoding_decodes_its_messages_and_no_others() {
    use Encoding::{Auto, Deflate, Gzip, Msgpack, Zlib};
    let text = b"{\"ping\":1492420473027}";
    let two = [gzip(b"two mem"), gzip(b""), gzip(b"bers")].concat();
    let messages = [gzip(text), zlib(text), deflate(text), b"\x81\xa1a\x01".to_vec(), two];
    let expected: [(Encoding, [Option<&str>; 5]); 5] = {
        let json = Some(std::str::from_utf8(text).unwrap());
        let (map, two) = (Some("{\"a\":1}"), Some("two members"));
        [
            (Gzip, [json, None, None, None, two]),
            (Zlib, [None, json, None, None, None]),
            (Deflate, [None, json, json, None, None]),
            (Msgpack, [None, None, None, map, None]),
            (Auto, [json, json, None, map, two]),
        ]
    };
    for (encoding, texts) in expected {
        for (message, text) in messages.iter().zip(texts) {
            let got = decoded(encoding, message);
            match text {
                Some(text) => assert_eq!(got.as_deref(), Ok(text), "{encoding:?} {message:x?}"),
                None => assert_eq!(got, Err(DecodeFault::Encoding(encoding)), "{message:x?}"),
            }
        }
        for plain in [&b""[..], b"text", b"{\"a\":1}", b"\0\x01\x02", b"\x1f\x8b\x08", b"\x80"] {
            if (encoding, plain) != (Msgpack, b"\x80") {
                assert!(decoded(encoding, plain).is_err(), "{encoding:?} {plain:x?}");
            }
        }
    }
    let mut broken = gzip(text);
    let at = broken.len() - 6;
    broken[at] ^= 1;
    assert!(decoded(Gzip, &broken).is_err());
    assert!(decoded(Gzip, &gzip(text)[..20]).is_err());
    assert!(decoded(Deflate, &deflate(text)[..8]).is_err());
}

#[test]
fn output_is_limited() {
    let bomb = vec![b'x'; (1 << 20) + 1];
    let too_long = Err(DecodeFault::TooLong(1 << 20));
    for encoding in [Encoding::Gzip, Encoding::Auto] {
        assert_eq!(decoded(encoding, &gzip(&bomb)), too_long);
    }
    assert_eq!(decoded(Encoding::Zlib, &zlib(&bomb)), too_long);
    assert_eq!(decoded(Encoding::Deflate, &deflate(&bomb)), too_long);
    assert_eq!(decoded(Encoding::Gzip, &gzip(&bomb[1..])).unwrap().len(), 1 << 20);
    let mut array = b"\xdd\x00\x04\x00\x00".to_vec();
    array.resize(array.len() + (4 << 16), 0xc0);
    assert_eq!(json(&array), too_long);
}

#[test]
fn a_stream_may_extend_over_messages() {
    let mut stream = Compress::new(Compression::fast(), true);
    let mut flushed = |text: &[u8]| {
        let mut out = Vec::with_capacity(1000);
        stream.compress_vec(text, &mut out, FlushCompress::Sync).unwrap();
        out
    };
    let first = flushed(b"hello hello hello");
    let second = flushed(b"hello hello hello again");
    for encoding in [Encoding::Zlib, Encoding::Deflate, Encoding::Auto] {
        let mut decoder = ContentDecoder::new(encoding, 1000);
        assert_eq!(decoder.decode(&first), Ok((Kind::Text, &b"hello hello hello"[..])));
        assert_eq!(decoder.decode(&second), Ok((Kind::Text, &b"hello hello hello again"[..])));
        // A new stream may begin at any time.
        assert_eq!(decoder.decode(&zlib(b"new")), Ok((Kind::Text, &b"new"[..])), "{encoding:?}");
        decoder.decode(&first).unwrap();
        decoder.restart();
        assert!(decoder.decode(&second).is_err());
    }
}

#[test]
fn pieces_are_joined_and_what_cannot_be_decoded_is_returned_as_received() {
    let mut decoder = ContentDecoder::new(Encoding::Gzip, 1000);
    let message = gzip(b"\xff\0binary");
    let (a, b) = message.split_at(5);
    let piece = |payload, first, last| Piece {
        kind: Kind::Binary,
        payload,
        first,
        last,
        carried: 7,
        frames: 2,
    };
    assert!(decoder.push(&piece(a, true, false)).is_none());
    let whole = decoder.push(&piece(b, false, true)).unwrap();
    assert_eq!(whole.piece, Piece { payload: b"\xff\0binary", ..piece(b"", true, true) });
    let whole = decoder.push(&piece(b"plain", true, true)).unwrap();
    assert_eq!(whole.piece, piece(b"plain", true, true));
    assert_eq!(whole.result, Err(DecodeFault::Encoding(Encoding::Gzip)));
    let text = gzip(b"text");
    assert_eq!(decoder.push(&piece(&text, true, true)).unwrap().piece.kind, Kind::Text);
}

#[test]
fn values_of_messagepack_become_json() {
    for (message, expected) in [
        (&b"\x7f"[..], "127"),
        (b"\xff", "-1"),
        (b"\xcd\x01\x00", "256"),
        (b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff", "18446744073709551615"),
        (b"\xd0\x80", "-128"),
        (b"\xd1\xff\x00", "-256"),
        (b"\xd3\x80\0\0\0\0\0\0\0", "-9223372036854775808"),
        (b"\xca\x3d\xcc\xcc\xcd", "0.1"),
        (b"\xcb\x3f\xf8\0\0\0\0\0\0", "1.5"),
        (b"\xcb\x7f\xf0\0\0\0\0\0\0", "\"Infinity\""),
        (b"\xca\xff\x80\0\0", "\"-Infinity\""),
        (b"\xca\x7f\xc0\0\0", "\"NaN\""),
        (b"\x93\xc0\xc2\xc3", "[null,false,true]"),
        (b"\xdc\x00\x02\x01\xdd\0\0\0\x00", "[1,[]]"),
        (b"\xa3a\"\n", "\"a\\\"\\n\""),
        (b"\xd9\x02\xc3\xbc", "\"\u{fc}\""),
        (b"\xa1\xff", "\"\u{fffd}\""),
        (b"\xc4\x03\0\x01\x02", "\"AAEC\""),
        (b"\x82\xa1a\x81\xa1b\x02\x01\x91\x03", "{\"a\":{\"b\":2},\"1\":[3]}"),
        (b"\x81\x91\xa1k\xc0", "{\"[\\\"k\\\"]\":null}"),
        (b"\xd4\x05\x07", "{\"ext\":5,\"base64\":\"Bw==\"}"),
        (b"\xd6\xff\x56\x27\x3e\x80", "\"2015-10-21T07:28:00Z\""),
        (b"\xd7\xff\xee\x6b\x27\xfc\x56\x27\x3e\x80", "\"2015-10-21T07:28:00.999999999Z\""),
        (b"\xc7\x01\xff\x00", "{\"ext\":-1,\"base64\":\"AA==\"}"),
    ] {
        assert_eq!(json(message).as_deref(), Ok(expected), "{message:x?}");
    }
    for bad in
        [&b"\xc1"[..], b"\x01\x02", b"\x92\x01", b"\xdf\xff\xff\xff\xff", b"\xa5abc", b"\xcd\x01"]
    {
        assert!(json(bad).is_err(), "{bad:x?}");
    }
    let deep = [vec![0x91; 1000], vec![0xc0]].concat();
    assert!(json(&deep).is_err());
    assert!(json(&deep[900..]).is_ok());
}

proptest! {
    #[test]
    fn any_bytes_are_decoded_or_refused(message: Vec<u8>, start in 0..4usize) {
        let starts = [&b""[..], b"\x1f\x8b\x08", b"\x78\x9c", b"\x82"];
        let message = [starts[start], &message].concat();
        for encoding in
            [Encoding::Gzip, Encoding::Zlib, Encoding::Deflate, Encoding::Msgpack, Encoding::Auto]
        {
            if let Ok(text) = decoded(encoding, &message)
                && encoding == Encoding::Msgpack
            {
                prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{text}");
            }
        }
    }
}
