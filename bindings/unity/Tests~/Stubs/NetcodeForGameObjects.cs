// Of Netcode for GameObjects the base class of transports, as its public documentation has it, and what drives one.
using System;
using UnityEngine;

namespace Unity.Netcode
{
    public enum NetworkEvent { Data, Connect, Disconnect, TransportFailure, Nothing }

    public enum NetworkDelivery { Unreliable, UnreliableSequenced, Reliable, ReliableSequenced, ReliableFragmentedSequenced }

    public class NetworkConfig { public NetworkTransport NetworkTransport; }

    public class NetworkManager : MonoBehaviour
    {
        public NetworkConfig NetworkConfig = new NetworkConfig();

        public bool StartServer()
        {
            NetworkConfig.NetworkTransport.Initialize(this);
            return NetworkConfig.NetworkTransport.StartServer();
        }

        public bool StartClient()
        {
            NetworkConfig.NetworkTransport.Initialize(this);
            return NetworkConfig.NetworkTransport.StartClient();
        }

#if !NGO_1_7
        int _maximumTransmissionUnitSize = 1296;

        /// <summary>What small messages to one client are put together to, since 1.8.0.</summary>
        public int MaximumTransmissionUnitSize
        {
            get => _maximumTransmissionUnitSize;
            set => _maximumTransmissionUnitSize = value & ~7;
        }
#endif
    }

    public abstract class NetworkTransport : MonoBehaviour
    {
        public abstract ulong ServerClientId { get; }
        public virtual bool IsSupported => true;
        public abstract void Send(ulong clientId, ArraySegment<byte> payload, NetworkDelivery networkDelivery);
        public abstract NetworkEvent PollEvent(out ulong clientId, out ArraySegment<byte> payload, out float receiveTime);
        public abstract bool StartClient();
        public abstract bool StartServer();
        public abstract void DisconnectRemoteClient(ulong clientId);
        public abstract void DisconnectLocalClient();
        public abstract ulong GetCurrentRtt(ulong clientId);
        public abstract void Shutdown();
        public abstract void Initialize(NetworkManager networkManager = null);
    }
}
