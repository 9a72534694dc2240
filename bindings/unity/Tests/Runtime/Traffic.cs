using NUnit.Framework;

namespace Netcode.Tests
{
    /// <summary>Packets both ways whose contents say themselves what they should be. It makes no garbage of its own.</summary>
    public sealed class Traffic
    {
        const int BatchPackets = 25;

        readonly Pair _pair;
        readonly byte[] _send = new byte[NetcodeLibrary.MaxPacketSize];
        readonly byte[] _receive = new byte[NetcodeLibrary.MaxPacketSize];
        uint _sent, _atServer, _atClient;
        ulong _lastAtServer, _lastAtClient;

        public Traffic(Pair pair)
        {
            _pair = pair;
        }

        public uint Sent => _sent;
        public uint AtServer => _atServer;
        public uint AtClient => _atClient;

        /// <summary>So many each way. They are sent in batches, each of which has to arrive.</summary>
        public void Run(int packets)
        {
            for (int i = 0; i < packets; i += BatchPackets)
            {
                for (int k = 0; k < BatchPackets; k++)
                    SendOne();
                double end = NetcodeLibrary.Time + Pair.MaxWaitSeconds;
                while (_atServer < _sent || _atClient < _sent)
                {
                    if (NetcodeLibrary.Time > end)
                        Assert.Fail("packets were lost: of " + _sent + " sent, " + _atServer + " and " + _atClient + " arrived");
                    _pair.Client.Update();
                    _pair.Server.Update();
                    Drain();
                }
            }
        }

        void SendOne()
        {
            int bytes = Fill(_send, _sent, 1);
            _pair.Client.Send(new System.ReadOnlySpan<byte>(_send, 0, bytes));
            bytes = Fill(_send, _sent, 2);
            SendPointer(bytes);
            _sent++;
        }

        unsafe void SendPointer(int bytes)
        {
            fixed (byte* data = _send)
                _pair.Server.Send(0, data, bytes);
        }

        void Drain()
        {
            int bytes;
            ulong sequence;
            while (_pair.Server.TryReceive(0, _receive, out bytes, out sequence))
            {
                Check(bytes, _atServer++, 1);
                if (sequence <= _lastAtServer)
                    Assert.Fail("sequence " + sequence + " after " + _lastAtServer);
                _lastAtServer = sequence;
            }
            while (_pair.Client.TryReceive(_receive, out bytes, out sequence))
            {
                Check(bytes, _atClient++, 2);
                if (sequence <= _lastAtClient)
                    Assert.Fail("sequence " + sequence + " after " + _lastAtClient);
                _lastAtClient = sequence;
            }
        }

        static int Fill(byte[] buffer, uint number, uint way)
        {
            uint random = Start(number, way);
            int bytes = Size(number);
            for (int i = 0; i < bytes; i++)
                buffer[i] = (byte)((random = Next(random)) >> 24);
            return bytes;
        }

        void Check(int bytes, uint number, uint way)
        {
            if (bytes != Size(number))
                Assert.Fail("packet " + number + " has " + bytes + " bytes and not " + Size(number));
            uint random = Start(number, way);
            for (int i = 0; i < bytes; i++)
            {
                if (_receive[i] != (byte)((random = Next(random)) >> 24))
                    Assert.Fail("packet " + number + " is wrong at byte " + i);
            }
        }

        static uint Start(uint number, uint way) => unchecked(number * 2654435761 + way);

        static int Size(uint number) => (int)(number * 7 % NetcodeLibrary.MaxPacketSize) + 1;

        static uint Next(uint random) => unchecked(random * 1664525 + 1013904223);
    }
}
