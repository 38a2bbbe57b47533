//! A proxy that counts the statements of all its connections, and cuts the one that a [`Meter`] names.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use signals_conformance::faults::{Cut, Meter};
use tokio::io::{AsyncWriteExt as _, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::protocol::{Message, Prepared, read_startup};

/// Listens on a port of its own, and passes on what it hears. It ends when it is dropped.
pub(crate) struct Proxy {
    port: u16,
    _tasks: JoinSet<()>,
}

impl Proxy {
    /// A proxy in front of the server at `target`.
    pub(crate) async fn to(target: (String, u16), meter: Arc<Meter>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port is free");
        let port = listener.local_addr().expect("it listens").port();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                connections.spawn(connect(client, target.clone(), meter.clone()));
            }
        });
        Self { port, _tasks: tasks }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

/// One connection, until a side ends it or it is cut: both sides are closed then.
async fn connect(client: TcpStream, target: (String, u16), meter: Arc<Meter>) {
    let Ok(server) = TcpStream::connect(target).await else { return };
    // Small messages back and forth: whoever collects them waits for 40 ms each time.
    if [&client, &server].iter().any(|side| side.set_nodelay(true).is_err()) {
        return;
    }
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let lost = AtomicU64::new(u64::MAX);
    tokio::select! {
        () = ask(from_client, to_server, &meter, &lost) => {}
        () = answer(from_server, to_client, &lost) => {}
    }
}

/// Passes on what the client says, statement by statement. The number of the answer that shall get lost is put into `lost`.
async fn ask(from: OwnedReadHalf, mut to: OwnedWriteHalf, meter: &Meter, lost: &AtomicU64) {
    let mut from = BufReader::new(from);
    let Ok(startup) = read_startup(&mut from).await else { return };
    if to.write_all(&startup).await.is_err() {
        return;
    }
    // The first answer is that of the startup.
    let mut asked = 1;
    let (mut prepared, mut messages) = (Prepared::default(), Vec::new());
    while let Ok(message) = Message::read(&mut from).await {
        let (asks, waits) = (message.asks(), message.waits());
        messages.push(message);
        if waits {
            continue;
        }
        if asks {
            let name = prepared.name(&messages);
            match meter.next(|| name) {
                Some(Cut::Before) => return,
                Some(Cut::After) => lost.store(asked, Ordering::Release),
                None => {}
            }
            asked += 1;
        }
        let bytes: Vec<u8> = messages.drain(..).flat_map(|message| message.bytes).collect();
        if to.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

/// Passes on what the server answers, up to the answer that shall get lost, which is waited for.
async fn answer(from: OwnedReadHalf, mut to: OwnedWriteHalf, lost: &AtomicU64) {
    let mut from = BufReader::new(from);
    let mut answered = 0;
    while let Ok(message) = Message::read(&mut from).await {
        let is_lost = answered >= lost.load(Ordering::Acquire);
        if message.is_ready() {
            if is_lost {
                return;
            }
            answered += 1;
        }
        if !is_lost && to.write_all(&message.bytes).await.is_err() {
            return;
        }
    }
}
