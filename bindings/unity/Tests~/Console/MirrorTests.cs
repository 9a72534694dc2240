using System;
using System.Collections.Generic;
using Mirror;
using Netcode.MirrorTransport;
using NUnit.Framework;

namespace Netcode.Tests
{
    /// <summary>The transport for Mirror, driven as that drives it, on stand-ins for its classes.</summary>
    public sealed class MirrorTests
    {
        static readonly ArraySegment<byte> Message = new ArraySegment<byte>(new byte[] { 9, 1, 2, 3 }, 1, 3);

        readonly NetcodeTransport _server = new NetcodeTransport(), _client = new NetcodeTransport();
        readonly List<string> _log = new List<string>();
        int _connection;

        [Test]
        public void ConnectsSendsAndDisconnects()
        {
            Start();
            Assert.IsTrue(_server.ServerActive() && _client.ClientConnected() && _connection > 0);
            StringAssert.Contains("127.0.0.1:", _server.ServerGetClientAddress(_connection));
            Assert.AreEqual("netcode://127.0.0.1:" + _server.Port + "/", _server.ServerUri().ToString());
            _client.ClientSend(Message, Channels.Unreliable);
            Expect("server data 3 on 1");
            _server.ServerSend(_connection, Message, Channels.Unreliable);
            Expect("client data 3 on 1");
            _server.ServerDisconnect(_connection);
            Expect("server disconnected");
            Expect("client disconnected");
            Assert.IsFalse(_client.ClientConnected());
            _client.ClientConnect("");
            Expect("client error Timeout ConnectionRequestTimedOut");      // a token is good once
            Expect("client disconnected");
            End();
        }

        [Test]
        public void TheReliableChannelIsAnErrorUnlessAskedFor()
        {
            Start();
            _client.ClientSend(Message, Channels.Reliable);
            Expect("client error InvalidSend");
            _server.ServerSend(_connection, Message, Channels.Reliable);
            Expect("server error InvalidSend");
            _client.ReliableIsUnreliable = true;
            _client.ClientSend(Message, Channels.Reliable);
            Expect("server data 3 on 0");
            _client.ClientSend(new ArraySegment<byte>(new byte[1200]), Channels.Unreliable);
            Expect("client error InvalidSend");
            Assert.AreEqual(1199, _client.GetMaxPacketSize(Channels.Unreliable));
            _client.ClientDisconnect();
            Expect("client disconnected");
            Expect("server disconnected");
            End();
        }

        [Test]
        public void WithoutATokenThereIsAnError()
        {
            Listen();
            _client.ClientConnect("");
            Expect("client error Unexpected");
            Expect("client disconnected");
        }

        [Test]
        public void AServerThatCannotStartIsGone()
        {
            Listen();
            var first = new NetcodeTransport { ServerAddress = "127.0.0.1:0", PrivateKey = NetcodeLibrary.NewKey() };
            first.ServerStart();
            _server.ServerAddress = "127.0.0.1:" + first.Port;
            _server.PrivateKey = first.PrivateKey;
            Assert.Throws<NetcodeException>(() => _server.ServerStart());
            first.ServerStop();
            foreach (int wrong in new[] { 0, 257 })
            {
                _server.MaxClients = wrong;
                Assert.Throws<ArgumentOutOfRangeException>(() => _server.ServerStart());
                Assert.IsFalse(_server.ServerActive());
                Assert.AreEqual(0, _server.Port);
                _server.ServerEarlyUpdate();
                first.ServerAddress = _server.ServerAddress;
                first.ServerStart();        // the port is free
                first.ServerStop();
            }
            End();
        }

        void Start()
        {
            Listen();
            _server.ServerAddress = "127.0.0.1:0";
            _server.ProtocolId = 9;
            _server.PrivateKey = NetcodeLibrary.NewKey();
            _server.ServerStart();
            _client.Token = ConnectToken.Generate("127.0.0.1:" + _server.Port, 30, 1, 1, 9, _server.PrivateKey);
            _client.ClientConnect("");
            Expect("server connected");
            Expect("client connected");
        }

        void Listen()
        {
            _server.OnServerConnectedWithAddress = (connection, address) => { _connection = connection; _log.Add("server connected " + address); };
            _server.OnServerDisconnected = connection => _log.Add("server disconnected");
            _server.OnServerDataReceived = (connection, data, channel) => _log.Add("server data " + data.Count + " on " + channel);
            _server.OnServerError = (connection, error, text) => _log.Add("server error " + error + " " + text);
            _client.OnClientConnected = () => _log.Add("client connected");
            _client.OnClientDisconnected = () => _log.Add("client disconnected");
            _client.OnClientDataReceived = (data, channel) => _log.Add("client data " + data.Count + " on " + channel);
            _client.OnClientError = (error, text) => _log.Add("client error " + error + " " + text);
        }

        void End()
        {
            _client.Shutdown();
            _server.Shutdown();
            _server.ServerStop();
            Assert.IsFalse(_server.ServerActive());
            CollectionAssert.AreEqual(new string[0], _log);
        }

        /// <summary>Waits for an entry of the log that begins so, and takes it out.</summary>
        void Expect(string begin)
        {
            double end = NetcodeLibrary.Time + Pair.MaxWaitSeconds;
            int found;
            while ((found = _log.FindIndex(entry => entry.StartsWith(begin))) < 0)
            {
                Assert.IsTrue(NetcodeLibrary.Time < end, "no " + begin + " but " + string.Join(", ", _log));
                _server.ServerEarlyUpdate();
                _client.ClientEarlyUpdate();
            }
            _log.RemoveAt(found);
        }
    }
}
