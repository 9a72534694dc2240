using System;

namespace Netcode.Tests
{
    /// <summary>Datagrams in memory, between the ports of this network, and time that passes when it is told to.</summary>
    public sealed class VirtualNetwork
    {
        const int Ports = 8;

        readonly Port[] _ports = new Port[Ports];

        public double Time { get; private set; } = 100.0;

        public Port Open(int number)
        {
            return _ports[number] = new Port(this, NetcodeAddress.Parse("10.0.0.1").WithPort(number));
        }

        /// <summary>In steps as a game would make them.</summary>
        public void Run(double seconds, params NetcodeObject[] objects)
        {
            const double step = 1.0 / 20.0;
            for (double end = Time + seconds; Time < end;)
                Step(step, objects);
        }

        public void Step(double seconds, params NetcodeObject[] objects)
        {
            Time += seconds;
            foreach (NetcodeObject each in objects)
            {
                if (each.IsDisposed)
                    continue;
                (each as NetcodeClient)?.Update(Time);
                (each as NetcodeServer)?.Update(Time);
            }
        }

        public sealed class Port : IDatagrams
        {
            const int Room = 128;

            readonly VirtualNetwork _network;
            readonly byte[][] _data = new byte[Room][];
            readonly int[] _bytes = new int[Room];
            readonly NetcodeAddress[] _from = new NetcodeAddress[Room];
            int _first, _count;

            public readonly NetcodeAddress Address;
            public int Sent;

            public Port(VirtualNetwork network, NetcodeAddress address)
            {
                _network = network;
                Address = address;
                for (int i = 0; i < Room; i++)
                    _data[i] = new byte[1300];
            }

            public void Send(NetcodeAddress to, ReadOnlySpan<byte> datagram)
            {
                Sent++;
                if (to.WithPort(0) == Address.WithPort(0) && to.Port < Ports)
                    _network._ports[to.Port]?.Put(Address, datagram);
            }

            public int Receive(out NetcodeAddress from, Span<byte> buffer)
            {
                from = default(NetcodeAddress);
                if (_count == 0)
                    return 0;
                int slot = _first;
                _first = (_first + 1) % Room;
                _count--;
                from = _from[slot];
                new ReadOnlySpan<byte>(_data[slot], 0, _bytes[slot]).CopyTo(buffer);
                return _bytes[slot];
            }

            void Put(NetcodeAddress from, ReadOnlySpan<byte> datagram)
            {
                if (_count == Room)
                    return;
                int slot = (_first + _count++) % Room;
                _from[slot] = from;
                _bytes[slot] = datagram.Length;
                datagram.CopyTo(_data[slot]);
            }
        }
    }
}
