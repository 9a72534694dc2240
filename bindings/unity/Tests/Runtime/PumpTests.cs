using System;
using Netcode.Integrations;
using NUnit.Framework;

namespace Netcode.Tests
{
    public sealed class PumpTests
    {
        static readonly ArraySegment<byte> Message = new ArraySegment<byte>(new byte[] { 9, 1, 2, 9 }, 1, 2);

        [Test]
        public void EventsComeInOrderAndConnectionsAreNotMixedUp()
        {
            var pair = new Pair(1);
            using (var server = new ServerPump(pair.Server))
            using (var client = new ClientPump(pair.Client))
            {
                pair.Connect();
                client.Send(Message, Channel.Unreliable);
                PumpEvent arrived = Wait(server);
                Assert.AreEqual(PumpEventType.Connected, arrived.Type);
                int first = arrived.Connection;
                Assert.IsTrue(first > 0);
                PumpEvent data = Wait(server);
                Assert.AreEqual(PumpEventType.Data, data.Type);
                Assert.AreEqual(first, data.Connection);
                CollectionAssert.AreEqual(new byte[] { 1, 2 }, new ReadOnlySpan<byte>(data.Data.Array, data.Data.Offset, data.Data.Count).ToArray());
                Assert.AreEqual(PumpEventType.Connected, Wait(client).Type);
                server.Send(first, Message, Channel.ReliableInName);
                Assert.AreEqual(Channel.ReliableInName, Wait(client).Channel);

                server.Disconnect(first);
                Assert.AreEqual(PumpEventType.Disconnected, Wait(server).Type);
                Assert.AreEqual(PumpEventType.Disconnected, Wait(client).Type);
                pair.Connect();
                int second = Wait(server).Connection;
                Assert.IsTrue(second != first && second > 0);
                Assert.AreEqual(PumpEventType.Connected, Wait(client).Type);
                server.Send(first, Message, Channel.Unreliable);      // to one who has gone
                server.Disconnect(first);
                Assert.AreEqual(-1, server.SlotOf(first));
                Assert.AreEqual(0, server.SlotOf(second));
                Assert.AreEqual(-1, server.SlotOf(0));
                server.Send(second, new ArraySegment<byte>(new byte[1]), Channel.Unreliable);
                Assert.AreEqual(1, Wait(client).Data.Count);
            }
            Assert.IsTrue(pair.Server.IsDisposed && pair.Client.IsDisposed);
        }

        [Test]
        public void OfWhomIsQuietlyDisconnectedNothingComes()
        {
            var pair = new Pair(1);
            using (var server = new ServerPump(pair.Server))
            using (var client = new ClientPump(pair.Client))
            {
                pair.Connect();
                int first = Wait(server).Connection;
                client.Send(Message, Channel.Unreliable);
                server.DisconnectQuietly(first);
                server.Update();
                Assert.IsFalse(server.Next(out PumpEvent none));
                Assert.AreEqual(-1, server.SlotOf(first));
                Assert.AreEqual(0, pair.Server.NumConnectedClients);

                pair.Run(() => pair.Client.State != ClientState.Connected);
                pair.Connect();
                int second = Wait(server).Connection;
                pair.Client.Disconnect();
                pair.Run(() => pair.Server.NumConnectedClients == 0);      // an event waits
                pair.Connect();
                server.DisconnectQuietly(second);
                PumpEvent next = Wait(server);
                Assert.AreEqual(PumpEventType.Connected, next.Type);
                Assert.IsTrue(next.Connection != second);
                server.DisconnectQuietly(second);
                Assert.AreEqual(0, server.SlotOf(next.Connection));
            }
        }

        [Test]
        public void WhatIsLateIsDroppedWhenSequenced()
        {
            var buffer = new byte[] { (byte)Channel.UnreliableSequenced, 7 };
            var next = new PumpEvent();
            ulong latest = 0;
            Assert.IsTrue(Framing.Read(buffer, 2, 10, ref latest, ref next));
            Assert.IsFalse(Framing.Read(buffer, 2, 9, ref latest, ref next));
            Assert.IsTrue(Framing.Read(buffer, 2, 11, ref latest, ref next));
            buffer[0] = (byte)Channel.Unreliable;
            Assert.IsTrue(Framing.Read(buffer, 2, 3, ref latest, ref next));
            Assert.AreEqual(11UL, latest);
            buffer[0] = 3;      // no channel
            Assert.IsFalse(Framing.Read(buffer, 2, 12, ref latest, ref next));
        }

        [Test]
        public void MessagesThatAreTooLongAreRefused()
        {
            var buffer = new byte[1200];
            Assert.AreEqual(1200, Framing.Write(buffer, new ArraySegment<byte>(new byte[1199]), Channel.Unreliable).Length);
            Assert.Throws<ArgumentException>(() => Framing.Write(buffer, new ArraySegment<byte>(new byte[1200]), Channel.Unreliable));
        }

        static PumpEvent Wait(ServerPump pump)
        {
            PumpEvent next;
            double end = NetcodeLibrary.Time + Pair.MaxWaitSeconds;
            while (!pump.Next(out next))
            {
                Assert.IsTrue(NetcodeLibrary.Time < end, "waited too long");
                pump.Update();
            }
            return next;
        }

        static PumpEvent Wait(ClientPump pump)
        {
            PumpEvent next;
            double end = NetcodeLibrary.Time + Pair.MaxWaitSeconds;
            while (!pump.Next(out next))
            {
                Assert.IsTrue(NetcodeLibrary.Time < end, "waited too long");
                pump.Update();
            }
            return next;
        }
    }
}
