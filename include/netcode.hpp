/// \file
/// netcode for C++17 and later: netcode.h with owners, types and lambdas.
///
/// Header-only; it needs nothing but netcode.h and the library, and uses no exceptions, no RTTI and no memory of its
/// own. It works with exceptions and RTTI turned on, too.
///
/// - netcode::client, netcode::server, netcode::network_simulator, netcode::packet, netcode::connect_token and
///   netcode::library own what they stand for, and can be moved but not copied. One that is empty (made without
///   arguments, moved from, or after destroy) is safe: its functions do nothing, and return 0, false or something
///   empty.
/// - get() returns the C object, for everything that you want to do with netcode.h itself; the empty ones return NULL.
///   netcode::library has none, since there is no C object behind it.
/// - Callbacks are lambdas. They stand in an object of yours, see netcode::client_handlers and
///   netcode::server_handlers. destroy() and an assignment call the last of them, so a callback must not end the life
///   of the netcode::client or netcode::server that is being destroyed or assigned to; it may call its destroy().
/// - The rules of netcode.h hold here, too: one thread at a time for any one object; clients, servers and simulators
///   are destroyed before the last netcode::library.
///
/// Times are seconds, sizes are bytes, unless said otherwise.

#ifndef NETCODE_HPP
#define NETCODE_HPP

#include "netcode.h"

#if ( defined( _MSVC_LANG ) ? _MSVC_LANG : __cplusplus ) < 201703L
#error "netcode.hpp needs C++17"
#endif

#include <array>
#include <atomic>
#include <climits>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <new>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#if defined( __has_include )
#if __has_include( <version> )
#include <version>
#endif
#endif
#if defined( __cpp_lib_span )
#include <span>
#endif

/// \cond
// netcode.h leaves the functions of the network simulator to those who want them.
extern "C"
{
struct netcode_network_simulator_t * netcode_network_simulator_create( void * allocator_context, void * (*allocate_function)( void *, size_t ), void (*free_function)( void *, void * ) );
void netcode_network_simulator_destroy( struct netcode_network_simulator_t * network_simulator );
void netcode_network_simulator_reset( struct netcode_network_simulator_t * network_simulator );
void netcode_network_simulator_update( struct netcode_network_simulator_t * network_simulator, double time );
void netcode_network_simulator_send_packet( struct netcode_network_simulator_t * network_simulator, struct netcode_address_t * from, struct netcode_address_t * to, uint8_t * packet_data, int packet_bytes );
int netcode_network_simulator_receive_packets( struct netcode_network_simulator_t * network_simulator, struct netcode_address_t * to, int max_packets, uint8_t ** packet_data, int * packet_bytes, struct netcode_address_t * from );
}
/// \endcond

