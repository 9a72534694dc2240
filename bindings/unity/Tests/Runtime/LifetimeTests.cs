using System;
using System.Collections.Generic;
using System.Reflection;
using NUnit.Framework;

namespace Netcode.Tests
{
    public sealed class LifetimeTests
    {
        [Test]
        public void DisposeInAnyOrderAndTwice()
        {
            for (int order = 0; order < 4; order++)
            {
                var pair = new Pair();
                ConnectToken token = pair.NewToken();
                if (order < 2)
                    pair.Connect();
                if (order % 2 == 0)
                    pair.Client.Dispose();
                pair.Server.Dispose();
                pair.Client.Dispose();
                pair.Server.Dispose();
                token.Dispose();
                token.Dispose();
                Assert.IsTrue(pair.Client.IsDisposed && pair.Server.IsDisposed);
            }
        }

        [Test]
        public void NothingWorksAfterDispose()
        {
            var pair = new Pair();
            ConnectToken token = pair.NewToken();
            pair.Dispose();
            int bytes;
            ulong sequence;
            byte[] buffer = new byte[1200];
            NetcodeClient client = pair.Client;
            NetcodeServer server = pair.Server;
            AllDisposed(() => client.Connect(token), () => client.Disconnect(), () => client.Update(), () => client.Update(1.0),
                () => client.Send(buffer), () => client.Send(new ArraySegment<byte>(buffer)), () => client.TryReceive(buffer, out bytes, out sequence),
                () => client.ConnectLoopback(0, 1), () => client.DisconnectLoopback(), () => client.ProcessLoopbackPacket(buffer, 0));
            AllDisposed(() => server.Start(1), () => server.Stop(), () => server.Update(), () => server.Update(1.0),
                () => server.DisconnectClient(0), () => server.DisconnectAllClients(), () => server.Send(0, buffer),
                () => server.TryReceive(0, buffer, out bytes, out sequence), () => server.IsClientConnected(0),
                () => server.ClientDisconnectReason(0), () => server.ClientId(0), () => server.ClientAddress(0),
                () => server.CopyClientUserData(0, buffer), () => server.NextPacketSequence(0), () => server.IsClientLoopback(0),
                () => server.ConnectLoopbackClient(0, 1), () => server.DisconnectLoopbackClient(0),
                () => server.ProcessLoopbackPacket(0, buffer, 0));
            AllPropertiesDisposed(client);
            AllPropertiesDisposed(server);
            token.Dispose();
            AllDisposed(() => token.ToArray(), () => token.CopyTo(new byte[ConnectToken.Bytes]));
            using (var other = new NetcodeClient())
                AllDisposed(() => other.Connect(token));
        }

        static void AllDisposed(params TestDelegate[] calls)
        {
            foreach (TestDelegate call in calls)
                Assert.Throws<ObjectDisposedException>(call);
        }

        static void AllPropertiesDisposed(object thing)
        {
            foreach (PropertyInfo property in thing.GetType().GetProperties())
            {
                if (property.Name == nameof(NetcodeObject.IsDisposed))
                    continue;
                var exception = Assert.Throws<TargetInvocationException>(() => property.GetValue(thing, null));
                Assert.AreEqual(typeof(ObjectDisposedException), exception.InnerException.GetType());
            }
        }

        [Test]
        public void DisposingRaisesTheLastEvents()
        {
            var pair = new Pair();
            var events = new List<string>();
            pair.Connect();
            pair.Client.StateChanged += (previous, current) => events.Add(previous + " " + current + " at " + pair.Client.Port / 65536);
            pair.Server.ClientDisconnected += (index, reason) => events.Add(pair.Server.ClientId(index) + " " + reason);
            pair.Client.Dispose();
            pair.Server.Dispose();
            CollectionAssert.AreEqual(new[] { "Connected Disconnected at 0", "42 ServerDisconnect" }, events);
        }

        [Test]
        public void HandlersMayDispose()
        {
            var pair = new Pair();
            int connected = 0, gone = 0;
            pair.Server.ClientConnected += index =>
            {
                connected++;
                pair.Server.Dispose();
                Assert.IsTrue(pair.Server.IsDisposed);
                Assert.Throws<ObjectDisposedException>(() => pair.Server.ClientId(index));
            };
            pair.Server.ClientDisconnected += (index, reason) =>
            {
                gone++;
                Assert.AreEqual(Pair.ClientId, pair.Server.ClientId(index));        // the last events, and may ask
                pair.Server.Dispose();
            };
            pair.Client.StateChanged += (previous, current) =>
            {
                if (current == ClientState.Connected || current == ClientState.Disconnected)
                    pair.Client.Dispose();
            };
            using (ConnectToken token = pair.NewToken())
                pair.Client.Connect(token);
            pair.Run(() => pair.Server.IsDisposed);
            Assert.AreEqual(1, connected);
            Assert.AreEqual(1, gone);
            pair.Run(() => pair.Client.IsDisposed);
            pair.Dispose();
        }

        [Test]
        public void ExceptionsOfHandlersComeOutOfTheCall()
        {
            using (var pair = new Pair())
            {
                Action<ClientState, ClientState> handler = (previous, current) => { throw new FormatException("mine"); };
                pair.Client.StateChanged += handler;
                using (ConnectToken token = pair.NewToken())
                    Assert.AreEqual("mine", Assert.Throws<FormatException>(() => pair.Client.Connect(token)).Message);
                pair.Client.StateChanged -= handler;
                Assert.AreEqual(ClientState.SendingConnectionRequest, pair.Client.State);
                pair.Run(() => pair.Client.State == ClientState.Connected);

                pair.Server.ClientDisconnected += (index, reason) => { throw new FormatException("of the server"); };
                Assert.AreEqual("of the server", Assert.Throws<FormatException>(() => pair.Server.Stop()).Message);
                Assert.IsFalse(pair.Server.IsRunning);
                pair.Server.Update();       // it came out once
                pair.Client.StateChanged += handler;
                Assert.Throws<FormatException>(() => pair.Client.Dispose());
                Assert.IsTrue(pair.Client.IsDisposed);
            }
        }

        [Test]
        public void ExceptionsOfDatagramsComeOutOfTheCall()
        {
            var network = new VirtualNetwork();
            using (var client = new NetcodeClient("10.0.0.1:2", null, network.Time, new Broken()))
            {
                Assert.Throws<NotSupportedException>(() => client.Update(network.Time));
                Assert.AreEqual(ClientState.Disconnected, client.State);
            }
        }

        sealed class Broken : IDatagrams
        {
            public void Send(NetcodeAddress to, ReadOnlySpan<byte> datagram) { throw new NotSupportedException(); }
            public int Receive(out NetcodeAddress from, Span<byte> buffer) { throw new NotSupportedException(); }
        }
    }
}
