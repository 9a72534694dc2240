using System;

namespace Netcode
{
    /// <summary>Something that the library refused to do. The message says what and why.</summary>
    public sealed class NetcodeException : Exception
    {
        /// <summary>Why a client was not created, or None.</summary>
        public ClientCreateError ClientError { get; }

        /// <summary>Why a server was not created, or None.</summary>
        public ServerCreateError ServerError { get; }

        public NetcodeException(string message) : base(message) { }

        internal NetcodeException(ClientCreateError error, string addresses)
            : base("no netcode client on " + addresses + ": " + error)
        {
            ClientError = error;
        }

        internal NetcodeException(ServerCreateError error, string addresses)
            : base("no netcode server on " + addresses + ": " + error)
        {
            ServerError = error;
        }
    }
}
