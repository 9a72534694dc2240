// What the objects are on their own: types, moves, empty ones, addresses, tokens, hooks.
#include "pair.hpp"

#include <string>

// ---- types ----

template <class T> constexpr bool moves_only = std::is_nothrow_move_constructible_v<T> && std::is_nothrow_move_assignable_v<T> && !std::is_copy_constructible_v<T> && !std::is_copy_assignable_v<T> && std::is_nothrow_destructible_v<T>;
template <class T> constexpr bool stays = !std::is_move_constructible_v<T> && !std::is_move_assignable_v<T> && !std::is_copy_constructible_v<T> && !std::is_copy_assignable_v<T>;

static_assert( moves_only<netcode::client> && moves_only<netcode::server> && moves_only<netcode::packet> );
static_assert( moves_only<netcode::connect_token> && moves_only<netcode::library> && moves_only<netcode::network_simulator> );
static_assert( moves_only<netcode::result<netcode::client, netcode::client_create_error>> );
static_assert( stays<netcode::client_handlers> && stays<netcode::server_handlers> );
static_assert( std::is_trivially_copyable_v<netcode::address> && sizeof( netcode::address ) == sizeof( netcode_address_t ) );
static_assert( sizeof( netcode::client ) == sizeof( void * ) && sizeof( netcode::server ) == sizeof( void * ) );
static_assert( sizeof( netcode::network_simulator ) == sizeof( void * ) && sizeof( netcode::library ) == 1 );
static_assert( sizeof( netcode::packet ) <= 4 * sizeof( void * ) + sizeof( std::uint64_t ) );
static_assert( sizeof( netcode::connect_token ) == NETCODE_CONNECT_TOKEN_BYTES );
static_assert( sizeof( netcode::client_handlers ) <= 512 && sizeof( netcode::server_handlers ) <= 512 );
static_assert( std::is_nothrow_default_constructible_v<netcode::client> && std::is_nothrow_default_constructible_v<netcode::server> );
static_assert( !std::is_convertible_v<netcode::client, bool> && !std::is_convertible_v<netcode::packet, bool> && !std::is_convertible_v<netcode::client_state, int> );
static_assert( !std::is_convertible_v<netcode_client_t *, netcode::client> && std::is_same_v<decltype( std::declval<const netcode::packet &>().data() ), const std::uint8_t *> );

static void the_config_defaults_are_those_of_c()
{
    const netcode_client_config_t client = netcode::client_config{}.to_c();
    netcode_client_config_t client_default;
    netcode_default_client_config( &client_default );
    CHECK( client.allocate_function == client_default.allocate_function && client.free_function == client_default.free_function );
    CHECK( !client.allocator_context && !client.network_simulator && !client.callback_context && !client.state_change_callback );
    CHECK( !client.send_loopback_packet_callback && !client.override_send_and_receive && !client.send_packet_override && !client.receive_packet_override );

    netcode::server_config config;
    config.protocol_id = PROTOCOL_ID;
    config.private_key = test_key();
    const netcode_server_config_t server = config.to_c();
    netcode_server_config_t server_default;
    netcode_default_server_config( &server_default );
    CHECK( server.allocate_function == server_default.allocate_function && server.free_function == server_default.free_function );
    CHECK( !server.allocator_context && !server.network_simulator && !server.callback_context && !server.connect_disconnect_callback );
    CHECK( !server.send_loopback_packet_callback && !server.override_send_and_receive && !server.send_packet_override && !server.receive_packet_override );
    CHECK_EQUAL( server.max_connect_token_lifetime, server_default.max_connect_token_lifetime );
    CHECK( server.protocol_id == PROTOCOL_ID && std::memcmp( server.private_key, config.private_key.data(), NETCODE_KEY_BYTES ) == 0 );
}

