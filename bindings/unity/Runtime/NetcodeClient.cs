using System;
using System.Runtime.InteropServices;
#if UNITY_5_3_OR_NEWER
using Unity.Collections;
using Unity.Collections.LowLevel.Unsafe;
#endif

namespace Netcode
{
    /// <summary>
    /// A client. Call Update regularly, in Unity once a frame. See NetcodeObject for threads, handlers and Dispose.
    /// Send and TryReceive make no garbage.
    /// </summary>
    public sealed unsafe class NetcodeClient : NetcodeObject
    {
        /// <summary>Each change of state: the previous one, and the one that State reports after it.</summary>
        public event Action<ClientState, ClientState> StateChanged;

        /// <summary>What this client sends while it is connected by ConnectLoopback.</summary>
        public event LoopbackPacketHandler LoopbackPacketSent;

        /// <summary>On "0.0.0.0" (IPv4) or "::" (IPv6) with a port that the system chooses, or one with a port.</summary>
        public NetcodeClient(string address = "0.0.0.0", IDatagrams datagrams = null)
            : this(address, null, NetcodeLibrary.Time, datagrams) { }

        /// <summary>
        /// With a second address (or null), for connect tokens with servers of both kinds, and with a clock of your own,
        /// in seconds: pass the same clock to Update.
        /// </summary>
        public NetcodeClient(string address1, string address2, double time, IDatagrams datagrams = null)
        {
            NetcodeLibrary.EnsureReady();
            byte[] text1 = NetcodeLibrary.Utf8(address1);
            byte[] text2 = address2 == null ? null : NetcodeLibrary.Utf8(address2);
            NetcodeNative.netcode_client_config_t config;
            NetcodeNative.netcode_default_client_config(&config);
            config.callback_context = (void*)NewContext();
            config.state_change_callback = Callbacks.StateChange;
            config.send_loopback_packet_callback = Callbacks.ClientLoopback;
            if (datagrams != null)
            {
                Datagrams = datagrams;
                config.override_send_and_receive = 1;
                config.send_packet_override = Callbacks.Send;
                config.receive_packet_override = Callbacks.Receive;
            }
            bool created;
            fixed (byte* pointer1 = text1, pointer2 = text2)
            {
                created = Begin(text2 == null
                    ? NetcodeNative.netcode_client_create(pointer1, &config, time)
                    : NetcodeNative.netcode_client_create_dual(pointer1, pointer2, &config, time));
            }
            if (!created)
            {
                throw new NetcodeException((ClientCreateError)NetcodeNative.netcode_client_create_error(),
                    address1 + (address2 == null ? "" : ", " + address2));
            }
        }

        internal override void DestroyNative(IntPtr handle)
        {
            NetcodeNative.netcode_client_destroy(handle);
        }

        // ---- connecting ----

        /// <summary>Begins to connect, after disconnecting if need be. State and StateChanged tell how it goes.</summary>
        public void Connect(ConnectToken token)
        {
            if (token == null)
                throw new ArgumentNullException(nameof(token));
            IntPtr data = token.Pointer;
            IntPtr handle = Enter();
            try
            {
                NetcodeNative.netcode_client_connect(handle, (byte*)data);
            }
            finally
            {
                GC.KeepAlive(token);
                Exit();
            }
        }

        /// <summary>Disconnects, and tells the server.</summary>
        public void Disconnect()
        {
            IntPtr handle = Enter();
            try
            {
                NetcodeNative.netcode_client_disconnect(handle);
            }
            finally
            {
                Exit();
            }
        }

        /// <summary>Receives, sends and lets time pass. Events are raised from here.</summary>
        public void Update()
        {
            Update(NetcodeNative.netcode_time());
        }

        /// <summary>The same with your own clock, in seconds.</summary>
        public void Update(double time)
        {
            IntPtr handle = Enter();
            try
            {
                NetcodeNative.netcode_client_update(handle, time);
            }
            finally
            {
                Exit();
            }
        }

        // ---- packets ----

        /// <summary>
        /// Sends 1 to 1200 bytes to the server, unreliably and at once. Does nothing unless connected.
        /// </summary>
        public void Send(byte* data, int bytes)
        {
            PacketSize.Check(data, bytes);
            IntPtr handle = Enter();
            try
            {
                NetcodeNative.netcode_client_send_packet(handle, data, bytes);
            }
            finally
            {
                Exit();
            }
        }

        public void Send(ReadOnlySpan<byte> data)
        {
            fixed (byte* pointer = &MemoryMarshal.GetReference(data))
                Send(pointer, data.Length);
        }

        public void Send(byte[] data) => Send(new ReadOnlySpan<byte>(data));

        public void Send(ArraySegment<byte> data) => Send(new ReadOnlySpan<byte>(data.Array, data.Offset, data.Count));

        /// <summary>
        /// Takes the packet that has waited longest, with the server's number of it. The buffer has room for at least
        /// 1200 bytes, so that no packet is cut. Returns false when no packet waits.
        /// </summary>
        public bool TryReceive(byte* buffer, int capacity, out int bytes, out ulong sequence)
        {
            PacketSize.CheckBuffer(buffer, capacity);
            IntPtr handle = Handle;
            int size = 0;
            ulong number = 0;
            byte* packet = NetcodeNative.netcode_client_receive_packet(handle, &size, &number);
            if (packet != null)
            {
                Buffer.MemoryCopy(packet, buffer, capacity, size);
                NetcodeNative.netcode_client_free_packet(handle, packet);
            }
            GC.KeepAlive(this);
            bytes = size;
            sequence = number;
            return packet != null;
        }

