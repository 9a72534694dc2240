using System;
using System.Collections.Generic;

namespace Netcode.Integrations
{
    /// <summary>How a message is to be treated: the first byte of each packet of the pumps below.</summary>
    internal enum Channel : byte
    {
        Unreliable = 0,
        /// <summary>What is older than what has already come is dropped.</summary>
        UnreliableSequenced = 1,
        /// <summary>Was meant to be reliable, and is not: it may get lost, and come in another order.</summary>
        ReliableInName = 2,
    }

    internal enum PumpEventType { Connected, Disconnected, Data }

    internal struct PumpEvent
    {
        public PumpEventType Type;
        /// <summary>On servers; never 0, and never that of an earlier client of the same slot.</summary>
        public int Connection;
        /// <summary>On clients, why there is no connection.</summary>
        public ClientState State;
        public Channel Channel;
        /// <summary>Good until the next event is asked for.</summary>
        public ArraySegment<byte> Data;
    }

    internal static class Framing
    {
        public const int HeaderBytes = 1;
        public const int MaxMessageBytes = NetcodeLibrary.MaxPacketSize - HeaderBytes;

        public static ReadOnlySpan<byte> Write(byte[] buffer, ArraySegment<byte> message, Channel channel)
        {
            if (message.Count > MaxMessageBytes)
                throw new ArgumentException("a message has at most " + MaxMessageBytes + " bytes, not " + message.Count);
            buffer[0] = (byte)channel;
            new ReadOnlySpan<byte>(message.Array, message.Offset, message.Count).CopyTo(new Span<byte>(buffer, HeaderBytes, message.Count));
            return new ReadOnlySpan<byte>(buffer, 0, HeaderBytes + message.Count);
        }

        /// <summary>False if the message is to be dropped. latest is of the same sender.</summary>
        public static bool Read(byte[] buffer, int bytes, ulong sequence, ref ulong latest, ref PumpEvent data)
        {
            var channel = (Channel)buffer[0];
            if (channel > Channel.ReliableInName || channel == Channel.UnreliableSequenced && sequence < latest)
                return false;
            if (channel == Channel.UnreliableSequenced)
                latest = sequence;
            data.Type = PumpEventType.Data;
            data.Channel = channel;
            data.Data = new ArraySegment<byte>(buffer, HeaderBytes, bytes - HeaderBytes);
            return true;
        }
    }

    /// <summary>A server as engines like it: one stream of events. It owns the server.</summary>
    internal sealed class ServerPump : IDisposable
    {
        const int SlotBits = 8;
        const int GenerationMask = 0x3FFFFF;

        readonly NetcodeServer _server;
        readonly Queue<PumpEvent> _events = new Queue<PumpEvent>();
        readonly int[] _connections = new int[NetcodeLibrary.MaxClients];     // 0 where nobody is
        readonly int[] _generations = new int[NetcodeLibrary.MaxClients];
        readonly ulong[] _latest = new ulong[NetcodeLibrary.MaxClients];
        readonly byte[] _sendBuffer = new byte[NetcodeLibrary.MaxPacketSize];
        readonly byte[] _receiveBuffer = new byte[NetcodeLibrary.MaxPacketSize];
        int _slot;

        public ServerPump(NetcodeServer server)
        {
            _server = server;
            server.ClientConnected += OnConnected;
            server.ClientDisconnected += OnDisconnected;
        }

        public NetcodeServer Server => _server;

        /// <summary>Receives. Then ask for events until there are none.</summary>
        public void Update()
        {
            _server.Update();
            _slot = 0;
        }

        public bool Next(out PumpEvent next)
        {
            next = default(PumpEvent);
            if (_events.Count > 0)
            {
                next = _events.Dequeue();
                return true;
            }
            if (_server.IsDisposed)
                return false;
            for (int slots = _server.MaxClients; _slot < slots; _slot++)
            {
                while (_connections[_slot] != 0 && _server.TryReceive(_slot, _receiveBuffer, out int bytes, out ulong sequence))
                {
                    next.Connection = _connections[_slot];
                    if (Framing.Read(_receiveBuffer, bytes, sequence, ref _latest[_slot], ref next))
                        return true;
                }
            }
            return false;
        }

