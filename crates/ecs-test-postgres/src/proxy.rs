//! A way to the server that can be cut at a chosen byte.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use parking_lot::Mutex;

use crate::error::{Doing, ServerError};
use crate::server::Server;
use crate::url;

/// Passes connections on to a server, and breaks them when told to.
///
/// So a test loses the answer of a commit:
///
/// ```text
/// proxy.cut_answer_after(0);           // from now on no byte of an answer comes through
/// client.commit()                      // the server commits; the client never hears of it
/// ```
#[derive(Debug)]
pub struct Proxy {
    shared: Arc<Shared>,
    port: u16,
    accepting: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    server: u16,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    refuses: bool,
    ends: bool,
    /// How many bytes still come through, each way.
    to_server: Option<u64>,
    to_client: Option<u64>,
    next: u64,
    connections: HashMap<u64, Connection>,
}

#[derive(Debug)]
struct Connection {
    client: TcpStream,
    server: TcpStream,
}

#[derive(Debug, Clone, Copy)]
enum Way {
    ToServer,
    ToClient,
}

impl Proxy {
    /// Opens a way to a server, on a free port of loopback. It outlives restarts of the
    /// server.
    ///
    /// # Errors
    ///
    /// [`ServerError::Io`] if there is no free port.
    pub fn start(server: &Server) -> Result<Self, ServerError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
        let listener = listener.doing("asking for a free port of", url::HOST)?;
        let port = listener.local_addr().doing("asking for the port of", url::HOST)?.port();
        let shared = Arc::new(Shared { server: server.port(), state: Mutex::default() });
        let accepting = thread::spawn({
            let shared = Arc::clone(&shared);
            move || accept(&shared, &listener)
        });
        Ok(Self { shared, port, accepting: Some(accepting) })
    }

    /// Rewrites an address of the server into one that leads through this proxy.
    ///
    /// # Errors
    ///
    /// [`ServerError::ForeignUrl`] if the address is not one of the server.
    pub fn url(&self, url: &str) -> Result<String, ServerError> {
        let server = self.shared.server;
        url::with_port(url, server, self.port).ok_or_else(|| ServerError::ForeignUrl {
            url: url.to_owned(),
            address: format!("{}:{server}", url::HOST),
        })
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How many connections there are.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.state.lock().connections.len()
    }

    /// Breaks all connections now. New ones are taken.
    ///
    /// The server gets what was passed on to it before it hears of the end.
    pub fn cut(&self) {
        self.shared.state.lock().cut();
    }

    /// Lets so many bytes more go to the server, over all connections together; breaks
    /// all connections once the last of them has gone, or, for 0, at the next byte that
    /// would go. No answer to the last bytes comes back. New connections are taken then,
    /// without a limit.
    pub fn cut_after(&self, bytes: u64) {
        self.shared.state.lock().to_server = Some(bytes);
    }

    /// As [`cut_after`](Self::cut_after), of bytes from the server to clients.
    pub fn cut_answer_after(&self, bytes: u64) {
        self.shared.state.lock().to_client = Some(bytes);
    }

    /// Gives up the limits of [`cut_after`](Self::cut_after) and
    /// [`cut_answer_after`](Self::cut_answer_after).
    pub fn pass_all(&self) {
        let mut state = self.shared.state.lock();
        state.to_server = None;
        state.to_client = None;
    }

    /// Tells whether a limit of [`cut_after`](Self::cut_after) or
    /// [`cut_answer_after`](Self::cut_answer_after) has not been reached. It is told of one
    /// that was before the last bytes that it lets through have arrived.
    #[must_use]
    pub fn is_limited(&self) -> bool {
        let state = self.shared.state.lock();
        state.to_server.is_some() || state.to_client.is_some()
    }

    /// Says whether new connections are closed as they come, without a word. Those that
    /// there are go on.
    pub fn refuse(&self, refuse: bool) {
        self.shared.state.lock().refuses = refuse;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        {
            let mut state = self.shared.state.lock();
            state.ends = true;
            state.cut();
        }
        // Wakes the thread that accepts.
        let woken = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok();
        if let Some(accepting) = self.accepting.take().filter(|_| woken) {
            let _ = accepting.join();
        }
    }
}

