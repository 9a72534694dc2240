//! A shared library with the API of `netcode.h`: ours, or any other.

use crate::implementation::{
    Backend, Client, EXPIRE_SECONDS, Implementation, PRIVATE_KEY, PROTOCOL_ID, Server, Sink, TIMEOUT_SECONDS, Token,
    Transport, USER_DATA,
};
use crate::network::Port;
use libloading::Library;
use std::ffi::{CString, c_char, c_double, c_int, c_void};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::ptr;

const OK: c_int = 1;
const ADDRESS_IPV4: u8 = 1;
const STATE_CONNECTED: c_int = 3;

#[repr(C)]
struct Address {
    /// Four bytes of an IPv4 address, or eight words of an IPv6 address.
    data: [u16; 8],
    port: u16,
    kind: u8,
}

impl Address {
    fn new(address: SocketAddr) -> Self {
        let SocketAddr::V4(v4) = address else { unreachable!("the benchmark uses IPv4 only") };
        let [a, b, c, d] = v4.ip().octets();
        let mut data = [0; 8];
        data[0] = u16::from_ne_bytes([a, b]);
        data[1] = u16::from_ne_bytes([c, d]);
        Self { data, port: v4.port(), kind: ADDRESS_IPV4 }
    }

    fn get(&self) -> SocketAddr {
        let [[a, b], [c, d]] = [self.data[0].to_ne_bytes(), self.data[1].to_ne_bytes()];
        SocketAddr::from((Ipv4Addr::new(a, b, c, d), self.port))
    }
}

type Send = unsafe extern "C" fn(*mut c_void, *mut Address, *const u8, c_int);
type Receive = unsafe extern "C" fn(*mut c_void, *mut Address, *mut u8, c_int) -> c_int;

/// What both configs end with, as far as it is used here.
#[repr(C)]
struct Overrides {
    override_send_and_receive: c_int,
    send: Option<Send>,
    receive: Option<Receive>,
}

impl Overrides {
    fn set(&mut self) {
        self.override_send_and_receive = 1;
        self.send = Some(send_override);
        self.receive = Some(receive_override);
    }
}

#[repr(C)]
struct ClientConfig {
    allocator: [*mut c_void; 3],
    network_simulator: *mut c_void,
    callback_context: *mut c_void,
    callbacks: [*mut c_void; 2],
    overrides: Overrides,
}

#[repr(C)]
struct ServerConfig {
    protocol_id: u64,
    private_key: [u8; 32],
    allocator: [*mut c_void; 3],
    network_simulator: *mut c_void,
    callback_context: *mut c_void,
    callbacks: [*mut c_void; 2],
    overrides: Overrides,
    max_connect_token_lifetime: c_int,
}

/// Leaves room behind a config, for libraries of a later version whose config is larger.
#[repr(C)]
struct Roomy<T> {
    config: T,
    room: [u64; 64],
}

impl<T> Roomy<T> {
    fn new(default: unsafe extern "C" fn(*mut T)) -> Box<Self> {
        // SAFETY: the configs consist of integers, pointers and optional functions, for which zero is valid.
        let mut roomy: Box<Self> = Box::new(unsafe { std::mem::zeroed() });
        // SAFETY: the function fills the config.
        unsafe { default(&raw mut roomy.config) };
        roomy
    }
}

unsafe extern "C" fn send_override(context: *mut c_void, to: *mut Address, data: *const u8, bytes: c_int) {
    // SAFETY: the context is the port that was put into the config, and outlives the endpoint; the library
    // passes an address and that many bytes.
    unsafe { (*context.cast::<Port>()).send((*to).get(), std::slice::from_raw_parts(data, bytes as usize)) };
}

unsafe extern "C" fn receive_override(context: *mut c_void, from: *mut Address, data: *mut u8, max: c_int) -> c_int {
    // SAFETY: as above; the library has room for `max` bytes and for an address.
    unsafe {
        let buffer = std::slice::from_raw_parts_mut(data, max as usize);
        match (*context.cast::<Port>()).receive(buffer) {
            Some((bytes, address)) => {
                from.write(Address::new(address));
                bytes as c_int
            }
            None => 0,
        }
    }
}

/// Declares the table of functions, and how to fill it from a library.
macro_rules! functions {
    ($( $name:ident : fn( $($argument:ty),* ) $(-> $result:ty)?; )*) => {
        struct Functions {
            $( $name: unsafe extern "C" fn( $($argument),* ) $(-> $result)?, )*
        }

        impl Functions {
            fn load(library: &Library) -> Result<Self, String> {
                Ok(Self {
                    // SAFETY: these are the signatures of netcode.h; the library is never unloaded.
                    $( $name: *unsafe { library.get(concat!("netcode_", stringify!($name)).as_bytes()) }
                        .map_err(|error| error.to_string())?, )*
                })
            }
        }
    };
}

