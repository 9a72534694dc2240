using System;
using System.Threading;
using NUnit.Framework;

namespace Netcode.Tests
{
    public sealed class FinalizerTests
    {
        [Test]
        public void WhatIsForgottenIsEndedWithoutEvents()
        {
            int events = 0, port = 0;
            // On a thread of its own, so that nothing of them stays on this one's stack.
            var thread = new Thread(() =>
            {
                var pair = new Pair();
                pair.Connect();
                pair.Client.StateChanged += (previous, current) => events++;
                pair.Server.ClientDisconnected += (index, reason) => events++;
                port = pair.Server.Port;
            });
            thread.Start();
            thread.Join();
            double end = NetcodeLibrary.Time + Pair.MaxWaitSeconds;
            while (!CanBind(port))
            {
                Assert.IsTrue(NetcodeLibrary.Time < end, "the socket is still open");
                GC.Collect();
                GC.WaitForPendingFinalizers();
                NetcodeLibrary.Sleep(0.001);
            }
            Assert.AreEqual(0, events);
        }

        static bool CanBind(int port)
        {
            try
            {
                new NetcodeServer("127.0.0.1:" + port, 1, new byte[32]).Dispose();
                return true;
            }
            catch (NetcodeException exception) when (exception.ServerError == ServerCreateError.BindSocketIPv4Failed)
            {
                return false;
            }
        }
    }
}
