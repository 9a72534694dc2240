using System;
using System.Reflection;
using NUnit.Framework;

namespace Netcode.Tests
{
    /// <summary>The scripts of docs/engines/unity.md, which the test script takes out of it and compiles, connect.</summary>
    public sealed class DocumentationTests
    {
        [Test]
        public void TenLinesToARunningConnection()
        {
            byte[] key = NetcodeLibrary.NewKey();
            var server = new GameServer { privateKey = key };
            var player = new Player { token = Backend.NewToken(key, 5) };
            Call(server, "Start");
            Call(player, "Start");
            double end = NetcodeLibrary.Time + Pair.MaxWaitSeconds;
            while (!UnityEngine.Debug.LastMessage.EndsWith("bytes came back"))
            {
                Assert.IsTrue(NetcodeLibrary.Time < end, "waited too long");
                Call(player, "Update");
                Call(server, "Update");
                NetcodeLibrary.Sleep(0.001);
            }
            Assert.AreEqual("3 bytes came back", UnityEngine.Debug.LastMessage);
            Call(player, "OnDestroy");
            Call(server, "OnDestroy");
        }

        static void Call(object script, string message)
        {
            script.GetType().GetMethod(message, BindingFlags.Instance | BindingFlags.NonPublic).Invoke(script, null);
        }
    }
}
