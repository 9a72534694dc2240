using System;
using Netcode.Integrations;
using Unity.Netcode;
using UnityEngine;

namespace Netcode.NGO
{
    /// <summary>
    /// Netcode for GameObjects over netcode. Unreliable and UnreliableSequenced deliveries work. The reliable ones need
    /// a layer above netcode that acknowledges, sends again, orders and takes apart, which this is not: sending with
    /// them is an exception, or, with ReliableIsUnreliable, may silently lose messages. Since Netcode for GameObjects
    /// sends its own messages (connection approval, spawning, scenes) reliably, a game is only safe with such a layer.
    /// </summary>
    [AddComponentMenu("Netcode/Netcode Transport")]
    public sealed class NetcodeTransport : NetworkTransport
    {
        [Tooltip("The server's public address with its port, as in connect tokens.")]
        public string ServerAddress = "127.0.0.1:40000";

        [Tooltip("The address that clients bind to: 0.0.0.0 for IPv4, :: for IPv6.")]
        public string ClientAddress = "0.0.0.0";

        [Tooltip("Tells your game and its versions from others.")]
        public ulong ProtocolId;

        [Tooltip("Slots of the server, 1 to 256."), Range(1, NetcodeLibrary.MaxClients)]
        public int MaxClients = 64;

        [Tooltip("Send what should be reliable unreliably: it may get lost or come in another order.")]
        public bool ReliableIsUnreliable;

        ServerPump _server;
        ClientPump _client;
        bool _polling;

        /// <summary>For servers: the key of your backend. Set it from code, and never in what players get.</summary>
        public byte[] PrivateKey { get; set; }

        /// <summary>For clients: what your backend sent. Each connection takes a new one: set it before every StartClient.</summary>
        public ConnectToken Token { get; set; }

        /// <summary>The port that the server listens on; 0 while there is none.</summary>
        public int Port => _server == null ? 0 : _server.Server.Port;

        public override ulong ServerClientId => 0;

        /// <summary>
        /// Has Netcode for GameObjects 1.8 and later put small messages together to no more than what fits into a packet.
        /// Earlier versions go up to 1296 bytes, and sending more than 1199 is an exception.
        /// </summary>
        public override void Initialize(NetworkManager networkManager = null)
        {
#if NETCODE_HAS_NGO_1_8
            if (networkManager != null)
                networkManager.MaximumTransmissionUnitSize = Framing.MaxMessageBytes & ~7;      // it keeps multiples of 8
#endif
        }

        public override bool StartServer()
        {
            return Try(() =>
            {
                Shutdown();
                var server = new NetcodeServer(ServerAddress, ProtocolId, PrivateKey);
                _server = new ServerPump(server);
                server.Start(MaxClients);
            });
        }

        public override bool StartClient()
        {
            return Try(() =>
            {
                Shutdown();
                if (Token == null)
                    throw new InvalidOperationException("set Token before StartClient");
                var client = new NetcodeClient(ClientAddress);
                _client = new ClientPump(client);
                client.Connect(Token);
            });
        }

        public override void Send(ulong clientId, ArraySegment<byte> payload, NetworkDelivery networkDelivery)
        {
            Channel channel = ChannelOf(networkDelivery);
            if (_client != null)
                _client.Send(payload, channel);
            else
                _server?.Send((int)clientId, payload, channel);
        }

        public override NetworkEvent PollEvent(out ulong clientId, out ArraySegment<byte> payload, out float receiveTime)
        {
            clientId = ServerClientId;
            payload = default(ArraySegment<byte>);
            receiveTime = Time.realtimeSinceStartup;
            if (!_polling)
            {
                // The first one since there was nothing: a new frame.
                _server?.Update();
                _client?.Update();
                _polling = true;
            }
            var next = default(PumpEvent);
            bool some = _server != null ? _server.Next(out next) : _client != null && _client.Next(out next);
            if (!some)
            {
                _polling = false;
                return NetworkEvent.Nothing;
            }
            clientId = (ulong)next.Connection;
            payload = next.Data;
            switch (next.Type)
            {
                case PumpEventType.Connected: return NetworkEvent.Connect;
                case PumpEventType.Disconnected: return NetworkEvent.Disconnect;
                default: return NetworkEvent.Data;
            }
        }

        /// <summary>Without an event here: Netcode for GameObjects forgets the id at once.</summary>
        public override void DisconnectRemoteClient(ulong clientId) => _server?.DisconnectQuietly((int)clientId);

        public override void DisconnectLocalClient() => _client?.Client.Disconnect();

        /// <summary>netcode does not measure it: 0.</summary>
        public override ulong GetCurrentRtt(ulong clientId) => 0;

        public override void Shutdown()
        {
            _server?.Dispose();
            _client?.Dispose();
            _server = null;
            _client = null;
            _polling = false;
        }

        void OnDestroy() => Shutdown();

        Channel ChannelOf(NetworkDelivery delivery)
        {
            switch (delivery)
            {
                case NetworkDelivery.Unreliable: return Channel.Unreliable;
                case NetworkDelivery.UnreliableSequenced: return Channel.UnreliableSequenced;
            }
            if (ReliableIsUnreliable)
                return Channel.ReliableInName;
            throw new NotSupportedException(delivery + " needs a reliability layer above netcode; ReliableIsUnreliable sends it unreliably");
        }

        bool Try(Action start)
        {
            try
            {
                start();
                return true;
            }
            catch (Exception exception) when (exception is NetcodeException || exception is ArgumentException || exception is InvalidOperationException)
            {
                Debug.LogError(exception.Message);
                Shutdown();
                return false;
            }
        }
    }
}