/// netcode for C++.
namespace netcode
{

// ---- limits, states and errors ----

inline constexpr std::size_t connect_token_bytes = NETCODE_CONNECT_TOKEN_BYTES;              ///< Size of a connect token.
inline constexpr std::size_t key_bytes = NETCODE_KEY_BYTES;                                  ///< Size of a key.
inline constexpr std::size_t mac_bytes = NETCODE_MAC_BYTES;                                  ///< Size of an authentication tag.
inline constexpr std::size_t user_data_bytes = NETCODE_USER_DATA_BYTES;                      ///< Size of the user data in a connect token.
inline constexpr std::size_t max_packet_size = NETCODE_MAX_PACKET_SIZE;                      ///< Largest payload.
inline constexpr std::size_t max_address_string_length = NETCODE_MAX_ADDRESS_STRING_LENGTH;  ///< Room for the text of an address.
inline constexpr int max_servers_per_connect = NETCODE_MAX_SERVERS_PER_CONNECT;              ///< Most servers in a connect token.
inline constexpr int max_clients = NETCODE_MAX_CLIENTS;                                      ///< Most clients of a server.
inline constexpr int default_max_connect_token_lifetime = NETCODE_DEFAULT_MAX_CONNECT_TOKEN_LIFETIME;  ///< For how long tokens can be used, unless you say otherwise.
inline constexpr const char * version = NETCODE_VERSION_FULL;                                ///< The version of netcode.h.
inline constexpr int version_major = NETCODE_VERSION_MAJOR;                                  ///< Its first number.
inline constexpr int version_minor = NETCODE_VERSION_MINOR;                                  ///< Its second number.
inline constexpr int version_patch = NETCODE_VERSION_PATCH;                                  ///< Its third number.

/// How far a client is. Errors are negative.
enum class client_state : int
{
    connect_token_expired = NETCODE_CLIENT_STATE_CONNECT_TOKEN_EXPIRED,                      ///< The token expired before a server accepted it.
    invalid_connect_token = NETCODE_CLIENT_STATE_INVALID_CONNECT_TOKEN,                      ///< The token could not be read.
    connection_timed_out = NETCODE_CLIENT_STATE_CONNECTION_TIMED_OUT,                        ///< The connection was lost.
    connection_response_timed_out = NETCODE_CLIENT_STATE_CONNECTION_RESPONSE_TIMED_OUT,      ///< No server accepted the response to its challenge in time.
    connection_request_timed_out = NETCODE_CLIENT_STATE_CONNECTION_REQUEST_TIMED_OUT,        ///< No server answered in time.
    connection_denied = NETCODE_CLIENT_STATE_CONNECTION_DENIED,                              ///< All servers were full.
    disconnected = NETCODE_CLIENT_STATE_DISCONNECTED,                                        ///< Not connected.
    sending_connection_request = NETCODE_CLIENT_STATE_SENDING_CONNECTION_REQUEST,            ///< Asking a server.
    sending_connection_response = NETCODE_CLIENT_STATE_SENDING_CONNECTION_RESPONSE,          ///< Answering the server's challenge.
    connected = NETCODE_CLIENT_STATE_CONNECTED                                               ///< Connected.
};

/// Why a client is no longer on the server.
enum class disconnect_reason : int
{
    none = NETCODE_SERVER_CLIENT_DISCONNECT_REASON_NONE,                                     ///< None of this slot has been disconnected.
    timed_out = NETCODE_SERVER_CLIENT_DISCONNECT_REASON_TIMED_OUT,                           ///< Nothing was heard of it for its timeout.
    client_disconnect = NETCODE_SERVER_CLIENT_DISCONNECT_REASON_CLIENT_DISCONNECT,           ///< It left.
    server_disconnect = NETCODE_SERVER_CLIENT_DISCONNECT_REASON_SERVER_DISCONNECT            ///< The server sent it away.
};

/// Why a client was not created.
enum class client_create_error : int
{
    none = NETCODE_CLIENT_CREATE_ERROR_NONE,                                                 ///< It was created.
    parse_address_failed = NETCODE_CLIENT_CREATE_ERROR_PARSE_ADDRESS_FAILED,                 ///< The first address is no address.
    parse_address2_failed = NETCODE_CLIENT_CREATE_ERROR_PARSE_ADDRESS2_FAILED,               ///< The second address is no address.
    simulator_requires_port = NETCODE_CLIENT_CREATE_ERROR_SIMULATOR_REQUIRES_PORT,           ///< With a network simulator, addresses need a port.
    create_socket_ipv4_failed = NETCODE_CLIENT_CREATE_ERROR_CREATE_SOCKET_IPV4_FAILED,       ///< The IPv4 socket could not be opened or bound.
    create_socket_ipv6_failed = NETCODE_CLIENT_CREATE_ERROR_CREATE_SOCKET_IPV6_FAILED,       ///< The IPv6 socket could not be opened or bound.
    allocate_client_failed = NETCODE_CLIENT_CREATE_ERROR_ALLOCATE_CLIENT_FAILED,             ///< Out of memory.
    missing_override_callback = NETCODE_CLIENT_CREATE_ERROR_MISSING_OVERRIDE_CALLBACK        ///< Of on_send_packet and on_receive_packet, one is missing.
};

/// Why a server was not created.
enum class server_create_error : int
{
    none = NETCODE_SERVER_CREATE_ERROR_NONE,                                                 ///< It was created.
    parse_address_failed = NETCODE_SERVER_CREATE_ERROR_PARSE_ADDRESS_FAILED,                 ///< The first address is no address.
    parse_address2_failed = NETCODE_SERVER_CREATE_ERROR_PARSE_ADDRESS2_FAILED,               ///< The second address is no address.
    create_socket_ipv4_failed = NETCODE_SERVER_CREATE_ERROR_CREATE_SOCKET_IPV4_FAILED,       ///< The IPv4 socket could not be opened.
    create_socket_ipv6_failed = NETCODE_SERVER_CREATE_ERROR_CREATE_SOCKET_IPV6_FAILED,       ///< The IPv6 socket could not be opened.
    bind_socket_ipv4_failed = NETCODE_SERVER_CREATE_ERROR_BIND_SOCKET_IPV4_FAILED,           ///< The IPv4 socket could not be bound to its port.
    bind_socket_ipv6_failed = NETCODE_SERVER_CREATE_ERROR_BIND_SOCKET_IPV6_FAILED,           ///< The IPv6 socket could not be bound to its port.
    allocate_server_failed = NETCODE_SERVER_CREATE_ERROR_ALLOCATE_SERVER_FAILED,             ///< Out of memory.
    missing_override_callback = NETCODE_SERVER_CREATE_ERROR_MISSING_OVERRIDE_CALLBACK        ///< Of on_send_packet and on_receive_packet, one is missing.
};

/// What kind of address.
enum class address_type : int
{
    none = NETCODE_ADDRESS_NONE,                                                             ///< No address.
    ipv4 = NETCODE_ADDRESS_IPV4,                                                             ///< An IPv4 address.
    ipv6 = NETCODE_ADDRESS_IPV6                                                              ///< An IPv6 address.
};

/// How much is logged.
enum class log_level : int
{
    none = NETCODE_LOG_LEVEL_NONE,                                                           ///< Nothing. The default.
    error = NETCODE_LOG_LEVEL_ERROR,                                                         ///< What fails.
    info = NETCODE_LOG_LEVEL_INFO,                                                           ///< Who comes and goes, too.
    debug = NETCODE_LOG_LEVEL_DEBUG                                                          ///< Every packet and change of state, too.
};

/// The name of a state, for logs.
[[nodiscard]] constexpr const char * to_string( client_state state ) noexcept
{
    switch ( state )
    {
        case client_state::connect_token_expired: return "connect token expired";
        case client_state::invalid_connect_token: return "invalid connect token";
        case client_state::connection_timed_out: return "connection timed out";
        case client_state::connection_response_timed_out: return "connection response timed out";
        case client_state::connection_request_timed_out: return "connection request timed out";
        case client_state::connection_denied: return "connection denied";
        case client_state::disconnected: return "disconnected";
        case client_state::sending_connection_request: return "sending connection request";
        case client_state::sending_connection_response: return "sending connection response";
        case client_state::connected: return "connected";
    }
    return "unknown";
}

/// The name of a reason, for logs.
[[nodiscard]] constexpr const char * to_string( disconnect_reason reason ) noexcept
{
    switch ( reason )
    {
        case disconnect_reason::none: return "none";
        case disconnect_reason::timed_out: return "timed out";
        case disconnect_reason::client_disconnect: return "client disconnect";
        case disconnect_reason::server_disconnect: return "server disconnect";
    }
    return "unknown";
}

/// The name of an error, for logs.
[[nodiscard]] constexpr const char * to_string( client_create_error error ) noexcept
{
    switch ( error )
    {
        case client_create_error::none: return "none";
        case client_create_error::parse_address_failed: return "parse address failed";
        case client_create_error::parse_address2_failed: return "parse address2 failed";
        case client_create_error::simulator_requires_port: return "simulator requires port";
        case client_create_error::create_socket_ipv4_failed: return "create socket ipv4 failed";
        case client_create_error::create_socket_ipv6_failed: return "create socket ipv6 failed";
        case client_create_error::allocate_client_failed: return "allocate client failed";
        case client_create_error::missing_override_callback: return "missing override callback";
    }
    return "unknown";
}

/// The name of an error, for logs.
[[nodiscard]] constexpr const char * to_string( server_create_error error ) noexcept
{
    switch ( error )
    {
        case server_create_error::none: return "none";
        case server_create_error::parse_address_failed: return "parse address failed";
        case server_create_error::parse_address2_failed: return "parse address2 failed";
        case server_create_error::create_socket_ipv4_failed: return "create socket ipv4 failed";
        case server_create_error::create_socket_ipv6_failed: return "create socket ipv6 failed";
        case server_create_error::bind_socket_ipv4_failed: return "bind socket ipv4 failed";
        case server_create_error::bind_socket_ipv6_failed: return "bind socket ipv6 failed";
        case server_create_error::allocate_server_failed: return "allocate server failed";
        case server_create_error::missing_override_callback: return "missing override callback";
    }
    return "unknown";
}

/// What a create function made, or why it did not.
///
/// On failure the value is an empty client or server, which is safe to use. Take it apart as you like:
///
///     auto [client, error] = netcode::client::create( "0.0.0.0:0", {}, netcode::time() );
///     netcode::server server = netcode::server::create( "127.0.0.1:40000", config, netcode::time() ).value;
template <class T, class Error> struct [[nodiscard]] result
{
    T value;        ///< What was made; empty on failure.
    Error error;    ///< Error::none, or why nothing was made.

    /// Whether it was made.
    [[nodiscard]] explicit operator bool() const noexcept { return error == Error::none; }
    /// What was made; empty on failure.
    [[nodiscard]] T & operator*() & noexcept { return value; }
    /// What was made; empty on failure.
    [[nodiscard]] const T & operator*() const & noexcept { return value; }
    /// What was made, to be moved from.
    [[nodiscard]] T && operator*() && noexcept { return std::move( value ); }
    /// What was made; empty on failure.
    [[nodiscard]] T * operator->() noexcept { return &value; }
    /// What was made; empty on failure.
    [[nodiscard]] const T * operator->() const noexcept { return &value; }
};

/// \cond
namespace detail
{

// More than the C API can take is refused there, whatever the number.
inline int to_int( std::size_t size ) noexcept
{
    return size > static_cast<std::size_t>( INT_MAX ) ? INT_MAX : static_cast<int>( size );
}

inline void wipe( std::uint8_t * data, std::size_t size ) noexcept
{
    volatile std::uint8_t * bytes = data;
    while ( size > 0 )
        bytes[--size] = 0;
}

} // namespace detail
/// \endcond

// ---- the library ----

/// The library is initialised as long as one of these lives. Make one before anything else, in main for example.
class library
{
public:
    /// Initialises the library.
    library() noexcept : good_( netcode_init() == NETCODE_OK ) {}
    /// Takes the initialisation back.
    ~library() { if ( good_ ) netcode_term(); }
    /// Takes over; the other one no longer stands for an initialisation.
    library( library && other ) noexcept : good_( std::exchange( other.good_, false ) ) {}
    /// Takes over; the other one no longer stands for an initialisation.
    library & operator=( library && other ) noexcept
    {
        if ( this != &other )
        {
            const library old( std::move( *this ) );
            good_ = std::exchange( other.good_, false );
        }
        return *this;
    }
    library( const library & ) = delete;
    library & operator=( const library & ) = delete;

