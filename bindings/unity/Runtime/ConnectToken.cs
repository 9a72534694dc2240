using System;
using System.Runtime.InteropServices;

namespace Netcode
{
    /// <summary>
    /// What lets one client connect. Your backend makes it and sends it to the client over a secure channel. It holds
    /// keys: it is kept outside of the garbage collector's reach, and wiped by Dispose.
    /// </summary>
    public sealed unsafe class ConnectToken : IDisposable
    {
        public const int Bytes = NetcodeNative.NETCODE_CONNECT_TOKEN_BYTES;
        public const int MaxServers = NetcodeNative.NETCODE_MAX_SERVERS_PER_CONNECT;

        IntPtr _data = Marshal.AllocHGlobal(Bytes);

        /// <summary>A token as it came from the backend. Whether it is a good one shows when a client connects.</summary>
        public ConnectToken(ReadOnlySpan<byte> bytes)
        {
            if (bytes.Length != Bytes)
                throw new ArgumentException("a connect token has " + Bytes + " bytes, not " + bytes.Length, nameof(bytes));
            bytes.CopyTo(new Span<byte>((void*)Pointer, Bytes));
            GC.KeepAlive(this);     // here as below: else the finalizer may free the memory meanwhile
        }

        public ConnectToken(byte[] bytes) : this(new ReadOnlySpan<byte>(bytes)) { }

        ConnectToken() { }

        ~ConnectToken()
        {
            Wipe();
        }

        /// <summary>
        /// Makes a token for one server. Use this on your backend, or for development: whoever has the private key can
        /// connect as anybody and read all sessions, so it must not be in what players get.
        /// </summary>
        public static ConnectToken Generate(string serverAddress, int expireSeconds, int timeoutSeconds, ulong clientId,
            ulong protocolId, byte[] privateKey, byte[] userData = null)
        {
            return Generate(new[] { serverAddress }, null, expireSeconds, timeoutSeconds, clientId, protocolId, privateKey, userData);
        }

        /// <summary>
        /// Makes a token for up to MaxServers servers, first choice first. The internal addresses are how the servers
        /// know themselves; null stands for the public ones. The token can be used for expireSeconds (negative: for
        /// ever). A side that hears nothing for timeoutSeconds gives the connection up (zero or negative: never). The
        /// client id must be unique among connected clients. userData, of at most 256 bytes, is for the server.
        /// </summary>
        public static ConnectToken Generate(string[] publicAddresses, string[] internalAddresses, int expireSeconds,
            int timeoutSeconds, ulong clientId, ulong protocolId, byte[] privateKey, byte[] userData = null)
        {
            CheckArguments(publicAddresses, internalAddresses, privateKey, userData);
            NetcodeLibrary.EnsureReady();
            var token = new ConnectToken();
            byte* paddedUserData = stackalloc byte[NetcodeLibrary.UserDataBytes];
            var room = new Span<byte>(paddedUserData, NetcodeLibrary.UserDataBytes);
            room.Clear();
            new ReadOnlySpan<byte>(userData).CopyTo(room);
            int result;
            fixed (byte* key = privateKey)
            using (var servers = new NativeStrings(publicAddresses))
            using (var inside = new NativeStrings(internalAddresses ?? publicAddresses))
            {
                result = NetcodeNative.netcode_generate_connect_token(publicAddresses.Length, servers.Pointers, inside.Pointers,
                    expireSeconds, timeoutSeconds, clientId, protocolId, key, paddedUserData, (byte*)token._data);
            }
            room.Clear();
            if (result == NetcodeNative.NETCODE_OK)
                return token;
            token.Dispose();
            throw new NetcodeException("no connect token: the system has no random bytes");
        }

        /// <summary>The bytes, to be sent to the client over a secure channel.</summary>
        public byte[] ToArray()
        {
            byte[] copy = new ReadOnlySpan<byte>((void*)Pointer, Bytes).ToArray();
            GC.KeepAlive(this);
            return copy;
        }

        /// <summary>The same without garbage, into at least Bytes bytes.</summary>
        public void CopyTo(Span<byte> destination)
        {
            new ReadOnlySpan<byte>((void*)Pointer, Bytes).CopyTo(destination);
            GC.KeepAlive(this);
        }

        /// <summary>Wipes the token. A client that is connecting with it does not need it any more.</summary>
        public void Dispose()
        {
            Wipe();
            GC.SuppressFinalize(this);
        }

        internal IntPtr Pointer
        {
            get
            {
                if (_data == IntPtr.Zero)
                    throw new ObjectDisposedException(nameof(ConnectToken));
                return _data;
            }
        }

        void Wipe()
        {
            if (_data == IntPtr.Zero)
                return;
            new Span<byte>((void*)_data, Bytes).Clear();
            Marshal.FreeHGlobal(_data);
            _data = IntPtr.Zero;
        }

        /// <summary>Debug builds of the library end the program for these.</summary>
        static void CheckAddresses(string[] addresses)
        {
            foreach (string address in addresses)
            {
                if (address == null)
                    throw new ArgumentNullException(nameof(addresses));
                if (!NetcodeAddress.TryParse(address, out NetcodeAddress parsed))
                    throw new NetcodeException("no connect token: " + address + " is no address");
            }
        }

        static void CheckArguments(string[] publicAddresses, string[] internalAddresses, byte[] privateKey, byte[] userData)
        {
            if (publicAddresses == null)
                throw new ArgumentNullException(nameof(publicAddresses));
            if (publicAddresses.Length < 1 || publicAddresses.Length > MaxServers)
                throw new ArgumentException("a connect token has 1 to " + MaxServers + " servers", nameof(publicAddresses));
            if (internalAddresses != null && internalAddresses.Length != publicAddresses.Length)
                throw new ArgumentException("one internal address for each public one", nameof(internalAddresses));
            CheckAddresses(publicAddresses);
            CheckAddresses(internalAddresses ?? publicAddresses);
            Keys.Check(privateKey, nameof(privateKey));
            if (userData != null && userData.Length > NetcodeLibrary.UserDataBytes)
                throw new ArgumentException("user data has at most " + NetcodeLibrary.UserDataBytes + " bytes", nameof(userData));
        }
    }

    internal static class Keys
    {
        public static void Check(byte[] key, string name)
        {
            if (key == null)
                throw new ArgumentNullException(name);
            if (key.Length != NetcodeLibrary.KeyBytes)
                throw new ArgumentException("a private key has " + NetcodeLibrary.KeyBytes + " bytes, not " + key.Length, name);
        }
    }

    /// <summary>Strings as C has them.</summary>
    internal sealed unsafe class NativeStrings : IDisposable
    {
        readonly GCHandle[] _pins;
        readonly IntPtr[] _pointers;
        GCHandle _pointersPin;

        public NativeStrings(string[] strings)
        {
            _pins = new GCHandle[strings.Length];
            _pointers = new IntPtr[strings.Length];
            var bytes = new byte[strings.Length][];
            for (int i = 0; i < strings.Length; i++)
                bytes[i] = NetcodeLibrary.Utf8(strings[i]);
            for (int i = 0; i < strings.Length; i++)
            {
                _pins[i] = GCHandle.Alloc(bytes[i], GCHandleType.Pinned);
                _pointers[i] = _pins[i].AddrOfPinnedObject();
            }
            _pointersPin = GCHandle.Alloc(_pointers, GCHandleType.Pinned);
        }

        public byte** Pointers => (byte**)_pointersPin.AddrOfPinnedObject();

        public void Dispose()
        {
            _pointersPin.Free();
            foreach (GCHandle pin in _pins)
                pin.Free();
        }
    }
}
