using System;
using Mirror;
using Netcode.Integrations;
using UnityEngine;

namespace Netcode.MirrorTransport
{
    /// <summary>
    /// Mirror over netcode. Channels.Unreliable works. Channels.Reliable needs a layer above netcode that acknowledges,
    /// sends again, orders and takes apart, which this is not: sending on it is an error, or, with ReliableIsUnreliable,
    /// may silently lose messages. Since Mirror sends its own messages (spawning, scenes, most RPCs) on it, a game is
    /// only safe with such a layer.
    /// </summary>
    [AddComponentMenu("Netcode/Netcode Transport for Mirror")]
    public sealed class NetcodeTransport : Transport
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

        /// <summary>For servers: the key of your backend. Set it from code, and never in what players get.</summary>
        public byte[] PrivateKey { get; set; }

        /// <summary>For clients: what your backend sent, which says which server, too. Each connection takes a new one.</summary>
        public ConnectToken Token { get; set; }

        /// <summary>The port that the server listens on; 0 while there is none.</summary>
        public int Port => _server == null ? 0 : _server.Server.Port;

        public override bool Available() => Application.platform != RuntimePlatform.WebGLPlayer;

        public override int GetMaxPacketSize(int channelId = Channels.Reliable) => Framing.MaxMessageBytes;

        // ---- client ----

        public override bool ClientConnected() => _client != null && _client.Client.State == ClientState.Connected;

        /// <summary>The address is not looked at: the token has the server's.</summary>
        public override void ClientConnect(string address)
        {
            CloseClient();
            try
            {
                if (Token == null)
                    throw new InvalidOperationException("set Token before connecting");
                var client = new NetcodeClient(ClientAddress);
                _client = new ClientPump(client);
                client.Connect(Token);
            }
            catch (Exception exception) when (IsExpected(exception))
            {
                OnClientError?.Invoke(TransportError.Unexpected, exception.Message);
                CloseClient();
                OnClientDisconnected?.Invoke();
            }
        }

        public override void ClientSend(ArraySegment<byte> segment, int channelId = Channels.Reliable)
        {
            if (_client == null)
                return;
            if (!Accepts(segment, channelId, out Channel channel, out string complaint))
            {
                OnClientError?.Invoke(TransportError.InvalidSend, complaint);
                return;
            }
            _client.Send(segment, channel);
            OnClientDataSent?.Invoke(segment, channelId);
        }

        public override void ClientDisconnect()
        {
            if (_client == null)
                return;
            CloseClient();
            OnClientDisconnected?.Invoke();
        }

        public override void ClientEarlyUpdate()
        {
            ClientPump client = _client;
            client?.Update();
            // Handlers may disconnect, or, on a change of scene, disable this for a while.
            while (enabled && client != null && client == _client && client.Next(out PumpEvent next))
            {
                switch (next.Type)
                {
                    case PumpEventType.Connected:
                        OnClientConnected?.Invoke();
                        break;
                    case PumpEventType.Data:
                        OnClientDataReceived?.Invoke(next.Data, MirrorChannelOf(next.Channel));
                        break;
                    default:
                        CloseClient();
                        if (next.State != ClientState.Disconnected)
                            OnClientError?.Invoke(ErrorOf(next.State), next.State.ToString());
                        OnClientDisconnected?.Invoke();
                        break;
                }
            }
        }

        void CloseClient()
        {
            ClientPump client = _client;
            _client = null;
            client?.Dispose();
        }

        // ---- server ----

        public override Uri ServerUri() => new UriBuilder { Scheme = "netcode", Host = NetcodeAddress.Parse(ServerAddress).WithPort(0).ToString(),
            Port = ServerActive() ? Port : NetcodeAddress.Parse(ServerAddress).Port }.Uri;

        public override bool ServerActive() => _server != null;

        /// <summary>Throws if the server cannot be started.</summary>
        public override void ServerStart()
        {
            ServerStop();
            var server = new NetcodeServer(ServerAddress, ProtocolId, PrivateKey);
            try
            {
                server.Start(MaxClients);
            }
            catch
            {
                server.Dispose();
                throw;
            }
            _server = new ServerPump(server);
        }

        public override void ServerSend(int connectionId, ArraySegment<byte> segment, int channelId = Channels.Reliable)
        {
            if (_server == null)
                return;
            if (!Accepts(segment, channelId, out Channel channel, out string complaint))
            {
                OnServerError?.Invoke(connectionId, TransportError.InvalidSend, complaint);
                return;
            }
            _server.Send(connectionId, segment, channel);
            OnServerDataSent?.Invoke(connectionId, segment, channelId);
        }

        public override void ServerDisconnect(int connectionId) => _server?.Disconnect(connectionId);

        public override string ServerGetClientAddress(int connectionId)
        {
            int slot = _server == null ? -1 : _server.SlotOf(connectionId);
            return slot < 0 ? "" : _server.Server.ClientAddress(slot).ToString();
        }

        public override void ServerEarlyUpdate()
        {
            ServerPump server = _server;
            server?.Update();
            while (enabled && server != null && server == _server && server.Next(out PumpEvent next))
            {
                switch (next.Type)
                {
                    case PumpEventType.Connected:
#if NETCODE_MIRROR_WITHOUT_ADDRESS
                        OnServerConnected?.Invoke(next.Connection);
#else
                        OnServerConnectedWithAddress?.Invoke(next.Connection, ServerGetClientAddress(next.Connection));
#endif
                        break;
                    case PumpEventType.Data:
                        OnServerDataReceived?.Invoke(next.Connection, next.Data, MirrorChannelOf(next.Channel));
                        break;
                    default:
                        OnServerDisconnected?.Invoke(next.Connection);
                        break;
                }
            }
        }

        public override void ServerStop()
        {
            ServerPump server = _server;
            _server = null;
            server?.Dispose();
        }

        // ---- both ----

        public override void Shutdown()
        {
            CloseClient();
            ServerStop();
        }

        void OnDestroy() => Shutdown();

        bool Accepts(ArraySegment<byte> segment, int channelId, out Channel channel, out string complaint)
        {
            channel = channelId == Channels.Unreliable ? Channel.Unreliable : Channel.ReliableInName;
            complaint = segment.Count > Framing.MaxMessageBytes ? "a message has at most " + Framing.MaxMessageBytes + " bytes"
                : channel == Channel.ReliableInName && !ReliableIsUnreliable
                    ? "the reliable channel needs a reliability layer above netcode; ReliableIsUnreliable sends unreliably" : null;
            return complaint == null;
        }

        static int MirrorChannelOf(Channel channel) => channel == Channel.ReliableInName ? Channels.Reliable : Channels.Unreliable;

        static TransportError ErrorOf(ClientState state)
        {
            switch (state)
            {
                case ClientState.ConnectionDenied: return TransportError.Refused;
                case ClientState.InvalidConnectToken: return TransportError.Unexpected;
                default: return TransportError.Timeout;
            }
        }

        static bool IsExpected(Exception exception)
        {
            return exception is NetcodeException || exception is ArgumentException || exception is InvalidOperationException;
        }
    }
}
