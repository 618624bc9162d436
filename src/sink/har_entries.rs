//! HAR files with several sessions at the same time. An entry is written once its session is over;
//! until then it grows in a temporary file, so that memory holds little of each session.

use super::{
    file::{RecordFile, copy_of},
    har::HarWriter,
    spool::{Spool, SpooledText},
};
use crate::{
    error::Error,
    proto::{Kind, trace::Direction},
    render::{
        har::{Exchange, entry, long_message, message},
        long_content::LongContent,
    },
    session::limits::QUEUE_LIMIT_BYTES,
    stored::StoredMessage,
};
use std::{collections::BTreeMap, io, time::SystemTime};

/// Writes the entries of sessions, each with a number. A session without a number is that of a
/// client.
pub(crate) struct HarEntries {
    writer: HarWriter,
    spool: Spool,
    open: BTreeMap<Option<u64>, Entry>,
    /// Text to append to the entry of this session.
    pending: (Option<u64>, String),
    /// The first error of the temporary file. Nothing is added to open entries after it.
    fault: Option<io::Error>,
    /// [`Self::news`] has returned it.
    is_told: bool,
}

/// What fails if the temporary file cannot be written.
const TEMPORARY_FILE: &str = "write a temporary file";

/// An entry whose session is not over.
#[derive(Debug, Default)]
struct Entry {
    text: SpooledText,
    has_messages: bool,
    /// The long message that is being added, and the length of the text before it.
    long: Option<(Box<LongContent>, u64)>,
}

impl HarEntries {
    /// Turns an empty file into a HAR without entries. Content of an earlier run remains until the
    /// first entry is written.
    pub(crate) fn create(file: RecordFile) -> Self {
        Self {
            writer: HarWriter::create(file),
            spool: Spool::default(),
            open: BTreeMap::new(),
            pending: (None, String::new()),
            fault: None,
            is_told: false,
        }
    }

    /// Writes an exchange that opened no session.
    pub(crate) fn refused(&mut self, exchange: &Exchange) {
        self.writer.exchange(exchange);
        self.writer.write();
    }

    /// Begins the entry of a session. An earlier entry with this number is finished.
    pub(crate) fn begin(&mut self, conn: Option<u64>, exchange: &Exchange) {
        self.finish(conn);
        self.open.insert(conn, Entry::default());
        self.append(conn, &entry(exchange));
    }

    /// Adds a message to the entry of a session, if it has one.
    pub(crate) fn message(
        &mut self,
        conn: Option<u64>,
        direction: Direction,
        (kind, data): (Kind, Option<&[u8]>),
        at: SystemTime,
    ) {
        let Some(separator) = self.separator(conn) else { return };
        self.append(conn, &format!("{separator}{}", message(direction, kind, data, at)));
    }

    /// Begins to add a long message to the entry of a session, if it has one. [`Self::write_part`]
    /// adds it.
    pub(crate) fn long_message(
        &mut self,
        conn: Option<u64>,
        direction: Direction,
        (kind, stored): (Kind, &StoredMessage),
        at: SystemTime,
    ) {
        self.finish_long(conn);
        let Some(separator) = self.separator(conn) else { return };
        self.flush();
        let Some(entry) = self.open.get_mut(&conn) else { return };
        let before = entry.text.length();
        if let Err(cause) = self.spool.append(&mut entry.text, separator.as_bytes()) {
            self.fault.get_or_insert(cause);
            return;
        }
        let long = long_message(direction, kind, stored.clone(), at);
        entry.long = Some((Box::new(long), before));
    }

    /// Adds a part of the long message of a session, if there is one.
    pub(crate) fn write_part(&mut self, conn: Option<u64>) {
        let Some(entry) = self.open.get_mut(&conn) else { return };
        let Some((long, before)) = &mut entry.long else { return };
        let mut part = Vec::new();
        let written = long.write_part(&mut part);
        let appended = written.and_then(|is_last| {
            self.spool.append(&mut entry.text, &part)?;
            Ok(is_last)
        });
        match appended {
            Ok(false) => {}
            Ok(true) => entry.long = None,
            Err(cause) => {
                entry.text.truncate(*before);
                entry.long = None;
                self.fault.get_or_insert(cause);
            }
        }
    }

    /// Reports whether a long message of a session is being added.
    pub(crate) fn is_behind(&self, conn: Option<u64>) -> bool {
        self.open.get(&conn).is_some_and(|entry| entry.long.is_some())
    }

    /// Adds the rest of the long message of a session.
    fn finish_long(&mut self, conn: Option<u64>) {
        while self.is_behind(conn) {
            self.write_part(conn);
        }
    }

    /// Writes the entry of a session that is over.
    pub(crate) fn finish(&mut self, conn: Option<u64>) {
        self.finish_long(conn);
        self.flush();
        let Some(Entry { text, .. }) = self.open.remove(&conn) else { return };
        // Empty if the temporary file failed.
        if text.length() > 0 {
            let Self { writer, spool, .. } = self;
            if let Err(cause) = writer.spooled(|take| spool.read(&text, take)) {
                self.fault.get_or_insert(cause);
            }
        }
        self.spool.remove(&text);
    }

