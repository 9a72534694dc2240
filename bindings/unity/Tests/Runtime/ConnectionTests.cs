using System;
using System.Collections.Generic;
using NUnit.Framework;

namespace Netcode.Tests
{
    public sealed class ConnectionTests
    {
        [Test]
        public void EventsTellOfComingAndGoing()
        {
            using (var pair = new Pair())
            {
                var events = new List<string>();
                pair.Client.StateChanged += (previous, current) => events.Add("client " + previous + " " + current);
                pair.Server.ClientConnected += index => events.Add("server +" + index + " id " + pair.Server.ClientId(index));
                pair.Server.ClientDisconnected += (index, reason) =>
                    events.Add("server -" + index + " " + reason + " id " + pair.Server.ClientId(index));
                pair.Connect();
                pair.Client.Disconnect();
                pair.Run(() => pair.Server.NumConnectedClients == 0);
                CollectionAssert.AreEqual(new[]
                {
                    "client Disconnected SendingConnectionRequest",
                    "client SendingConnectionRequest SendingConnectionResponse",
                    "server +0 id 42",
                    "client SendingConnectionResponse Connected",
                    "client Connected Disconnected",
                    "server -0 ClientDisconnect id 42",
                }, events);
            }
        }

        [Test]
        public void BothSidesKnowTheConnection()
        {
            using (var pair = new Pair(7))
            {
                var userData = new byte[] { 1, 2, 3 };
                pair.Connect(userData);
                Assert.AreEqual(0, pair.Client.Index);
                Assert.AreEqual(7, pair.Client.MaxClients);
                Assert.AreEqual(pair.ServerAddress, pair.Client.ServerAddress.ToString());
                Assert.IsTrue(pair.Client.NextPacketSequence > 0);
                Assert.IsFalse(pair.Client.IsLoopback);
                Assert.IsTrue(pair.Server.IsRunning);
                Assert.AreEqual(7, pair.Server.MaxClients);
                Assert.AreEqual(1, pair.Server.NumConnectedClients);
                Assert.IsTrue(pair.Server.IsClientConnected(0));
                Assert.IsFalse(pair.Server.IsClientConnected(1));
                Assert.AreEqual(Pair.ClientId, pair.Server.ClientId(0));
                Assert.AreEqual("127.0.0.1:" + pair.Client.Port, pair.Server.ClientAddress(0).ToString());
                Assert.AreEqual(AddressType.None, pair.Server.ClientAddress(1).Type);
                var copy = new byte[256];
                pair.Server.CopyClientUserData(0, copy);
                var expected = new byte[256];
                userData.CopyTo(expected, 0);
                CollectionAssert.AreEqual(expected, copy);
                pair.Server.CopyClientUserData(1, copy);
                CollectionAssert.AreEqual(new byte[256], copy);
            }
        }

        [Test]
        public void TheServerSendsAClientAway()
        {
            using (var pair = new Pair())
            {
                pair.Connect();
                pair.Server.DisconnectClient(3);        // nobody
                pair.Server.DisconnectClient(0);
                pair.Run(() => pair.Client.State == ClientState.Disconnected);
                Assert.AreEqual(DisconnectReason.ServerDisconnect, pair.Server.ClientDisconnectReason(0));
                pair.Connect();
                pair.Server.DisconnectAllClients();
                pair.Run(() => pair.Client.State == ClientState.Disconnected);
            }
        }

        [Test]
        public void AStoppedServerAnswersNeutrally()
        {
            using (var pair = new Pair())
            {
                pair.Connect();
                pair.Server.Stop();
                Assert.IsFalse(pair.Server.IsRunning);
                Assert.AreEqual(0, pair.Server.MaxClients);
                Assert.IsFalse(pair.Server.IsClientConnected(0));
                Assert.AreEqual(0UL, pair.Server.ClientId(0));
                pair.Server.Send(0, new byte[1]);
                pair.Server.DisconnectClient(0);
                Assert.Throws<InvalidOperationException>(() => pair.Server.ConnectLoopbackClient(0, 1));
                Assert.Throws<ArgumentOutOfRangeException>(() => pair.Server.Start(0));
                Assert.Throws<ArgumentOutOfRangeException>(() => pair.Server.Start(257));
                Assert.Throws<ArgumentOutOfRangeException>(() => pair.Server.ClientId(256));
            }
        }

        [Test]
        public void CreateErrorsHaveNames()
        {
            var client = Assert.Throws<NetcodeException>(() => new NetcodeClient("nonsense"));
            Assert.AreEqual(ClientCreateError.ParseAddressFailed, client.ClientError);
            Assert.AreEqual("no netcode client on nonsense: ParseAddressFailed", client.Message);
            client = Assert.Throws<NetcodeException>(() => new NetcodeClient("0.0.0.0", "nonsense", 0.0));
            Assert.AreEqual(ClientCreateError.ParseAddress2Failed, client.ClientError);
            Assert.Throws<ArgumentNullException>(() => new NetcodeClient((string)null));
            var server = Assert.Throws<NetcodeException>(() => new NetcodeServer("1.2.3", 1, new byte[32]));
            Assert.AreEqual(ServerCreateError.ParseAddressFailed, server.ServerError);
            Assert.Throws<ArgumentException>(() => new NetcodeServer("127.0.0.1:0", 1, new byte[31]));
            Assert.Throws<ArgumentNullException>(() => new NetcodeServer("127.0.0.1:0", 1, null));
            using (var pair = new Pair())
            {
                server = Assert.Throws<NetcodeException>(() => new NetcodeServer(pair.ServerAddress, 1, new byte[32]));
                Assert.AreEqual(ServerCreateError.BindSocketIPv4Failed, server.ServerError);
            }
        }