    /// Whether the library is initialised by this object.
    [[nodiscard]] explicit operator bool() const noexcept { return good_; }

private:
    bool good_;
};

/// Has sockets that are created from now on mark their packets for expedited forwarding, where the system allows it.
inline void enable_packet_tagging() noexcept { netcode_enable_packet_tagging(); }

/// Sets how much is logged. May be called from any thread.
inline void set_log_level( log_level level ) noexcept { netcode_log_level( static_cast<int>( level ) ); }

/// Takes a log message, which ends in a newline. Lambdas without captures convert to it.
using log_function = void (*)( const char * text );

/// \cond
namespace detail
{

inline std::atomic<log_function> current_log_function{ nullptr };

// The library calls this as printf( "%s", text ).
inline int print_to_log_function( const char * format, ... ) noexcept
{
    std::va_list arguments;
    va_start( arguments, format );
    const char * const text = va_arg( arguments, const char * );
    va_end( arguments );
    if ( const log_function function = current_log_function.load() )
        function( text );
    return 0;
}

} // namespace detail
/// \endcond

/// Sets where log messages go; NULL brings back C's printf. The function runs on the thread that has something to
/// say. May be called from any thread.
inline void set_log_function( log_function function ) noexcept
{
    detail::current_log_function.store( function );
    netcode_set_printf_function( function ? detail::print_to_log_function : nullptr );
}

/// As set_log_function, for a function like printf, which is called as function( "%s", text ).
inline void set_printf_function( int (*function)( const char * format, ... ) ) noexcept { netcode_set_printf_function( function ); }

/// What is called when an assertion fails. Lambdas without captures convert to it.
using assert_function = void (*)( const char * condition, const char * function, const char * file, int line );

/// Sets what is called when an assertion fails in a debug build of the library; NULL brings back the default, which
/// prints and aborts. May be called from any thread.
inline void set_assert_function( assert_function function ) noexcept { netcode_set_assert_function( function ); }

/// What is called when an assertion fails.
[[nodiscard]] inline assert_function get_assert_function() noexcept { return netcode_assert_function; }

/// Fills memory with random bytes of the operating system, fit for keys.
inline void random_bytes( void * data, std::size_t size ) noexcept
{
    std::uint8_t * bytes = static_cast<std::uint8_t *>( data );
    while ( size > 0 )
    {
        const int part = detail::to_int( size );
        netcode_random_bytes( bytes, part );
        bytes += part;
        size -= static_cast<std::size_t>( part );
    }
}

/// Sleeps for this many seconds.
inline void sleep( double seconds ) noexcept { netcode_sleep( seconds ); }

/// Seconds since the first call in the process, on a clock that never goes back.
[[nodiscard]] inline double time() noexcept { return netcode_time(); }

/// A key that servers share with the backend that makes connect tokens.
using key = std::array<std::uint8_t, key_bytes>;

/// Application data in a connect token.
using user_data_array = std::array<std::uint8_t, user_data_bytes>;

/// A new random key.
[[nodiscard]] inline key generate_key() noexcept
{
    key made{};
    random_bytes( made.data(), made.size() );
    return made;
}

/// Where an object gets its memory; NULL functions are malloc and free. It must outlive the object.
struct allocator
{
    void * context = nullptr;                                       ///< Handed to both functions.
    void * (*allocate_function)( void *, std::size_t ) = nullptr;   ///< Returns memory aligned for any object, or NULL.
    void (*free_function)( void *, void * ) = nullptr;              ///< Takes memory back.
};

// ---- addresses ----

/// The text of an address, in memory of its own.
class address_text
{
public:
    /// The text, with a terminating zero.
    [[nodiscard]] const char * c_str() const noexcept { return text_; }
    /// The text.
    [[nodiscard]] std::string_view view() const noexcept { return text_; }
    /// The text.
    operator std::string_view() const noexcept { return text_; }

private:
    friend class address;
    char text_[max_address_string_length] = {};
};

/// An IPv4 or IPv6 address with a port, or none.
class address
{
public:
    /// No address.
    address() noexcept = default;
    /// An address of the C API.
    explicit address( const netcode_address_t & from ) noexcept : address_( from ) {}

    /// Reads "1.2.3.4", "1.2.3.4:port", "::1", "[::1]" or "[::1]:port". Nothing if the text is no address.
    [[nodiscard]] static std::optional<address> parse( const char * text ) noexcept
    {
        address parsed;
        if ( !text || netcode_parse_address( text, &parsed.address_ ) != NETCODE_OK )
            return std::nullopt;
        return parsed;
    }

    /// Reads an address from text that need not end in a zero.
    [[nodiscard]] static std::optional<address> parse( std::string_view text ) noexcept
    {
        char copy[max_address_string_length];
        if ( text.size() >= sizeof( copy ) || text.find( '\0' ) != std::string_view::npos )
            return std::nullopt;
        text.copy( copy, text.size() );
        copy[text.size()] = '\0';
        return parse( static_cast<const char *>( copy ) );
    }

    /// An IPv4 address: a.b.c.d:port.
    [[nodiscard]] static address ipv4( std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d, std::uint16_t port_number ) noexcept
    {
        address made;
        const std::uint8_t parts[4] = { a, b, c, d };
        std::memcpy( made.address_.data.ipv4, parts, sizeof( parts ) );
        made.address_.port = port_number;
        made.address_.type = NETCODE_ADDRESS_IPV4;
        return made;
    }

    /// An IPv6 address. The groups are in host byte order, in the order in which they are written.
    [[nodiscard]] static address ipv6( const std::array<std::uint16_t, 8> & groups, std::uint16_t port_number ) noexcept
    {
        address made;
        std::memcpy( made.address_.data.ipv6, groups.data(), sizeof( made.address_.data.ipv6 ) );
        made.address_.port = port_number;
        made.address_.type = NETCODE_ADDRESS_IPV6;
        return made;
    }

    /// The text of the address; a port of 0 is left out, and no address reads "NONE".
    [[nodiscard]] address_text to_string() const noexcept
    {
        address_text text;
        netcode_address_t copy = address_;
        netcode_address_to_string( &copy, text.text_ );
        return text;
    }

    /// What kind of address.
    [[nodiscard]] address_type type() const noexcept { return static_cast<address_type>( address_.type ); }
    /// The port.
    [[nodiscard]] std::uint16_t port() const noexcept { return address_.port; }
    /// The same address with another port.
    [[nodiscard]] address with_port( std::uint16_t port_number ) const noexcept
    {
        address changed = *this;
        changed.address_.port = port_number;
        return changed;
    }
    /// Whether there is an address.
    [[nodiscard]] explicit operator bool() const noexcept { return address_.type != NETCODE_ADDRESS_NONE; }

    /// The C object, which is in here.
    [[nodiscard]] netcode_address_t * get() noexcept { return &address_; }
    /// The C object, which is in here.
    [[nodiscard]] const netcode_address_t * get() const noexcept { return &address_; }

    /// Whether type, address and port are the same. As in C, no address equals nothing, not even itself.
    [[nodiscard]] friend bool operator==( const address & a, const address & b ) noexcept
    {
        netcode_address_t first = a.address_, second = b.address_;
        return netcode_address_equal( &first, &second ) != 0;
    }
    /// The contrary of ==.
    [[nodiscard]] friend bool operator!=( const address & a, const address & b ) noexcept { return !( a == b ); }

private:
    netcode_address_t address_ = {};
};

// ---- connect tokens ----

/// The addresses of the servers in a connect token, first choice first. Only the pointers are kept: the texts must live
/// until the token is generated.
class server_addresses
{
public:
    /// None.
    server_addresses() noexcept = default;
    /// One.
    server_addresses( const char * one ) noexcept { add( one ); }
    /// Several.
    server_addresses( std::initializer_list<const char *> several ) noexcept
    {
        for ( const char * one : several )
            add( one );
    }

    /// Adds one. Those beyond max_servers_per_connect are counted only, and no token can be generated for so many.
    server_addresses & add( const char * one ) noexcept
    {
        if ( count_ < max_servers_per_connect )
            addresses_[static_cast<std::size_t>( count_ )] = one;
        if ( count_ < INT_MAX )
            count_++;
        return *this;
    }

    /// How many were added.
    [[nodiscard]] int count() const noexcept { return count_; }

private:
    friend class connect_token;
    std::array<const char *, NETCODE_MAX_SERVERS_PER_CONNECT> addresses_ = {};
    int count_ = 0;
};

/// What is to be in a connect token.
struct connect_token_config
{
    server_addresses servers = {};              ///< Where the client connects to.
    server_addresses internal_servers = {};     ///< How these servers know themselves, one for each; none if the same.
    int expire_seconds = NETCODE_DEFAULT_MAX_CONNECT_TOKEN_LIFETIME;   ///< For how long it can be used; negative: for ever, for development only.
    int timeout_seconds = 5;                    ///< A side that hears nothing for so long gives the connection up; 0 or negative: never.
    std::uint64_t client_id = 0;                ///< Unique among connected clients.
    std::uint64_t protocol_id = 0;              ///< As in the server's config.
    key private_key = {};                       ///< As in the server's config.
    const user_data_array * user_data = nullptr;   ///< What the server gets to see as client_user_data; NULL stands for zeros.
};

/// A connect token: your backend makes it and sends it to a client over a secure channel; the client passes it to
/// client::connect. It holds the keys of a session, so it is wiped when it is destroyed or moved from.
class connect_token
{
public:
    /// Zeros, with which nobody can connect: room for a token that is on its way.
    connect_token() noexcept = default;
    ~connect_token() { wipe(); }
    /// Takes the bytes over, and wipes the other one.
    connect_token( connect_token && other ) noexcept : bytes_( other.bytes_ ) { other.wipe(); }
    /// Takes the bytes over, and wipes the other one.
    connect_token & operator=( connect_token && other ) noexcept
    {
        if ( this != &other )
        {
            bytes_ = other.bytes_;
            other.wipe();
        }
        return *this;
    }
    connect_token( const connect_token & ) = delete;
    connect_token & operator=( const connect_token & ) = delete;

