using System;
using System.Threading;
using NUnit.Framework;
#if UNITY_5_3_OR_NEWER
using Unity.Collections;
#endif

namespace Netcode.Tests
{
    public sealed class PacketTests
    {
        const int Packets = 10000;

        [Test]
        public void TenThousandPacketsEachWayWhileGarbageIsCollected()
        {
            bool stop = false;
            int collections = 0;
            var collector = new Thread(() =>
            {
                while (!Volatile.Read(ref stop))
                {
                    GC.Collect();
                    GC.WaitForPendingFinalizers();
                    collections++;
                    Thread.Sleep(1);
                }
            });
            using (var pair = new Pair())
            {
                pair.Connect();
                var traffic = new Traffic(pair);
                collector.Start();
                try
                {
                    traffic.Run(Packets);
                }
                finally
                {
                    Volatile.Write(ref stop, true);
                    collector.Join();
                }
                Assert.AreEqual(Packets, (int)traffic.AtServer);
                Assert.AreEqual(Packets, (int)traffic.AtClient);
                Assert.AreEqual(ClientState.Connected, pair.Client.State);
            }
            Assert.IsTrue(collections >= 10, "collections: " + collections);
            Console.WriteLine("figures: " + Packets + " packets each way, " + collections + " collections meanwhile");
        }

        [Test]
        public unsafe void AllOverloadsSendAndReceive()
        {
            using (var pair = new Pair())
            {
                pair.Connect();
                byte[] data = { 9, 1, 2, 3, 9 }, buffer = new byte[1200];
                var part = new ArraySegment<byte>(data, 1, 3);
                pair.Client.Send(data);
                pair.Client.Send(part);
                pair.Client.Send(new ReadOnlySpan<byte>(data, 1, 3));
                pair.Server.Send(0, data);
                pair.Server.Send(0, part);
                pair.Server.Send(0, new ReadOnlySpan<byte>(data, 1, 3));
                fixed (byte* pointer = data)
                {
                    pair.Client.Send(pointer + 1, 3);
                    pair.Server.Send(0, pointer + 1, 3);
                }
                foreach (int expected in new[] { 5, 3, 3, 3 })
                {
                    int bytes = 0;
                    ulong sequence;
                    pair.Run(() => pair.Server.TryReceive(0, buffer, out bytes, out sequence));
                    Assert.AreEqual(expected, bytes);
                    Assert.AreEqual(expected == 5 ? 9 : 1, (int)buffer[0]);
                    pair.Run(() => pair.Client.TryReceive(new Span<byte>(buffer), out bytes, out sequence));
                    Assert.AreEqual(expected, bytes);
                    Assert.AreEqual(expected == 5 ? 9 : 1, (int)buffer[0]);
                }
                Assert.IsFalse(pair.Client.TryReceive(buffer, out int none, out ulong number));
                Assert.AreEqual(0, none);
            }
        }

#if UNITY_5_3_OR_NEWER
        [Test]
        public void NativeArraysSendAndReceive()
        {
            using (var pair = new Pair())
            using (var data = new NativeArray<byte>(7, Allocator.Persistent))
            using (var buffer = new NativeArray<byte>(1200, Allocator.Persistent))
            {
                pair.Connect();
                pair.Client.Send(data);
                pair.Server.Send(0, data);
                int bytes = 0;
                ulong sequence;
                pair.Run(() => pair.Server.TryReceive(0, buffer, out bytes, out sequence));
                Assert.AreEqual(7, bytes);
                pair.Run(() => pair.Client.TryReceive(buffer, out bytes, out sequence));
                Assert.AreEqual(7, bytes);
            }
        }
#endif

        [Test]
        public void SizesAndBuffersAreChecked()
        {
            using (var pair = new Pair())
            {
                var tooMuch = new byte[1201];
                Assert.Throws<ArgumentOutOfRangeException>(() => pair.Client.Send(tooMuch));
                Assert.Throws<ArgumentOutOfRangeException>(() => pair.Client.Send(new byte[0]));
                Assert.Throws<ArgumentOutOfRangeException>(() => pair.Client.Send((byte[])null));
                Assert.Throws<ArgumentOutOfRangeException>(() => pair.Server.Send(0, tooMuch));
                Assert.Throws<ArgumentOutOfRangeException>(() => pair.Server.Send(256, new byte[1]));
                Assert.Throws<ArgumentOutOfRangeException>(() => pair.Server.Send(-1, new byte[1]));
                int bytes;
                ulong sequence;
                Assert.Throws<ArgumentOutOfRangeException>(() => pair.Client.TryReceive(new byte[1199], out bytes, out sequence));
                Assert.Throws<ArgumentOutOfRangeException>(() => pair.Server.TryReceive(0, new byte[1199], out bytes, out sequence));
            }
        }

        [Test]
        public void SendingToNobodyDoesNothing()
        {
            using (var pair = new Pair())
            {
                pair.Client.Send(new byte[1]);
                pair.Server.Send(0, new byte[1]);
                pair.Server.Send(200, new byte[1]);      // a slot that this server does not have
                Assert.AreEqual(0UL, pair.Server.NextPacketSequence(0));
            }
        }
    }
}
