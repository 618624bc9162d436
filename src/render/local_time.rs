//! The local time zone, as the C library determines it. Only regular files of limited size are read,
//! whatever the variables name.

use crate::sys::input_file::{SMALL_FILE_BYTES, read_regular};
use jiff::tz::TimeZone;
use std::{
    env,
    ffi::OsStr,
    os::unix::ffi::OsStrExt as _,
    path::{Component, Path, PathBuf},
    sync::OnceLock,
};

/// Returns the zone that the variable TZ names, or else that of the system. It is UTC if there is
/// none.
pub(super) fn local_zone() -> TimeZone {
    static ZONE: OnceLock<TimeZone> = OnceLock::new();
    let zone = ZONE.get_or_init(|| match env::var_os("TZ") {
        Some(value) => named(&value).unwrap_or(TimeZone::UTC),
        None => file(Path::new("/etc/localtime")).unwrap_or(TimeZone::UTC),
    });
    zone.clone()
}

/// Returns the zone of a value of TZ: a path, a name of the database, or rules.
fn named(value: &OsStr) -> Option<TimeZone> {
    let bytes = value.as_bytes();
    let path = Path::new(OsStr::from_bytes(bytes.strip_prefix(b":").unwrap_or(bytes)));
    if path.as_os_str().is_empty() {
        return None;
    }
    if path.is_absolute() {
        return file(path);
    }
    let is_name = path.components().all(|part| matches!(part, Component::Normal(_)));
    let in_database = || {
        let dir = env::var_os("TZDIR").filter(|dir| !dir.is_empty());
        file(&dir.map_or_else(|| PathBuf::from(DATABASE), PathBuf::from).join(path))
    };
    Some(path)
        .filter(|_| is_name)
        .and_then(|_| in_database())
        .or_else(|| TimeZone::posix(value.to_str()?).ok())
}

fn file(path: &Path) -> Option<TimeZone> {
    TimeZone::tzif("local", &read_regular(path, SMALL_FILE_BYTES).ok()?).ok()
}

const DATABASE: &str = "/usr/share/zoneinfo";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_a_file_or_rules() {
        assert_eq!(
            named(OsStr::new("EST5EDT,M3.2.0,M11.1.0")),
            TimeZone::posix("EST5EDT,M3.2.0,M11.1.0").ok()
        );
        let names = ["", ":", "/dev/zero", ":/dev/zero", "/", "../../../dev/zero", "no/zone"];
        for name in names {
            assert_eq!(named(OsStr::new(name)), None, "{name}");
        }
    }
}