    /// Makes a token. Nothing if the number of servers is not 1 to max_servers_per_connect, if there are internal
    /// addresses but not one for each server, if one of them is no address, or if the system has no random bytes.
    [[nodiscard]] static std::optional<connect_token> generate( const connect_token_config & settings ) noexcept
    {
        std::optional<connect_token> made;
        server_addresses external = settings.servers;
        server_addresses internal = settings.internal_servers.count() > 0 ? settings.internal_servers : settings.servers;
        if ( internal.count() != external.count() )
            return made;
        made.emplace();
        // The C function only reads the user data.
        std::uint8_t * user_data = settings.user_data ? const_cast<std::uint8_t *>( settings.user_data->data() ) : nullptr;
        if ( netcode_generate_connect_token( external.count(), external.addresses_.data(), internal.addresses_.data(), settings.expire_seconds,
                                             settings.timeout_seconds, settings.client_id, settings.protocol_id, settings.private_key.data(),
                                             user_data, made->data() ) != NETCODE_OK )
            made.reset();
        return made;
    }

    /// Copies a token that has arrived. Nothing if the size is wrong; whether it can be read shows in client::connect.
    [[nodiscard]] static std::optional<connect_token> from_bytes( const void * data, std::size_t size ) noexcept
    {
        std::optional<connect_token> made;
        if ( data && size == connect_token_bytes )
            std::memcpy( made.emplace().data(), data, size );
        return made;
    }

    /// The bytes to send to the client.
    [[nodiscard]] const std::array<std::uint8_t, connect_token_bytes> & bytes() const noexcept { return bytes_; }
    /// The bytes.
    [[nodiscard]] const std::uint8_t * data() const noexcept { return bytes_.data(); }
    /// The bytes.
    [[nodiscard]] std::uint8_t * data() noexcept { return bytes_.data(); }
    /// How many bytes: connect_token_bytes.
    [[nodiscard]] static constexpr std::size_t size() noexcept { return connect_token_bytes; }
    /// The bytes, as the C API takes them.
    [[nodiscard]] std::uint8_t * get() noexcept { return bytes_.data(); }
    /// The bytes, as the C API takes them.
    [[nodiscard]] const std::uint8_t * get() const noexcept { return bytes_.data(); }

#if defined( __cpp_lib_span )
    /// Copies a token that has arrived. Nothing if the size is wrong.
    [[nodiscard]] static std::optional<connect_token> from_bytes( std::span<const std::uint8_t> data ) noexcept { return from_bytes( data.data(), data.size() ); }
    /// Copies a token that has arrived. Nothing if the size is wrong.
    [[nodiscard]] static std::optional<connect_token> from_bytes( std::span<const std::byte> data ) noexcept { return from_bytes( data.data(), data.size() ); }
#endif

private:
    void wipe() noexcept { detail::wipe( bytes_.data(), bytes_.size() ); }

    std::array<std::uint8_t, connect_token_bytes> bytes_ = {};
};

// ---- packets ----

/// A packet that was received, or nothing. It is freed when this object is destroyed.
///
///     while ( netcode::packet packet = client.receive() )
///         handle( packet.data(), packet.size() );
///
/// A packet stays valid when its client disconnects or its server stops, and when the C++ object of either is moved.
/// But it is freed through its client, server or simulator, so it must be gone before that is destroyed. (If you have
/// to break this rule, release the packet first: its memory is then the allocator's.)
class packet
{
public:
    /// No packet.
    packet() noexcept = default;
    ~packet() { destroy(); }
    /// Takes the packet over.
    packet( packet && other ) noexcept { take( other ); }
    /// Frees its own packet and takes the other one over.
    packet & operator=( packet && other ) noexcept
    {
        if ( this != &other )
        {
            destroy();
            take( other );
        }
        return *this;
    }
    packet( const packet & ) = delete;
    packet & operator=( const packet & ) = delete;

    /// Whether there is a packet.
    [[nodiscard]] explicit operator bool() const noexcept { return data_ != nullptr; }
    /// The payload; it may be read up to 8 bytes beyond its end.
    [[nodiscard]] const std::uint8_t * data() const noexcept { return data_; }
    /// The payload, which is yours to change.
    [[nodiscard]] std::uint8_t * data() noexcept { return data_; }
    /// The size of the payload.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    /// Whether there is no payload.
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    /// The sender's number of the packet; 0 for one of a network simulator.
    [[nodiscard]] std::uint64_t sequence() const noexcept { return sequence_; }
    /// The first byte.
    [[nodiscard]] const std::uint8_t * begin() const noexcept { return data_; }
    /// The end of the payload.
    [[nodiscard]] const std::uint8_t * end() const noexcept { return data_ + size_; }
    /// The first byte.
    [[nodiscard]] std::uint8_t * begin() noexcept { return data_; }
    /// The end of the payload.
    [[nodiscard]] std::uint8_t * end() noexcept { return data_ + size_; }
    /// The C pointer; this object goes on owning it.
    [[nodiscard]] std::uint8_t * get() const noexcept { return data_; }

    /// Frees the packet now.
    void destroy() noexcept
    {
        if ( std::uint8_t * const data = release() )
            free_( owner_, data );
    }

    /// Gives the packet up, without freeing it. Free it with the C function of its owner.
    [[nodiscard]] std::uint8_t * release() noexcept
    {
        size_ = 0;
        sequence_ = 0;
        return std::exchange( data_, nullptr );
    }

private:
    friend class client;
    friend class server;
    friend class network_simulator;
    using free_function = void (*)( void * owner, void * data );

    packet( std::uint8_t * data, int size, std::uint64_t sequence, void * owner, free_function function ) noexcept
        : data_( data ), size_( static_cast<std::size_t>( size ) ), sequence_( sequence ), owner_( owner ), free_( function ) {}

    void take( packet & other ) noexcept
    {
        size_ = other.size_;
        sequence_ = other.sequence_;
        owner_ = other.owner_;
        free_ = other.free_;
        data_ = other.release();
    }

    std::uint8_t * data_ = nullptr;
    std::size_t size_ = 0;
    std::uint64_t sequence_ = 0;
    void * owner_ = nullptr;            // of the C API: it stays where it is when the C++ object moves
    free_function free_ = nullptr;
};

// ---- the network simulator ----

/// How bad the simulated network is.
struct network_conditions
{
    float latency_milliseconds = 0.0f;      ///< How long each packet takes.
    float jitter_milliseconds = 0.0f;       ///< By how much more or less.
    float packet_loss_percent = 0.0f;       ///< How many are lost.
    float duplicate_packet_percent = 0.0f;  ///< How many come twice.
};

/// A network in memory, for tests. Name it in the configs of clients and servers, and destroy it after them.
class network_simulator
{
public:
    /// None.
    network_simulator() noexcept = default;
    /// Owns a simulator of the C API.
    explicit network_simulator( netcode_network_simulator_t * owned ) noexcept : simulator_( owned ) {}
    ~network_simulator() { destroy(); }
    /// Takes the simulator over.
    network_simulator( network_simulator && other ) noexcept : simulator_( other.release() ) {}
    /// Destroys its own simulator and takes the other one over.
    network_simulator & operator=( network_simulator && other ) noexcept
    {
        if ( this != &other )
        {
            destroy();
            simulator_ = other.release();
        }
        return *this;
    }
    network_simulator( const network_simulator & ) = delete;
    network_simulator & operator=( const network_simulator & ) = delete;

    /// Makes a simulator; an empty one if there is no memory.
    [[nodiscard]] static network_simulator create( const allocator & memory = {} ) noexcept
    {
        return network_simulator( netcode_network_simulator_create( memory.context, memory.allocate_function, memory.free_function ) );
    }

    /// Destroys the simulator, with all packets in it.
    void destroy() noexcept
    {
        if ( netcode_network_simulator_t * const owned = release() )
            netcode_network_simulator_destroy( owned );
    }

    /// The C object; this object goes on owning it.
    [[nodiscard]] netcode_network_simulator_t * get() const noexcept { return simulator_; }
    /// Gives the C object up, without destroying it.
    [[nodiscard]] netcode_network_simulator_t * release() noexcept { return std::exchange( simulator_, nullptr ); }
    /// Whether there is a simulator.
    [[nodiscard]] explicit operator bool() const noexcept { return simulator_ != nullptr; }

    /// Sets how bad the network is from now on.
    void set_conditions( const network_conditions & conditions ) noexcept
    {
        if ( simulator_ )
            std::memcpy( reinterpret_cast<unsigned char *>( simulator_ ) + offsetof( first_members, conditions ), &conditions, sizeof( conditions ) );
    }

