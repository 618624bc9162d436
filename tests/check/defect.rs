//! The defects of the server, each with the checks that find it.

macro_rules! defects {
    ($($name:ident => $found:expr,)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Defect { $($name,)* }

        impl Defect {
            pub const ALL: &[(Self, &[&str])] = &[$((Self::$name, &$found),)*];
        }
    };
}

// A star at the end of an id stands for any rest of it.
defects! {
    // Requests.
    ComparesUpgradeExactly => ["4.2.1-upgrade-case", "4.2.1-upgrade-upper"],
    ComparesConnectionExactly => ["4.2.1-connection-case"],
    ComparesWholeConnection => [
        "4.2.1-connection-list", "4.2.1-connection-lines", "9112-tab-list", "browser-firefox",
    ],
    ReadsFirstConnection => ["4.2.1-connection-lines"],
    SearchesConnection => ["4.2.1-connection-part"],
    ComparesNamesExactly => ["4.2.1-names-lower", "4.2.1-names-upper"],
    NeedsSpaceForTab =>
        ["9112-tab-before", "9112-tab-after", "9112-tab-list"],
    NeedsSpaceAfterColon => ["9112-no-space", "9112-tab-before"],
    KeepsSpaces => ["9112-spaces", "9112-tab-*"],
    LimitsFields => ["9112-many-fields"],
    LimitsLengths => ["9112-long-field"],
    NeedsHeadAtOnce => ["9112-parts"],
    RefusesEmptyLine => ["9112-empty-line"],
    RefusesExtensions => ["9.1-extension-*", "7692-parameter-unknown", "browser-*"],
    AcceptsPost => ["4.2.1-method"],
    AcceptsHttp10 => ["4.2.1-http10"],
    NeedsNoUpgrade => ["4.2.1-upgrade-absent"],
    AcceptsAnyUpgrade => ["4.2.1-upgrade-other"],
    NeedsNoConnection => ["4.2.1-connection-absent"],
    AcceptsAnyConnection => ["4.2.1-connection-other", "4.2.1-connection-part"],
    NeedsNoKey => ["4.2.1-key-absent"],
    AcceptsEmptyKey => ["4.2.1-key-empty"],
    AcceptsAnyKey => ["4.2.1-key-short", "4.2.1-key-long", "4.2.1-key-encoding"],
    AcceptsTwoKeys => ["11.3.1-key-twice"],
    NeedsNoVersion => ["4.4-version-absent"],
    AcceptsAnyVersion => ["4.4-version-0", "4.4-version-99", "4.4-version-word"],
    ListsNoVersions => ["4.2.2-version-list"],
    AnswersVersionWith400 => ["4.4-version-426"],
    NeedsNoHost => ["9112-host-absent"],
    AcceptsTwoHosts => ["9112-host-twice"],
    AcceptsSpaceBeforeColon => ["9112-space-colon"],
    AcceptsNul => ["9110-nul"],
    AcceptsLinesWithoutColon => ["9112-no-colon"],
    AcceptsAnyExtensions => ["9.1-extension-malformed"],
    DropsInvalidRequests => ["4.2.1-error-response"],
    SelectsAllSubprotocols => ["4.2.2-protocol-selected"],
    SelectsUnknownExtension => ["4.2.2-extension-unknown", "7692-other-first"],
    AnswersWindowOf99 => ["9.1-extension-answer", "browser-chrome", "7692-offer-chrome", "7692-client-bits-9"],
    // Frames.
    NeedsHeaderAtOnce => ["5.2-bytes"],
    RefusesZeroKey => ["5.3-zero-key"],
    DropsLongFrames => ["5.2-text-65536", "5.2-binary-65536"],
    DropsEmptyMessages => ["5.2-text-0", "5.2-binary-0", "5.4-empty"],
    EchoesAsText => [
        "5.2-binary-*", "5.4-binary", "5.4-two-messages", "8.1-binary", "8.1-server-utf8",
    ],
    EchoesFragments => [
        "5.4-two", "5.4-binary", "5.4-single-bytes", "5.4-empty-middle", "5.4-ping-between",
        "5.4-pong-between", "5.4-parts", "5.4-two-messages", "8.1-split-*", "8.1-server-utf8",
        "8.1-invalid-split", "8.1-invalid-empty-end",
    ],
    IgnoresPings => ["5.5.2-*"],
    IgnoresPingsInMessages => ["5.5.2-ping-in-message"],
    AnswersEmptyPong => ["5.5.2-ping", "5.5.2-ping-binary", "5.5.2-ping-125", "5.5.2-ping-ten",
        "5.5.2-ping-in-message"],
    CutsPongs => ["5.5.2-ping-125"],
    ClosesOnPong => ["5.5.3-*", "5.4-pong-between"],
    IgnoresReservedBits => ["5.2-rsv*"],
    IgnoresUndefinedOpcodes => ["5.2-opcode-*", "7.4.1-code-1002"],
    AcceptsUnmasked => ["5.1-unmasked-*"],
    AcceptsLongLengths => ["5.2-length-16", "5.2-length-64", "5.2-length-64-of-16"],
    WaitsForHugeFrames => ["5.2-length-top-bit", "5.2-length-all-bits"],
    AcceptsLongControl => ["5.5-long-ping", "5.5-long-pong"],
    AcceptsFragmentedControl => ["5.5-fragmented-ping", "5.5-fragmented-pong"],
    AcceptsStrayContinuation => ["5.4-continuation-*"],
    AcceptsInterleaving => ["5.4-text-inside", "5.4-binary-inside", "5.4-fragment-inside"],
    MasksFrames => ["5.1-server-mask"],
    SetsReservedBit => ["5.2-server-rsv"],
    SendsLongLengths => ["5.2-server-length"],
    SendsUndefinedOpcode => ["5.2-server-opcode"],
    SendsStrayContinuation => ["5.4-server-fragments"],
    SendsReservedBitAtTimes => ["5.2-server-rsv"],
    IgnoresReservedBitsAtTimes => ["5.2-rsv*"],
    EchoesTwice => ["6.2-once"],
    // Text.
    EchoesInvalidText => ["8.1-server-utf8"],
    SendsInvalidText => ["8.1-server-utf8"],
    AcceptsInvalidText => ["8.1-invalid-*", "7.4.1-code-1007"],
    ChecksEachFragment => ["8.1-split-*"],
    AcceptsCutText => ["8.1-invalid-cut-*", "8.1-invalid-end", "8.1-invalid-empty-end"],
    AcceptsSurrogates => [
        "8.1-invalid-surrogate", "8.1-invalid-surrogate-last", "8.1-invalid-surrogates",
    ],
    AcceptsOverlongText => ["8.1-invalid-overlong-*"],
    AcceptsBeyondUnicode => [
        "8.1-invalid-beyond", "8.1-invalid-five", "8.1-invalid-ff", "8.1-invalid-fe",
        "8.1-invalid-second", "8.1-invalid-late", "7.4.1-code-1007",
    ],
    ChecksTheStart => ["8.1-invalid-late"],
    RefusesNul => ["8.1-valid-nul"],
    RefusesNoncharacters => ["8.1-valid-noncharacter"],
    RefusesBom => ["8.1-valid-bom"],
    SendsOtherCodeForText => ["7.4.1-code-1007"],
    SendsOtherCodeForRules => ["7.4.1-code-1002"],
    // The end of sessions.
    AnswersNoClose => [
        "5.5.1-close", "5.5.1-close-empty", "5.5.1-close-reason", "5.5.1-close-longest",
        "5.5.1-same-code", "7.4-valid-*", "5.5.1-ping-after", "5.5.1-inside-message",
        "5.5.1-continuation-after",
    ],
    AnswersNoEmptyClose => ["5.5.1-close-empty"],
    AnswersNoCloseInMessages => ["5.5.1-inside-message", "5.5.1-continuation-after"],
    AnswersLate => ["5.5.1-soon"],
    AnswersOtherCode => ["5.5.1-same-code"],
    EchoesAfterClose => ["5.5.1-data-after"],
    AnswersTwice => ["5.5.1-close-twice"],
    RepeatsOneByte => ["5.5.1-one-byte"],
    RepeatsInvalidCodes => ["7.4-invalid-*"],
    RepeatsInvalidReasons => ["5.5.1-reason-utf8"],
    DropsPrivateCodes => ["7.4-valid-4000", "7.4-valid-4999"],
    DropsNewCodes => ["7.4-valid-1012", "7.4-valid-1013", "7.4-valid-1014"],
    KeepsConnection => ["7.1.1-server-ends"],
    // Dangers and browsers.
    SetsCookie => ["sec-cookie"],
    NamesVersion => ["sec-version"],
    TakesFramesAfterRefusal => ["sec-frames-after-refusal"],
    AcceptsLongHeads => ["sec-long-head"],
    // Limits.
    RefusesLongMessages => ["limit-message", "limit-frame"],
    RefusesLongFrames => ["limit-frame"],
    RefusesLongWithOtherCode => ["limit-close"],
    AnswersPingsLate => ["limit-ping"],
    EndsSilence => ["limit-idle"],
    EndsDespitePings => ["limit-idle", "limit-idle-ping"],
    EndsOldSessions => ["limit-idle", "limit-idle-ping", "limit-idle-data"],
    ForgetsSilence => ["limit-idle"],
    KeepsAllForSlowReaders => ["limit-slow-reader"],
    RefusesOrigins => ["browser-chrome", "browser-firefox", "browser-safari"],
    // What a server may do.
    SwitchesToOtherProtocol => [],
    EchoesWithPrefix => [],
    EchoesInJson => [],
    RefusesBinary => [],
    IgnoresBinary => [],
}
