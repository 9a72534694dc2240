using System;

namespace Netcode
{
    /// <summary>
    /// Takes the place of sockets, for instance to send through a relay. It is called within the calls of the client or
    /// server that it is for.
    /// </summary>
    public interface IDatagrams
    {
        /// <summary>Sends a datagram. It may get lost.</summary>
        void Send(NetcodeAddress to, ReadOnlySpan<byte> datagram);

        /// <summary>Fetches a datagram, and returns its size, or 0 when there is none.</summary>
        int Receive(out NetcodeAddress from, Span<byte> buffer);
    }

    /// <summary>What was sent by a client or server that is connected without packets.</summary>
    public delegate void LoopbackPacketHandler(int clientIndex, ReadOnlySpan<byte> data, ulong sequence);
}