impl State {
    fn cut(&mut self) {
        self.take_out().iter().for_each(Connection::close);
    }

    /// Takes out all connections: nothing is passed on any more, in either direction.
    fn take_out(&mut self) -> Vec<Connection> {
        self.connections.drain().map(|(_, connection)| connection).collect()
    }

    fn limit(&mut self, way: Way) -> &mut Option<u64> {
        match way {
            Way::ToServer => &mut self.to_server,
            Way::ToClient => &mut self.to_client,
        }
    }

    /// Takes from the limit what may go of so many bytes; and says whether it is the last.
    fn allow(&mut self, way: Way, bytes: usize) -> (usize, bool) {
        let Some(left) = self.limit(way) else { return (bytes, false) };
        let allowed = usize::try_from(*left).map_or(bytes, |left| left.min(bytes));
        *left -= allowed as u64;
        (allowed, *left == 0)
    }
}

impl Connection {
    fn close(&self) {
        let _ = self.client.shutdown(Shutdown::Both);
        // What the server still says is read and dropped: a socket closed over it would
        // take back what the server has not read yet.
        let _ = self.server.shutdown(Shutdown::Write);
    }
}

fn accept(shared: &Arc<Shared>, listener: &TcpListener) {
    loop {
        let Ok((client, _)) = listener.accept() else { continue };
        // Bound to be short, and no answer is awaited: both are on loopback.
        let mut state = shared.state.lock();
        if state.ends {
            return;
        }
        if state.refuses {
            continue;
        }
        // While the server is down, the client is closed as well.
        let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, shared.server)) else { continue };
        let _ = client.set_nodelay(true);
        let _ = server.set_nodelay(true);
        let copies =
            (client.try_clone(), server.try_clone(), client.try_clone(), server.try_clone());
        let (Ok(client_in), Ok(server_out), Ok(client_out), Ok(server_in)) = copies else {
            continue;
        };
        let id = state.next;
        state.next += 1;
        state.connections.insert(id, Connection { client, server });
        drop(state);
        for (from, to, way) in
            [(client_in, server_out, Way::ToServer), (server_in, client_out, Way::ToClient)]
        {
            let shared = Arc::clone(shared);
            thread::spawn(move || pass(&shared, id, way, from, to));
        }
    }
}

/// Passes bytes on in one direction, until one of both sides ends.
fn pass(shared: &Shared, id: u64, way: Way, mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        let (allowed, broken) = {
            let mut state = shared.state.lock();
            if !state.connections.contains_key(&id) {
                // It was cut; what still comes is dropped.
                continue;
            }
            let (allowed, last) = state.allow(way, count);
            let broken = last.then(|| {
                *state.limit(way) = None;
                // Before the last bytes go, so that no answer to them comes back.
                state.take_out()
            });
            (allowed, broken)
        };
        // Not under the lock, since a side that reads nothing would hold up all others.
        let written = to.write_all(&buffer[..allowed]);
        match broken {
            Some(broken) => broken.iter().for_each(Connection::close),
            None if written.is_err() => break,
            None => {}
        }
    }
    // Each side hears when the other one has ended.
    match way {
        Way::ToServer => {
            let _ = to.shutdown(Shutdown::Write);
        }
        Way::ToClient => {
            let _ = to.shutdown(Shutdown::Both);
            shared.state.lock().connections.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_counts_down_to_its_last_byte() {
        let mut state = State::default();
        assert_eq!(state.allow(Way::ToServer, 10), (10, false));
        state.to_server = Some(15);
        assert_eq!(state.allow(Way::ToClient, 10), (10, false));
        assert_eq!(state.allow(Way::ToServer, 10), (10, false));
        assert_eq!(state.allow(Way::ToServer, 10), (5, true));
        state.to_client = Some(0);
        assert_eq!(state.allow(Way::ToClient, 1), (0, true));
    }
}
