/// \file
/// The server of a game: slots with clients in them, tick, send, and be told what happens. Needs no engine.
///
/// Tested without the engine, by bindings/unreal/tests.

#ifndef NETCODE_CORE_SERVER_SESSION_HPP
#define NETCODE_CORE_SERVER_SESSION_HPP

#include <netcode.hpp>

#include "events.hpp"

namespace netcode_core
{

/// Why a server could not be started.
enum class server_start
{
    started,        ///< It was.
    bad_settings,   ///< The address is none, or the number of slots is not 1 to netcode::max_clients.
    no_socket,      ///< The socket could not be opened or bound: the port may be taken.
    no_memory,      ///< Out of memory.
    in_callback     ///< A listener cannot start its own server: it is in use.
};

/// The name of a result, for logs.
[[nodiscard]] constexpr const char * to_string( server_start result ) noexcept
{
    switch ( result )
    {
        case server_start::started: return "started";
        case server_start::bad_settings: return "bad settings";
        case server_start::no_socket: return "no socket";
        case server_start::no_memory: return "no memory";
        case server_start::in_callback: return "in callback";
    }
    return "unknown";
}

/// What a game hears of its server. The functions may call the session, but neither start nor destroy it.
class server_listener
{
public:
    /// A client has connected.
    virtual void on_client_connected( int slot, std::uint64_t client_id ) = 0;
    /// A client is gone; its slot may have been taken by another one already, who is told of next.
    virtual void on_client_disconnected( int slot, std::uint64_t client_id, netcode::disconnect_reason reason ) = 0;
    /// A packet; the memory is the session's, and good until this returns.
    virtual void on_packet( int slot, const std::uint8_t * data, std::size_t size, std::uint64_t sequence ) = 0;

protected:
    ~server_listener() = default;
};

/// How a server is to be set up.
struct server_settings
{
    const char * address = "127.0.0.1:40000";                   ///< The public address, as in connect tokens.
    int slots = 16;                                             ///< 1 to netcode::max_clients.
    std::uint64_t protocol_id = 0;                              ///< Tells your game and its versions from others.
    netcode::key private_key = {};                              ///< Shared by your servers and your backend; never in a client.
    netcode_network_simulator_t * network_simulator = nullptr;  ///< In place of sockets, for tests; it must outlive the session.
};

/// A server. Use it from one thread at a time. It tells its listener within tick, kick, kick_all and stop only, and packets
/// within tick only.
class server_session
{
public:
    /// The listener must outlive the session. It hears nothing of the session's destruction.
    explicit server_session( server_listener & listener ) : listener_( &listener )
    {
        handlers_.on_client_change( [this]( int slot, bool connected ) {
            events_.add( { slot, server_.client_id( slot ), connected, server_.client_disconnect_reason( slot ) } );
        } );
    }
    ~server_session() { destroy(); }
    server_session( const server_session & ) = delete;
    server_session & operator=( const server_session & ) = delete;

    /// Starts the server, after stopping it if need be. now is the game's clock in seconds; pass the same clock to tick.
    server_start start( const server_settings & settings, double now )
    {
        if ( events_.telling() )
            return server_start::in_callback;
        stop();
        if ( settings.slots < 1 || settings.slots > netcode::max_clients )
            return server_start::bad_settings;
        netcode::server_config config;
        config.protocol_id = settings.protocol_id;
        config.private_key = settings.private_key;
        config.network_simulator = settings.network_simulator;
        config.handlers = &handlers_;
        auto created = netcode::server::create( settings.address, config, now );
        netcode::detail::wipe( config.private_key.data(), config.private_key.size() );
        server_ = std::move( created.value );
        if ( !server_ )
            return result_of( created.error );
        server_.start( settings.slots );
        return server_start::started;
    }

    /// Sends all clients away, and closes the socket. Called by the listener, the socket is closed at the end of tick.
    void stop()
    {
        server_.stop();
        tell_events();
        stopping_ = true;
        stop_if_due();
    }

    /// Lets time pass: receives, sends and tells. Call it once a frame, with the clock of start.
    void tick( double now )
    {
        if ( events_.telling() )
            return;
        server_.update( now );
        tell_events();
        events_.hold( [this] {
            for ( int slot = 0; slot < server_.max_clients(); slot++ )
                for ( netcode::packet packet; server_.client_connected( slot ) && ( packet = server_.receive( slot ) ); )
                    listener_->on_packet( slot, packet.data(), packet.size(), packet.sequence() );
        } );
        tell_events();
        stop_if_due();
    }