    /// How bad the network is.
    [[nodiscard]] network_conditions conditions() const noexcept { return simulator_ ? members().conditions : network_conditions{}; }

    /// Drops all packets and starts the random sequence again. Conditions and time stay.
    void reset() noexcept { if ( simulator_ ) netcode_network_simulator_reset( simulator_ ); }

    /// Sets the time; packets that are due arrive.
    void update( double now ) noexcept { if ( simulator_ ) netcode_network_simulator_update( simulator_, now ); }

    /// Sends a copy of a packet on its way.
    void send( const address & from, const address & to, const void * data, std::size_t size ) noexcept
    {
        address sender = from, receiver = to;
        // The C function only reads the data.
        if ( simulator_ )
            netcode_network_simulator_send_packet( simulator_, sender.get(), receiver.get(), static_cast<std::uint8_t *>( const_cast<void *>( data ) ), detail::to_int( size ) );
    }

    /// Picks up a packet that has arrived at this address, or nothing.
    [[nodiscard]] packet receive( const address & to, address & from ) noexcept
    {
        address receiver = to;
        std::uint8_t * data = nullptr;
        int size = 0;
        if ( !simulator_ || netcode_network_simulator_receive_packets( simulator_, receiver.get(), 1, &data, &size, from.get() ) < 1 )
            return {};
        const first_members hooks = members();
        return packet( data, size, 0, hooks.allocator_context, hooks.free_function );
    }

private:
    // What every simulator starts with: programs may rely on it.
    struct first_members
    {
        void * allocator_context;
        void * (*allocate_function)( void *, std::size_t );
        void (*free_function)( void *, void * );
        network_conditions conditions;
    };
    static_assert( std::is_standard_layout_v<first_members> && sizeof( network_conditions ) == 4 * sizeof( float ) );

    [[nodiscard]] first_members members() const noexcept
    {
        first_members copy = {};
        std::memcpy( &copy, static_cast<const void *>( simulator_ ), sizeof( copy ) );
        return copy;
    }

    netcode_network_simulator_t * simulator_ = nullptr;
};

// ---- callbacks ----

/// How large a callback may be, captures included: six pointers.
inline constexpr std::size_t max_callback_bytes = 6 * sizeof( void * );

/// \cond
namespace detail
{

template <class Signature> class callback;

// A function object in memory of its own. It cannot be moved, so neither can what contains it.
template <class Return, class... Arguments> class callback<Return( Arguments... )>
{
public:
    callback() noexcept = default;
    ~callback() { clear(); }
    callback( const callback & ) = delete;
    callback & operator=( const callback & ) = delete;

    explicit operator bool() const noexcept { return call_ != nullptr; }

    template <class Function> void set( Function && function )
    {
        using stored = std::decay_t<Function>;
        static_assert( std::is_invocable_r_v<Return, stored &, Arguments...>, "netcode: this callback takes or returns something else" );
        static_assert( sizeof( stored ) <= max_callback_bytes, "netcode: this callback captures too much; capture a pointer to it instead" );
        static_assert( alignof( stored ) <= alignof( std::max_align_t ), "netcode: this callback captures something that is aligned too strictly" );
        static_assert( std::is_nothrow_destructible_v<stored>, "netcode: this callback's destructor may throw" );
        clear();
        ::new ( static_cast<void *>( memory_ ) ) stored( std::forward<Function>( function ) );
        call_ = []( void * memory, Arguments... arguments ) -> Return
        {
            if constexpr ( std::is_void_v<Return> )
                ( *static_cast<stored *>( memory ) )( std::forward<Arguments>( arguments )... );
            else
                return static_cast<Return>( ( *static_cast<stored *>( memory ) )( std::forward<Arguments>( arguments )... ) );
        };
        destroy_ = []( void * memory ) noexcept { static_cast<stored *>( memory )->~stored(); };
    }

    void set( std::nullptr_t ) noexcept { clear(); }

    Return operator()( Arguments... arguments )
    {
        if ( !call_ )
            return Return();
        return call_( memory_, std::forward<Arguments>( arguments )... );
    }

private:
    void clear() noexcept
    {
        call_ = nullptr;
        if ( const auto destroy = std::exchange( destroy_, nullptr ) )
            destroy( memory_ );
    }

    alignas( std::max_align_t ) unsigned char memory_[max_callback_bytes];
    Return (*call_)( void *, Arguments... ) = nullptr;
    void (*destroy_)( void * ) noexcept = nullptr;
};

// What clients and servers have in common.
class transport_handlers
{
public:
    transport_handlers() noexcept = default;
    transport_handlers( const transport_handlers & ) = delete;
    transport_handlers & operator=( const transport_handlers & ) = delete;

protected:
    ~transport_handlers() = default;

    template <class Handlers, class Config> static void fill( Handlers & handlers, Config & config ) noexcept
    {
        transport_handlers & common = handlers;
        config.callback_context = &handlers;
        if ( common.loopback_packet_ )
            config.send_loopback_packet_callback = loopback_packet<Handlers>;
        if ( common.send_packet_ )
            config.send_packet_override = send_packet<Handlers>;
        if ( common.receive_packet_ )
            config.receive_packet_override = receive_packet<Handlers>;
        config.override_send_and_receive = common.send_packet_ || common.receive_packet_;
    }

    callback<void( int, const std::uint8_t *, std::size_t, std::uint64_t )> loopback_packet_;
    callback<void( const address &, const std::uint8_t *, std::size_t )> send_packet_;
    callback<std::ptrdiff_t( address &, std::uint8_t *, std::size_t )> receive_packet_;

private:
    template <class Handlers> static transport_handlers & from_context( void * context ) noexcept { return *static_cast<Handlers *>( context ); }

    // They are noexcept because what calls them is not C++.
    template <class Handlers> static void loopback_packet( void * context, int client_index, const std::uint8_t * data, int bytes, std::uint64_t sequence ) noexcept
    {
        from_context<Handlers>( context ).loopback_packet_( client_index, data, static_cast<std::size_t>( bytes ), sequence );
    }

    template <class Handlers> static void send_packet( void * context, netcode_address_t * to, const std::uint8_t * data, int bytes ) noexcept
    {
        from_context<Handlers>( context ).send_packet_( address( *to ), data, static_cast<std::size_t>( bytes ) );
    }

    template <class Handlers> static int receive_packet( void * context, netcode_address_t * from, std::uint8_t * data, int max_bytes ) noexcept
    {
        address sender;
        const std::ptrdiff_t bytes = from_context<Handlers>( context ).receive_packet_( sender, data, static_cast<std::size_t>( max_bytes ) );
        *from = *sender.get();
        return bytes <= 0 ? 0 : to_int( static_cast<std::size_t>( bytes ) );
    }
};

} // namespace detail
/// \endcond

/// The callbacks of a client: lambdas, or anything else that can be called.
///
///     netcode::client_handlers handlers;
///     handlers.on_state_change( [&]( netcode::client_state previous, netcode::client_state current ) { ... } );
///     netcode::client_config config;
///     config.handlers = &handlers;
///     auto [client, error] = netcode::client::create( "0.0.0.0:0", config, netcode::time() );
///
/// This is an object of its own, which you own, because the C library keeps a pointer to where the callbacks are for
/// as long as the client lives. Inside a netcode::client they would be somewhere else each time it is moved; on the
/// heap they would need an allocation. Here they stay where they are: this object can be neither moved nor copied, and
/// a client that uses it can be moved as you like.
///
/// - It must outlive the client, whose destruction calls it, too: declare it before the client. If a client is
///   destroyed in a callback, until the call that led to the callback returns.
/// - Callbacks are kept in here, with room for max_callback_bytes of captures; what does not fit does not compile.
/// - on_state_change can be set and changed at any time. The others decide how the client is created, so set them
///   before; later they can be replaced. NULL takes one away. No callback may replace itself while it runs.
/// - Several clients may use the same handlers. Callbacks run on the thread that made the call that led to them.
/// - Callbacks must not throw: an exception that leaves one ends the program.
class client_handlers : private detail::transport_handlers
{
public:
    client_handlers() noexcept = default;

    /// Told of each change of state, before client::state reports it: void( client_state previous, client_state current ).
    template <class Function> client_handlers & on_state_change( Function && function )
    {
        state_change_.set( std::forward<Function>( function ) );
        return *this;
    }

