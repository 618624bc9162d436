//! The command that `--exec` runs for each client: messages are lines of its stdin, and lines of
//! its stdout are messages.

use super::{
    hub::{Delivery, Mailbox},
    shared::Shared,
};
use crate::{
    proto::{Close, CloseCode, Kind, SharedMessage},
    script::input::{Framing, Input, Next},
    session::limits::QUEUE_LIMIT_BYTES,
    sys::unix::kill_group,
};
use std::{
    process::Stdio,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::{Child, ChildStdin, ChildStdout, Command},
    sync::Notify,
    time::timeout,
};

/// A running command.
pub(super) struct Exec {
    input: Arc<CommandInput>,
    /// Finishes when the command has exited.
    task: tokio::task::JoinHandle<()>,
    kill: Arc<Notify>,
}

/// Lines that wait for the command.
#[derive(Default)]
struct CommandInput {
    bytes: Mutex<Vec<u8>>,
    /// True once the session is over.
    ended: AtomicBool,
    /// Notified when bytes were added, or the session is over.
    added: Notify,
    /// Notified when the command has taken bytes.
    taken: Notify,
}

impl CommandInput {
    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Exec {
    /// Starts the command. If that fails, the session is closed with 1011.
    pub(super) fn start(
        command: &str,
        environment: &[(String, String)],
        shared: &Arc<Shared>,
        mailbox: &Arc<Mailbox>,
    ) -> Option<Self> {
        let mut process = Command::new("/bin/sh");
        process.arg("-c").arg(command).process_group(0).kill_on_drop(true);
        process.envs(environment.iter().map(|(name, value)| (name, value)));
        process.stdin(Stdio::piped()).stdout(Stdio::piped());
        match process.spawn() {
            Ok(child) => {
                let running = RunningCommand::new(shared, child.id().unwrap_or_default());
                let (input, kill) = (Arc::<CommandInput>::default(), Arc::<Notify>::default());
                let run = run(
                    (child, running),
                    Arc::clone(&input),
                    Arc::clone(&kill),
                    Arc::clone(shared),
                    Arc::clone(mailbox),
                );
                Some(Self { input, task: tokio::spawn(run), kill })
            }
            Err(cause) => {
                let id = mailbox.id;
                shared.notes.note(&format!("client {id}: cannot start the command: {cause}"));
                mailbox.push(Delivery::Close(Close::new(CloseCode::INTERNAL_ERROR)));
                None
            }
        }
    }

    /// Queues a message for the command.
    pub(super) fn send(&self, payload: &[u8]) {
        let mut bytes = self.input.lock();
        bytes.extend_from_slice(payload);
        bytes.push(b'\n');
        drop(bytes);
        self.input.added.notify_one();
    }

    /// Reports whether so much waits for the command that its client is not read.
    pub(super) fn is_full(&self) -> bool {
        self.input.lock().len() >= QUEUE_LIMIT_BYTES
    }

    /// Waits until the command has taken what it was sent.
    pub(super) async fn has_room(&self) {
        while self.is_full() && !self.task.is_finished() {
            self.input.taken.notified().await;
        }
    }

    /// Ends the command's stdin after what waits for it.
    pub(super) fn end_input(&self) {
        self.input.ended.store(true, Ordering::SeqCst);
        self.input.added.notify_one();
    }

    /// Ends the command's stdin, and kills the command and what it has started if it does not exit
    /// within `limit`.
    pub(super) async fn finish(mut self, limit: Duration) {
        self.end_input();
        if timeout(limit, &mut self.task).await.is_err() {
            self.kill.notify_one();
            // It was killed.
            let _ = self.task.await;
        }
    }
}

/// A command that has not been waited for, so that the number of its group is not free.
struct RunningCommand {
    shared: Arc<Shared>,
    group: u32,
}

impl RunningCommand {
    /// Registers a command that leads the process group `group`.
    fn new(shared: &Arc<Shared>, group: u32) -> Self {
        shared.commands.add(group);
        Self { shared: Arc::clone(shared), group }
    }

    /// Kills the command and what it has started.
    fn kill(&self) {
        kill_group(self.group);
    }
}

impl Drop for RunningCommand {
    fn drop(&mut self) {
        self.shared.commands.remove(self.group);
        self.shared.hub.room().notify_waiters();
    }
}

/// Runs a command until it exits, then closes the session of its client.
async fn run(
    (mut child, running): (Child, RunningCommand),
    input: Arc<CommandInput>,
    kill: Arc<Notify>,
    shared: Arc<Shared>,
    mailbox: Arc<Mailbox>,
) {
    let writer = child.stdin.take().map(|stdin| tokio::spawn(write(stdin, Arc::clone(&input))));
    let reading = child.stdout.take().map(|stdout| read(stdout, &shared, &mailbox));
    let read_all = async {
        if let Some(reading) = reading {
            reading.await;
        }
    };
    let status = tokio::select! {
        // A process in the background may keep stdout open after the command.
        status = async { read_all.await; child.wait().await } => status,
        () = kill.notified() => {
            running.kill();
            child.wait().await
        }
    };
    drop(running);
    if let Some(writer) = writer {
        writer.abort();
    }
    input.lock().clear();
    input.taken.notify_one();
    let failed = match status {
        Ok(status) if status.success() => None,
        Ok(status) => Some(status.to_string()),
        Err(cause) => Some(cause.to_string()),
    };
    let close = Close::new(match &failed {
        _ if shared.is_ending() => CloseCode::GOING_AWAY,
        None => CloseCode::NORMAL,
        Some(_) => CloseCode::INTERNAL_ERROR,
    });
    if let Some(status) = failed.filter(|_| !input.ended.load(Ordering::SeqCst)) {
        shared.notes.note(&format!("client {}: the command failed: {status}", mailbox.id));
    }
    mailbox.push(Delivery::Close(close));
}

/// Writes lines to the command until the session is over.
async fn write(mut stdin: ChildStdin, input: Arc<CommandInput>) {
    loop {
        let bytes = std::mem::take(&mut *input.lock());
        if bytes.is_empty() {
            if input.ended.load(Ordering::SeqCst) {
                return;
            }
            input.added.notified().await;
            continue;
        }
        input.taken.notify_one();
        // A command that does not read its stdin is not at fault.
        if stdin.write_all(&bytes).await.is_err() || stdin.flush().await.is_err() {
            return discard(&input).await;
        }
    }
}

async fn discard(input: &CommandInput) {
    while !input.ended.load(Ordering::SeqCst) {
        input.lock().clear();
        input.taken.notify_one();
        input.added.notified().await;
    }
}

/// Sends the lines of the command to the client.
async fn read(mut stdout: ChildStdout, shared: &Shared, mailbox: &Mailbox) {
    let mut lines = Input::new(Framing::Lines(b'\n')).with_max_line(shared.job.common.max_line);
    loop {
        let n = stdout.read(lines.room()).await.unwrap_or_default();
        lines.filled(n);
        while let Some(next) = lines.take() {
            let Next::Message(range) = next else { return };
            let line = lines.bytes(range);
            let kind = if std::str::from_utf8(line).is_ok() { Kind::Text } else { Kind::Binary };
            let message = SharedMessage::new(kind, line.to_vec(), shared.job.common.settings);
            shared.hub.deliver(mailbox, Delivery::Message(Arc::new(message))).await;
        }
        if n == 0 {
            return;
        }
    }
}
