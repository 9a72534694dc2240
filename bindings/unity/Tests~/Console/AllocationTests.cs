using System;
using NUnit.Framework;

namespace Netcode.Tests
{
    /// <summary>Garbage by the byte, which only the console's Mono counts.</summary>
    public sealed class AllocationTests
    {
        const int WarmUpPackets = 1000;
        const int Packets = 10000;

        public static byte[] Garbage;

        [Test]
        public void PacketsMakeNoGarbage()
        {
            using (var pair = new Pair())
            {
                pair.Connect();
                var traffic = new Traffic(pair);
                traffic.Run(WarmUpPackets);
                long bytes = Allocated(() => traffic.Run(Packets));
                Assert.AreEqual(0L, bytes);
                Console.WriteLine("figures: " + bytes + " bytes allocated for " + Packets + " packets each way");
            }
        }

        [Test]
        public void DatagramsOfOneselfMakeNoGarbage()
        {
            var network = new VirtualNetwork();
            byte[] key = NetcodeLibrary.NewKey(), data = new byte[100], buffer = new byte[1200];
            using (var server = new NetcodeServer("10.0.0.1:1", null, 7, key, network.Time, 0, network.Open(1)))
            using (var client = new NetcodeClient("10.0.0.1:2", null, network.Time, network.Open(2)))
            using (var token = ConnectToken.Generate("10.0.0.1:1", 30, 5, 1, 7, key))
            {
                server.Start(1);
                client.Connect(token);
                network.Run(1.0, client, server);
                var both = new NetcodeObject[] { client, server };
                int arrived = 0;
                Action<int> send = packets =>
                {
                    int bytes;
                    ulong sequence;
                    for (int i = 0; i < packets; i++)
                    {
                        client.Send(data);
                        server.Send(0, data);
                        network.Step(0.001, both);
                        while (server.TryReceive(0, buffer, out bytes, out sequence))
                            arrived++;
                        while (client.TryReceive(buffer, out bytes, out sequence))
                            arrived++;
                    }
                };
                send(WarmUpPackets);
                Assert.AreEqual(0L, Allocated(() => send(Packets)));
                send(1);
                Assert.AreEqual(2 * (WarmUpPackets + Packets + 1), arrived);
            }
        }

        /// <summary>So that the two tests above can fail.</summary>
        [Test]
        public void GarbageIsSeen()
        {
            Assert.IsTrue(Allocated(() => Garbage = new byte[1]) > 0, "one allocation was not seen");
        }

        static long Allocated(Action action)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            action();
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
    }
}
