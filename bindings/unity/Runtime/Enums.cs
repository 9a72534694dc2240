namespace Netcode
{
    /// <summary>What a client is doing. Errors are negative.</summary>
    public enum ClientState
    {
        ConnectTokenExpired = NetcodeNative.NETCODE_CLIENT_STATE_CONNECT_TOKEN_EXPIRED,
        InvalidConnectToken = NetcodeNative.NETCODE_CLIENT_STATE_INVALID_CONNECT_TOKEN,
        ConnectionTimedOut = NetcodeNative.NETCODE_CLIENT_STATE_CONNECTION_TIMED_OUT,
        ConnectionResponseTimedOut = NetcodeNative.NETCODE_CLIENT_STATE_CONNECTION_RESPONSE_TIMED_OUT,
        ConnectionRequestTimedOut = NetcodeNative.NETCODE_CLIENT_STATE_CONNECTION_REQUEST_TIMED_OUT,
        ConnectionDenied = NetcodeNative.NETCODE_CLIENT_STATE_CONNECTION_DENIED,
        Disconnected = NetcodeNative.NETCODE_CLIENT_STATE_DISCONNECTED,
        SendingConnectionRequest = NetcodeNative.NETCODE_CLIENT_STATE_SENDING_CONNECTION_REQUEST,
        SendingConnectionResponse = NetcodeNative.NETCODE_CLIENT_STATE_SENDING_CONNECTION_RESPONSE,
        Connected = NetcodeNative.NETCODE_CLIENT_STATE_CONNECTED,
    }

    /// <summary>Why the last client of a server's slot was disconnected.</summary>
    public enum DisconnectReason
    {
        None = NetcodeNative.NETCODE_SERVER_CLIENT_DISCONNECT_REASON_NONE,
        TimedOut = NetcodeNative.NETCODE_SERVER_CLIENT_DISCONNECT_REASON_TIMED_OUT,
        ClientDisconnect = NetcodeNative.NETCODE_SERVER_CLIENT_DISCONNECT_REASON_CLIENT_DISCONNECT,
        ServerDisconnect = NetcodeNative.NETCODE_SERVER_CLIENT_DISCONNECT_REASON_SERVER_DISCONNECT,
    }

    /// <summary>Why a client was not created.</summary>
    public enum ClientCreateError
    {
        None = NetcodeNative.NETCODE_CLIENT_CREATE_ERROR_NONE,
        ParseAddressFailed = NetcodeNative.NETCODE_CLIENT_CREATE_ERROR_PARSE_ADDRESS_FAILED,
        ParseAddress2Failed = NetcodeNative.NETCODE_CLIENT_CREATE_ERROR_PARSE_ADDRESS2_FAILED,
        SimulatorRequiresPort = NetcodeNative.NETCODE_CLIENT_CREATE_ERROR_SIMULATOR_REQUIRES_PORT,
        CreateSocketIPv4Failed = NetcodeNative.NETCODE_CLIENT_CREATE_ERROR_CREATE_SOCKET_IPV4_FAILED,
        CreateSocketIPv6Failed = NetcodeNative.NETCODE_CLIENT_CREATE_ERROR_CREATE_SOCKET_IPV6_FAILED,
        AllocateClientFailed = NetcodeNative.NETCODE_CLIENT_CREATE_ERROR_ALLOCATE_CLIENT_FAILED,
        MissingOverrideCallback = NetcodeNative.NETCODE_CLIENT_CREATE_ERROR_MISSING_OVERRIDE_CALLBACK,
    }

    /// <summary>Why a server was not created.</summary>
    public enum ServerCreateError
    {
        None = NetcodeNative.NETCODE_SERVER_CREATE_ERROR_NONE,
        ParseAddressFailed = NetcodeNative.NETCODE_SERVER_CREATE_ERROR_PARSE_ADDRESS_FAILED,
        ParseAddress2Failed = NetcodeNative.NETCODE_SERVER_CREATE_ERROR_PARSE_ADDRESS2_FAILED,
        CreateSocketIPv4Failed = NetcodeNative.NETCODE_SERVER_CREATE_ERROR_CREATE_SOCKET_IPV4_FAILED,
        CreateSocketIPv6Failed = NetcodeNative.NETCODE_SERVER_CREATE_ERROR_CREATE_SOCKET_IPV6_FAILED,
        BindSocketIPv4Failed = NetcodeNative.NETCODE_SERVER_CREATE_ERROR_BIND_SOCKET_IPV4_FAILED,
        BindSocketIPv6Failed = NetcodeNative.NETCODE_SERVER_CREATE_ERROR_BIND_SOCKET_IPV6_FAILED,
        AllocateServerFailed = NetcodeNative.NETCODE_SERVER_CREATE_ERROR_ALLOCATE_SERVER_FAILED,
        MissingOverrideCallback = NetcodeNative.NETCODE_SERVER_CREATE_ERROR_MISSING_OVERRIDE_CALLBACK,
    }

    public enum AddressType
    {
        None = NetcodeNative.NETCODE_ADDRESS_NONE,
        IPv4 = NetcodeNative.NETCODE_ADDRESS_IPV4,
        IPv6 = NetcodeNative.NETCODE_ADDRESS_IPV6,
    }

    /// <summary>How much is logged.</summary>
    public enum LogLevel
    {
        None = NetcodeNative.NETCODE_LOG_LEVEL_NONE,
        Error = NetcodeNative.NETCODE_LOG_LEVEL_ERROR,
        Info = NetcodeNative.NETCODE_LOG_LEVEL_INFO,
        Debug = NetcodeNative.NETCODE_LOG_LEVEL_DEBUG,
    }
}
