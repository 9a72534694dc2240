using System;
using System.Collections.Generic;
using Netcode.NGO;
using NUnit.Framework;
using Unity.Netcode;

namespace Netcode.Tests
{
    /// <summary>The transport for Netcode for GameObjects, driven as that drives it, on stand-ins for its classes.</summary>
    public sealed class NgoTests
    {
        static readonly ArraySegment<byte> Message = new ArraySegment<byte>(new byte[] { 9, 1, 2, 3 }, 1, 3);

        readonly Side _server = new Side(), _client = new Side();

        [Test]
        public void ConnectsAndSends()
        {
            NetcodeTransport server = _server.Transport, client = _client.Transport;
            Start(server, client);
            ulong id = Wait(_server, NetworkEvent.Connect).Id;
            Assert.IsTrue(id != server.ServerClientId);
            Assert.AreEqual(client.ServerClientId, Wait(_client, NetworkEvent.Connect).Id);

            client.Send(client.ServerClientId, Message, NetworkDelivery.Unreliable);
            Event data = Wait(_server, NetworkEvent.Data);
            Assert.AreEqual(id, data.Id);
            CollectionAssert.AreEqual(new byte[] { 1, 2, 3 }, data.Payload);
            server.Send(id, Message, NetworkDelivery.UnreliableSequenced);
            CollectionAssert.AreEqual(new byte[] { 1, 2, 3 }, Wait(_client, NetworkEvent.Data).Payload);
            Assert.AreEqual(0UL, server.GetCurrentRtt(id));

            client.DisconnectLocalClient();
            Assert.AreEqual(id, Wait(_server, NetworkEvent.Disconnect).Id);
            Wait(_client, NetworkEvent.Disconnect);
            End(server, client);
        }

        [Test]
        public void ReliableDeliveriesAreRefusedUnlessAskedFor()
        {
            NetcodeTransport server = _server.Transport, client = _client.Transport;
            Start(server, client);
            ulong id = Wait(_server, NetworkEvent.Connect).Id;
            Wait(_client, NetworkEvent.Connect);
            foreach (NetworkDelivery reliable in new[] { NetworkDelivery.Reliable, NetworkDelivery.ReliableSequenced, NetworkDelivery.ReliableFragmentedSequenced })
            {
                Assert.Throws<NotSupportedException>(() => server.Send(id, Message, reliable));
                Assert.Throws<NotSupportedException>(() => client.Send(0, Message, reliable));
                server.ReliableIsUnreliable = true;
                server.Send(id, Message, reliable);
                server.ReliableIsUnreliable = false;
                Wait(_client, NetworkEvent.Data);
            }
            End(server, client);
        }

        [Test]
        public void SmallMessagesArePutTogetherToWhatFits()
        {
            NetcodeTransport server = _server.Transport, client = _client.Transport;
            var manager = new NetworkManager();
            server.Initialize(manager);
            Assert.AreEqual(1192, manager.MaximumTransmissionUnitSize);
            server.Initialize(null);
            Start(server, client);
            ulong id = Wait(_server, NetworkEvent.Connect).Id;
            Wait(_client, NetworkEvent.Connect);
            var batch = new ArraySegment<byte>(new byte[manager.MaximumTransmissionUnitSize]);
            server.Send(id, batch, NetworkDelivery.Unreliable);
            Assert.AreEqual(batch.Count, Wait(_client, NetworkEvent.Data).Payload.Length);
            Assert.Throws<ArgumentException>(() => server.Send(id, new ArraySegment<byte>(new byte[1200]), NetworkDelivery.Unreliable));
            End(server, client);
        }

        /// <summary>That forgets the id at once, and would take an event with it for one of somebody else.</summary>
        [Test]
        public void WhomTheServerSendsAwayItHearsNoMoreOf()
        {
            NetcodeTransport server = _server.Transport, client = _client.Transport;
            Start(server, client);
            ulong id = Wait(_server, NetworkEvent.Connect).Id;
            Wait(_client, NetworkEvent.Connect);
            client.Send(client.ServerClientId, Message, NetworkDelivery.Unreliable);
            server.DisconnectRemoteClient(id);
            Wait(_client, NetworkEvent.Disconnect);
            _server.Poll();
            Assert.AreEqual(0, _server.Events.Count);

            client.Token = NewToken(server);
            Assert.IsTrue(client.StartClient());
            Assert.IsTrue(Wait(_server, NetworkEvent.Connect).Id != id);
            Wait(_client, NetworkEvent.Connect);
            End(server, client);
        }

        [Test]
        public void WhatCannotStartSaysWhy()
        {
            Assert.IsFalse(new NetcodeTransport { ServerAddress = "nonsense", PrivateKey = new byte[32] }.StartServer());
            StringAssert.Contains("ParseAddressFailed", UnityEngine.Debug.LastError);
            Assert.IsFalse(new NetcodeTransport().StartServer());
            StringAssert.Contains("privateKey", UnityEngine.Debug.LastError);
            Assert.IsFalse(new NetcodeTransport().StartClient());
            StringAssert.Contains("Token", UnityEngine.Debug.LastError);
        }

        static void Start(NetcodeTransport server, NetcodeTransport client)
        {
            server.ServerAddress = "127.0.0.1:0";
            server.ProtocolId = 9;
            server.PrivateKey = NetcodeLibrary.NewKey();
            server.Initialize();
            Assert.IsTrue(server.StartServer());
            client.Token = NewToken(server);
            Assert.IsTrue(client.StartClient());
        }

        static ConnectToken NewToken(NetcodeTransport server)
        {
            return ConnectToken.Generate("127.0.0.1:" + server.Port, 30, 5, 1, 9, server.PrivateKey);
        }

        void End(NetcodeTransport server, NetcodeTransport client)
        {
            client.Shutdown();
            server.Shutdown();
            server.Shutdown();
            _server.Poll();
            Assert.AreEqual(0, _server.Events.Count);
        }

        Event Wait(Side side, NetworkEvent expected)
        {
            double end = NetcodeLibrary.Time + Pair.MaxWaitSeconds;
            while (side.Events.Count == 0)
            {
                Assert.IsTrue(NetcodeLibrary.Time < end, "waited too long for " + expected);
                _server.Poll();
                _client.Poll();
            }
            Event next = side.Events.Dequeue();
            Assert.AreEqual(expected, next.Type);
            return next;
        }

        sealed class Event
        {
            public NetworkEvent Type;
            public ulong Id;
            public byte[] Payload;
        }

        sealed class Side
        {
            public readonly NetcodeTransport Transport = new NetcodeTransport();
            public readonly Queue<Event> Events = new Queue<Event>();

            /// <summary>One frame.</summary>
            public void Poll()
            {
                NetworkEvent type;
                ulong id;
                ArraySegment<byte> payload;
                float time;
                while ((type = Transport.PollEvent(out id, out payload, out time)) != NetworkEvent.Nothing)
                    Events.Enqueue(new Event { Type = type, Id = id, Payload = new ReadOnlySpan<byte>(payload.Array, payload.Offset, payload.Count).ToArray() });
            }
        }
    }
}
