//! What is particular to Windows: Winsock, errors of other datagrams that show up when receiving, and qWAVE.

use std::ffi::{CStr, c_void};
use std::io;
use std::mem;
use std::net::SocketAddr;
use std::os::windows::io::AsRawSocket;
use std::ptr;
use std::sync::{Mutex, OnceLock};

use socket2::{SockAddr, Socket};
use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::Win32::Networking::WinSock::{
    SIO_UDP_CONNRESET, SOCKADDR, SOCKET, WSACleanup, WSAECONNRESET, WSAEMSGSIZE, WSAENETRESET, WSAIoctl, WSAStartup,
};
use windows_sys::Win32::System::LibraryLoader::{GetProcAddress, LOAD_LIBRARY_SEARCH_SYSTEM32, LoadLibraryExW};

/// The version of Winsock: 2.2.
const WINSOCK_VERSION: u16 = 0x0202;

/// Like `SIO_UDP_CONNRESET`, for datagrams that were on their way for too long.
const SIO_UDP_NETRESET: u32 = 0x9800_000F;

/// Starts Winsock; each start wants its `stop`. The standard library starts it for itself, too.
pub(super) fn start() -> io::Result<()> {
    // SAFETY: all zeros are valid values of this struct of numbers, texts and a pointer.
    let mut data = unsafe { mem::zeroed() };
    // SAFETY: the struct lives until the call returns.
    match unsafe { WSAStartup(WINSOCK_VERSION, &mut data) } {
        0 => Ok(()),
        error => Err(io::Error::from_raw_os_error(error)),
    }
}

/// Takes one `start` back.
pub(super) fn stop() {
    // SAFETY: Winsock counts starts and stops, and the caller makes no more of these than of those.
    unsafe { WSACleanup() };
}

/// Has the socket not report, when it is read, that a datagram which it sent has not arrived.
pub(super) fn ignore_unreachable_peers(socket: &Socket) -> io::Result<()> {
    // Not known to every system, and rare.
    let _ = switch_off(socket, SIO_UDP_NETRESET);
    switch_off(socket, SIO_UDP_CONNRESET)
}