functions! {
    init: fn() -> c_int;
    generate_connect_token: fn(
        c_int, *const *const c_char, *const *const c_char, c_int, c_int, u64, u64, *const u8, *const u8, *mut u8
    ) -> c_int;
    default_client_config: fn(*mut ClientConfig);
    client_create: fn(*const c_char, *const ClientConfig, c_double) -> *mut c_void;
    client_destroy: fn(*mut c_void);
    client_connect: fn(*mut c_void, *const u8);
    client_update: fn(*mut c_void, c_double);
    client_send_packet: fn(*mut c_void, *const u8, c_int);
    client_receive_packet: fn(*mut c_void, *mut c_int, *mut u64) -> *mut u8;
    client_free_packet: fn(*mut c_void, *mut u8);
    client_state: fn(*mut c_void) -> c_int;
    default_server_config: fn(*mut ServerConfig);
    server_create: fn(*const c_char, *const ServerConfig, c_double) -> *mut c_void;
    server_destroy: fn(*mut c_void);
    server_start: fn(*mut c_void, c_int);
    server_update: fn(*mut c_void, c_double);
    server_send_packet: fn(*mut c_void, c_int, *const u8, c_int);
    server_receive_packet: fn(*mut c_void, c_int, *mut c_int, *mut u64) -> *mut u8;
    server_free_packet: fn(*mut c_void, *mut u8);
    server_num_connected_clients: fn(*mut c_void) -> c_int;
    server_get_port: fn(*mut c_void) -> u16;
}

/// A loaded library.
pub(crate) struct CLibrary {
    name: String,
    functions: Functions,
    _library: Library,
}

impl CLibrary {
    pub(crate) fn load(name: &str, path: &Path) -> Result<Self, String> {
        // SAFETY: a netcode library has no initialisers that could do harm.
        let library = unsafe { Library::new(path) }.map_err(|error| format!("cannot load {name}: {error}"))?;
        let functions = Functions::load(&library)?;
        // SAFETY: called before anything else; there is no term, as the library stays loaded until the end.
        if unsafe { (functions.init)() } != OK {
            return Err(format!("{name}: netcode_init failed"));
        }
        Ok(Self { name: name.to_string(), functions, _library: library })
    }
}

fn text(address: SocketAddr) -> CString {
    CString::new(address.to_string()).expect("addresses have no zero byte")
}

/// Hands packets to the sink until there are none. `next` stores the size of the packet that it returns.
fn drain(sink: Sink<'_>, mut next: impl FnMut(&mut c_int) -> *mut u8, mut free: impl FnMut(*mut u8)) {
    loop {
        let mut bytes = 0;
        let packet = next(&mut bytes);
        if packet.is_null() {
            return;
        }
        // SAFETY: the library returned a packet of that many bytes.
        sink(unsafe { std::slice::from_raw_parts(packet, bytes as usize) });
        free(packet);
    }
}

impl Implementation for CLibrary {
    fn name(&self) -> &str {
        &self.name
    }

    fn backend(&self, server: SocketAddr) -> Backend<'_> {
        let address = text(server);
        Box::new(move |client_id| {
            let mut token = [0; 2048];
            let addresses = [address.as_ptr()];
            // SAFETY: the array has one address; key, user data and token have the sizes that are asked for.
            let result = unsafe {
                (self.functions.generate_connect_token)(
                    1,
                    addresses.as_ptr(),
                    addresses.as_ptr(),
                    EXPIRE_SECONDS as c_int,
                    TIMEOUT_SECONDS,
                    client_id,
                    PROTOCOL_ID,
                    PRIVATE_KEY.as_ptr(),
                    USER_DATA.as_ptr(),
                    token.as_mut_ptr(),
                )
            };
            assert_eq!(result, OK, "{}: no connect token", self.name);
            token
        })
    }

    fn server<'a>(&'a self, transport: &Transport, slots: usize) -> Result<Box<dyn Server + 'a>, String> {
        let functions = &self.functions;
        let mut roomy = Roomy::new(functions.default_server_config);
        roomy.config.protocol_id = PROTOCOL_ID;
        roomy.config.private_key = PRIVATE_KEY;
        let (port, address) = attach(transport, Port::server, &mut roomy.config.callback_context);
        if port.is_some() {
            roomy.config.overrides.set();
        }
        let address = address.unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        // SAFETY: text and config are as the header asks for; the library copies both.
        let handle = unsafe { (functions.server_create)(text(address).as_ptr(), &raw const roomy.config, 0.0) };
        if handle.is_null() {
            return Err(format!("{}: server not created", self.name));
        }
        // SAFETY: the server was created just now.
        unsafe { (functions.server_start)(handle, slots as c_int) };
        let mut server = CServer { functions, handle, slots: slots as c_int, address, _port: port };
        if address.port() == 0 {
            // SAFETY: as above.
            server.address.set_port(unsafe { (functions.server_get_port)(handle) });
        }
        Ok(Box::new(server))
    }

    fn client<'a>(
        &'a self,
        transport: &Transport,
        index: usize,
        token: &Token,
    ) -> Result<Box<dyn Client + 'a>, String> {
        let functions = &self.functions;
        let mut roomy = Roomy::new(functions.default_client_config);
        let (port, address) =
            attach(transport, |network| Port::client(network, index), &mut roomy.config.callback_context);
        if port.is_some() {
            roomy.config.overrides.set();
        }
        let address = address.unwrap_or(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)));
        // SAFETY: text and config are as the header asks for; the library copies both.
        let handle = unsafe { (functions.client_create)(text(address).as_ptr(), &raw const roomy.config, 0.0) };
        if handle.is_null() {
            return Err(format!("{}: client not created", self.name));
        }
        // SAFETY: the client was created just now; the token has the size that is asked for.
        unsafe { (functions.client_connect)(handle, token.as_ptr()) };
        Ok(Box::new(CClient { functions, handle, _port: port }))
    }
}

