//! The prompts at which slash commands are typed.

/// A prompt. Each has the commands that work there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Place {
    /// The prompt of a client.
    #[default]
    Client,
    /// The prompt of a server that shows the messages of its clients.
    Talk,
    /// The prompt of a server with a reply script.
    Replies,
    /// The prompt of a server with another service.
    Service,
    /// The prompt of a proxy.
    Proxy,
    /// A prompt without commands: each line is a message.
    Plain,
}

/// The prompts that have commands.
pub(super) const ALL: &[Place] =
    &[Place::Client, Place::Talk, Place::Replies, Place::Service, Place::Proxy];
/// The prompts at which messages are typed.
pub(super) const ANY: &[Place] = &[Place::Client, Place::Talk, Place::Replies, Place::Service];
pub(super) const CLIENT: &[Place] = &[Place::Client];
pub(super) const SERVER: &[Place] = &[Place::Talk, Place::Replies, Place::Service];
/// The prompts above which received messages are shown.
pub(super) const SHOWN: &[Place] = &[Place::Client, Place::Talk, Place::Proxy];
/// The prompts that hold received messages.
pub(super) const HELD: &[Place] = &[Place::Client, Place::Talk];
pub(super) const PROXY: &[Place] = &[Place::Proxy];
pub(super) const SERVER_OR_PROXY: &[Place] =
    &[Place::Talk, Place::Replies, Place::Service, Place::Proxy];
pub(super) const REPLIES: &[Place] = &[Place::Replies];