fn switch_off(socket: &Socket, control: u32) -> io::Result<()> {
    let (off, mut returned) = (0u32, 0u32);
    let (flag, bytes) = (ptr::from_ref(&off).cast::<c_void>(), size_of_val(&off) as u32);
    let socket = socket.as_raw_socket() as SOCKET;
    // SAFETY: the flag and the count live until the call returns, since it is not overlapped.
    let result =
        unsafe { WSAIoctl(socket, control, flag, bytes, ptr::null_mut(), 0, &mut returned, ptr::null_mut(), None) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Whether this error stands for one datagram, which it takes out of the queue: it was too large, or it was
/// one that this socket sent and that did not arrive.
pub(super) fn is_about_one_datagram(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(WSAEMSGSIZE | WSAECONNRESET | WSAENETRESET))
}

/// How many destinations of a socket are tagged at a time: the clients of a server.
const MAX_FLOWS: usize = 256;

/// The destinations to which a socket's datagrams are tagged by qWAVE.
#[derive(Debug)]
pub(super) struct Flows {
    qwave: &'static Qwave,
    destinations: Mutex<([Option<SocketAddr>; MAX_FLOWS], usize)>,
}

/// The functions of qwave.dll. Not every Windows has it, so it is not linked with.
#[derive(Debug)]
struct Qwave {
    handle: usize,
    add: AddSocketToFlow,
    remove: RemoveSocketFromFlow,
}

type CreateHandle = unsafe extern "system" fn(version: *const [u16; 2], handle: *mut HANDLE) -> i32;
type AddSocketToFlow = unsafe extern "system" fn(HANDLE, SOCKET, *const SOCKADDR, i32, u32, *mut u32) -> i32;
type RemoveSocketFromFlow = unsafe extern "system" fn(HANDLE, SOCKET, u32, u32) -> i32;

const QOS_VERSION: [u16; 2] = [1, 0];
/// Comes closest to expedited forwarding, which only administrators can ask for by number.
const QOS_TRAFFIC_TYPE_VOICE: i32 = 4;
const QOS_NON_ADAPTIVE_FLOW: u32 = 2;
/// In place of one flow: all of the socket.
const ALL_FLOWS: u32 = 0;

impl Flows {
    /// `None` where the system has no qWAVE, or does not let us use it.
    pub(super) fn new() -> Option<Self> {
        static QWAVE: OnceLock<Option<Qwave>> = OnceLock::new();
        Some(Self::with(QWAVE.get_or_init(Qwave::load).as_ref()?))
    }

    fn with(qwave: &'static Qwave) -> Self {
        Self { qwave, destinations: Mutex::new(([None; MAX_FLOWS], 0)) }
    }

    /// Has what the socket sends there tagged. Where there are too many destinations, all start anew.
    pub(super) fn add(&self, socket: &Socket, to: &SocketAddr) {
        let Ok(mut destinations) = self.destinations.lock() else { return };
        let (known, count) = &mut *destinations;
        if known[..*count].contains(&Some(*to)) {
            return;
        }
        let (handle, socket) = (self.qwave.handle as HANDLE, socket.as_raw_socket() as SOCKET);
        if *count == MAX_FLOWS {
            // SAFETY: handle and socket are open.
            unsafe { (self.qwave.remove)(handle, socket, ALL_FLOWS, 0) };
            *count = 0;
        }
        // Remembered also if it is refused, so as not to be asked for with every datagram.
        known[*count] = Some(*to);
        *count += 1;
        let (address, mut flow) = (SockAddr::from(*to), 0);
        // SAFETY: handle and socket are open; the address and the flow live until the call returns.
        unsafe {
            let address = address.as_ptr().cast();
            (self.qwave.add)(handle, socket, address, QOS_TRAFFIC_TYPE_VOICE, QOS_NON_ADAPTIVE_FLOW, &mut flow)
        };
    }
}

impl Qwave {
    fn load() -> Option<Self> {
        let name: Vec<u16> = "qwave.dll\0".encode_utf16().collect();
        // SAFETY: the name ends in zero; it is looked for among the system's own libraries only.
        let library = unsafe { LoadLibraryExW(name.as_ptr(), ptr::null_mut(), LOAD_LIBRARY_SEARCH_SYSTEM32) };
        if library.is_null() {
            return None;
        }
        let function = |name: &CStr| {
            // SAFETY: the library is loaded, and stays so; the name ends in zero.
            unsafe { GetProcAddress(library, name.as_ptr().cast()) }
        };
        let create = function(c"QOSCreateHandle")?;
        let add = function(c"QOSAddSocketToFlow")?;
        let remove = function(c"QOSRemoveSocketFromFlow")?;
        type Any = unsafe extern "system" fn() -> isize;
        // SAFETY: these are the documented types of these functions.
        let (create, add, remove) = unsafe {
            (
                mem::transmute::<Any, CreateHandle>(create),
                mem::transmute::<Any, AddSocketToFlow>(add),
                mem::transmute::<Any, RemoveSocketFromFlow>(remove),
            )
        };
        let mut handle = ptr::null_mut();
        // SAFETY: version and handle live until the call returns.
        let created = unsafe { create(&QOS_VERSION, &mut handle) } != 0;
        created.then_some(Self { handle: handle as usize, add, remove })
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use socket2::{Domain, Protocol, Type};

    use super::*;

    static ADDED: Mutex<usize> = Mutex::new(0);
    static REMOVED: Mutex<usize> = Mutex::new(0);

    unsafe extern "system" fn add(
        _: HANDLE,
        _: SOCKET,
        to: *const SOCKADDR,
        kind: i32,
        flags: u32,
        _: *mut u32,
    ) -> i32 {
        assert!(!to.is_null());
        assert_eq!((kind, flags), (QOS_TRAFFIC_TYPE_VOICE, QOS_NON_ADAPTIVE_FLOW));
        *ADDED.lock().unwrap() += 1;
        0
    }

    unsafe extern "system" fn remove(_: HANDLE, _: SOCKET, flow: u32, _: u32) -> i32 {
        assert_eq!(flow, ALL_FLOWS);
        *REMOVED.lock().unwrap() += 1;
        1
    }

    fn socket() -> Socket {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP)).unwrap();
        socket.bind(&SockAddr::from(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))).unwrap();
        socket
    }

    #[test]
    fn each_destination_becomes_a_flow_once() {
        static QWAVE: Qwave = Qwave { handle: 1, add, remove };
        let (flows, socket) = (Flows::with(&QWAVE), socket());
        let counts = || (*ADDED.lock().unwrap(), *REMOVED.lock().unwrap());
        let to = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        for port in 1..=MAX_FLOWS as u16 {
            flows.add(&socket, &to(port));
            flows.add(&socket, &to(port));
            flows.add(&socket, &to(1));
        }
        assert_eq!(counts(), (MAX_FLOWS, 0));
        flows.add(&socket, &to(1000));
        assert_eq!(counts(), (MAX_FLOWS + 1, 1));
        flows.add(&socket, &to(1));
        flows.add(&socket, &to(1000));
        assert_eq!(counts(), (MAX_FLOWS + 2, 1));
    }

    #[test]
    fn the_systems_qwave_is_used_where_there_is_one() {
        let socket = socket();
        if let Some(flows) = Flows::new() {
            flows.add(&socket, &SocketAddr::from((Ipv4Addr::LOCALHOST, 9)));
        }
    }

    #[test]
    fn winsock_starts_and_stops() {
        for _ in 0..3 {
            start().unwrap();
        }
        for _ in 0..3 {
            stop();
        }
        socket();
    }

    #[test]
    fn a_peer_that_is_not_there_is_not_reported() {
        let socket = socket();
        ignore_unreachable_peers(&socket).unwrap();
        socket.set_nonblocking(true).unwrap();
        let closed = self::socket().local_addr().unwrap();
        socket.send_to(b"nobody", &closed).unwrap();
        let error = socket.recv(&mut [mem::MaybeUninit::uninit(); 10]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    }
}
