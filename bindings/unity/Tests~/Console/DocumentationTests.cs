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
            WaitFor(() =>
            {
                Call(player, "Update");
                Call(server, "Update");
                return UnityEngine.Debug.LastMessage.EndsWith("bytes came back");
            });
            Assert.AreEqual("3 bytes came back", UnityEngine.Debug.LastMessage);
            Call(player, "OnDestroy");
            Call(server, "OnDestroy");
        }

        [Test]
        public void NetcodeForGameObjectsIsStartedFromCode()
        {
            GameObjectsGame server = NewGameObjectsGame(), client = NewGameObjectsGame();
            var serving = server.GetComponent<NGO.NetcodeTransport>();
            var playing = client.GetComponent<NGO.NetcodeTransport>();
            byte[] key = NetcodeLibrary.NewKey();
            server.Serve(key);
            client.Join(NewToken(serving.Port, key));
            bool arrived = false, connected = false;
            WaitFor(() => (arrived |= ConnectsIn(serving)) & (connected |= ConnectsIn(playing)));
            playing.Shutdown();
            serving.Shutdown();
        }

        [Test]
        public void MirrorIsStartedFromCode()
        {
            MirrorGame server = NewMirrorGame(), client = NewMirrorGame();
            var serving = server.GetComponent<MirrorTransport.NetcodeTransport>();
            var playing = client.GetComponent<MirrorTransport.NetcodeTransport>();
            byte[] key = NetcodeLibrary.NewKey();
            server.Serve(key);
            client.Join(NewToken(serving.Port, key));
            WaitFor(() =>
            {
                serving.ServerEarlyUpdate();
                playing.ClientEarlyUpdate();
                return playing.ClientConnected();
            });
            playing.Shutdown();
            serving.Shutdown();
        }

        static GameObjectsGame NewGameObjectsGame()
        {
            var thing = new UnityEngine.GameObject();
            var transport = thing.AddComponent<NGO.NetcodeTransport>();
            transport.ServerAddress = "127.0.0.1:0";
            transport.ProtocolId = 7;
            thing.AddComponent<Unity.Netcode.NetworkManager>().NetworkConfig.NetworkTransport = transport;
            return thing.AddComponent<GameObjectsGame>();
        }

        static MirrorGame NewMirrorGame()
        {
            var thing = new UnityEngine.GameObject();
            var transport = thing.AddComponent<MirrorTransport.NetcodeTransport>();
            transport.ServerAddress = "127.0.0.1:0";
            transport.ProtocolId = 7;
            thing.AddComponent<Mirror.NetworkManager>().transport = transport;
            return thing.AddComponent<MirrorGame>();
        }

        static byte[] NewToken(int port, byte[] key)
        {
            using (ConnectToken token = ConnectToken.Generate("127.0.0.1:" + port, 30, 5, 5, 7, key))
                return token.ToArray();
        }

        static bool ConnectsIn(NGO.NetcodeTransport transport)
        {
            return transport.PollEvent(out ulong id, out ArraySegment<byte> data, out float time) == Unity.Netcode.NetworkEvent.Connect;
        }

        static void WaitFor(Func<bool> until)
        {
            double end = NetcodeLibrary.Time + Pair.MaxWaitSeconds;
            while (!until())
            {
                Assert.IsTrue(NetcodeLibrary.Time < end, "waited too long");
                NetcodeLibrary.Sleep(0.001);
            }
        }

        static void Call(object script, string message)
        {
            script.GetType().GetMethod(message, BindingFlags.Instance | BindingFlags.NonPublic).Invoke(script, null);
        }
    }
}