    /// Takes what a client that is connected by loopback sends:
    /// void( int client_index, const std::uint8_t * data, std::size_t size, std::uint64_t sequence ).
    template <class Function> client_handlers & on_loopback_packet( Function && function )
    {
        loopback_packet_.set( std::forward<Function>( function ) );
        return *this;
    }

    /// Sends a datagram in place of a socket: void( const netcode::address & to, const std::uint8_t * data, std::size_t size ).
    /// Goes with on_receive_packet.
    template <class Function> client_handlers & on_send_packet( Function && function )
    {
        send_packet_.set( std::forward<Function>( function ) );
        return *this;
    }

    /// Fetches a datagram in place of a socket, and returns its size, or zero or less when there is none:
    /// std::ptrdiff_t( netcode::address & from, std::uint8_t * data, std::size_t max_size ). Goes with on_send_packet.
    template <class Function> client_handlers & on_receive_packet( Function && function )
    {
        receive_packet_.set( std::forward<Function>( function ) );
        return *this;
    }

private:
    friend struct client_config;
    friend class detail::transport_handlers;

    static void state_change( void * context, int previous, int current ) noexcept
    {
        static_cast<client_handlers *>( context )->state_change_( static_cast<client_state>( previous ), static_cast<client_state>( current ) );
    }

    void fill( netcode_client_config_t & config ) noexcept
    {
        transport_handlers::fill( *this, config );
        config.state_change_callback = state_change;
    }

    detail::callback<void( client_state, client_state )> state_change_;
};

/// The callbacks of a server: lambdas, or anything else that can be called. The rules of netcode::client_handlers hold
/// for it; on_client_change is what can be set at any time.
class server_handlers : private detail::transport_handlers
{
public:
    server_handlers() noexcept = default;

    /// Told of each client that has connected, or is about to be disconnected: void( int client_index, bool connected ).
    template <class Function> server_handlers & on_client_change( Function && function )
    {
        client_change_.set( std::forward<Function>( function ) );
        return *this;
    }

    /// Takes what the server sends to clients that are connected by loopback:
    /// void( int client_index, const std::uint8_t * data, std::size_t size, std::uint64_t sequence ).
    template <class Function> server_handlers & on_loopback_packet( Function && function )
    {
        loopback_packet_.set( std::forward<Function>( function ) );
        return *this;
    }

    /// Sends a datagram in place of a socket: void( const netcode::address & to, const std::uint8_t * data, std::size_t size ).
    /// Goes with on_receive_packet.
    template <class Function> server_handlers & on_send_packet( Function && function )
    {
        send_packet_.set( std::forward<Function>( function ) );
        return *this;
    }

    /// Fetches a datagram in place of a socket, and returns its size, or zero or less when there is none:
    /// std::ptrdiff_t( netcode::address & from, std::uint8_t * data, std::size_t max_size ). Goes with on_send_packet.
    template <class Function> server_handlers & on_receive_packet( Function && function )
    {
        receive_packet_.set( std::forward<Function>( function ) );
        return *this;
    }

private:
    friend struct server_config;
    friend class detail::transport_handlers;

    static void client_change( void * context, int client_index, int connected ) noexcept
    {
        static_cast<server_handlers *>( context )->client_change_( client_index, connected != 0 );
    }

    void fill( netcode_server_config_t & config ) noexcept
    {
        transport_handlers::fill( *this, config );
        config.connect_disconnect_callback = client_change;
    }

    detail::callback<void( int, bool )> client_change_;
};

// ---- clients ----

/// How a client is to be set up. The defaults are malloc and free, sockets, no callbacks.
struct client_config
{
    client_handlers * handlers = nullptr;                       ///< The callbacks; they must outlive the client.
    netcode_network_simulator_t * network_simulator = nullptr;  ///< network_simulator::get(), to take the place of sockets; it must outlive the client.
    allocator memory = {};                                      ///< Where the client gets its memory.

    /// The same for the C API.
    [[nodiscard]] netcode_client_config_t to_c() const noexcept
    {
        netcode_client_config_t config;
        netcode_default_client_config( &config );
        config.allocator_context = memory.context;
        if ( memory.allocate_function )
            config.allocate_function = memory.allocate_function;
        if ( memory.free_function )
            config.free_function = memory.free_function;
        config.network_simulator = network_simulator;
        if ( handlers )
            handlers->fill( config );
        return config;
    }
};

/// A client, or none. Use any one client from one thread at a time.
class client
{
public:
    using handlers = client_handlers;           ///< Its callbacks.
    using config = client_config;               ///< How it is set up.
    using create_error = client_create_error;   ///< Why it was not created.

    /// None.
    client() noexcept = default;
    /// Owns a client of the C API.
    explicit client( netcode_client_t * owned ) noexcept : client_( owned ) {}
    /// Disconnects and destroys the client.
    ~client() { destroy(); }
    /// Takes the client over.
    client( client && other ) noexcept : client_( other.release() ) {}
    /// Destroys its own client and takes the other one over. As with destroy, this object must live until it is done.
    client & operator=( client && other ) noexcept
    {
        if ( this != &other )
        {
            destroy();
            client_ = other.release();
        }
        return *this;
    }
    client( const client & ) = delete;
    client & operator=( const client & ) = delete;

    /// Creates a client on an address: "0.0.0.0:0" for IPv4 or "[::]:0" for IPv6 with a port that the system chooses, or
    /// one with a port. now is your clock; pass the same clock to update.
    static result<client, client_create_error> create( const char * address, const client_config & settings, double now ) noexcept
    {
        return create_from_c( address, settings.to_c(), now );
    }

    /// Creates a client on an IPv4 and an IPv6 address, for connect tokens with servers of both kinds.
    static result<client, client_create_error> create( const char * address1, const char * address2, const client_config & settings, double now ) noexcept
    {
        return create_from_c( address1, address2, settings.to_c(), now );
    }

    /// Creates a client with a config of the C API.
    static result<client, client_create_error> create_from_c( const char * address, const netcode_client_config_t & settings, double now ) noexcept
    {
        return made( netcode_client_create( address, &settings, now ) );
    }

    /// Creates a client on two addresses with a config of the C API.
    static result<client, client_create_error> create_from_c( const char * address1, const char * address2, const netcode_client_config_t & settings, double now ) noexcept
    {
        return made( netcode_client_create_dual( address1, address2, &settings, now ) );
    }

    /// Disconnects and destroys the client, if there is one. In its own callback the client is freed when the call that
    /// led to the callback returns. This object itself must live until destroy returns, whatever the callbacks do.
    void destroy() noexcept
    {
        // The last callbacks run before the C object is given up, so they may use this object, and call destroy, too.
        // It has to outlive them.
        if ( loopback() )
            disconnect_loopback();
        else
            disconnect();
        if ( netcode_client_t * const owned = release() )
            netcode_client_destroy( owned );
    }

    /// The C object; this object goes on owning it.
    [[nodiscard]] netcode_client_t * get() const noexcept { return client_; }
    /// Gives the C object up, without destroying it.
    [[nodiscard]] netcode_client_t * release() noexcept { return std::exchange( client_, nullptr ); }
    /// Whether there is a client.
    [[nodiscard]] explicit operator bool() const noexcept { return client_ != nullptr; }

    /// Begins to connect, after disconnecting if need be. state tells how it goes; a token that cannot be read leads to
    /// client_state::invalid_connect_token at once.
    void connect( const connect_token & token ) noexcept { connect( token.data() ); }

    /// Begins to connect with a token of connect_token_bytes.
    void connect( const std::uint8_t * token ) noexcept
    {
        // The C function only reads the token.
        if ( client_ )
            netcode_client_connect( client_, const_cast<std::uint8_t *>( token ) );
    }

    /// Disconnects, and tells the server. Does nothing if the client is not connected or connecting.
    void disconnect() noexcept { if ( client_ ) netcode_client_disconnect( client_ ); }

    /// Receives, sends and lets time pass. Call it regularly, 60 times a second or so. Callbacks are called from here.
    void update( double now ) noexcept { if ( client_ ) netcode_client_update( client_, now ); }

    /// The state.
    [[nodiscard]] client_state state() const noexcept { return client_ ? static_cast<client_state>( netcode_client_state( client_ ) ) : client_state::disconnected; }
    /// Whether the client is connected.
    [[nodiscard]] bool connected() const noexcept { return state() == client_state::connected; }
    /// Whether the client is on its way to a connection.
    [[nodiscard]] bool connecting() const noexcept { return state() == client_state::sending_connection_request || state() == client_state::sending_connection_response; }
    /// Whether the state is an error.
    [[nodiscard]] bool failed() const noexcept { return static_cast<int>( state() ) < 0; }