    /// Removes the content of an earlier run even if no entry follows.
    pub(crate) fn discard_previous(&mut self) {
        self.writer.discard_previous();
    }

    /// Returns the first write error once, as soon as there is one.
    pub(super) fn news(&mut self) -> Option<Error> {
        if let Some(cause) = &self.fault {
            if std::mem::replace(&mut self.is_told, true) {
                return None;
            }
            return Some(Error::Other { operation: TEMPORARY_FILE, cause: copy_of(cause) });
        }
        self.writer.news()
    }

    /// Writes the entries of all sessions. Fails if any data could not be written.
    pub(crate) fn end(&mut self) -> Result<(), Error> {
        let open: Vec<_> = self.open.keys().copied().collect();
        for conn in open {
            self.finish(conn);
        }
        self.writer.end()?;
        match self.fault.take() {
            Some(cause) => Err(Error::Other { operation: TEMPORARY_FILE, cause }),
            None => Ok(()),
        }
    }

    /// Returns what precedes the next message of a session that has an entry.
    fn separator(&mut self, conn: Option<u64>) -> Option<&'static str> {
        if self.fault.is_some() {
            return None;
        }
        let entry = self.open.get_mut(&conn)?;
        Some(if std::mem::replace(&mut entry.has_messages, true) { "," } else { "" })
    }

    fn append(&mut self, conn: Option<u64>, text: &str) {
        if self.pending.0 != conn {
            self.flush();
            self.pending.0 = conn;
        }
        self.pending.1.push_str(text);
        if self.pending.1.len() >= QUEUE_LIMIT_BYTES {
            self.flush();
        }
    }

    /// Moves what is pending to the temporary file.
    fn flush(&mut self) {
        self.finish_long(self.pending.0);
        let (conn, text) = &mut self.pending;
        if !text.is_empty()
            && let Some(entry) = self.open.get_mut(conn)
            && self.fault.is_none()
        {
            self.fault = self.spool.append(&mut entry.text, text.as_bytes()).err();
        }
        text.clear();
        text.shrink_to(QUEUE_LIMIT_BYTES);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        proto::Piece,
        stored::{Collected, Collector},
    };
    use serde_json::Value;

    fn exchange(url: &str) -> Exchange {
        Exchange { url: url.to_owned(), ..Exchange::default() }
    }

    fn long(byte: u8) -> StoredMessage {
        let mut collector = Collector::default();
        let part = vec![byte; 700_000];
        let whole = Piece::whole(Kind::Text, &part);
        assert!(collector.push(&Piece { last: false, ..whole }).is_none());
        let whole = Piece::whole(Kind::Text, &part);
        match collector.push(&Piece { first: false, ..whole }) {
            Some(Collected::Long(stored)) => stored,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn sessions_at_the_same_time_have_an_entry_each() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "before").unwrap();
        let mut har = HarEntries::create(RecordFile::open(file.path()).unwrap());
        let at = SystemTime::UNIX_EPOCH;
        let read = || std::fs::read_to_string(file.path()).unwrap();
        let parsed = || serde_json::from_str::<Value>(&read()).unwrap();
        har.begin(Some(1), &exchange("ws://h/1"));
        har.begin(Some(2), &exchange("ws://h/2"));
        assert_eq!(read(), "before");
        for n in 0..5_000 {
            for conn in [1, 2] {
                let text = format!("{conn}:{n}");
                har.message(Some(conn), Direction::Out, (Kind::Text, Some(text.as_bytes())), at);
            }
        }
        har.long_message(Some(2), Direction::In, (Kind::Text, &long(b'x')), at);
        har.message(Some(2), Direction::Out, (Kind::Text, Some(b"after")), at);
        har.message(Some(3), Direction::Out, (Kind::Text, Some(b"no session")), at);
        har.refused(&exchange("ws://h/refused"));
        har.finish(Some(2));
        let entries = parsed()["log"]["entries"].clone();
        let urls: Vec<_> =
            entries.as_array().unwrap().iter().map(|it| &it["request"]["url"]).collect();
        assert_eq!(urls, ["ws://h/refused", "ws://h/2"]);
        let messages = entries[1]["_webSocketMessages"].as_array().unwrap();
        assert_eq!(messages.len(), 5_002);
        assert_eq!(
            (&messages[7]["data"], &messages[5_001]["data"]),
            (&"2:7".into(), &"after".into())
        );
        assert!(messages[5_000]["data"].as_str().unwrap().bytes().all(|byte| byte == b'x'));
        assert_eq!(messages[5_000]["data"].as_str().unwrap().len(), 1_400_000);
        har.begin(Some(4), &exchange("ws://h/4"));
        har.end().unwrap();
        let entries = parsed()["log"]["entries"].clone();
        assert_eq!(entries[2]["_webSocketMessages"].as_array().unwrap().len(), 5_000);
        assert_eq!(entries[3]["request"]["url"], "ws://h/4");
        assert_eq!(entries.as_array().unwrap().len(), 4);
    }
}
