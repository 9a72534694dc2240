using System;
using System.Text;
using Netcode;
using UnityEngine;

/// <summary>
/// A server and a client in one scene: put this on an empty object and press play. It makes its own connect token, for
/// which it needs the private key; in a game, that key is on your servers and your backend only.
/// </summary>
public sealed class LoopbackSample : MonoBehaviour
{
    const ulong ProtocolId = 0x6E6574636F6465;

    readonly byte[] _buffer = new byte[NetcodeLibrary.MaxPacketSize];
    readonly byte[] _hello = Encoding.UTF8.GetBytes("hello");
    int _echoes;
    NetcodeServer _server;
    NetcodeClient _client;

    void Start()
    {
        byte[] key = NetcodeLibrary.NewKey();
        _server = new NetcodeServer("127.0.0.1:0", ProtocolId, key);
        _server.ClientConnected += index => Debug.Log("client " + _server.ClientId(index) + " has connected");
        _server.ClientDisconnected += (index, reason) => Debug.Log("client " + _server.ClientId(index) + " leaves: " + reason);
        _server.Start(16);

        _client = new NetcodeClient("127.0.0.1");
        _client.StateChanged += (previous, current) => Debug.Log("the client goes from " + previous + " to " + current);
        using (var token = ConnectToken.Generate("127.0.0.1:" + _server.Port, 30, 5, 1, ProtocolId, key))
            _client.Connect(token);
    }

    void Update()
    {
        _client.Update();
        _server.Update();
        _client.Send(_hello);       // nothing happens until it is connected
        int bytes;
        ulong sequence;
        while (_server.TryReceive(0, _buffer, out bytes, out sequence))
            _server.Send(0, new ReadOnlySpan<byte>(_buffer, 0, bytes));
        while (_client.TryReceive(_buffer, out bytes, out sequence))
        {
            if (_echoes++ % 60 == 0)
                Debug.Log(_echoes + ": " + Encoding.UTF8.GetString(_buffer, 0, bytes));
        }
    }

    void OnDestroy()
    {
        _client?.Dispose();
        _server?.Dispose();
    }
}