    /// Sends a packet of 1 to max_packet_size bytes to the server, unreliably and at once. Does nothing unless connected.
    void send( const void * data, std::size_t size ) noexcept
    {
        if ( client_ )
            netcode_client_send_packet( client_, static_cast<const std::uint8_t *>( data ), detail::to_int( size ) );
    }

    /// Sends a packet that was received on.
    void send( const packet & received ) noexcept { send( received.data(), received.size() ); }

    /// Takes the packet that has waited longest, or nothing.
    [[nodiscard]] packet receive() noexcept
    {
        int size = 0;
        std::uint64_t sequence = 0;
        std::uint8_t * const data = client_ ? netcode_client_receive_packet( client_, &size, &sequence ) : nullptr;
        return packet( data, size, sequence, client_, free_packet );
    }

    /// The sequence number that the next packet sent will have.
    [[nodiscard]] std::uint64_t next_packet_sequence() const noexcept { return client_ ? netcode_client_next_packet_sequence( client_ ) : 0; }
    /// The client's slot on the server, once it is connected; else 0.
    [[nodiscard]] int index() const noexcept { return client_ ? netcode_client_index( client_ ) : 0; }
    /// The number of slots of the server, once the client is connected; else 0.
    [[nodiscard]] int max_clients() const noexcept { return client_ ? netcode_client_max_clients( client_ ) : 0; }
    /// The port of the client's socket; 0 without sockets.
    [[nodiscard]] std::uint16_t port() const noexcept { return client_ ? netcode_client_get_port( client_ ) : std::uint16_t( 0 ); }
    /// The address of the server that the client is connected or connecting to, if any.
    [[nodiscard]] address server_address() const noexcept
    {
        const netcode_address_t * const found = client_ ? netcode_client_server_address( client_ ) : nullptr;
        return found ? address( *found ) : address();
    }

    /// Connects to a server in the same process, without packets: what the client sends goes to on_loopback_packet, and
    /// what it is to receive comes by process_loopback_packet. Refused unless it is disconnected and has that callback.
    void connect_loopback( int client_index, int number_of_slots ) noexcept { if ( client_ ) netcode_client_connect_loopback( client_, client_index, number_of_slots ); }
    /// Ends connect_loopback.
    void disconnect_loopback() noexcept { if ( client_ ) netcode_client_disconnect_loopback( client_ ); }
    /// Whether the client is connected by loopback.
    [[nodiscard]] bool loopback() const noexcept { return client_ && netcode_client_loopback( client_ ) != 0; }
    /// Hands a packet to a client that is connected by loopback, as if its server had sent it.
    void process_loopback_packet( const void * data, std::size_t size, std::uint64_t sequence ) noexcept
    {
        if ( client_ )
            netcode_client_process_loopback_packet( client_, static_cast<const std::uint8_t *>( data ), detail::to_int( size ), sequence );
    }

    /// Hands a datagram to the client that your program received itself. It is decrypted in place.
    void process_packet( const address & from, void * data, std::size_t size ) noexcept
    {
        address sender = from;
        if ( client_ )
            netcode_client_process_packet( client_, sender.get(), static_cast<std::uint8_t *>( data ), detail::to_int( size ) );
    }

#if defined( __cpp_lib_span )
    /// Sends a packet.
    void send( std::span<const std::uint8_t> data ) noexcept { send( data.data(), data.size() ); }
    /// Sends a packet.
    void send( std::span<const std::byte> data ) noexcept { send( data.data(), data.size() ); }
    /// Hands a packet to a client that is connected by loopback.
    void process_loopback_packet( std::span<const std::uint8_t> data, std::uint64_t sequence ) noexcept { process_loopback_packet( data.data(), data.size(), sequence ); }
    /// Hands a packet to a client that is connected by loopback.
    void process_loopback_packet( std::span<const std::byte> data, std::uint64_t sequence ) noexcept { process_loopback_packet( data.data(), data.size(), sequence ); }
    /// Hands a datagram to the client that your program received itself. It is decrypted in place.
    void process_packet( const address & from, std::span<std::uint8_t> data ) noexcept { process_packet( from, data.data(), data.size() ); }
    /// Hands a datagram to the client that your program received itself. It is decrypted in place.
    void process_packet( const address & from, std::span<std::byte> data ) noexcept { process_packet( from, data.data(), data.size() ); }
#endif

private:
    static result<client, client_create_error> made( netcode_client_t * created ) noexcept
    {
        const int error = created ? NETCODE_CLIENT_CREATE_ERROR_NONE : netcode_client_create_error();
        return { client( created ), static_cast<client_create_error>( error ) };
    }

    static void free_packet( void * owner, void * data ) noexcept { netcode_client_free_packet( static_cast<netcode_client_t *>( owner ), data ); }

    netcode_client_t * client_ = nullptr;
};

// ---- servers ----

/// How a server is to be set up. The defaults are malloc and free, sockets, no callbacks; the protocol id and the
/// private key are yours to set.
struct server_config
{
    std::uint64_t protocol_id = 0;                              ///< Tells your game and its versions from others. Tokens carry the same number.
    key private_key = {};                                       ///< The key that the servers share with the backend that makes connect tokens.
    server_handlers * handlers = nullptr;                       ///< The callbacks; they must outlive the server.
    netcode_network_simulator_t * network_simulator = nullptr;  ///< network_simulator::get(), to take the place of sockets; it must outlive the server.
    int max_connect_token_lifetime = NETCODE_DEFAULT_MAX_CONNECT_TOKEN_LIFETIME;   ///< The longest time for which your backend's tokens can be used.
    allocator memory = {};                                      ///< Where the server gets its memory.

    /// The same for the C API. It holds the private key.
    [[nodiscard]] netcode_server_config_t to_c() const noexcept
    {
        netcode_server_config_t config;
        netcode_default_server_config( &config );
        config.protocol_id = protocol_id;
        std::memcpy( config.private_key, private_key.data(), sizeof( config.private_key ) );
        config.allocator_context = memory.context;
        if ( memory.allocate_function )
            config.allocate_function = memory.allocate_function;
        if ( memory.free_function )
            config.free_function = memory.free_function;
        config.network_simulator = network_simulator;
        config.max_connect_token_lifetime = max_connect_token_lifetime;
        if ( handlers )
            handlers->fill( config );
        return config;
    }
};

/// A server, or none. Use any one server from one thread at a time.
class server
{
public:
    using handlers = server_handlers;           ///< Its callbacks.
    using config = server_config;               ///< How it is set up.
    using create_error = server_create_error;   ///< Why it was not created.

    /// None.
    server() noexcept = default;
    /// Owns a server of the C API.
    explicit server( netcode_server_t * owned ) noexcept : server_( owned ) {}
    /// Stops and destroys the server.
    ~server() { destroy(); }
    /// Takes the server over.
    server( server && other ) noexcept : server_( other.release() ) {}
    /// Destroys its own server and takes the other one over. As with destroy, this object must live until it is done.
    server & operator=( server && other ) noexcept
    {
        if ( this != &other )
        {
            destroy();
            server_ = other.release();
        }
        return *this;
    }
    server( const server & ) = delete;
    server & operator=( const server & ) = delete;

    /// Creates a server. The address is its public one, as in connect tokens; it listens on that port of all addresses of
    /// the host. now is your clock; pass the same clock to update. Clients can connect after start.
    static result<server, server_create_error> create( const char * address, const server_config & settings, double now ) noexcept
    {
        netcode_server_config_t c_config = settings.to_c();
        auto created = create_from_c( address, c_config, now );
        detail::wipe( c_config.private_key, sizeof( c_config.private_key ) );
        return created;
    }

    /// Creates a server on an IPv4 and an IPv6 address.
    static result<server, server_create_error> create( const char * address1, const char * address2, const server_config & settings, double now ) noexcept
    {
        netcode_server_config_t c_config = settings.to_c();
        auto created = create_from_c( address1, address2, c_config, now );
        detail::wipe( c_config.private_key, sizeof( c_config.private_key ) );
        return created;
    }

    /// Creates a server with a config of the C API.
    static result<server, server_create_error> create_from_c( const char * address, const netcode_server_config_t & settings, double now ) noexcept
    {
        return made( netcode_server_create( address, &settings, now ) );
    }

    /// Creates a server on two addresses with a config of the C API.
    static result<server, server_create_error> create_from_c( const char * address1, const char * address2, const netcode_server_config_t & settings, double now ) noexcept
    {
        return made( netcode_server_create_dual( address1, address2, &settings, now ) );
    }