static void every_member_of_a_config_arrives_in_c()
{
    hooks books;
    hooks_begin( &books );
    netcode::network_simulator simulator = netcode::network_simulator::create( allocator_of( books ) );
    netcode::client_handlers on_client;
    on_client.on_loopback_packet( []( int, const std::uint8_t *, std::size_t, std::uint64_t ) {} );
    netcode::client_config client;
    client.handlers = &on_client;
    client.network_simulator = simulator.get();
    client.memory = allocator_of( books );
    netcode_client_config_t c = client.to_c();
    CHECK( c.allocator_context == &books && c.allocate_function == hooks_allocate && c.free_function == hooks_free );
    CHECK( c.network_simulator == simulator.get() && c.callback_context == &on_client && c.state_change_callback && c.send_loopback_packet_callback );
    CHECK( !c.override_send_and_receive && !c.send_packet_override && !c.receive_packet_override );

    netcode::server_handlers on_server;
    on_server.on_send_packet( []( const netcode::address &, const std::uint8_t *, std::size_t ) {} );
    netcode::server_config server;
    server.handlers = &on_server;
    server.network_simulator = simulator.get();
    server.max_connect_token_lifetime = 7;
    server.memory = allocator_of( books );
    netcode_server_config_t s = server.to_c();
    CHECK( s.allocator_context == &books && s.allocate_function == hooks_allocate && s.free_function == hooks_free );
    CHECK( s.network_simulator == simulator.get() && s.callback_context == &on_server && s.connect_disconnect_callback && !s.send_loopback_packet_callback );
    CHECK( s.override_send_and_receive && s.send_packet_override && !s.receive_packet_override );
    CHECK_EQUAL( s.max_connect_token_lifetime, 7 );
    simulator.destroy();
    hooks_end( &books );
}

// ---- empty objects ----

static void check_that_it_is_empty( netcode::client & client )
{
    const auto token = token_for( SERVER );
    std::uint8_t bytes[8] = {};
    CHECK( !client && !client.get() );
    client.update( 1.0 );
    client.connect( *token );
    client.disconnect();
    client.send( bytes, sizeof( bytes ) );
    client.connect_loopback( 0, 1 );
    client.disconnect_loopback();
    client.process_loopback_packet( bytes, sizeof( bytes ), 0 );
    client.process_packet( *netcode::address::parse( SERVER ), bytes, sizeof( bytes ) );
    CHECK( !client.receive() );
    CHECK( client.state() == netcode::client_state::disconnected && !client.connected() && !client.connecting() && !client.failed() && !client.loopback() );
    CHECK( client.index() == 0 && client.max_clients() == 0 && client.port() == 0 && client.next_packet_sequence() == 0 );
    CHECK( client.server_address().type() == netcode::address_type::none );
    CHECK( client.release() == nullptr );
    client.destroy();
}

static void check_that_it_is_empty( netcode::server & server )
{
    std::uint8_t bytes[8] = {};
    CHECK( !server && !server.get() );
    server.start( 1 );
    server.update( 1.0 );
    server.disconnect_client( 0 );
    server.disconnect_all_clients();
    server.send( 0, bytes, sizeof( bytes ) );
    server.connect_loopback_client( 0, 1 );
    server.disconnect_loopback_client( 0 );
    server.process_loopback_packet( 0, bytes, sizeof( bytes ), 0 );
    server.process_packet( *netcode::address::parse( CLIENT ), bytes, sizeof( bytes ) );
    CHECK( !server.receive( 0 ) );
    CHECK( !server.running() && server.max_clients() == 0 && server.num_connected_clients() == 0 && server.port() == 0 );
    CHECK( !server.client_connected( 0 ) && !server.client_loopback( 0 ) && server.client_id( 0 ) == 0 && server.next_packet_sequence( 0 ) == 0 );
    CHECK( server.client_disconnect_reason( 0 ) == netcode::disconnect_reason::none && !server.client_address( 0 ) && !server.client_user_data( 0 ) );
    CHECK( server.release() == nullptr );
    server.stop();
    server.destroy();
}

static void check_that_it_is_empty( netcode::network_simulator & simulator )
{
    netcode::address from;
    CHECK( !simulator && !simulator.get() );
    simulator.set_conditions( {} );
    simulator.reset();
    simulator.update( 1.0 );
    simulator.send( *netcode::address::parse( CLIENT ), *netcode::address::parse( SERVER ), "x", 1 );
    CHECK( !simulator.receive( *netcode::address::parse( SERVER ), from ) && !from );
    CHECK( simulator.conditions().latency_milliseconds <= 0.0f );
    simulator.destroy();
}

