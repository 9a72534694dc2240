"""What must not compile, and why: a name, the body of a function, and what the compiler has to say about it."""

PREAMBLE = """
#include <netcode.hpp>
extern void use( netcode::library & library, netcode::client & client, netcode::server & server, netcode::packet & packet,
                 netcode::connect_token & token, netcode::network_simulator & simulator, netcode::client_handlers & handlers,
                 netcode::server_handlers & on_server );
void use( [[maybe_unused]] netcode::library & library, [[maybe_unused]] netcode::client & client,
          [[maybe_unused]] netcode::server & server, [[maybe_unused]] netcode::packet & packet,
          [[maybe_unused]] netcode::connect_token & token, [[maybe_unused]] netcode::network_simulator & simulator,
          [[maybe_unused]] netcode::client_handlers & handlers, [[maybe_unused]] netcode::server_handlers & on_server )
{
"""

# What everything below is but for its mistake: if this does not compile, the rest says nothing.
COMPILES = """
    netcode::client moved( std::move( client ) );
    netcode::client_state state = moved.state();
    const std::uint8_t * data = static_cast<const netcode::packet &>( packet ).data();
    void * five[5] = {};
    handlers.on_state_change( [five]( netcode::client_state, netcode::client_state ) { (void) five; } );
    on_server.on_client_change( []( int, bool ) {} );
    const auto created = netcode::client::create( "0.0.0.0:0", {}, 0.0 );
    (void) state; (void) data; (void) created->port();
"""

DELETED = r"deleted"
UNUSED = r"unused|ignoring return value|nodiscard"

SNIPPETS = [
    ("a copied library", "netcode::library copy( library );", DELETED),
    ("a copied client", "netcode::client copy( client );", DELETED),
    ("a copied server", "netcode::server copy( server );", DELETED),
    ("a copied packet", "netcode::packet copy( packet );", DELETED),
    ("a copied token", "netcode::connect_token copy( token );", DELETED),
    ("a copied simulator", "netcode::network_simulator copy( simulator );", DELETED),
    ("an assigned client", "netcode::client other; other = client;", DELETED),
    ("an assigned server", "netcode::server other; other = server;", DELETED),
    ("an assigned packet", "netcode::packet other; other = packet;", DELETED),
    ("an assigned token", "netcode::connect_token other; other = token;", DELETED),
    ("moved client handlers", "netcode::client_handlers other( std::move( handlers ) );", DELETED),
    ("moved server handlers", "netcode::server_handlers other( std::move( on_server ) );", DELETED),
    ("assigned handlers", "netcode::client_handlers other; other = std::move( handlers );", DELETED),
    ("a client from a C pointer unasked", "client = static_cast<netcode_client_t *>( nullptr );", "no match|no viable"),
    ("a state as a number", "int number = client.state(); (void) number;", "cannot convert|cannot initialize"),
    ("states of different kinds", "(void) ( client.state() == netcode::disconnect_reason::none );", "no match|invalid operands"),
    ("a client as a number", "int number = client; (void) number;", "cannot convert|no viable conversion"),
    ("writing to a packet that is constant", "static_cast<const netcode::packet &>( packet ).data()[0] = 1;", "read-only|not assignable"),
    ("updating a client that is constant", "static_cast<const netcode::client &>( client ).update( 0.0 );", "discards qualifiers|not marked const"),
    ("updating a client of a result that is constant", 'const auto made = netcode::client::create( "0.0.0.0:0", {}, 0.0 ); made->update( 0.0 );', "discards qualifiers|not marked const"),
    ("receiving from a server that is constant", "(void) static_cast<const netcode::server &>( server ).receive( 0 );", "discards qualifiers|not marked const"),
    ("changing the bytes of a token that is constant", "static_cast<const netcode::connect_token &>( token ).data()[0] = 1;", "read-only|not assignable"),
    ("a packet that nobody takes", "client.receive();", UNUSED),
    ("a client that nobody takes", 'netcode::client::create( "0.0.0.0:0", {}, 0.0 );', UNUSED),
    ("a server that nobody takes", 'netcode::server::create( "0.0.0.0:0", {}, 0.0 );', UNUSED),
    ("a token that nobody takes", "netcode::connect_token::generate( {} );", UNUSED),
    ("a released client that nobody takes", "client.release();", UNUSED),
    ("an address that nobody takes", 'netcode::address::parse( "::1" );', UNUSED),
    (
        "a callback that captures too much",
        "void * seven[7] = {}; handlers.on_state_change( [seven]( netcode::client_state, netcode::client_state ) { (void) seven; } );",
        "captures too much",
    ),
    (
        "a callback that is aligned too strictly",
        "struct alignas( 32 ) wide { char c; }; wide w = {}; handlers.on_state_change( [w]( netcode::client_state, netcode::client_state ) { (void) w; } );",
        "aligned too strictly|captures too much",
    ),
    (
        "a callback whose destructor may throw",
        "struct rude { ~rude() noexcept( false ) {} void operator()( int, bool ) {} }; on_server.on_client_change( rude{} );",
        "destructor may throw",
    ),
    ("a callback that takes something else", "handlers.on_state_change( []( const char * ) {} );", "takes or returns something else"),
    ("a client callback for a server", "on_server.on_client_change( []( netcode::client_state, netcode::client_state ) {} );", "takes or returns something else"),
    ("a receive callback that returns nothing", "handlers.on_receive_packet( []( netcode::address &, std::uint8_t *, std::size_t ) {} );", "takes or returns something else"),
    ("a log function with captures", "int lines = 0; netcode::set_log_function( [&]( const char * ) { lines++; } );", "cannot convert|no matching|no viable"),
]
