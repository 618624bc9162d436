//! Frames as bytes (RFC 6455, 5.2), independent of the code under test.

use std::{
    fmt,
    io::{self, Read},
};

/// Encodes a server's frame: the first byte as given, the shortest length form, no mask.
pub fn frame(first: u8, payload: impl AsRef<[u8]>) -> Vec<u8> {
    let payload = payload.as_ref();
    let mut bytes = vec![first];
    match payload.len() {
        short @ 0..=125 => bytes.push(short as u8),
        middle @ 126..=0xffff => {
            bytes.push(126);
            bytes.extend((middle as u16).to_be_bytes());
        }
        long => {
            bytes.push(127);
            bytes.extend((long as u64).to_be_bytes());
        }
    }
    bytes.extend_from_slice(payload);
    bytes
}

pub fn text(payload: impl AsRef<[u8]>) -> Vec<u8> {
    frame(0x81, payload)
}

pub fn binary(payload: impl AsRef<[u8]>) -> Vec<u8> {
    frame(0x82, payload)
}

pub fn ping(payload: impl AsRef<[u8]>) -> Vec<u8> {
    frame(0x89, payload)
}

pub fn close(code: u16, reason: &str) -> Vec<u8> {
    frame(0x88, [&code.to_be_bytes(), reason.as_bytes()].concat())
}

/// An unmasked frame of a client.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    /// FIN, reserved bits and opcode.
    pub first: u8,
    pub payload: Vec<u8>,
}

impl Frame {
    /// Reads a frame; `None` at the end of the stream.
    pub fn read(from: &mut impl Read) -> io::Result<Option<Self>> {
        let mut head = [0; 2];
        // A read with a timeout returns EINTR after the process was stopped and continued.
        let first = loop {
            match from.read(&mut head[..1]) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                done => break done?,
            }
        };
        if first == 0 {
            return Ok(None);
        }
        from.read_exact(&mut head[1..])?;
        assert!(head[1] & 0x80 != 0, "a client's frame without a mask");
        let length = match head[1] & 0x7f {
            126 => {
                let mut length = [0; 2];
                from.read_exact(&mut length)?;
                u64::from(u16::from_be_bytes(length))
            }
            127 => {
                let mut length = [0; 8];
                from.read_exact(&mut length)?;
                u64::from_be_bytes(length)
            }
            short => short.into(),
        };
        let mut key = [0; 4];
        from.read_exact(&mut key)?;
        let mut payload = vec![0; usize::try_from(length).expect("a length that fits")];
        from.read_exact(&mut payload)?;
        // Unmasks sixteen bytes at a time: a debug build receives payloads of 100 MiB.
        let wide = u128::from(u32::from_ne_bytes(key)) * 0x0000_0001_0000_0001_0000_0001_0000_0001;
        let mut blocks = payload.chunks_exact_mut(16);
        for block in &mut blocks {
            let masked = u128::from_ne_bytes((&*block).try_into().expect("sixteen bytes"));
            block.copy_from_slice(&(masked ^ wide).to_ne_bytes());
        }
        for (byte, key) in blocks.into_remainder().iter_mut().zip(key.iter().cycle()) {
            *byte ^= *key;
        }
        Ok(Some(Self { first: head[0], payload }))
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let payload = self.payload.escape_ascii().to_string();
        let brief: String = payload.chars().take(80).collect();
        write!(f, "frame {:#04x}, {} bytes: {brief}", self.first, self.payload.len())
    }
}