static void empty_objects_do_nothing()
{
    netcode::client client;
    netcode::server server;
    netcode::network_simulator simulator;
    netcode::packet packet;
    check_that_it_is_empty( client );
    check_that_it_is_empty( server );
    check_that_it_is_empty( simulator );
    CHECK( !packet && packet.empty() && packet.begin() == packet.end() && !packet.get() && !packet.release() );
    packet.destroy();
}

template <class T> static void move_onto( T & target, T & source ) { target = std::move( source ); }

static void moved_from_objects_are_empty()
{
    pair pair;
    netcode_client_t * const c_client = pair.client.get();
    netcode_server_t * const c_server = pair.server.get();
    CHECK( c_client && c_server );

    netcode::client client( std::move( pair.client ) );
    netcode::server server( std::move( pair.server ) );
    CHECK( client.get() == c_client && server.get() == c_server );
    check_that_it_is_empty( pair.client );
    check_that_it_is_empty( pair.server );

    move_onto( client, client );
    move_onto( server, server );
    CHECK( client.get() == c_client && server.get() == c_server && server.running() );
    std::swap( client, pair.client );
    std::swap( server, pair.server );
    CHECK( pair.client.get() == c_client && pair.server.get() == c_server );
    check_that_it_is_empty( client );
    check_that_it_is_empty( server );

    netcode::network_simulator simulator = netcode::network_simulator::create();
    netcode_network_simulator_t * const c_simulator = simulator.get();
    netcode::network_simulator other( std::move( simulator ) );
    CHECK( c_simulator && other.get() == c_simulator );
    check_that_it_is_empty( simulator );
    move_onto( simulator, other );
    move_onto( simulator, simulator );
    CHECK( simulator.get() == c_simulator );
    check_that_it_is_empty( other );
}

static void assigning_destroys_what_was_there()
{
    hooks books;
    hooks_begin( &books );
    netcode::client_config config;
    netcode::client_handlers handlers;
    handlers.on_send_packet( []( const netcode::address &, const std::uint8_t *, std::size_t ) {} ).on_receive_packet( []( netcode::address &, std::uint8_t *, std::size_t ) { return std::size_t( 0 ); } );
    config.handlers = &handlers;
    config.memory = allocator_of( books );
    netcode::client first = netcode::client::create( CLIENT, config, 0.0 ).value;
    const int one = books.live;
    netcode::client second = netcode::client::create( CLIENT, config, 0.0 ).value;
    CHECK( one > 0 && books.live == 2 * one );
    first = std::move( second );
    CHECK( books.live == one && first && !second );
    first = netcode::client();
    hooks_end( &books );

    netcode::server_config server_config;
    server_config.memory = allocator_of( books );
    netcode::server_handlers on_server;
    on_server.on_send_packet( []( const netcode::address &, const std::uint8_t *, std::size_t ) {} ).on_receive_packet( []( netcode::address &, std::uint8_t *, std::size_t ) { return std::size_t( 0 ); } );
    server_config.handlers = &on_server;
    netcode::server server = netcode::server::create( SERVER, server_config, 0.0 ).value;
    netcode::server other = netcode::server::create( SERVER, server_config, 0.0 ).value;
    CHECK( server && other );
    server.start( 3 );
    server = std::move( other );
    CHECK( server && !server.running() );
    server = {};
    hooks_end( &books );

    netcode::network_simulator simulator = netcode::network_simulator::create( allocator_of( books ) );
    simulator = netcode::network_simulator::create( allocator_of( books ) );
    simulator = {};
    hooks_end( &books );
}