    /// Stops and destroys the server, if there is one. In its own callback the server is freed when the call that led to
    /// the callback returns. This object itself must live until destroy returns, whatever the callbacks do.
    void destroy() noexcept
    {
        // The last callbacks run before the C object is given up, so they may use this object, and call destroy, too.
        // It has to outlive them.
        stop();
        if ( netcode_server_t * const owned = release() )
            netcode_server_destroy( owned );
    }

    /// The C object; this object goes on owning it.
    [[nodiscard]] netcode_server_t * get() const noexcept { return server_; }
    /// Gives the C object up, without destroying it.
    [[nodiscard]] netcode_server_t * release() noexcept { return std::exchange( server_, nullptr ); }
    /// Whether there is a server.
    [[nodiscard]] explicit operator bool() const noexcept { return server_ != nullptr; }

    /// Starts the server with 1 to netcode::max_clients slots, after stopping it if need be.
    void start( int number_of_slots ) noexcept { if ( server_ ) netcode_server_start( server_, number_of_slots ); }
    /// Stops the server, disconnecting all its clients.
    void stop() noexcept { if ( server_ ) netcode_server_stop( server_ ); }
    /// Receives, sends and lets time pass. Call it regularly, 60 times a second or so. Callbacks are called from here.
    void update( double now ) noexcept { if ( server_ ) netcode_server_update( server_, now ); }

    /// Whether the server has been started and not stopped.
    [[nodiscard]] bool running() const noexcept { return server_ && netcode_server_running( server_ ) != 0; }
    /// The number of slots; 0 while the server is not running.
    [[nodiscard]] int max_clients() const noexcept { return server_ ? netcode_server_max_clients( server_ ) : 0; }
    /// The number of connected clients, those that are connected by loopback included.
    [[nodiscard]] int num_connected_clients() const noexcept { return server_ ? netcode_server_num_connected_clients( server_ ) : 0; }
    /// The port that the server listens on; 0 without sockets.
    [[nodiscard]] std::uint16_t port() const noexcept { return server_ ? netcode_server_get_port( server_ ) : std::uint16_t( 0 ); }

    /// Whether there is a client in this slot.
    [[nodiscard]] bool client_connected( int client_index ) const noexcept { return server_ && netcode_server_client_connected( server_, client_index ) != 0; }
    /// Why the last client of this slot was disconnected. It can be asked in the callback, too.
    [[nodiscard]] disconnect_reason client_disconnect_reason( int client_index ) const noexcept
    {
        return server_ ? static_cast<disconnect_reason>( netcode_server_client_disconnect_reason( server_, client_index ) ) : disconnect_reason::none;
    }
    /// The id of the client in this slot; 0 if there is none.
    [[nodiscard]] std::uint64_t client_id( int client_index ) const noexcept { return server_ ? netcode_server_client_id( server_, client_index ) : 0; }
    /// The address of the client in this slot, if it has one.
    [[nodiscard]] address client_address( int client_index ) const noexcept
    {
        const netcode_address_t * const found = server_ ? netcode_server_client_address( server_, client_index ) : nullptr;
        return found ? address( *found ) : address();
    }
    /// The user_data_bytes of user data in the connect token of the client in this slot, zeros if there is none; NULL if
    /// there is no such slot. They belong to the server, and are good until it is stopped.
    [[nodiscard]] const std::uint8_t * client_user_data( int client_index ) const noexcept
    {
        return server_ ? static_cast<const std::uint8_t *>( netcode_server_client_user_data( server_, client_index ) ) : nullptr;
    }

    /// Sends the client in this slot away. Does nothing if there is none or it is connected by loopback.
    void disconnect_client( int client_index ) noexcept { if ( server_ ) netcode_server_disconnect_client( server_, client_index ); }
    /// Sends all clients away, except those that are connected by loopback.
    void disconnect_all_clients() noexcept { if ( server_ ) netcode_server_disconnect_all_clients( server_ ); }

    /// Sends a packet of 1 to max_packet_size bytes to the client in this slot, unreliably and at once. Does nothing if
    /// there is none.
    void send( int client_index, const void * data, std::size_t size ) noexcept
    {
        if ( server_ )
            netcode_server_send_packet( server_, client_index, static_cast<const std::uint8_t *>( data ), detail::to_int( size ) );
    }

    /// Sends a packet that was received on.
    void send( int client_index, const packet & received ) noexcept { send( client_index, received.data(), received.size() ); }

    /// Takes the packet that has waited longest of those from the client in this slot, or nothing.
    [[nodiscard]] packet receive( int client_index ) noexcept
    {
        int size = 0;
        std::uint64_t sequence = 0;
        std::uint8_t * const data = server_ ? netcode_server_receive_packet( server_, client_index, &size, &sequence ) : nullptr;
        return packet( data, size, sequence, server_, free_packet );
    }

    /// The sequence number that the next packet to the client in this slot will have; 0 if there is none.
    [[nodiscard]] std::uint64_t next_packet_sequence( int client_index ) const noexcept { return server_ ? netcode_server_next_packet_sequence( server_, client_index ) : 0; }

    /// Connects a client in the same process to a free slot, without packets: what is sent to it goes to
    /// on_loopback_packet, and what it sends comes by process_loopback_packet. Refused without that callback.
    void connect_loopback_client( int client_index, std::uint64_t id, const user_data_array * user_data = nullptr ) noexcept
    {
        if ( server_ )
            netcode_server_connect_loopback_client( server_, client_index, id, user_data ? user_data->data() : nullptr );
    }
    /// Disconnects a client that is connected by loopback.
    void disconnect_loopback_client( int client_index ) noexcept { if ( server_ ) netcode_server_disconnect_loopback_client( server_, client_index ); }
    /// Whether the client in this slot is connected by loopback.
    [[nodiscard]] bool client_loopback( int client_index ) const noexcept { return server_ && netcode_server_client_loopback( server_, client_index ) != 0; }
    /// Hands a packet to the server as if the client in this slot, connected by loopback, had sent it.
    void process_loopback_packet( int client_index, const void * data, std::size_t size, std::uint64_t sequence ) noexcept
    {
        if ( server_ )
            netcode_server_process_loopback_packet( server_, client_index, static_cast<const std::uint8_t *>( data ), detail::to_int( size ), sequence );
    }

    /// Hands a datagram to the server that your program received itself. It is decrypted in place.
    void process_packet( const address & from, void * data, std::size_t size ) noexcept
    {
        address sender = from;
        if ( server_ )
            netcode_server_process_packet( server_, sender.get(), static_cast<std::uint8_t *>( data ), detail::to_int( size ) );
    }

#if defined( __cpp_lib_span )
    /// Sends a packet to the client in this slot.
    void send( int client_index, std::span<const std::uint8_t> data ) noexcept { send( client_index, data.data(), data.size() ); }
    /// Sends a packet to the client in this slot.
    void send( int client_index, std::span<const std::byte> data ) noexcept { send( client_index, data.data(), data.size() ); }
    /// Hands a packet to the server as if the client in this slot, connected by loopback, had sent it.
    void process_loopback_packet( int client_index, std::span<const std::uint8_t> data, std::uint64_t sequence ) noexcept { process_loopback_packet( client_index, data.data(), data.size(), sequence ); }
    /// Hands a packet to the server as if the client in this slot, connected by loopback, had sent it.
    void process_loopback_packet( int client_index, std::span<const std::byte> data, std::uint64_t sequence ) noexcept { process_loopback_packet( client_index, data.data(), data.size(), sequence ); }
    /// Hands a datagram to the server that your program received itself. It is decrypted in place.
    void process_packet( const address & from, std::span<std::uint8_t> data ) noexcept { process_packet( from, data.data(), data.size() ); }
    /// Hands a datagram to the server that your program received itself. It is decrypted in place.
    void process_packet( const address & from, std::span<std::byte> data ) noexcept { process_packet( from, data.data(), data.size() ); }
#endif

private:
    static result<server, server_create_error> made( netcode_server_t * created ) noexcept
    {
        const int error = created ? NETCODE_SERVER_CREATE_ERROR_NONE : netcode_server_create_error();
        return { server( created ), static_cast<server_create_error>( error ) };
    }

    static void free_packet( void * owner, void * data ) noexcept { netcode_server_free_packet( static_cast<netcode_server_t *>( owner ), data ); }

    netcode_server_t * server_ = nullptr;
};

} // namespace netcode

#endif
