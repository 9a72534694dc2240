//! Many datagrams in one system call: `recvmmsg` of Linux.

use std::io;
use std::mem;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::ptr;

use allocator_api2::alloc::Allocator;
use allocator_api2::vec::Vec;
use socket2::{SockAddr, SockAddrStorage, Socket};

use super::socket::without_flow;

/// How many datagrams are taken at a time.
pub(super) const BATCH: usize = 32;

/// Room for a batch of datagrams of up to `N` bytes and their sources.
pub(super) struct Batch<const N: usize, A: Allocator> {
    datagrams: Vec<[u8; N], A>,
    sources: Vec<SockAddrStorage, A>,
    /// Size and source of each datagram received.
    received: Vec<(usize, Option<SocketAddr>), A>,
}

impl<const N: usize, A: Allocator + Clone> Batch<N, A> {
    /// `None` if there is no memory.
    pub(super) fn try_new_in(allocator: A) -> Option<Self> {
        let mut batch = Self {
            datagrams: Vec::new_in(allocator.clone()),
            sources: Vec::new_in(allocator.clone()),
            received: Vec::new_in(allocator),
        };
        batch.datagrams.try_reserve_exact(BATCH).ok()?;
        batch.sources.try_reserve_exact(BATCH).ok()?;
        batch.received.try_reserve_exact(BATCH).ok()?;
        batch.datagrams.resize(BATCH, [0; N]);
        batch.sources.resize_with(BATCH, SockAddrStorage::zeroed);
        Some(batch)
    }

    /// Takes up to `wanted` datagrams that have come in, and says how many.
    pub(super) fn receive(&mut self, socket: &Socket, wanted: usize) -> io::Result<usize> {
        let wanted = wanted.min(BATCH);
        // SAFETY: all zeros are valid values of these structs.
        let (mut vectors, mut headers) = unsafe { mem::zeroed::<([libc::iovec; BATCH], [libc::mmsghdr; BATCH])>() };
        let rooms = self.datagrams.iter_mut().zip(&mut self.sources);
        for ((header, vector), (datagram, source)) in headers[..wanted].iter_mut().zip(&mut vectors).zip(rooms) {
            vector.iov_base = datagram.as_mut_ptr().cast();
            vector.iov_len = N;
            header.msg_hdr.msg_iov = vector;
            header.msg_hdr.msg_iovlen = 1;
            header.msg_hdr.msg_name = ptr::from_mut(source).cast();
            header.msg_hdr.msg_namelen = size_of::<SockAddrStorage>() as libc::socklen_t;
        }
        // SAFETY: the headers point to vectors, datagrams and sources that live until the call returns
        // and are not used meanwhile.
        let count = unsafe {
            let flags = libc::MSG_DONTWAIT as _;
            libc::recvmmsg(socket.as_raw_fd(), headers.as_mut_ptr(), wanted as _, flags, ptr::null_mut())
        };
        let count = usize::try_from(count).map_err(|_| io::Error::last_os_error())?;
        self.received.clear();
        for (header, source) in headers[..count.min(wanted)].iter().zip(&self.sources) {
            // SAFETY: storage is plain data, in which the kernel has left an address of this length.
            let source = unsafe { SockAddr::new(ptr::read(source), header.msg_hdr.msg_namelen) };
            self.received.push((header.msg_len as usize, source.as_socket().map(without_flow)));
        }
        Ok(self.received.len())
    }

    /// The source and the bytes of a datagram that the last call has received.
    pub(super) fn datagram(&mut self, index: usize) -> Option<(SocketAddr, &mut [u8])> {
        let (bytes, source) = *self.received.get(index)?;
        Some((source?, self.datagrams.get_mut(index)?.get_mut(..bytes)?))
    }
}