static void c_objects_go_in_and_out()
{
    netcode_client_config_t config;
    netcode_default_client_config( &config );
    auto [client, error] = netcode::client::create_from_c( "127.0.0.1:0", config, 0.0 );
    CHECK( client && error == netcode::client_create_error::none && client.port() != 0 && client.port() == netcode_client_get_port( client.get() ) );
    netcode_client_t * const raw = client.release();
    CHECK( raw && !client );
    netcode::client again( raw );
    CHECK( again.get() == raw );
    again.destroy();
    CHECK( !again );

    const auto constant = netcode::client::create_from_c( "127.0.0.1:0", config, 0.0 );
    CHECK( constant && *constant && constant->port() != 0 && ( *constant ).port() == constant.value.port() );
    static_assert( std::is_same_v<decltype( *constant ), const netcode::client &> && std::is_same_v<decltype( *std::move( constant ) ), const netcode::client &> );

    auto dual = netcode::client::create_from_c( "127.0.0.1:0", "[::1]:bad", config, 0.0 );
    CHECK( !dual && !dual.value && dual.error == netcode::client_create_error::parse_address2_failed );

    netcode_server_config_t server_config = netcode::server_config{}.to_c();
    auto server = netcode::server::create_from_c( "127.0.0.1:0", server_config, 0.0 );
    CHECK( server && server->port() != 0 );
    netcode::server adopted( server->release() );
    CHECK( adopted && !*server );
    CHECK( netcode::server::create_from_c( "127.0.0.1:0", "[::1]:bad", server_config, 0.0 ).error == netcode::server_create_error::parse_address2_failed );
}

static void destroy_orders()
{
    for ( int order = 0; order < 2; order++ )
    {
        pair pair;
        CHECK( pair.connect() );
        if ( order == 0 )
            pair.client.destroy();
        else
            pair.server.destroy();
        pair.step();
        CHECK( order == 0 ? pair.server.num_connected_clients() == 0 : pair.client.state() == netcode::client_state::disconnected );
    }
    {
        netcode::library outer;
        netcode::library inner( std::move( outer ) );
        CHECK( inner && !outer );
        outer = std::move( inner );
        CHECK( outer && !inner );
        move_onto( outer, outer );
        CHECK( static_cast<bool>( outer ) );
        const netcode::library second;
        outer = netcode::library();
        CHECK( outer && second );
    }
    // What main has initialised is still there: creating asserts it in the debug library.
    CHECK( netcode::client::create( "127.0.0.1:0", {}, 0.0 ).error == netcode::client_create_error::none );
}

// ---- create errors ----

static void client_errors_are_told()
{
    using error = netcode::client_create_error;
    const netcode::client_config plain;
    CHECK( netcode::client::create( "nonsense", plain, 0.0 ).error == error::parse_address_failed );
    CHECK( netcode::client::create( "127.0.0.1:0", "nonsense", plain, 0.0 ).error == error::parse_address2_failed );

    netcode::client_handlers handlers;
    handlers.on_send_packet( []( const netcode::address &, const std::uint8_t *, std::size_t ) {} );
    netcode::client_config half = plain;
    half.handlers = &handlers;
    CHECK( netcode::client::create( "127.0.0.1:0", half, 0.0 ).error == error::missing_override_callback );
    handlers.on_send_packet( nullptr );
    CHECK( netcode::client::create( "127.0.0.1:0", half, 0.0 ).error == error::none );
    handlers.on_receive_packet( []( netcode::address &, std::uint8_t *, std::size_t ) { return 0u; } );
    CHECK( netcode::client::create( "127.0.0.1:0", half, 0.0 ).error == error::missing_override_callback );

    netcode::network_simulator simulator = netcode::network_simulator::create();
    netcode::client_config simulated;
    simulated.network_simulator = simulator.get();
    CHECK( netcode::client::create( "127.0.0.1:0", simulated, 0.0 ).error == error::simulator_requires_port );

    auto first = netcode::client::create( "127.0.0.1:0", plain, 0.0 );
    REQUIRE( first.error == error::none );
    const netcode::address_text taken = netcode::address::ipv4( 127, 0, 0, 1, first->port() ).to_string();
    CHECK( netcode::client::create( taken.c_str(), plain, 0.0 ).error == error::create_socket_ipv4_failed );

    hooks books;
    hooks_begin( &books );
    books.fail_after = 0;
    netcode::client_config poor;
    poor.memory = allocator_of( books );
    auto none = netcode::client::create( "127.0.0.1:0", poor, 0.0 );
    CHECK( none.error == error::allocate_client_failed && !none.value && !none );
    check_that_it_is_empty( none.value );
    hooks_end( &books );
}

