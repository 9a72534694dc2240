//! UDP sockets.

use std::fmt;
use std::io::{self, ErrorKind};
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::sync::atomic::{AtomicBool, Ordering};

use allocator_api2::alloc::{Allocator, Global};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

#[cfg(all(target_os = "linux", feature = "recvmmsg"))]
use super::batch::{BATCH, Batch};
#[cfg(windows)]
use super::windows::{self, Flows};
use crate::packet::MAX_DATAGRAM_BYTES;

/// Send and receive buffers are asked for with this size, in bytes.
const BUFFER_BYTES: usize = 4 * 1024 * 1024;

/// What the system refuses is asked for again with half the size, down to this.
const MIN_BUFFER_BYTES: usize = 256 * 1024;

/// Expedited forwarding (RFC 3246), in the upper six bits of the traffic class (RFC 2474).
const TRAFFIC_CLASS: u32 = 46 << 2;

/// A socket that reports this many errors at a time is left alone until the next time.
const MAX_FAILURES: usize = 1024;

static TAG_PACKETS: AtomicBool = AtomicBool::new(false);

/// Marks what sockets opened from now on send as urgent, so that routers can put it first.
pub fn enable_packet_tagging() {
    TAG_PACKETS.store(true, Ordering::Relaxed);
}

/// A UDP socket that never blocks and is closed on exec.
#[derive(Debug)]
pub struct UdpSocket {
    socket: Socket,
    local: SocketAddr,
    /// Where packets are tagged for each destination, not for the socket.
    #[cfg(windows)]
    flows: Option<Flows>,
}

/// Why there is no socket.
#[derive(Debug)]
pub enum OpenError {
    /// It could not be created or configured.
    Create(io::Error),
    /// It could not be bound to its address.
    Bind(io::Error),
}

/// Room for what comes in at a socket.
///
/// Datagrams that are too large for it are cut off, but never to a size that is looked at.
pub struct Inbox<A: Allocator + Clone = Global> {
    #[cfg(all(target_os = "linux", feature = "recvmmsg"))]
    batch: Option<Batch<ROOM_BYTES, A>>,
    allocator: PhantomData<A>,
}

impl<A: Allocator + Clone> Default for Inbox<A> {
    fn default() -> Self {
        Self::single()
    }
}

/// One byte more than is looked at, so that what is too large shows.
const ROOM_BYTES: usize = MAX_DATAGRAM_BYTES + 1;

impl<A: Allocator + Clone> Inbox<A> {
    /// Room for one datagram at a time, which takes no memory.
    pub const fn single() -> Self {
        Self {
            #[cfg(all(target_os = "linux", feature = "recvmmsg"))]
            batch: None,
            allocator: PhantomData,
        }
    }

    /// Room for many datagrams at a time, on systems that can receive so many at once. `None` if there
    /// is no memory for it.
    pub fn try_new_in(allocator: A) -> Option<Self> {
        #[cfg(all(target_os = "linux", feature = "recvmmsg"))]
        let inbox = Self { batch: Some(Batch::try_new_in(allocator)?), allocator: PhantomData };
        #[cfg(not(all(target_os = "linux", feature = "recvmmsg")))]
        let inbox = (Self::single(), drop(allocator)).0;
        Some(inbox)
    }
}

/// The system knows no way to receive many datagrams at once, or does not let us.
#[cfg(all(target_os = "linux", feature = "recvmmsg"))]
struct Unsupported;

impl UdpSocket {
    /// Opens a socket of the address's family and binds it to the address.
    pub fn open(address: &SocketAddr) -> Result<Self, OpenError> {
        let socket = Self::create(address).map_err(OpenError::Create)?;
        socket.bind(&SockAddr::from(*address)).map_err(OpenError::Bind)?;
        let bound = socket.local_addr().map_err(OpenError::Bind)?;
        Ok(Self {
            socket,
            local: bound.as_socket().unwrap_or(*address),
            #[cfg(windows)]
            flows: if TAG_PACKETS.load(Ordering::Relaxed) { Flows::new() } else { None },
        })
    }

    /// The port that the socket is bound to.
    pub fn port(&self) -> u16 {
        self.local.port()
    }