    /// Sends 1 to netcode::max_packet_size bytes to the client in a slot, at once, without any promise that they arrive.
    /// False if that cannot be.
    bool send( int slot, const void * data, std::size_t size ) noexcept
    {
        if ( !data || size == 0 || size > netcode::max_packet_size || !connected( slot ) )
            return false;
        server_.send( slot, data, size );
        return true;
    }

    /// Sends to all clients but the one in the slot except. Returns to how many.
    int broadcast( const void * data, std::size_t size, int except = -1 ) noexcept
    {
        int sent = 0;
        for ( int slot = 0; slot < slots(); slot++ )
            sent += slot != except && send( slot, data, size ) ? 1 : 0;
        return sent;
    }

    /// Sends the client in a slot away.
    void kick( int slot )
    {
        if ( connected( slot ) )
            server_.disconnect_client( slot );
        tell_events();
    }

    /// Sends all clients away. The server goes on.
    void kick_all()
    {
        server_.disconnect_all_clients();
        tell_events();
    }

    /// Whether the server is running.
    [[nodiscard]] bool running() const noexcept { return server_.running(); }
    /// The number of slots; 0 while the server is not running.
    [[nodiscard]] int slots() const noexcept { return server_.max_clients(); }
    /// The number of clients.
    [[nodiscard]] int num_connected() const noexcept { return server_.num_connected_clients(); }
    /// Whether there is a client in this slot. Any number may be asked for.
    [[nodiscard]] bool connected( int slot ) const noexcept { return slot >= 0 && slot < slots() && server_.client_connected( slot ); }
    /// The id of the client in this slot; 0 if there is none.
    [[nodiscard]] std::uint64_t client_id( int slot ) const noexcept { return connected( slot ) ? server_.client_id( slot ) : 0; }
    /// The slot of a client, or -1.
    [[nodiscard]] int slot_of( std::uint64_t id ) const noexcept
    {
        for ( int slot = 0; slot < slots(); slot++ )
            if ( connected( slot ) && server_.client_id( slot ) == id )
                return slot;
        return -1;
    }
    /// The netcode::user_data_bytes in the token of the client in this slot; NULL if there is none.
    [[nodiscard]] const std::uint8_t * user_data( int slot ) const noexcept { return connected( slot ) ? server_.client_user_data( slot ) : nullptr; }
    /// The port that the server listens on; 0 without sockets.
    [[nodiscard]] std::uint16_t port() const noexcept { return server_.port(); }
    /// What stands behind, for all that is not here.
    [[nodiscard]] netcode::server & get() noexcept { return server_; }

private:
    struct event { int slot; std::uint64_t client_id; bool connected; netcode::disconnect_reason reason; };

    [[nodiscard]] static server_start result_of( netcode::server_create_error error ) noexcept
    {
        switch ( error )
        {
            case netcode::server_create_error::parse_address_failed:
            case netcode::server_create_error::parse_address2_failed: return server_start::bad_settings;
            case netcode::server_create_error::allocate_server_failed: return server_start::no_memory;
            case netcode::server_create_error::none:
            case netcode::server_create_error::create_socket_ipv4_failed:
            case netcode::server_create_error::create_socket_ipv6_failed:
            case netcode::server_create_error::bind_socket_ipv4_failed:
            case netcode::server_create_error::bind_socket_ipv6_failed:
            case netcode::server_create_error::missing_override_callback: break;
        }
        return server_start::no_socket;
    }

    void tell_events()
    {
        events_.tell( [this]( const event & told ) {
            if ( told.connected )
                listener_->on_client_connected( told.slot, told.client_id );
            else
                listener_->on_client_disconnected( told.slot, told.client_id, told.reason );
        } );
    }

    // Not while the listener has one of the server's packets.
    void stop_if_due() noexcept
    {
        if ( stopping_ && !events_.telling() )
            destroy();
    }

    void destroy() noexcept
    {
        stopping_ = false;
        server_.destroy();
        events_.clear();
    }

    netcode::library library_;          // before the server
    netcode::server_handlers handlers_; // before the server
    event_queue<event> events_;         // before the server, whose end adds to it
    server_listener * listener_;
    bool stopping_ = false;
    netcode::server server_;
};

} // namespace netcode_core

#endif