static void server_errors_are_told()
{
    using error = netcode::server_create_error;
    const netcode::server_config plain;
    CHECK( netcode::server::create( "nonsense", plain, 0.0 ).error == error::parse_address_failed );
    CHECK( netcode::server::create( "127.0.0.1:0", "nonsense", plain, 0.0 ).error == error::parse_address2_failed );

    netcode::server_handlers handlers;
    handlers.on_receive_packet( []( netcode::address &, std::uint8_t *, std::size_t ) { return 0; } );
    netcode::server_config half;
    half.handlers = &handlers;
    CHECK( netcode::server::create( "127.0.0.1:0", half, 0.0 ).error == error::missing_override_callback );

    auto first = netcode::server::create( "127.0.0.1:0", plain, 0.0 );
    REQUIRE( first.error == error::none );
    const netcode::address_text taken = netcode::address::ipv4( 127, 0, 0, 1, first->port() ).to_string();
    CHECK( netcode::server::create( taken.c_str(), plain, 0.0 ).error == error::bind_socket_ipv4_failed );

    hooks books;
    hooks_begin( &books );
    books.fail_after = 0;
    netcode::server_config poor;
    poor.memory = allocator_of( books );
    auto none = netcode::server::create( "127.0.0.1:0", poor, 0.0 );
    CHECK( none.error == error::allocate_server_failed && !none );
    check_that_it_is_empty( none.value );
    books.fail_after = 0;
    CHECK( !netcode::network_simulator::create( allocator_of( books ) ) );
    hooks_end( &books );
}

static void names_differ()
{
    for ( int a = -6; a <= 3; a++ )
        for ( int b = -6; b < a; b++ )
            CHECK( std::strcmp( to_string( static_cast<netcode::client_state>( a ) ), to_string( static_cast<netcode::client_state>( b ) ) ) != 0 );
    for ( int a = 0; a <= 8; a++ )
        for ( int b = 0; b < a; b++ )
            CHECK( std::strcmp( to_string( static_cast<netcode::server_create_error>( a ) ), to_string( static_cast<netcode::server_create_error>( b ) ) ) != 0 );
    CHECK( std::strcmp( to_string( netcode::client_create_error::missing_override_callback ), "missing override callback" ) == 0 );
    CHECK( std::strcmp( to_string( netcode::disconnect_reason::timed_out ), "timed out" ) == 0 );
    CHECK( std::strcmp( to_string( static_cast<netcode::client_state>( 99 ) ), "unknown" ) == 0 );
}

// ---- addresses ----

static void addresses_are_read_and_written()
{
    const char * const good[] = { "1.2.3.4", "1.2.3.4:40000", "::1", "[::1]:40000", "[fe80::202:b3ff:fe1e:8329]:65535" };
    for ( const char * text : good )
    {
        const auto parsed = netcode::address::parse( text );
        REQUIRE( parsed.has_value() );
        CHECK( *parsed && std::strcmp( parsed->to_string().c_str(), text ) == 0 );
        CHECK( parsed->to_string().view() == text && std::string_view( parsed->to_string() ) == text );
        CHECK( *netcode::address::parse( std::string( text ) + "" ) == *parsed );
    }
    const char * const bad[] = { "", "1.2.3", "1.2.3.4:", "1.2.3.4:65536", "[::1", "host:1" };
    for ( const char * text : bad )
        CHECK( !netcode::address::parse( text ) );
    CHECK( !netcode::address::parse( static_cast<const char *>( nullptr ) ) );
    CHECK( !netcode::address::parse( std::string_view( "1.2.3.4\0x", 9 ) ) && !netcode::address::parse( std::string( 300, '1' ) ) );
    CHECK( netcode::address::parse( std::string_view( "1.2.3.4:400005", 13 ) )->port() == 40000 );
}