        public bool TryReceive(Span<byte> buffer, out int bytes, out ulong sequence)
        {
            fixed (byte* pointer = &MemoryMarshal.GetReference(buffer))
                return TryReceive(pointer, buffer.Length, out bytes, out sequence);
        }

        public bool TryReceive(byte[] buffer, out int bytes, out ulong sequence)
        {
            return TryReceive(new Span<byte>(buffer), out bytes, out sequence);
        }

#if UNITY_5_3_OR_NEWER
        public void Send(NativeArray<byte> data)
        {
            Send((byte*)NativeArrayUnsafeUtility.GetUnsafeReadOnlyPtr(data), data.Length);
        }

        public bool TryReceive(NativeArray<byte> buffer, out int bytes, out ulong sequence)
        {
            return TryReceive((byte*)NativeArrayUnsafeUtility.GetUnsafePtr(buffer), buffer.Length, out bytes, out sequence);
        }
#endif

        // ---- what it knows ----

        public ClientState State
        {
            get
            {
                var state = (ClientState)NetcodeNative.netcode_client_state(Handle);
                GC.KeepAlive(this);
                return state;
            }
        }

        /// <summary>The slot on the server, once connected; else 0.</summary>
        public int Index
        {
            get
            {
                int index = NetcodeNative.netcode_client_index(Handle);
                GC.KeepAlive(this);
                return index;
            }
        }

        /// <summary>The number of slots of the server, once connected; else 0.</summary>
        public int MaxClients
        {
            get
            {
                int count = NetcodeNative.netcode_client_max_clients(Handle);
                GC.KeepAlive(this);
                return count;
            }
        }

        /// <summary>The port of the socket; 0 without one.</summary>
        public int Port
        {
            get
            {
                int port = NetcodeNative.netcode_client_get_port(Handle);
                GC.KeepAlive(this);
                return port;
            }
        }

        /// <summary>The server that the client is connected or connecting to; no address when there is none.</summary>
        public NetcodeAddress ServerAddress
        {
            get
            {
                var address = new NetcodeAddress(NetcodeNative.netcode_client_server_address(Handle));
                GC.KeepAlive(this);
                return address;
            }
        }

        /// <summary>The number that the next packet sent will have.</summary>
        public ulong NextPacketSequence
        {
            get
            {
                ulong sequence = NetcodeNative.netcode_client_next_packet_sequence(Handle);
                GC.KeepAlive(this);
                return sequence;
            }
        }

        // ---- a server in the same process ----

        public bool IsLoopback
        {
            get
            {
                bool loopback = NetcodeNative.netcode_client_loopback(Handle) != 0;
                GC.KeepAlive(this);
                return loopback;
            }
        }

        /// <summary>
        /// Connects to a server in the same process, without packets: what is sent goes to LoopbackPacketSent, and what
        /// is to be received comes by ProcessLoopbackPacket. The client must not be connected or connecting.
        /// </summary>
        public void ConnectLoopback(int clientIndex, int maxClients)
        {
            if (maxClients < 1 || maxClients > NetcodeLibrary.MaxClients)
                throw new ArgumentOutOfRangeException(nameof(maxClients));
            if (clientIndex < 0 || clientIndex >= maxClients)
                throw new ArgumentOutOfRangeException(nameof(clientIndex));
            if (State > ClientState.Disconnected)
                throw new InvalidOperationException("the client is connected or connecting");
            IntPtr handle = Enter();
            try
            {
                NetcodeNative.netcode_client_connect_loopback(handle, clientIndex, maxClients);
            }
            finally
            {
                Exit();
            }
        }

        public void DisconnectLoopback()
        {
            if (!IsLoopback)
                return;
            IntPtr handle = Enter();
            try
            {
                NetcodeNative.netcode_client_disconnect_loopback(handle);
            }
            finally
            {
                Exit();
            }
        }

        /// <summary>Has the client receive a packet as if its server had sent it.</summary>
        public void ProcessLoopbackPacket(ReadOnlySpan<byte> data, ulong sequence)
        {
            if (!IsLoopback)
                throw new InvalidOperationException("the client is not connected by ConnectLoopback");
            fixed (byte* pointer = &MemoryMarshal.GetReference(data))
            {
                PacketSize.Check(pointer, data.Length);
                IntPtr handle = Enter();
                try
                {
                    NetcodeNative.netcode_client_process_loopback_packet(handle, pointer, data.Length, sequence);
                }
                finally
                {
                    Exit();
                }
            }
        }

        // ---- called by Callbacks ----

        internal void RaiseStateChanged(ClientState previous, ClientState current)
        {
            StateChanged?.Invoke(previous, current);
        }

        internal void RaiseLoopbackPacketSent(int clientIndex, ReadOnlySpan<byte> data, ulong sequence)
        {
            LoopbackPacketSent?.Invoke(clientIndex, data, sequence);
        }
    }

    internal static unsafe class PacketSize
    {
        public static void Check(byte* data, int bytes)
        {
            if (bytes < 1 || bytes > NetcodeLibrary.MaxPacketSize)
                throw new ArgumentOutOfRangeException(nameof(bytes), bytes, "a packet has 1 to 1200 bytes");
            if (data == null)
                throw new ArgumentNullException(nameof(data));
        }

        public static void CheckBuffer(byte* buffer, int capacity)
        {
            if (capacity < NetcodeLibrary.MaxPacketSize)
                throw new ArgumentOutOfRangeException(nameof(capacity), capacity, "the buffer needs room for 1200 bytes");
            if (buffer == null)
                throw new ArgumentNullException(nameof(buffer));
        }
    }
}
