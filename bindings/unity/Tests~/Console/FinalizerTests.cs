using System;
using System.Reflection;
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

        /// <summary>When a domain is unloaded, what is still referred to is finalized, too: here by hand.</summary>
        [Test]
        public void WhatIsStillReferredToIsEndedWithoutEvents()
        {
            int events = 0;
            var pair = new Pair();
            pair.Connect();
            pair.Client.StateChanged += (previous, current) => events++;
            pair.Server.ClientDisconnected += (index, reason) => events++;
            foreach (NetcodeObject ended in new NetcodeObject[] { pair.Client, pair.Server })
            {
                typeof(NetcodeObject).GetMethod("Finalize", BindingFlags.Instance | BindingFlags.NonPublic).Invoke(ended, null);
                Assert.IsTrue(ended.IsDisposed);
            }
            Assert.AreEqual(0, events);
            pair.Dispose();
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
