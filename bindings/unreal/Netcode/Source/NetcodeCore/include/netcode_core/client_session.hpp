/// \file
/// The client of a game: connect with a token, tick, send, and be told what happens. Needs no engine.
///
/// Tested without the engine, by bindings/unreal/tests.

#ifndef NETCODE_CORE_CLIENT_SESSION_HPP
#define NETCODE_CORE_CLIENT_SESSION_HPP

#include <netcode.hpp>

#include "events.hpp"

namespace netcode_core
{

/// Where a client stands.
enum class client_phase
{
    idle,           ///< Not connected, and not on the way.
    connecting,     ///< On the way to a server.
    connected       ///< Connected: packets go both ways.
};

/// Why a client is not, or no longer, connected.
enum class client_end
{
    none,           ///< It has not been connected yet, or it is.
    left,           ///< The game disconnected it.
    server_left,    ///< The server stopped, or sent it away.
    timed_out,      ///< Nothing was heard of the server for the timeout in the token.
    no_answer,      ///< No server in the token answered in time.
    server_full,    ///< All servers in the token were full.
    token_expired,  ///< The token expired on the way.
    token_invalid,  ///< The token has the wrong size, or cannot be read.
    no_socket       ///< The socket could not be opened, or the local address is no address.
};

/// The name of an end, for logs.
[[nodiscard]] constexpr const char * to_string( client_end end ) noexcept
{
    switch ( end )
    {
        case client_end::none: return "none";
        case client_end::left: return "left";
        case client_end::server_left: return "server left";
        case client_end::timed_out: return "timed out";
        case client_end::no_answer: return "no answer";
        case client_end::server_full: return "server full";
        case client_end::token_expired: return "token expired";
        case client_end::token_invalid: return "token invalid";
        case client_end::no_socket: return "no socket";
    }
    return "unknown";
}

/// What a game hears of its client. The functions may call the session, but not destroy it.
class client_listener
{
public:
    /// Connected, in this slot of so many.
    virtual void on_connected( int slot, int slots ) = 0;
    /// The end of an attempt or a connection. Told once for each successful or failed call of connect.
    virtual void on_disconnected( client_end end ) = 0;
    /// A packet; the memory is the session's, and good until this returns.
    virtual void on_packet( const std::uint8_t * data, std::size_t size, std::uint64_t sequence ) = 0;

protected:
    ~client_listener() = default;
};

/// How a client is to be set up.
struct client_settings
{
    const char * local_address = "0.0.0.0:0";                   ///< "[::]:0" for servers with IPv6 addresses.
    netcode_network_simulator_t * network_simulator = nullptr;  ///< In place of sockets, for tests; it must outlive the session.
};

/// A client. Use it from one thread at a time. It tells its listener within tick, connect, disconnect and close only, and
/// packets within tick only.
class client_session
{
public:
    /// The listener must outlive the session. It hears nothing of the session's destruction.
    explicit client_session( client_listener & listener ) : listener_( &listener )
    {
        handlers_.on_state_change( [this]( netcode::client_state previous, netcode::client_state current ) { changed( previous, current ); } );
    }
    ~client_session() { destroy(); }
    client_session( const client_session & ) = delete;
    client_session & operator=( const client_session & ) = delete;

    /// Begins to connect, after ending what there was. False, with the reason in last_end, if that cannot be. now is the
    /// game's clock in seconds; pass the same clock to tick. The settings matter when there is no socket yet.
    bool connect( const void * token, std::size_t size, double now, const client_settings & settings = {} )
    {
        disconnect();
        const std::optional<netcode::connect_token> copy = netcode::connect_token::from_bytes( token, size );
        if ( !copy )
            return refuse( client_end::token_invalid );
        if ( !client_ && !open( settings, now ) )
            return refuse( client_end::no_socket );
        closing_ = false;
        last_end_ = client_end::none;
        // The library's clock stood still since the last tick: an attempt must not begin in the past.
        client_.update( now );
        leaving_ = true;                // an attempt that the listener has begun meanwhile
        client_.connect( *copy );
        leaving_ = false;
        tell_events();
        return phase() != client_phase::idle;
    }

    /// Ends an attempt or a connection. The socket stays, for the next call of connect.
    void disconnect()
    {
        leaving_ = true;
        client_.disconnect();
        leaving_ = false;
        tell_events();
    }

    /// Disconnects, and closes the socket. Called by the listener, the socket is closed at the end of tick. An attempt that
    /// the listener begins when it is told of the end keeps the socket.
    void close()
    {
        closing_ = true;                // before the listener is told: a call of connect takes it back
        disconnect();
        close_if_due();
    }

