using System;
using System.Runtime.InteropServices;

namespace Netcode
{
    /// <summary>
    /// The functions that C calls. They are static, know their object by the context, and let no exception out.
    /// </summary>
    internal static unsafe class Callbacks
    {
        // C has pointers to these, so they have to live.
        static readonly NetcodeNative.netcode_state_change_callback StateChangeDelegate = OnStateChange;
        static readonly NetcodeNative.netcode_connect_disconnect_callback ConnectDisconnectDelegate = OnConnectDisconnect;
        static readonly NetcodeNative.netcode_send_loopback_packet_callback ClientLoopbackDelegate = OnClientLoopback;
        static readonly NetcodeNative.netcode_send_loopback_packet_callback ServerLoopbackDelegate = OnServerLoopback;
        static readonly NetcodeNative.netcode_send_packet_override SendDelegate = OnSend;
        static readonly NetcodeNative.netcode_receive_packet_override ReceiveDelegate = OnReceive;

        public static readonly IntPtr StateChange = Marshal.GetFunctionPointerForDelegate(StateChangeDelegate);
        public static readonly IntPtr ConnectDisconnect = Marshal.GetFunctionPointerForDelegate(ConnectDisconnectDelegate);
        public static readonly IntPtr ClientLoopback = Marshal.GetFunctionPointerForDelegate(ClientLoopbackDelegate);
        public static readonly IntPtr ServerLoopback = Marshal.GetFunctionPointerForDelegate(ServerLoopbackDelegate);
        public static readonly IntPtr Send = Marshal.GetFunctionPointerForDelegate(SendDelegate);
        public static readonly IntPtr Receive = Marshal.GetFunctionPointerForDelegate(ReceiveDelegate);

        [AOT.MonoPInvokeCallback(typeof(NetcodeNative.netcode_state_change_callback))]
        static void OnStateChange(void* context, int previous, int current)
        {
            var client = NetcodeObject.FromContext<NetcodeClient>((IntPtr)context);
            try
            {
                client?.RaiseStateChanged((ClientState)previous, (ClientState)current);
            }
            catch (Exception exception)
            {
                client.Failed(exception);
            }
        }

        [AOT.MonoPInvokeCallback(typeof(NetcodeNative.netcode_connect_disconnect_callback))]
        static void OnConnectDisconnect(void* context, int clientIndex, int connected)
        {
            var server = NetcodeObject.FromContext<NetcodeServer>((IntPtr)context);
            try
            {
                server?.RaiseConnectDisconnect(clientIndex, connected != 0);
            }
            catch (Exception exception)
            {
                server.Failed(exception);
            }
        }

        [AOT.MonoPInvokeCallback(typeof(NetcodeNative.netcode_send_loopback_packet_callback))]
        static void OnClientLoopback(void* context, int clientIndex, byte* data, int bytes, ulong sequence)
        {
            var client = NetcodeObject.FromContext<NetcodeClient>((IntPtr)context);
            try
            {
                client?.RaiseLoopbackPacketSent(clientIndex, new ReadOnlySpan<byte>(data, bytes), sequence);
            }
            catch (Exception exception)
            {
                client.Failed(exception);
            }
        }

        [AOT.MonoPInvokeCallback(typeof(NetcodeNative.netcode_send_loopback_packet_callback))]
        static void OnServerLoopback(void* context, int clientIndex, byte* data, int bytes, ulong sequence)
        {
            var server = NetcodeObject.FromContext<NetcodeServer>((IntPtr)context);
            try
            {
                server?.RaiseLoopbackPacketSent(clientIndex, new ReadOnlySpan<byte>(data, bytes), sequence);
            }
            catch (Exception exception)
            {
                server.Failed(exception);
            }
        }

        [AOT.MonoPInvokeCallback(typeof(NetcodeNative.netcode_send_packet_override))]
        static void OnSend(void* context, NetcodeNative.netcode_address_t* to, byte* data, int bytes)
        {
            var owner = NetcodeObject.FromContext<NetcodeObject>((IntPtr)context);
            try
            {
                owner?.Datagrams.Send(new NetcodeAddress(to), new ReadOnlySpan<byte>(data, bytes));
            }
            catch (Exception exception)
            {
                owner.Failed(exception);
            }
        }

        [AOT.MonoPInvokeCallback(typeof(NetcodeNative.netcode_receive_packet_override))]
        static int OnReceive(void* context, NetcodeNative.netcode_address_t* from, byte* data, int maxBytes)
        {
            var owner = NetcodeObject.FromContext<NetcodeObject>((IntPtr)context);
            try
            {
                if (owner == null)
                    return 0;
                int bytes = owner.Datagrams.Receive(out NetcodeAddress source, new Span<byte>(data, maxBytes));
                *from = source.Native;
                return bytes;
            }
            catch (Exception exception)
            {
                owner.Failed(exception);
                return 0;
            }
        }
    }
}