        [Test]
        public void ATokenThatIsNoneIsInvalid()
        {
            using (var pair = new Pair())
            using (var token = new ConnectToken(new byte[ConnectToken.Bytes]))
            {
                pair.Client.Connect(token);
                Assert.AreEqual(ClientState.InvalidConnectToken, pair.Client.State);
            }
        }

        [Test]
        public void ATokenOfAnotherKeyOrProtocolIsNotAnswered()
        {
            foreach (ulong protocolId in new[] { Pair.ProtocolId, Pair.ProtocolId + 1 })
            {
                var network = new VirtualNetwork();
                byte[] key = NetcodeLibrary.NewKey();
                using (var server = new NetcodeServer("10.0.0.1:1", null, Pair.ProtocolId, key, network.Time, 0, network.Open(1)))
                using (var client = new NetcodeClient("10.0.0.1:2", null, network.Time, network.Open(2)))
                using (var token = ConnectToken.Generate("10.0.0.1:1", 30, 3, 1, protocolId,
                    protocolId == Pair.ProtocolId ? NetcodeLibrary.NewKey() : key))
                {
                    server.Start(4);
                    client.Connect(token);
                    network.Run(2.5, client, server);
                    Assert.AreEqual(ClientState.SendingConnectionRequest, client.State);
                    network.Run(1.0, client, server);
                    Assert.AreEqual(ClientState.ConnectionRequestTimedOut, client.State);
                    Assert.AreEqual(0, server.NumConnectedClients);
                }
            }
        }

        [Test]
        public void ATokenExpires()
        {
            var network = new VirtualNetwork();
            using (var client = new NetcodeClient("10.0.0.1:2", null, network.Time, network.Open(2)))
            using (var token = ConnectToken.Generate("10.0.0.1:1", 2, -1, 1, 1, NetcodeLibrary.NewKey()))
            {
                client.Connect(token);
                network.Run(1.5, client);
                Assert.AreEqual(ClientState.SendingConnectionRequest, client.State);
                network.Run(1.0, client);
                Assert.AreEqual(ClientState.ConnectTokenExpired, client.State);
            }
        }

        [Test]
        public void AFullServerDeniesAndASilentClientTimesOut()
        {
            var network = new VirtualNetwork();
            byte[] key = NetcodeLibrary.NewKey();
            using (var server = new NetcodeServer("10.0.0.1:1", null, 7, key, network.Time, 0, network.Open(1)))
            using (var first = new NetcodeClient("10.0.0.1:2", null, network.Time, network.Open(2)))
            using (var second = new NetcodeClient("10.0.0.1:3", null, network.Time, network.Open(3)))
            using (var token = ConnectToken.Generate("10.0.0.1:1", 30, 5, 1, 7, key))
            using (var secondToken = ConnectToken.Generate("10.0.0.1:1", 30, 5, 2, 7, key))
            {
                server.Start(1);
                first.Connect(token);
                network.Run(1.0, first, server);
                Assert.AreEqual(ClientState.Connected, first.State);
                Assert.AreEqual("10.0.0.1:2", server.ClientAddress(0).ToString());
                second.Connect(secondToken);
                network.Run(1.0, first, second, server);
                Assert.AreEqual(ClientState.ConnectionDenied, second.State);
                network.Run(6.0, server);
                Assert.AreEqual(DisconnectReason.TimedOut, server.ClientDisconnectReason(0));
                Assert.AreEqual(0, server.NumConnectedClients);
            }
        }

        [Test]
        public void AHostPlaysWithoutPackets()
        {
            var network = new VirtualNetwork();
            using (var server = new NetcodeServer("10.0.0.1:1", null, 7, NetcodeLibrary.NewKey(), network.Time, 0, network.Open(1)))
            using (var client = new NetcodeClient("10.0.0.1:2", null, network.Time, network.Open(2)))
            {
                var log = new List<string>();
                server.ClientConnected += index => log.Add("+" + index);
                server.ClientDisconnected += (index, reason) => log.Add("-" + index);
                client.LoopbackPacketSent += (index, data, sequence) => server.ProcessLoopbackPacket(index, data, sequence);
                server.LoopbackPacketSent += (index, data, sequence) => client.ProcessLoopbackPacket(data, sequence);
                Assert.Throws<InvalidOperationException>(() => client.ProcessLoopbackPacket(new byte[1], 0));
                server.Start(4);
                server.ConnectLoopbackClient(2, 77, new byte[] { 5 });
                client.ConnectLoopback(2, 4);
                Assert.Throws<InvalidOperationException>(() => server.ConnectLoopbackClient(2, 78));
                Assert.Throws<InvalidOperationException>(() => client.ConnectLoopback(2, 4));
                Assert.IsTrue(client.IsLoopback && server.IsClientLoopback(2));
                Assert.AreEqual(77UL, server.ClientId(2));
                var buffer = new byte[1200];
                for (byte i = 1; i <= 100; i++)
                {
                    client.Send(new[] { i });
                    server.Send(2, new[] { i, i });
                    Assert.IsTrue(server.TryReceive(2, buffer, out int bytes, out ulong sequence) && bytes == 1 && buffer[0] == i);
                    Assert.IsTrue(client.TryReceive(buffer, out bytes, out sequence) && bytes == 2 && buffer[1] == i);
                }
                client.DisconnectLoopback();
                server.DisconnectLoopbackClient(2);
                Assert.AreEqual(ClientState.Disconnected, client.State);
                CollectionAssert.AreEqual(new[] { "+2", "-2" }, log);
            }
        }
    }
}
