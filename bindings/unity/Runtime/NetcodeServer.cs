using System;
using System.Runtime.InteropServices;
#if UNITY_5_3_OR_NEWER
using Unity.Collections;
using Unity.Collections.LowLevel.Unsafe;
#endif

namespace Netcode
{
    /// <summary>
    /// A server. Start it, and call Update regularly, in Unity once a frame. See NetcodeObject for threads, handlers and
    /// Dispose. Send and TryReceive make no garbage. Queries for a slot without a client, and for any slot while the
    /// server is not running, return 0, false, None and the like.
    /// </summary>
    public sealed unsafe class NetcodeServer : NetcodeObject
    {
        /// <summary>A client has connected, to this slot.</summary>
        public event Action<int> ClientConnected;

        /// <summary>The client of this slot is about to be disconnected; its id, address and data can still be read.</summary>
        public event Action<int, DisconnectReason> ClientDisconnected;

        /// <summary>What this server sends to clients that are connected by ConnectLoopbackClient.</summary>
        public event LoopbackPacketHandler LoopbackPacketSent;

        /// <summary>
        /// The address is the public one, as in connect tokens; the server listens on that port of all addresses of
        /// the host. With port 0 the system chooses one, which becomes part of the public address. The private key is
        /// what your backend makes connect tokens with; it is copied.
        /// </summary>
        public NetcodeServer(string address, ulong protocolId, byte[] privateKey, IDatagrams datagrams = null)
            : this(address, null, protocolId, privateKey, NetcodeLibrary.Time, 0, datagrams) { }

        /// <summary>
        /// With a second address (or null) for the other kind, a clock of your own in seconds (pass the same to Update),
        /// and the longest time for which your backend's tokens can be used (0: 30 seconds): for that long after Start,
        /// tokens that could have been used before it are refused.
        /// </summary>
        public NetcodeServer(string address1, string address2, ulong protocolId, byte[] privateKey, double time,
            int maxConnectTokenLifetime = 0, IDatagrams datagrams = null)
        {
            Keys.Check(privateKey, nameof(privateKey));
            NetcodeLibrary.EnsureReady();
            byte[] text1 = NetcodeLibrary.Utf8(address1);
            byte[] text2 = address2 == null ? null : NetcodeLibrary.Utf8(address2);
            NetcodeNative.netcode_server_config_t config;
            NetcodeNative.netcode_default_server_config(&config);
            config.protocol_id = protocolId;
            var key = new Span<byte>(config.private_key, NetcodeLibrary.KeyBytes);
            privateKey.CopyTo(key);
            config.callback_context = (void*)NewContext();
            config.connect_disconnect_callback = Callbacks.ConnectDisconnect;
            config.send_loopback_packet_callback = Callbacks.ServerLoopback;
            if (maxConnectTokenLifetime > 0)
                config.max_connect_token_lifetime = maxConnectTokenLifetime;
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
                    ? NetcodeNative.netcode_server_create(pointer1, &config, time)
                    : NetcodeNative.netcode_server_create_dual(pointer1, pointer2, &config, time));
            }
            key.Clear();
            if (!created)
            {
                throw new NetcodeException((ServerCreateError)NetcodeNative.netcode_server_create_error(),
                    address1 + (address2 == null ? "" : ", " + address2));
            }
        }

        internal override void DestroyNative(IntPtr handle)
        {
            NetcodeNative.netcode_server_destroy(handle);
        }

        // ---- running ----

        /// <summary>Starts with 1 to 256 slots, after stopping if need be.</summary>
        public void Start(int maxClients)
        {
            if (maxClients < 1 || maxClients > NetcodeLibrary.MaxClients)
                throw new ArgumentOutOfRangeException(nameof(maxClients), maxClients, "a server has 1 to 256 slots");
            IntPtr handle = Enter();
            try
            {
                NetcodeNative.netcode_server_start(handle, maxClients);
            }
            finally
            {
                Exit();
            }
        }

        /// <summary>Stops, disconnecting all clients.</summary>
        public void Stop()
        {
            IntPtr handle = Enter();
            try
            {
                NetcodeNative.netcode_server_stop(handle);
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
                NetcodeNative.netcode_server_update(handle, time);
            }
            finally
            {
                Exit();
            }
        }

        /// <summary>Sends the client of this slot away.</summary>
        public void DisconnectClient(int clientIndex)
        {
            if (!HasSlot(clientIndex) || !IsClientConnected(clientIndex) || IsClientLoopback(clientIndex))
                return;
            IntPtr handle = Enter();
            try
            {
                NetcodeNative.netcode_server_disconnect_client(handle, clientIndex);
            }
            finally
            {
                Exit();
            }
        }

        /// <summary>Sends all clients away, except those in the same process.</summary>
        public void DisconnectAllClients()
        {
            IntPtr handle = Enter();
            try
            {
                NetcodeNative.netcode_server_disconnect_all_clients(handle);
            }
            finally
            {
                Exit();
            }
        }

        // ---- packets ----

        /// <summary>
        /// Sends 1 to 1200 bytes to the client of this slot, unreliably and at once. Does nothing if there is none.
        /// </summary>
        public void Send(int clientIndex, byte* data, int bytes)
        {
            PacketSize.Check(data, bytes);
            if (!HasSlot(clientIndex))
                return;
            IntPtr handle = Enter();
            try
            {
                NetcodeNative.netcode_server_send_packet(handle, clientIndex, data, bytes);
            }
            finally
            {
                Exit();
            }
        }

        public void Send(int clientIndex, ReadOnlySpan<byte> data)
        {
            fixed (byte* pointer = &MemoryMarshal.GetReference(data))
                Send(clientIndex, pointer, data.Length);
        }

        public void Send(int clientIndex, byte[] data) => Send(clientIndex, new ReadOnlySpan<byte>(data));

        public void Send(int clientIndex, ArraySegment<byte> data)
        {
            Send(clientIndex, new ReadOnlySpan<byte>(data.Array, data.Offset, data.Count));
        }

        /// <summary>
        /// Takes the packet that has waited longest of those from the client of this slot, with the client's number of
        /// it. The buffer has room for at least 1200 bytes, so that no packet is cut. Returns false when none waits.
        /// </summary>
        public bool TryReceive(int clientIndex, byte* buffer, int capacity, out int bytes, out ulong sequence)
        {
            PacketSize.CheckBuffer(buffer, capacity);
            int size = 0;
            ulong number = 0;
            byte* packet = null;
            if (HasSlot(clientIndex))
            {
                IntPtr handle = Handle;
                packet = NetcodeNative.netcode_server_receive_packet(handle, clientIndex, &size, &number);
                if (packet != null)
                {
                    Buffer.MemoryCopy(packet, buffer, capacity, size);
                    NetcodeNative.netcode_server_free_packet(handle, packet);
                }
                GC.KeepAlive(this);
            }
            bytes = size;
            sequence = number;
            return packet != null;
        }

        public bool TryReceive(int clientIndex, Span<byte> buffer, out int bytes, out ulong sequence)
        {
            fixed (byte* pointer = &MemoryMarshal.GetReference(buffer))
                return TryReceive(clientIndex, pointer, buffer.Length, out bytes, out sequence);
        }

        public bool TryReceive(int clientIndex, byte[] buffer, out int bytes, out ulong sequence)
        {
            return TryReceive(clientIndex, new Span<byte>(buffer), out bytes, out sequence);
        }

