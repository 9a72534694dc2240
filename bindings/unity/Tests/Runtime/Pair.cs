using System;
using NUnit.Framework;

namespace Netcode.Tests
{
    /// <summary>A server and a client of it, over sockets of the loopback interface.</summary>
    public sealed class Pair : IDisposable
    {
        public const ulong ProtocolId = 0x1122334455667788;
        public const ulong ClientId = 42;
        public const double MaxWaitSeconds = 10.0;

        public readonly byte[] Key = NetcodeLibrary.NewKey();
        public readonly NetcodeServer Server;
        public readonly NetcodeClient Client;

        public Pair(int maxClients = 4)
        {
            Server = new NetcodeServer("127.0.0.1:0", ProtocolId, Key);
            Server.Start(maxClients);
            Client = new NetcodeClient("127.0.0.1");
        }

        public string ServerAddress => "127.0.0.1:" + Server.Port;

        public ConnectToken NewToken(ulong clientId = ClientId, byte[] userData = null)
        {
            return ConnectToken.Generate(ServerAddress, 30, 5, clientId, ProtocolId, Key, userData);
        }

        public void Connect(byte[] userData = null)
        {
            using (ConnectToken token = NewToken(ClientId, userData))
                Client.Connect(token);
            Run(() => Client.State == ClientState.Connected);
        }

        public void Update()
        {
            if (!Client.IsDisposed)
                Client.Update();
            if (!Server.IsDisposed)
                Server.Update();
        }

        /// <summary>Goes on until this is so, or the test has failed.</summary>
        public void Run(Func<bool> until)
        {
            double end = NetcodeLibrary.Time + MaxWaitSeconds;
            while (!until())
            {
                if (NetcodeLibrary.Time > end)
                    Assert.Fail("waited too long");
                Update();
                NetcodeLibrary.Sleep(0.001);
            }
        }

        public void Dispose()
        {
            Client.Dispose();
            Server.Dispose();
        }
    }
}