/// For a network in memory: makes a port, tells the config of it, and returns it with its address.
fn attach(
    transport: &Transport,
    port: impl FnOnce(&std::rc::Rc<crate::network::Network>) -> Port,
    context: &mut *mut c_void,
) -> (Option<Box<Port>>, Option<SocketAddr>) {
    match transport {
        Transport::Sockets => (None, None),
        Transport::Memory(network) => {
            let port = Box::new(port(network));
            *context = ptr::from_ref::<Port>(&port).cast_mut().cast();
            let address = port.address;
            (Some(port), Some(address))
        }
    }
}

struct CServer<'a> {
    functions: &'a Functions,
    handle: *mut c_void,
    slots: c_int,
    address: SocketAddr,
    /// The context of the callbacks.
    _port: Option<Box<Port>>,
}

impl Server for CServer<'_> {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn connected(&self) -> usize {
        // SAFETY: the handle is good until it is dropped.
        unsafe { (self.functions.server_num_connected_clients)(self.handle) as usize }
    }

    fn update(&mut self, time: f64, sink: Sink<'_>) {
        let (functions, handle) = (self.functions, self.handle);
        // SAFETY: the handle is good until it is dropped.
        unsafe { (functions.server_update)(handle, time) };
        for slot in 0..self.slots {
            drain(
                sink,
                // SAFETY: as above; the size is stored in the variable, and the sequence may be NULL.
                |bytes| unsafe { (functions.server_receive_packet)(handle, slot, bytes, ptr::null_mut()) },
                // SAFETY: the packet came from this server, and is freed once.
                |packet| unsafe { (functions.server_free_packet)(handle, packet) },
            );
        }
    }

    fn send_to_all(&mut self, payload: &[u8]) {
        for slot in 0..self.slots {
            // SAFETY: the handle is good until it is dropped.
            unsafe {
                (self.functions.server_send_packet)(self.handle, slot, payload.as_ptr(), payload.len() as c_int);
            }
        }
    }
}

impl Drop for CServer<'_> {
    fn drop(&mut self) {
        // SAFETY: the handle is not used after this; the port is dropped later.
        unsafe { (self.functions.server_destroy)(self.handle) };
    }
}

struct CClient<'a> {
    functions: &'a Functions,
    handle: *mut c_void,
    /// The context of the callbacks.
    _port: Option<Box<Port>>,
}

impl Client for CClient<'_> {
    fn connected(&self) -> bool {
        // SAFETY: the handle is good until it is dropped.
        unsafe { (self.functions.client_state)(self.handle) == STATE_CONNECTED }
    }

    fn update(&mut self, time: f64, sink: Sink<'_>) {
        let (functions, handle) = (self.functions, self.handle);
        // SAFETY: the handle is good until it is dropped.
        unsafe { (functions.client_update)(handle, time) };
        drain(
            sink,
            // SAFETY: as above; the size is stored in the variable, and the sequence may be NULL.
            |bytes| unsafe { (functions.client_receive_packet)(handle, bytes, ptr::null_mut()) },
            // SAFETY: the packet came from this client, and is freed once.
            |packet| unsafe { (functions.client_free_packet)(handle, packet) },
        );
    }

    fn send(&mut self, payload: &[u8]) {
        // SAFETY: the handle is good until it is dropped.
        unsafe { (self.functions.client_send_packet)(self.handle, payload.as_ptr(), payload.len() as c_int) };
    }
}

impl Drop for CClient<'_> {
    fn drop(&mut self) {
        // SAFETY: the handle is not used after this; the port is dropped later.
        unsafe { (self.functions.client_destroy)(self.handle) };
    }
}