    /// Sends a datagram. UDP promises nothing, so an error changes nothing.
    pub fn send(&self, to: &SocketAddr, datagram: &[u8]) -> io::Result<()> {
        #[cfg(windows)]
        if let Some(flows) = &self.flows {
            flows.add(&self.socket, to);
        }
        self.socket.send_to(datagram, &SockAddr::from(*to)).map(|_| ())
    }

    /// Hands what has come in to `process`, until nothing is left, as many as `budget` have been taken,
    /// or `process` says that it has had enough. Empty and oversized datagrams are skipped.
    pub fn drain<A: Allocator + Clone>(
        &self,
        inbox: &mut Inbox<A>,
        budget: usize,
        mut process: impl FnMut(SocketAddr, &mut [u8]) -> bool,
    ) {
        #[cfg(all(target_os = "linux", feature = "recvmmsg"))]
        if let Some(batch) = &mut inbox.batch {
            match self.drain_batches(batch, budget, &mut process) {
                Ok(()) => return,
                Err(Unsupported) => inbox.batch = None,
            }
        }
        let _ = inbox;
        let receive = |room: &mut [u8]| {
            let (bytes, from) = self.socket.recv_from(as_uninit(room))?;
            Ok((bytes, from.as_socket().map(without_flow)))
        };
        drain_singly(receive, budget, &mut process);
    }

    #[cfg(all(target_os = "linux", feature = "recvmmsg"))]
    fn drain_batches<A: Allocator + Clone>(
        &self,
        batch: &mut Batch<ROOM_BYTES, A>,
        budget: usize,
        process: &mut impl FnMut(SocketAddr, &mut [u8]) -> bool,
    ) -> Result<(), Unsupported> {
        let (mut left, mut failures) = (budget, 0);
        while left > 0 && failures < MAX_FAILURES {
            let count = match batch.receive(&self.socket, left) {
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if is_refused(&error) => return Err(Unsupported),
                Err(_) => {
                    failures += 1;
                    continue;
                }
            };
            for index in 0..count {
                let Some((from, datagram)) = batch.datagram(index) else { continue };
                if is_worth_a_look(datagram.len()) && !process(from, datagram) {
                    return Ok(());
                }
            }
            if count < BATCH {
                return Ok(());
            }
            left -= count;
        }
        Ok(())
    }

    fn create(address: &SocketAddr) -> io::Result<Socket> {
        // Sets close-on-exec, too, on Linux in the same step.
        let socket = Socket::new(Domain::for_address(*address), Type::DGRAM, Some(Protocol::UDP))?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        request_buffer(|bytes| socket.set_send_buffer_size(bytes))?;
        request_buffer(|bytes| socket.set_recv_buffer_size(bytes))?;
        socket.set_nonblocking(true)?;
        // A favour, too: what it is to prevent ends nothing (see `drain_singly`).
        #[cfg(windows)]
        let _ = windows::ignore_unreachable_peers(&socket);
        if TAG_PACKETS.load(Ordering::Relaxed) {
            tag(&socket, address);
        }
        Ok(socket)
    }
}

/// Hands on what `receive` puts into the room that it is given, one datagram at a time.
fn drain_singly(
    mut receive: impl FnMut(&mut [u8]) -> io::Result<(usize, Option<SocketAddr>)>,
    budget: usize,
    mut process: impl FnMut(SocketAddr, &mut [u8]) -> bool,
) {
    let (mut room, mut failures) = ([0; ROOM_BYTES], 0);
    for _ in 0..budget {
        if failures == MAX_FAILURES {
            return;
        }
        match receive(&mut room) {
            Ok((bytes, Some(from))) if is_worth_a_look(bytes) => {
                if !process(from, &mut room[..bytes]) {
                    return;
                }
            }
            Ok((_, Some(_))) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return,
            Err(error) if is_about_one_datagram(&error) => {}
            Ok((_, None)) | Err(_) => failures += 1,
        }
    }
}

/// Whether an error has taken something out of the queue, as a datagram does, so that it counts like one.
fn is_about_one_datagram(error: &io::Error) -> bool {
    #[cfg(windows)]
    return windows::is_about_one_datagram(error);
    #[cfg(not(windows))]
    (false, error).0
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create(error) => write!(f, "cannot be created: {error}"),
            Self::Bind(error) => write!(f, "cannot be bound: {error}"),
        }
    }
}