static void addresses_compare()
{
    const netcode::address a = netcode::address::ipv4( 1, 2, 3, 4, 5 );
    CHECK( a == *netcode::address::parse( "1.2.3.4:5" ) && !( a != a ) && a != a.with_port( 6 ) && a.with_port( 6 ).port() == 6 );
    CHECK( a.type() == netcode::address_type::ipv4 && a.get()->data.ipv4[3] == 4 );
    const netcode::address b = netcode::address::ipv6( { 0xfe80, 0, 0, 0, 0, 0, 0, 0x12 }, 7 );
    CHECK( b == *netcode::address::parse( "[fe80::12]:7" ) && b.type() == netcode::address_type::ipv6 && a != b );
    CHECK( netcode::address( *a.get() ) == a );
    const netcode::address none;
    CHECK( !none && none != none && none.type() == netcode::address_type::none && std::strcmp( none.to_string().c_str(), "NONE" ) == 0 );
}

// ---- tokens ----

static bool all_zero( const netcode::connect_token & token )
{
    for ( const std::uint8_t byte : token.bytes() )
        if ( byte != 0 )
            return false;
    return true;
}

static void tokens_are_made_for_one_to_32_servers()
{
    netcode::connect_token_config config;
    for ( int count = 1; count <= NETCODE_MAX_SERVERS_PER_CONNECT; count++ )
    {
        config.servers.add( "127.0.0.1:40000" );
        CHECK( config.servers.count() == count && netcode::connect_token::generate( config ) );
    }
    config.internal_servers = { "10.0.0.1:1", "10.0.0.2:1" };
    CHECK( !netcode::connect_token::generate( config ) );
    config.servers = { "1.1.1.1:1", "[::1]:1" };
    CHECK( netcode::connect_token::generate( config ).has_value() );
    config.internal_servers = { "10.0.0.1:1", "nonsense" };
    CHECK( !netcode::connect_token::generate( config ) );
    config.internal_servers = {};
    config.servers = "nonsense";
    CHECK( !netcode::connect_token::generate( config ) );
}

static int asserts_seen;

static void wrong_numbers_of_servers_are_refused()
{
    asserts_seen = 0;
    netcode::set_assert_function( []( const char *, const char *, const char *, int ) { asserts_seen++; } );
    netcode::connect_token_config config;
    CHECK( !netcode::connect_token::generate( config ) );
    for ( int i = 0; i <= NETCODE_MAX_SERVERS_PER_CONNECT; i++ )
        config.servers.add( "127.0.0.1:40000" );
    CHECK( !netcode::connect_token::generate( config ) );
    CHECK( netcode::get_assert_function() != nullptr );
    CHECK_EQUAL( asserts_seen, NETCODE_TEST_ASSERTS ? 2 : 0 );
    netcode::set_assert_function( nullptr );
}

static void tokens_are_copied_from_bytes_and_wiped()
{
    auto made = token_for( SERVER );
    REQUIRE( made.has_value() );
    CHECK( !all_zero( *made ) && std::memcmp( made->data(), "NETCODE 1.02", 13 ) == 0 && made->size() == made->bytes().size() );
    auto copy = netcode::connect_token::from_bytes( made->data(), made->size() );
    REQUIRE( copy.has_value() );
    CHECK( copy->bytes() == made->bytes() && copy->get() == copy->data() );
    CHECK( !netcode::connect_token::from_bytes( made->data(), made->size() - 1 ) && !netcode::connect_token::from_bytes( nullptr, made->size() ) );

    netcode::connect_token moved( std::move( *made ) );
    CHECK( moved.bytes() == copy->bytes() && all_zero( *made ) );
    *made = std::move( moved );
    CHECK( made->bytes() == copy->bytes() && all_zero( moved ) );
    move_onto( *made, *made );
    CHECK( made->bytes() == copy->bytes() );

    alignas( netcode::connect_token ) unsigned char memory[sizeof( netcode::connect_token )];
    auto * const token = ::new ( static_cast<void *>( memory ) ) netcode::connect_token( std::move( *made ) );
    CHECK( !all_zero( *token ) );
    token->~connect_token();
    int left = 0;
    for ( const volatile unsigned char & byte : memory )
        left += byte != 0;
    CHECK_EQUAL( left, 0 );
}