        public void Send(int connection, ArraySegment<byte> message, Channel channel)
        {
            ReadOnlySpan<byte> packet = Framing.Write(_sendBuffer, message, channel);
            int slot = SlotOf(connection);
            if (slot >= 0)
                _server.Send(slot, packet);
        }

        public void Disconnect(int connection)
        {
            int slot = SlotOf(connection);
            if (slot >= 0)
                _server.DisconnectClient(slot);
        }

        /// <summary>The same, and there are no more events of that connection, those that wait included.</summary>
        public void DisconnectQuietly(int connection)
        {
            int slot = SlotOf(connection);
            if (slot >= 0)
            {
                _connections[slot] = 0;
                _server.DisconnectClient(slot);
            }
            for (int waiting = _events.Count; waiting > 0; waiting--)
            {
                PumpEvent next = _events.Dequeue();
                if (next.Connection != connection)
                    _events.Enqueue(next);
            }
        }

        /// <summary>-1 if that client has gone.</summary>
        public int SlotOf(int connection)
        {
            int slot = (connection - 1) & (NetcodeLibrary.MaxClients - 1);
            return connection > 0 && _connections[slot] == connection ? slot : -1;
        }

        public void Dispose()
        {
            _server.Dispose();
        }

        void OnConnected(int slot)
        {
            _generations[slot] = (_generations[slot] + 1) & GenerationMask;
            _connections[slot] = (_generations[slot] << SlotBits | slot) + 1;
            _latest[slot] = 0;
            _events.Enqueue(new PumpEvent { Type = PumpEventType.Connected, Connection = _connections[slot] });
        }

        void OnDisconnected(int slot, DisconnectReason reason)
        {
            if (_connections[slot] == 0)
                return;
            _events.Enqueue(new PumpEvent { Type = PumpEventType.Disconnected, Connection = _connections[slot] });
            _connections[slot] = 0;
        }
    }

    /// <summary>The same for a client, which it owns.</summary>
    internal sealed class ClientPump : IDisposable
    {
        readonly NetcodeClient _client;
        readonly Queue<PumpEvent> _events = new Queue<PumpEvent>();
        readonly byte[] _sendBuffer = new byte[NetcodeLibrary.MaxPacketSize];
        readonly byte[] _receiveBuffer = new byte[NetcodeLibrary.MaxPacketSize];
        ulong _latest;

        public ClientPump(NetcodeClient client)
        {
            _client = client;
            client.StateChanged += OnStateChanged;
        }

        public NetcodeClient Client => _client;

        public void Update()
        {
            _client.Update();
        }

        public bool Next(out PumpEvent next)
        {
            next = default(PumpEvent);
            if (_events.Count > 0)
            {
                next = _events.Dequeue();
                return true;
            }
            while (!_client.IsDisposed && _client.TryReceive(_receiveBuffer, out int bytes, out ulong sequence))
            {
                if (Framing.Read(_receiveBuffer, bytes, sequence, ref _latest, ref next))
                    return true;
            }
            return false;
        }

        public void Send(ArraySegment<byte> message, Channel channel)
        {
            _client.Send(Framing.Write(_sendBuffer, message, channel));
        }

        public void Dispose()
        {
            _client.Dispose();
        }

        void OnStateChanged(ClientState previous, ClientState current)
        {
            if (current == ClientState.Connected)
            {
                _latest = 0;
                _events.Enqueue(new PumpEvent { Type = PumpEventType.Connected, State = current });
            }
            else if (current < ClientState.Disconnected || current == ClientState.Disconnected && previous > current)
            {
                _events.Enqueue(new PumpEvent { Type = PumpEventType.Disconnected, State = current });
            }
        }
    }
}