impl std::error::Error for OpenError {}

/// The address that stands for all of this host's, in the same family and with the same port.
pub fn wildcard(address: &SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, address.port()).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, address.port()).into(),
    }
}

fn request_buffer(mut set: impl FnMut(usize) -> io::Result<()>) -> io::Result<()> {
    let mut bytes = BUFFER_BYTES;
    loop {
        match set(bytes) {
            Err(_) if bytes > MIN_BUFFER_BYTES => bytes /= 2,
            outcome => return outcome,
        }
    }
}

/// Tagging is a favour that a system may refuse.
fn tag(socket: &Socket, address: &SocketAddr) {
    #[cfg(not(windows))]
    let _ = match address {
        SocketAddr::V4(_) => socket.set_tos_v4(TRAFFIC_CLASS),
        #[cfg(not(target_os = "ios"))]
        SocketAddr::V6(_) => socket.set_tclass_v6(TRAFFIC_CLASS),
        // socket2 does not have it there.
        #[cfg(target_os = "ios")]
        SocketAddr::V6(_) => set_traffic_class(socket),
    };
    // Windows ignores the socket options (see `Flows`).
    #[cfg(windows)]
    let _ = (socket, address, TRAFFIC_CLASS);
}

#[cfg(target_os = "ios")]
fn set_traffic_class(socket: &Socket) -> io::Result<()> {
    use std::os::fd::AsRawFd;

    let (class, bytes) = (TRAFFIC_CLASS as libc::c_int, size_of::<libc::c_int>() as libc::socklen_t);
    let value = std::ptr::from_ref(&class).cast();
    // SAFETY: the value lives until the call returns, and has the size that is given.
    match unsafe { libc::setsockopt(socket.as_raw_fd(), libc::IPPROTO_IPV6, libc::IPV6_TCLASS, value, bytes) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Whether a system call as such is refused: by old kernels, and by sandboxes.
#[cfg(all(target_os = "linux", feature = "recvmmsg"))]
fn is_refused(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EPERM | libc::EOPNOTSUPP))
}

fn is_worth_a_look(bytes: usize) -> bool {
    (1..=MAX_DATAGRAM_BYTES).contains(&bytes)
}

/// The flow label is not a part of who sent a datagram; the scope is how to answer.
pub(super) fn without_flow(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V6(v6) => SocketAddrV6::new(*v6.ip(), v6.port(), 0, v6.scope_id()).into(),
        v4 => v4,
    }
}