static void a_token_that_cannot_be_read_is_an_error()
{
    pair pair;
    pair.client.connect( netcode::connect_token() );
    CHECK( pair.client.state() == netcode::client_state::invalid_connect_token && pair.client.failed() );
    CHECK( pair.state_events.size() == 1 && pair.state_events[0].current == netcode::client_state::invalid_connect_token );
    const auto token = token_for( SERVER );
    auto broken = netcode::connect_token::from_bytes( token->data(), token->size() );
    broken->data()[0] ^= 1;
    pair.client.connect( *broken );
    CHECK( pair.client.failed() );
    pair.client.connect( token->data() );
    CHECK( pair.client.connecting() && pair.client.server_address() == *netcode::address::parse( SERVER ) );
}

// ---- the library's own functions ----

static std::string logged;

static void log_messages_arrive()
{
    logged.clear();
    netcode::set_log_function( []( const char * text ) { logged += text; } );
    netcode::set_log_level( netcode::log_level::error );
    CHECK( netcode::client::create( "nonsense", {}, 0.0 ).error != netcode::client_create_error::none );
    CHECK( logged.size() > 1 && logged.back() == '\n' );
    logged.clear();
    netcode::set_log_level( netcode::log_level::none );
    CHECK( netcode::client::create( "nonsense", {}, 0.0 ).error != netcode::client_create_error::none );
    CHECK( logged.empty() );
    netcode::set_log_function( nullptr );
    netcode::set_printf_function( nullptr );
}

static void clock_and_random_bytes()
{
    const double before = netcode::time();
    netcode::sleep( 0.001 );
    CHECK( netcode::time() > before );
    const netcode::key a = netcode::generate_key(), b = netcode::generate_key();
    CHECK( a != b );
    std::uint8_t few[4] = { 0, 0, 0, 9 };
    netcode::random_bytes( few, 0 );
    netcode::random_bytes( few, 3 );
    CHECK_EQUAL( few[3], 9 );
    CHECK( netcode::max_clients == 256 && netcode::max_packet_size == 1200 && std::strcmp( netcode::version, NETCODE_VERSION_FULL ) == 0 );
}

// A packet as large as size_t can say is too large, and not a negative number of bytes.
static void huge_sizes_are_refused()
{
    pair pair;
    CHECK( pair.connect() );
    netcode::set_assert_function( []( const char *, const char *, const char *, int ) {} );
    const std::uint64_t before = pair.client.next_packet_sequence();
    pair.client.send( "x", static_cast<std::size_t>( -1 ) );
    pair.client.send( "x", ( std::size_t( 1 ) << ( sizeof( std::size_t ) * 8 - 1 ) ) + 1 );
    CHECK( pair.client.next_packet_sequence() == before );
    pair.client.send( "x", 1 );
    CHECK( pair.client.next_packet_sequence() == before + 1 );
    netcode::set_assert_function( nullptr );
}

int main( int argc, char ** argv )
{
    const netcode::library library;
    if ( !library )
        return 1;
    tests_begin( argc, argv );
    TEST( the_config_defaults_are_those_of_c );
    TEST( every_member_of_a_config_arrives_in_c );
    TEST( empty_objects_do_nothing );
    TEST( moved_from_objects_are_empty );
    TEST( assigning_destroys_what_was_there );
    TEST( c_objects_go_in_and_out );
    TEST( destroy_orders );
    TEST( client_errors_are_told );
    TEST( server_errors_are_told );
    TEST( names_differ );
    TEST( addresses_are_read_and_written );
    TEST( addresses_compare );
    TEST( tokens_are_made_for_one_to_32_servers );
    TEST( wrong_numbers_of_servers_are_refused );
    TEST( tokens_are_copied_from_bytes_and_wiped );
    TEST( a_token_that_cannot_be_read_is_an_error );
    TEST( log_messages_arrive );
    TEST( clock_and_random_bytes );
    TEST( huge_sizes_are_refused );
    return tests_done();
}
