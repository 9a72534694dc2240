using System;
using System.Net;
using System.Net.Sockets;

namespace Netcode
{
    /// <summary>An IPv4 or IPv6 address with a port. The default value is no address.</summary>
    public unsafe struct NetcodeAddress : IEquatable<NetcodeAddress>
    {
        // Of 16 bits, in an IPv6 address. Bytes that an IPv4 address does not need are zero.
        const int Groups = 8;

        NetcodeNative.netcode_address_t _native;

        internal NetcodeAddress(NetcodeNative.netcode_address_t* native)
        {
            _native = native == null ? default(NetcodeNative.netcode_address_t) : *native;
        }

        public AddressType Type => (AddressType)_native.type;

        public int Port => _native.port;

        /// <summary>The same address with another port.</summary>
        public NetcodeAddress WithPort(int port)
        {
            if (port < 0 || port > ushort.MaxValue)
                throw new ArgumentOutOfRangeException(nameof(port));
            NetcodeAddress copy = this;
            copy._native.port = (ushort)port;
            return copy;
        }

        /// <summary>
        /// Reads "1.2.3.4", "1.2.3.4:port", "::1", "[::1]" or "[::1]:port". Names are not looked up.
        /// </summary>
        public static bool TryParse(string text, out NetcodeAddress address)
        {
            address = default(NetcodeAddress);
            if (text == null || text.IndexOf('\0') >= 0)
                return false;
            NetcodeLibrary.EnsureReady();
            NetcodeNative.netcode_address_t native;
            fixed (byte* bytes = NetcodeLibrary.Utf8(text))
            {
                if (NetcodeNative.netcode_parse_address(bytes, &native) != NetcodeNative.NETCODE_OK)
                    return false;
            }
            address = new NetcodeAddress(&native);
            return true;
        }

        public static NetcodeAddress Parse(string text)
        {
            if (text == null)
                throw new ArgumentNullException(nameof(text));
            if (!TryParse(text, out NetcodeAddress address))
                throw new FormatException("no address: " + text);
            return address;
        }

        public static NetcodeAddress FromEndPoint(IPEndPoint endPoint)
        {
            if (endPoint == null)
                throw new ArgumentNullException(nameof(endPoint));
            bool wide = endPoint.AddressFamily == AddressFamily.InterNetworkV6;
            byte[] bytes = endPoint.Address.GetAddressBytes();
            var native = new NetcodeNative.netcode_address_t();
            native.type = (byte)(wide ? AddressType.IPv6 : AddressType.IPv4);
            native.port = (ushort)endPoint.Port;
            for (int i = 0; i < bytes.Length; i++)
            {
                if (!wide)
                    native.data.ipv4[i] = bytes[i];
                else if (i % 2 == 0)
                    native.data.ipv6[i / 2] = (ushort)(bytes[i] << 8 | bytes[i + 1]);
            }
            return new NetcodeAddress(&native);
        }

        public IPEndPoint ToEndPoint()
        {
            if (Type == AddressType.None)
                throw new InvalidOperationException("no address");
            NetcodeNative.netcode_address_t native = _native;
            var bytes = new byte[Type == AddressType.IPv6 ? 16 : 4];
            for (int i = 0; i < bytes.Length; i++)
            {
                if (Type == AddressType.IPv4)
                    bytes[i] = native.data.ipv4[i];
                else
                    bytes[i] = (byte)(native.data.ipv6[i / 2] >> (i % 2 == 0 ? 8 : 0));
            }
            return new IPEndPoint(new IPAddress(bytes), Port);
        }

        public override string ToString()
        {
            NetcodeLibrary.EnsureReady();
            byte* text = stackalloc byte[NetcodeNative.NETCODE_MAX_ADDRESS_STRING_LENGTH];
            NetcodeNative.netcode_address_t native = _native;
            return NetcodeLibrary.FromUtf8(NetcodeNative.netcode_address_to_string(&native, text));
        }

        /// <summary>Unlike in C, two that are no address are equal, so that this goes with GetHashCode.</summary>
        public bool Equals(NetcodeAddress other)
        {
            NetcodeNative.netcode_address_t a = _native, b = other._native;
            if (a.type != b.type || a.port != b.port)
                return false;
            for (int i = 0; i < Groups; i++)
            {
                if (a.data.ipv6[i] != b.data.ipv6[i])
                    return false;
            }
            return true;
        }

        public override bool Equals(object other) => other is NetcodeAddress && Equals((NetcodeAddress)other);

        public override int GetHashCode()
        {
            NetcodeNative.netcode_address_t native = _native;
            int hash = native.type << 16 ^ native.port;
            for (int i = 0; i < Groups; i++)
                hash = unchecked(hash * 31 + native.data.ipv6[i]);
            return hash;
        }

        public static bool operator ==(NetcodeAddress a, NetcodeAddress b) => a.Equals(b);

        public static bool operator !=(NetcodeAddress a, NetcodeAddress b) => !a.Equals(b);

        internal NetcodeNative.netcode_address_t Native => _native;
    }
}