fn as_uninit(buffer: &mut [u8]) -> &mut [MaybeUninit<u8>] {
    // SAFETY: the layouts are the same, and receiving writes initialised bytes only.
    unsafe { &mut *(std::ptr::from_mut(buffer) as *mut [MaybeUninit<u8>]) }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    const FROM: SocketAddr = SocketAddr::V4(std::net::SocketAddrV4::new(Ipv4Addr::LOCALHOST, 1000));

    /// How many datagrams are processed of a queue that has them behind this many errors.
    fn processed_behind(errors: usize, error: impl Fn() -> io::Error, budget: usize) -> usize {
        let (mut left, mut datagrams, mut processed) = (errors, 3, 0);
        let receive = |room: &mut [u8]| {
            if left > 0 {
                left -= 1;
                return Err(error());
            }
            if datagrams == 0 {
                return Err(ErrorKind::WouldBlock.into());
            }
            datagrams -= 1;
            room[..4].copy_from_slice(b"data");
            Ok((4, Some(FROM)))
        };
        drain_singly(receive, budget, |from, datagram| {
            assert_eq!((from, &*datagram), (FROM, &b"data"[..]));
            processed += 1;
            true
        });
        processed
    }

    #[test]
    fn receiving_goes_on_after_errors() {
        assert_eq!(processed_behind(100, || ErrorKind::ConnectionReset.into(), 1000), 3);
        assert_eq!(processed_behind(100, || ErrorKind::Interrupted.into(), 1000), 3);
    }

    #[test]
    fn a_socket_that_reports_nothing_but_errors_is_left_alone() {
        assert_eq!(processed_behind(MAX_FAILURES, || ErrorKind::Other.into(), 1_000_000), 0);
        assert_eq!(processed_behind(usize::MAX, || ErrorKind::Other.into(), usize::MAX), 0);
    }

    fn open(address: impl Into<SocketAddr>) -> UdpSocket {
        UdpSocket::open(&address.into()).unwrap()
    }

    /// Takes what comes in until this many datagrams have, for five seconds at most.
    fn receive(socket: &UdpSocket, count: usize) -> Vec<Vec<u8>> {
        let (mut received, mut inbox) = (Vec::new(), Inbox::<Global>::try_new_in(Global).unwrap());
        let deadline = Instant::now() + Duration::from_secs(5);
        while received.len() < count && Instant::now() < deadline {
            socket.drain(&mut inbox, usize::MAX, |_, datagram| {
                received.push(datagram.to_vec());
                true
            });
            std::thread::sleep(Duration::from_millis(1));
        }
        received
    }

    /// Whether this host has IPv6, which hosts of tests may not.
    fn ipv6() -> Option<UdpSocket> {
        let socket = UdpSocket::open(&(Ipv6Addr::LOCALHOST, 0).into());
        if socket.is_err() {
            eprintln!("SKIPPED: no IPv6 here");
        }
        socket.ok()
    }

    #[test]
    fn an_empty_socket_does_not_block() {
        let (sender, ended) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            open((Ipv4Addr::LOCALHOST, 0)).drain(&mut Inbox::<Global>::single(), 1, |_, _| true);
            let _ = sender.send(());
        });
        ended.recv_timeout(Duration::from_secs(5)).expect("nothing to receive, and yet it waits");
    }

    #[test]
    fn what_is_too_large_or_empty_is_skipped() {
        let (socket, peer) = (open((Ipv4Addr::LOCALHOST, 0)), open((Ipv4Addr::LOCALHOST, 0)));
        for bytes in [0, MAX_DATAGRAM_BYTES + 1, 1400, 9000, MAX_DATAGRAM_BYTES, 1] {
            peer.send(&socket.local, &vec![7; bytes]).unwrap();
        }
        assert_eq!(receive(&socket, 2), [vec![7; MAX_DATAGRAM_BYTES], vec![7]]);
    }

    #[test]
    fn a_peer_that_is_gone_disturbs_nobody() {
        let (socket, peer) = (open((Ipv4Addr::LOCALHOST, 0)), open((Ipv4Addr::LOCALHOST, 0)));
        let gone = open((Ipv4Addr::LOCALHOST, 0)).local;
        for _ in 0..3 {
            let _ = socket.send(&gone, b"nobody");
        }
        peer.send(&socket.local, b"data").unwrap();
        assert_eq!(receive(&socket, 1), [b"data"]);
    }

    #[test]
    fn both_families_have_a_port_each() {
        let Some(v6) = ipv6() else { return };
        let v4 = open((Ipv4Addr::LOCALHOST, 0));
        v4.send(&v4.local, b"four").unwrap();
        v6.send(&v6.local, b"six").unwrap();
        assert_eq!((receive(&v4, 1), receive(&v6, 1)), (vec![b"four".to_vec()], vec![b"six".to_vec()]));
        // IPv6 sockets take nothing of IPv4, so that the same port is free for both.
        let shared = (0..20).any(|_| {
            let v6 = open((Ipv6Addr::UNSPECIFIED, 0));
            // Somebody else may have it.
            UdpSocket::open(&(Ipv4Addr::UNSPECIFIED, v6.port()).into()).is_ok()
        });
        assert!(shared);
    }

    /// On Windows a datagram that is too large, or that came back, is an error when receiving.
    #[test]
    #[cfg(windows)]
    fn errors_about_one_datagram_count_as_one() {
        for code in [10040, 10052, 10054] {
            let error = || io::Error::from_raw_os_error(code);
            assert_eq!(processed_behind(2 * MAX_FAILURES, error, 4 * MAX_FAILURES), 3, "{code}");
            assert_eq!(processed_behind(2 * MAX_FAILURES, error, 2 * MAX_FAILURES + 1), 1, "{code}");
            assert_eq!(processed_behind(2 * MAX_FAILURES, error, 2 * MAX_FAILURES), 0, "{code}");
        }
    }
}
