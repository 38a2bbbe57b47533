//! A wire to a server: turned to another one, cut, or a black hole in one direction or both.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What becomes of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// They arrive.
    Open,
    /// What clients say arrives; no answer does, and nobody is told.
    Deaf,
    /// Nothing arrives, and nobody is told.
    Hole,
}

#[derive(Clone, Copy, Debug)]
struct State {
    target: u16,
    flow: Flow,
    // Connections of an earlier age are cut.
    age: u64,
    // How often all connections were forgotten: those from before are black holes for good.
    forgotten: u64,
    // Who says this hears the answer, and nothing after it.
    hushing: Option<&'static str>,
}

/// Listens on a port of its own, and passes on what it hears. It ends when it is dropped, and its connections with it.
#[derive(Debug)]
pub struct Wire {
    port: u16,
    state: watch::Sender<State>,
    hushed: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

impl Wire {
    /// A wire to the server that listens on `target`, at 127.0.0.1.
    ///
    /// # Errors
    ///
    /// Returns the system's error when there is no port for it.
    pub async fn to(target: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let (state, seen) = watch::channel(State { target, flow: Flow::Open, age: 0, forgotten: 0, hushing: None });
        let hushed = Arc::default();
        let mut tasks = JoinSet::new();
        tasks.spawn(listen(listener, seen, Arc::clone(&hushed)));
        Ok(Self { port, state, hushed, _tasks: tasks })
    }

    /// Where it listens, at 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Cuts every connection; new ones lead to `target`.
    pub fn turn_to(&self, target: u16) {
        self.state.send_modify(|state| *state = State { target, age: state.age + 1, ..*state });
    }

    /// Cuts every connection; new ones are as ever.
    pub fn cut(&self) {
        self.state.send_modify(|state| state.age += 1);
    }

    /// From now on bytes flow like this, in the connections that there are, too.
    pub fn flow(&self, flow: Flow) {
        self.state.send_modify(|state| state.flow = flow);
    }

    /// Every connection that there is becomes a black hole for good; new ones are as ever.
    pub fn forget(&self) {
        self.state.send_modify(|state| state.forgotten += 1);
    }

    /// Whoever says `word` from now on hears the answer to it, and never anything else.
    pub fn hush(&self, word: &'static str) {
        self.state.send_modify(|state| state.hushing = Some(word));
    }

    /// How many connections were hushed.
    pub fn hushed(&self) -> usize {
        self.hushed.load(Ordering::SeqCst)
    }
}

async fn listen(listener: TcpListener, state: watch::Receiver<State>, hushed: Arc<AtomicUsize>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        connections.spawn(connect(client, state.clone(), Arc::clone(&hushed)));
    }
}

async fn connect(client: TcpStream, mut state: watch::Receiver<State>, hushed: Arc<AtomicUsize>) {
    let State { target, age, forgotten, .. } = *state.borrow();
    let there = state.clone();
    // Whether it has said the word that it is hushed for.
    let has_said = AtomicBool::new(false);
    let both = async {
        let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, target)).await else { return };
        let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
        let flows = |state: &State, is_open: bool| is_open && state.forgotten == forgotten;
        let asked = pass(
            from_client,
            to_server,
            there.clone(),
            |state| flows(state, state.flow != Flow::Hole),
            |said| {
                let word = there.borrow().hushing.map(str::as_bytes);
                if word.is_some_and(|word| said.windows(word.len()).any(|part| part == word)) {
                    has_said.store(true, Ordering::SeqCst);
                }
                false
            },
        );
        let answered = pass(
            from_server,
            to_client,
            there.clone(),
            |state| flows(state, state.flow == Flow::Open),
            |_| {
                let is_last = has_said.load(Ordering::SeqCst);
                hushed.fetch_add(usize::from(is_last), Ordering::SeqCst);
                is_last
            },
        );
        // When one side has ended, the other is told by the end of both.
        tokio::select! { () = asked => {}, () = answered => {} }
    };
    // What was cut passes nothing on, although it flows again.
    tokio::select! {
        biased;
        _ = state.wait_for(|state| state.age > age) => {}
        () = both => {}
    }
}

/// Passes bytes on while they flow, and keeps those that do not until they do; nothing more after what `is_last`.
async fn pass(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    mut state: watch::Receiver<State>,
    flows: impl Fn(&State) -> bool,
    is_last: impl Fn(&[u8]) -> bool,
) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let is_last = is_last(&buffer[..read]);
        if state.wait_for(|state| flows(state)).await.is_err() || to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
        if is_last {
            std::future::pending::<()>().await;
        }
    }
}