#if UNITY_5_3_OR_NEWER
        public void Send(int clientIndex, NativeArray<byte> data)
        {
            Send(clientIndex, (byte*)NativeArrayUnsafeUtility.GetUnsafeReadOnlyPtr(data), data.Length);
        }

        public bool TryReceive(int clientIndex, NativeArray<byte> buffer, out int bytes, out ulong sequence)
        {
            return TryReceive(clientIndex, (byte*)NativeArrayUnsafeUtility.GetUnsafePtr(buffer), buffer.Length, out bytes, out sequence);
        }
#endif

        // ---- what it knows ----

        public bool IsRunning
        {
            get
            {
                bool running = NetcodeNative.netcode_server_running(Handle) != 0;
                GC.KeepAlive(this);
                return running;
            }
        }

        /// <summary>The number of slots; 0 while not running.</summary>
        public int MaxClients
        {
            get
            {
                int count = NetcodeNative.netcode_server_max_clients(Handle);
                GC.KeepAlive(this);
                return count;
            }
        }

        /// <summary>The number of connected clients, those in the same process included.</summary>
        public int NumConnectedClients
        {
            get
            {
                int count = NetcodeNative.netcode_server_num_connected_clients(Handle);
                GC.KeepAlive(this);
                return count;
            }
        }

        /// <summary>The port that the server listens on; 0 without sockets.</summary>
        public int Port
        {
            get
            {
                int port = NetcodeNative.netcode_server_get_port(Handle);
                GC.KeepAlive(this);
                return port;
            }
        }

        public bool IsClientConnected(int clientIndex)
        {
            bool connected = HasSlot(clientIndex) && NetcodeNative.netcode_server_client_connected(Handle, clientIndex) != 0;
            GC.KeepAlive(this);
            return connected;
        }

        /// <summary>Why the last client of this slot was disconnected.</summary>
        public DisconnectReason ClientDisconnectReason(int clientIndex)
        {
            int reason = HasSlot(clientIndex) ? NetcodeNative.netcode_server_client_disconnect_reason(Handle, clientIndex) : 0;
            GC.KeepAlive(this);
            return (DisconnectReason)reason;
        }

        /// <summary>The id of the client of this slot, as in its connect token.</summary>
        public ulong ClientId(int clientIndex)
        {
            ulong id = HasSlot(clientIndex) ? NetcodeNative.netcode_server_client_id(Handle, clientIndex) : 0;
            GC.KeepAlive(this);
            return id;
        }

        public NetcodeAddress ClientAddress(int clientIndex)
        {
            var address = HasSlot(clientIndex)
                ? new NetcodeAddress(NetcodeNative.netcode_server_client_address(Handle, clientIndex))
                : default(NetcodeAddress);
            GC.KeepAlive(this);
            return address;
        }

        /// <summary>Copies the 256 bytes of user data in the connect token of the client of this slot.</summary>
        public void CopyClientUserData(int clientIndex, Span<byte> destination)
        {
            if (destination.Length < NetcodeLibrary.UserDataBytes)
                throw new ArgumentException("user data needs room for 256 bytes", nameof(destination));
            void* data = HasSlot(clientIndex) ? NetcodeNative.netcode_server_client_user_data(Handle, clientIndex) : null;
            if (data == null)
                destination.Slice(0, NetcodeLibrary.UserDataBytes).Clear();
            else
                new ReadOnlySpan<byte>(data, NetcodeLibrary.UserDataBytes).CopyTo(destination);
            GC.KeepAlive(this);
        }

        /// <summary>The number that the next packet to the client of this slot will have.</summary>
        public ulong NextPacketSequence(int clientIndex)
        {
            ulong sequence = HasSlot(clientIndex) ? NetcodeNative.netcode_server_next_packet_sequence(Handle, clientIndex) : 0;
            GC.KeepAlive(this);
            return sequence;
        }

        // ---- clients in the same process ----

        public bool IsClientLoopback(int clientIndex)
        {
            bool loopback = HasSlot(clientIndex) && NetcodeNative.netcode_server_client_loopback(Handle, clientIndex) != 0;
            GC.KeepAlive(this);
            return loopback;
        }

        /// <summary>
        /// Connects a client in the same process to a free slot, without packets: what is sent to it goes to
        /// LoopbackPacketSent, and what it sends comes by ProcessLoopbackPacket. userData has at most 256 bytes.
        /// </summary>
        public void ConnectLoopbackClient(int clientIndex, ulong clientId, byte[] userData = null)
        {
            if (userData != null && userData.Length > NetcodeLibrary.UserDataBytes)
                throw new ArgumentException("user data has at most 256 bytes", nameof(userData));
            if (!HasSlot(clientIndex))
                throw new InvalidOperationException("the server is not running, or has no slot " + clientIndex);
            if (IsClientConnected(clientIndex))
                throw new InvalidOperationException("slot " + clientIndex + " is taken");
            byte* paddedUserData = stackalloc byte[NetcodeLibrary.UserDataBytes];
            var room = new Span<byte>(paddedUserData, NetcodeLibrary.UserDataBytes);
            room.Clear();
            new ReadOnlySpan<byte>(userData).CopyTo(room);
            IntPtr handle = Enter();
            try
            {
                NetcodeNative.netcode_server_connect_loopback_client(handle, clientIndex, clientId, paddedUserData);
            }
            finally
            {
                Exit();
            }
        }

        public void DisconnectLoopbackClient(int clientIndex)
        {
            if (!IsClientLoopback(clientIndex))
                return;
            IntPtr handle = Enter();
            try
            {
                NetcodeNative.netcode_server_disconnect_loopback_client(handle, clientIndex);
            }
            finally
            {
                Exit();
            }
        }

        /// <summary>Has the server receive a packet as if that client, in the same process, had sent it.</summary>
        public void ProcessLoopbackPacket(int clientIndex, ReadOnlySpan<byte> data, ulong sequence)
        {
            if (!IsClientLoopback(clientIndex))
                throw new InvalidOperationException("no client is connected to slot " + clientIndex + " by ConnectLoopbackClient");
            fixed (byte* pointer = &MemoryMarshal.GetReference(data))
            {
                PacketSize.Check(pointer, data.Length);
                IntPtr handle = Enter();
                try
                {
                    NetcodeNative.netcode_server_process_loopback_packet(handle, clientIndex, pointer, data.Length, sequence);
                }
                finally
                {
                    Exit();
                }
            }
        }

        /// <summary>Whether the running server has this slot. An index that no server has is an exception.</summary>
        bool HasSlot(int clientIndex)
        {
            if (clientIndex < 0 || clientIndex >= NetcodeLibrary.MaxClients)
                throw new ArgumentOutOfRangeException(nameof(clientIndex), clientIndex, "slots are 0 to 255");
            return clientIndex < MaxClients;
        }

        // ---- called by Callbacks ----

        internal void RaiseConnectDisconnect(int clientIndex, bool connected)
        {
            if (connected)
                ClientConnected?.Invoke(clientIndex);
            else
                ClientDisconnected?.Invoke(clientIndex, (DisconnectReason)NetcodeNative.netcode_server_client_disconnect_reason(
                    NativeHandle, clientIndex));
        }

        internal void RaiseLoopbackPacketSent(int clientIndex, ReadOnlySpan<byte> data, ulong sequence)
        {
            LoopbackPacketSent?.Invoke(clientIndex, data, sequence);
        }
    }
}
