//! As much of the frontend/backend protocol, version 3, as it takes to tell statements apart: where messages end, which of
//! them ask for an answer, and which statement they are about.

use std::collections::HashMap;
use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::names::name;

/// What a client begins with, which has no tag.
pub(crate) async fn read_startup(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; 4];
    from.read_exact(&mut bytes).await?;
    read_rest(from, bytes, 0).await
}

/// A message of either side.
pub(crate) struct Message {
    pub(crate) tag: u8,
    /// All of it.
    pub(crate) bytes: Vec<u8>,
}

impl Message {
    /// The next one; an error at the end.
    pub(crate) async fn read(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Self> {
        let mut bytes = vec![0; 5];
        from.read_exact(&mut bytes).await?;
        let tag = bytes[0];
        Ok(Self { tag, bytes: read_rest(from, bytes, 1).await? })
    }

    /// Whether the server is done with what was asked: `ReadyForQuery`.
    pub(crate) fn is_ready(&self) -> bool {
        self.tag == b'Z'
    }

    /// Whether the client waits for an answer from here on: `Query`, or the `Sync` behind the messages of a statement.
    pub(crate) fn asks(&self) -> bool {
        matches!(self.tag, b'Q' | b'S')
    }

    /// Whether it belongs to a statement that is asked for later: `Parse`, `Bind`, `Describe`, `Execute`, `Close`.
    pub(crate) fn waits(&self) -> bool {
        matches!(self.tag, b'P' | b'B' | b'D' | b'E' | b'C')
    }

    /// The texts that it begins with.
    fn texts(&self) -> impl Iterator<Item = String> + '_ {
        self.bytes[5..].split(|&byte| byte == 0).map(|text| String::from_utf8_lossy(text).into_owned())
    }
}

/// The rest of a message whose length stands at `length` and counts itself.
async fn read_rest(from: &mut (impl AsyncRead + Unpin), mut bytes: Vec<u8>, length: usize) -> io::Result<Vec<u8>> {
    let stated = u32::from_be_bytes(bytes[length..length + 4].try_into().expect("four bytes"));
    let head = bytes.len();
    bytes.resize(length + usize::try_from(stated).map_err(io::Error::other)?, 0);
    from.read_exact(&mut bytes[head..]).await?;
    Ok(bytes)
}

/// The statements that a session has prepared, by their names.
#[derive(Default)]
pub(crate) struct Prepared(HashMap<String, String>);

impl Prepared {
    /// What the messages up to one that [asks](Message::asks) are about.
    pub(crate) fn name(&mut self, messages: &[Message]) -> String {
        // A `Sync` alone is how sqlx asks whether anybody is there.
        let mut said = "a ping".to_owned();
        for message in messages {
            let mut texts = message.texts();
            let mut text = || texts.next().unwrap_or_default();
            match message.tag {
                b'Q' => said = name(&text()),
                b'P' => {
                    let (prepared, statement) = (text(), name(&text()));
                    said = format!("prepare {statement}");
                    self.0.insert(prepared, statement);
                }
                b'B' => {
                    let (_portal, prepared) = (text(), text());
                    said = self.0.get(&prepared).cloned().unwrap_or(prepared);
                }
                _ => {}
            }
        }
        said
    }
}