    /// Lets time pass: receives, sends and tells. Call it once a frame, with the clock of connect.
    void tick( double now )
    {
        if ( events_.telling() )
            return;
        client_.update( now );
        tell_events();
        events_.hold( [this] {
            for ( netcode::packet packet; client_.connected() && ( packet = client_.receive() ); )
                listener_->on_packet( packet.data(), packet.size(), packet.sequence() );
        } );
        tell_events();
        close_if_due();
    }

    /// Sends 1 to netcode::max_packet_size bytes, at once, without any promise that they arrive. False if that cannot be.
    bool send( const void * data, std::size_t size ) noexcept
    {
        if ( !data || size == 0 || size > netcode::max_packet_size || !client_.connected() )
            return false;
        client_.send( data, size );
        return true;
    }

    /// Where the client stands.
    [[nodiscard]] client_phase phase() const noexcept
    {
        return client_.connected() ? client_phase::connected : client_.connecting() ? client_phase::connecting : client_phase::idle;
    }
    /// Why the last attempt or connection ended.
    [[nodiscard]] client_end last_end() const noexcept { return last_end_; }
    /// The slot on the server, while connected; else 0.
    [[nodiscard]] int slot() const noexcept { return client_.index(); }
    /// The number of slots of the server, while connected; else 0.
    [[nodiscard]] int slots() const noexcept { return client_.max_clients(); }
    /// The local port; 0 without a socket.
    [[nodiscard]] std::uint16_t port() const noexcept { return client_.port(); }
    /// What stands behind, for all that is not here.
    [[nodiscard]] netcode::client & get() noexcept { return client_; }

private:
    struct event { client_end end; int slot, slots; };  // end is none: connected

    bool open( const client_settings & settings, double now )
    {
        netcode::client_config config;
        config.handlers = &handlers_;
        config.network_simulator = settings.network_simulator;
        client_ = std::move( netcode::client::create( settings.local_address, config, now ).value );
        return static_cast<bool>( client_ );
    }

    bool refuse( client_end end )
    {
        last_end_ = end;
        events_.add( { end, 0, 0 } );
        tell_events();
        return false;
    }

    // Called by the library, in the middle of its work: only takes notes.
    void changed( netcode::client_state previous, netcode::client_state current )
    {
        if ( current == netcode::client_state::connected )
            events_.add( { client_end::none, client_.index(), client_.max_clients() } );
        const client_end end = end_of( previous, current );
        if ( end == client_end::none )
            return;
        last_end_ = end;
        events_.add( { end, 0, 0 } );
    }

    [[nodiscard]] client_end end_of( netcode::client_state previous, netcode::client_state current ) const noexcept
    {
        switch ( current )
        {
            case netcode::client_state::connect_token_expired: return client_end::token_expired;
            case netcode::client_state::invalid_connect_token: return client_end::token_invalid;
            case netcode::client_state::connection_timed_out: return client_end::timed_out;
            case netcode::client_state::connection_response_timed_out: return client_end::no_answer;
            case netcode::client_state::connection_request_timed_out: return client_end::no_answer;
            case netcode::client_state::connection_denied: return client_end::server_full;
            case netcode::client_state::disconnected:
                // From an error it is only the way to the next attempt: the end has been told.
                return static_cast<int>( previous ) <= 0 ? client_end::none : leaving_ ? client_end::left : client_end::server_left;
            case netcode::client_state::sending_connection_request:
            case netcode::client_state::sending_connection_response:
            case netcode::client_state::connected: break;
        }
        return client_end::none;
    }

    void tell_events()
    {
        events_.tell( [this]( const event & told ) {
            if ( told.end == client_end::none )
                listener_->on_connected( told.slot, told.slots );
            else
                listener_->on_disconnected( told.end );
        } );
    }

    // Not while the listener has one of the client's packets.
    void close_if_due() noexcept
    {
        if ( closing_ && !events_.telling() )
            destroy();
    }

    void destroy() noexcept
    {
        closing_ = false;
        client_.destroy();
        events_.clear();
    }

    netcode::library library_;          // before the client
    netcode::client_handlers handlers_; // before the client
    event_queue<event> events_;         // before the client, whose end adds to it
    client_listener * listener_;
    client_end last_end_ = client_end::none;
    bool leaving_ = false;
    bool closing_ = false;
    netcode::client client_;
};

} // namespace netcode_core

#endif
