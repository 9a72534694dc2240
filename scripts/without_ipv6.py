#!/usr/bin/env python3
"""Runs a command on a host that has no IPv6: in a network namespace of its own, with nothing but IPv4 loopback.

    without_ipv6.py COMMAND...

Where the system does not allow that, it says so, and does nothing; with CROSS_REQUIRE=1 that is a failure.
"""

import ctypes
import fcntl
import os
import socket
import struct
import sys

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
SIOCSIFFLAGS, IFF_UP, IFF_RUNNING = 0x8914, 0x1, 0x40


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    try:
        enter()
    except (OSError, AttributeError) as error:
        print(f"SKIPPED: a host without IPv6, since there is no network namespace: {error}", file=sys.stderr)
        return 1 if os.environ.get("CROSS_REQUIRE") else 0
    os.execvp(sys.argv[1], sys.argv[1:])


def enter():
    user, group = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET | (CLONE_NEWUSER if user else 0)) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    if user:
        write("/proc/self/setgroups", "deny")
        write("/proc/self/uid_map", f"{user} {user} 1")
        write("/proc/self/gid_map", f"{group} {group} 1")
    # Before the interface is up, so that it never gets an address.
    for name in ("all", "default", "lo"):
        path = f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6"
        if os.path.exists(path):
            write(path, "1")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", IFF_UP | IFF_RUNNING))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as works:
        works.bind(("127.0.0.1", 0))
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as works_too:
            works_too.bind(("::1", 0))
    except OSError:
        return
    raise OSError("IPv6 is still there")


def write(path, text):
    with open(path, "w") as file:
        file.write(text)


if __name__ == "__main__":
    sys.exit(main())
