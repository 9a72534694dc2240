/*
 * What went wrong in other implementations of this protocol, each as a test that says so in its name. Those that
 * are told by other programs better:
 *
 *   global sequence seeded on every start      token_handshake.c: the_global_sequence_is_in_the_top_half_and_random
 *                                              corrections.rs: a_server_that_is_started_again_numbers_its_answers_differently
 *   replay arithmetic near 2^64                attacks/replay.c: the_replay_window_is_exact_up_to_the_last_sequence_of_all
 *                                              src/replay.rs: the_last_sequence_of_all_is_accepted_once, behaves_as_the_model
 *   window advanced after authentication only  corrections.rs: a_forged_packet_does_not_move_the_window_of_a_server, .._of_a_client
 *   stale bytes make addresses differ          address.c: equal_looks_at_type_port_and_the_bytes_in_use; the rest is here
 *   loopback clients on stop                   loopback.c: stop_disconnects_real_clients_first, starting_again_disconnects_loopback_clients
 *   expiry before the next address             client_timers.c: expiry_comes_before_timeout_and_next_address; the rest is here
 *   reason readable inside the callback        server_disconnecting.c: the_disconnect_callback_sees_the_client_whole
 *   second address of a dual server            token_requests.c: a_dual_server_answers_to_both_its_addresses
 *   receive override returning less than zero  overrides.c: receive_is_called_until_it_returns_less_than_zero
 *   simulator with duplicates leaks            simulator.c: a_session_with_duplicates, a_session_with_everything
 *   callbacks missing                          client_connecting.c: no_callback_is_needed, overrides_come_in_pairs
 *                                              server_starting.c: no_callback_is_needed
 *                                              loopback.c: a_client_without_the_callback_refuses_with_an_error, a_server_..
 *   random generator failing                   endpoints.rs: a_server_does_not_start_without_randomness
 *                                              tokens.rs: no_token_is_made_without_randomness
 *                                              regressions_system.c, for the C API
 *   link-local IPv6 scope kept for replies     regressions_system.c
 */
#include "net.h"
#include "seal.h"

/* IPv4 addresses with stale bytes in the part of the union that they do not use. */

static uint64_t staleness = 0x57A1E;

static void make_stale( struct netcode_address_t * address )
{
    int i;
    CHECK_EQUAL( address->type, NETCODE_ADDRESS_IPV4 );
    for ( i = 4; i < (int) sizeof( address->data ); i++ )
        ( (uint8_t *) &address->data )[i] = (uint8_t) net_random( &staleness );
}

static int receive_from_a_stale_address( void * context, struct netcode_address_t * from, uint8_t * data, int max_bytes )
{
    int bytes = net_endpoint_receive( context, from, data, max_bytes );
    if ( bytes > 0 )
        make_stale( from );
    return bytes;
}

static int unused_bytes_are_zero( const struct netcode_address_t * address )
{
    static const uint8_t zeros[12] = { 0 };
    return address && memcmp( (const uint8_t *) &address->data + 4, zeros, sizeof( zeros ) ) == 0;
}

static void stale_bytes_of_an_ipv4_address_do_not_make_it_another( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_endpoint( net, NET_SERVER ), * client = net_endpoint( net, NET_CLIENT );
    struct netcode_server_config_t server_config;
    struct netcode_client_config_t client_config;
    struct netcode_address_t stale = client->address;
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES], request[NET_REQUEST_BYTES];
    char text[NETCODE_MAX_ADDRESS_STRING_LENGTH];
    int i;
    netcode_default_server_config( &server_config );
    net_server_config( server, &server_config );
    server_config.receive_packet_override = receive_from_a_stale_address;
    netcode_default_client_config( &client_config );
    net_client_config( client, &client_config );
    client_config.receive_packet_override = receive_from_a_stale_address;
    server->is_server = 1;
    server->server = netcode_server_create( NET_SERVER, &server_config, net->time );
    client->client = netcode_client_create( NET_CLIENT, &client_config, net->time );
    REQUIRE( server->server && client->client );
    netcode_server_start( server->server, 4 );

    CHECK( net_connect( client, server, 1000 ) );
    net_settle( net );
    CHECK( unused_bytes_are_zero( netcode_server_client_address( server->server, 0 ) ) );
    CHECK( unused_bytes_are_zero( netcode_client_server_address( client->client ) ) );
    for ( i = 0; i < 2 * NET_TIMEOUT; i++ )
    {
        netcode_client_send_packet( client->client, (const uint8_t *) "up", 2 );
        netcode_server_send_packet( server->server, 0, (const uint8_t *) "down", 4 );
        net_step( net, 1.0 );
        net_step( net, 0.0 );
        CHECK_EQUAL( net_discard_payloads( server, 0 ), 1 );
        CHECK_EQUAL( net_discard_payloads( client, 0 ), 1 );
    }
    CHECK( net_history_is( client, "0>1 1>2 2>3" ) );
    CHECK( net_history_is( server, "+0" ) );
    for ( i = 0; i < net->num_records; i++ )
        CHECK( unused_bytes_are_zero( &net->records[i]->to ) );

    /* a token belongs to the address that showed it, and process_packet is told addresses as well */
    netcode_client_disconnect( client->client );
    net_step( net, NET_TICK );
    net_forget( net );
    net_token_for( server, token, NET_TIMEOUT, 2000 );
    for ( i = 0; i < 10; i++ )
    {
        make_stale( &stale );
        net_process( server, &stale, request, net_request( token, request ) );
    }
    CHECK_EQUAL( server->sent[NET_CHALLENGE], 10 );
    CHECK( netcode_address_equal( &stale, &client->address ) == 1 && netcode_address_equal( &client->address, &stale ) == 1 );
    CHECK( strcmp( netcode_address_to_string( &stale, text ), NET_CLIENT ) == 0 );
    net_destroy( net );
}

/* Mappings. Each handshake waits for its response until all others have been removed or are over. */

#define HANDSHAKES 600
#define SHORT_TIMEOUT 1

struct handshake
{
    struct netcode_address_t source;
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES], response[NET_DATAGRAM_BYTES];
    int bytes;
};

static void begin_handshake( struct net_endpoint * server, struct handshake * handshake, int n, int timeout_seconds )
{
    uint8_t request[NET_REQUEST_BYTES], plain[NET_DATAGRAM_BYTES];
    char text[64];
    const struct net_datagram * challenge;
    handshake->source = net_address( net_client_address( n, text, sizeof( text ) ) );
    net_token_for( server, handshake->token, timeout_seconds, 1000 + (uint64_t) n );
    net_process( server, &handshake->source, request, net_request( handshake->token, request ) );
    challenge = net_last_record( server, NET_CHALLENGE );
    REQUIRE( challenge != NULL );
    REQUIRE( seal_open_packet( challenge, plain, server->net->protocol_id, seal_server_key( handshake->token ) ) == SEAL_CHALLENGE_BYTES );
    handshake->bytes = seal_packet( handshake->response, NET_RESPONSE, 1, plain, SEAL_CHALLENGE_BYTES, server->net->protocol_id, seal_client_key( handshake->token ) );
    net_forget( server->net );
}

/* Connects, which takes the mapping out, and sends the client away again; 1 if it did connect. */

static int finish_handshake( struct net_endpoint * server, const struct handshake * handshake )
{
    int connected;
    net_process( server, &handshake->source, handshake->response, handshake->bytes );
    connected = netcode_server_num_connected_clients( server->server );
    netcode_server_disconnect_all_clients( server->server );
    net_forget( server->net );
    return connected == 1;
}

static void removing_one_mapping_does_not_lose_another( void )
{
    static struct handshake handshakes[HANDSHAKES];
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
    uint64_t random = 0x3A9;
    int order[HANDSHAKES], i, lasting = 0, finished = 0, expired = 0;
    for ( i = 0; i < HANDSHAKES; i++ )
    {
        begin_handshake( server, &handshakes[i], i, i % 3 == 0 ? SHORT_TIMEOUT : -1 );
        if ( i % 3 != 0 )
            order[lasting++] = i;
    }
    for ( i = lasting - 1; i > 0; i-- )
    {
        int j = (int) ( net_random( &random ) % (uint64_t) ( i + 1 ) ), other = order[i];
        order[i] = order[j];
        order[j] = other;
    }
    /* half of them one by one, the short ones all at once when their time is over, then the rest */
    for ( i = 0; i < lasting; i++ )
    {
        if ( i == lasting / 2 )
        {
            net_update( server, net->time + SHORT_TIMEOUT + 1 );
            net_update( server, net->time + 1 );
        }
        finished += finish_handshake( server, &handshakes[order[i]] );
    }
    CHECK_EQUAL( finished, lasting );
    for ( i = 0; i < HANDSHAKES; i += 3 )
        expired += !finish_handshake( server, &handshakes[i] );
    CHECK_EQUAL( expired, HANDSHAKES - lasting );
    net_destroy( net );
}

/* Expiry and timeout. The moment at which both would come is the token's; a client that would have been told before
   then reports what it was told. */

static void run_out( int answer_requests, int expire_seconds, int timeout_seconds, int num_servers, double seconds, const char * history )
{
    static const char * addresses[] = { NET_SERVER, "10.0.0.2:40000" };
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 ), * client = net_client( net, NET_CLIENT );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    int i;
    /* the server must not refuse a token for its short life */
    struct netcode_server_config_t config;
    netcode_server_destroy( server->server );
    netcode_default_server_config( &config );
    net_server_config( server, &config );
    config.max_connect_token_lifetime = 1;
    server->server = netcode_server_create( NET_SERVER, &config, net->time );
    REQUIRE( server->server != NULL );
    netcode_server_start( server->server, 4 );
    server->drop = answer_requests ? 1 << NET_KEEP_ALIVE : NET_ALL;
    net_token( net, token, num_servers, addresses, addresses, expire_seconds, timeout_seconds, 1000, NULL );
    netcode_client_connect( client->client, token );
    for ( i = 0; i * NET_TICK <= seconds; i++ )
        net_step( net, i == 0 ? 0.0 : NET_TICK );
    CHECK( net_history_is( client, history ) );
    net_destroy( net );
}

static void equal_expiry_and_timeout_do_not_hide_the_error( void )
{
    /* both at once: the token is what no other server would change */
    run_out( 0, 3, 3, 1, 3.5, "0>1 1>-6" );
    run_out( 1, 3, 3, 1, 3.5, "0>1 1>2 2>-6" );
    run_out( 0, 3, 3, 2, 3.5, "0>1 1>-6" );
    /* the timeout first: it is the error */
    run_out( 0, 4, 3, 1, 6.0, "0>1 1>-2" );
    run_out( 1, 4, 3, 1, 6.0, "0>1 1>2 2>-3" );
    run_out( 0, 4, 3, 2, 6.5, "0>1 1>1 1>-2" );
    /* no timeout at all */
    run_out( 0, 3, -1, 1, 3.5, "0>1 1>-6" );
}

/* Address texts. */

static void short_ports_and_link_local_addresses_are_read( void )
{
    static const char * const good[] = { "[::1]:5", "[fe80::1]:5", "[::]:5", "1.2.3.4:5" };
    static const char * const bad[] = { "1.2.3.4:65536", "[::1]:65536", "[fe80::1]:65536", "[::1]:99999", "1.2.3.4:70000", "1.2.3.4:131077", "[::1]:4294967301", "1.2.3.4:-1", "[::1]:" };
    struct netcode_address_t address;
    char text[NETCODE_MAX_ADDRESS_STRING_LENGTH];
    int i;
    for ( i = 0; i < (int) ( sizeof( good ) / sizeof( good[0] ) ); i++ )
    {
        CHECK_EQUAL( netcode_parse_address( good[i], &address ), NETCODE_OK );
        CHECK_EQUAL( address.port, 5 );
        CHECK( strcmp( netcode_address_to_string( &address, text ), good[i] ) == 0 );
    }
    for ( i = 0; i < (int) ( sizeof( bad ) / sizeof( bad[0] ) ); i++ )
    {
        CHECK_EQUAL( netcode_parse_address( bad[i], &address ), NETCODE_ERROR );
        CHECK_EQUAL( address.type, NETCODE_ADDRESS_NONE );
    }
    CHECK_EQUAL( netcode_parse_address( "[fe80::1]:5", &address ), NETCODE_OK );
    CHECK( address.type == NETCODE_ADDRESS_IPV6 && address.data.ipv6[0] == 0xFE80 && address.data.ipv6[7] == 1 );
}

static void a_token_for_0_or_minus_1_or_33_or_40_servers_is_refused( void )
{
    static const int wrong[] = { 0, -1, 33, 40 };
    const char * addresses[40];
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES], key[NETCODE_KEY_BYTES] = { 1 };
    int i;
    for ( i = 0; i < 40; i++ )
        addresses[i] = NET_SERVER;
    net_tolerate_asserts( 1 );
    for ( i = 0; i < 4; i++ )
        CHECK_EQUAL( netcode_generate_connect_token( wrong[i], addresses, addresses, 30, 5, 1, 2, key, NULL, token ), NETCODE_ERROR );
    net_tolerate_asserts( 0 );
    CHECK_EQUAL( netcode_generate_connect_token( 32, addresses, addresses, 30, 5, 1, 2, key, NULL, token ), NETCODE_OK );
}

/* A config of zeros, to which not even the defaults have been given: sockets, malloc, no callbacks, no key. */

#define PATIENCE 2000                   /* updates with a millisecond between them */

static void a_config_of_zeros_makes_a_working_client_and_server( void )
{
    static const uint8_t no_key[NETCODE_KEY_BYTES] = { 0 };
    struct netcode_server_config_t server_config;
    struct netcode_client_config_t client_config;
    struct netcode_server_t * server;
    struct netcode_client_t * client;
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES], * packet = NULL;
    char text[32];
    const char * address = text;
    double time = NET_START_TIME;
    int lifetime, i, bytes = 0;
    memset( &server_config, 0, sizeof( server_config ) );
    memset( &client_config, 0, sizeof( client_config ) );
    server = netcode_server_create( "127.0.0.1:0", &server_config, time );
    client = netcode_client_create( "127.0.0.1:0", &client_config, time );
    REQUIRE( server && client );
    netcode_server_start( server, 1 );
    CHECK_EQUAL( netcode_server_running( server ), 1 );
    snprintf( text, sizeof( text ), "127.0.0.1:%d", netcode_server_get_port( server ) );

    /* a lifetime of 0 means the default one: what lives for less could predate the start */
    for ( lifetime = NETCODE_DEFAULT_MAX_CONNECT_TOKEN_LIFETIME / 2; lifetime <= 2 * NETCODE_DEFAULT_MAX_CONNECT_TOKEN_LIFETIME; lifetime *= 4 )
    {
        int good = lifetime > NETCODE_DEFAULT_MAX_CONNECT_TOKEN_LIFETIME;
        CHECK_EQUAL( netcode_generate_connect_token( 1, &address, &address, lifetime, good ? 5 : 1, 1, 0, no_key, NULL, token ), NETCODE_OK );
        netcode_client_connect( client, token );
        for ( i = 0; i < PATIENCE && netcode_client_state( client ) > 0 && netcode_client_state( client ) != NETCODE_CLIENT_STATE_CONNECTED; i++ )
        {
            time += good ? 0.001 : 0.05;
            netcode_client_update( client, time );
            netcode_server_update( server, time );
            netcode_sleep( 0.001 );
        }
        CHECK_EQUAL( netcode_client_state( client ), good ? NETCODE_CLIENT_STATE_CONNECTED : NETCODE_CLIENT_STATE_CONNECTION_REQUEST_TIMED_OUT );
    }
    netcode_client_send_packet( client, (const uint8_t *) "hello", 6 );
    for ( i = 0; i < PATIENCE && !packet; i++ )
    {
        netcode_server_update( server, time );
        packet = netcode_server_receive_packet( server, 0, &bytes, NULL );
        netcode_sleep( 0.001 );
    }
    CHECK( packet && bytes == 6 && strcmp( (const char *) packet, "hello" ) == 0 );
    if ( packet )
        netcode_server_free_packet( server, packet );
    netcode_client_destroy( client );
    netcode_server_destroy( server );
}

/* A program may be done with a token as soon as it hears of the end of the connection before. */

static uint8_t * token_to_wipe;

static void wipe_token( struct net_endpoint * self, const struct net_event * event )
{
    (void) self;
    if ( event->current == NETCODE_CLIENT_STATE_DISCONNECTED )
        memset( token_to_wipe, 0, NETCODE_CONNECT_TOKEN_BYTES );
}

static void a_token_is_read_before_the_connection_before_it_ends( void )
{
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 1 );
    struct net_endpoint * client = net_client( net, NET_CLIENT );
    CHECK( net_connect( client, server, 1 ) );
    net_token_for( server, token, NET_TIMEOUT, 2 );
    token_to_wipe = token;
    client->on_event = wipe_token;
    netcode_client_connect( client->client, token );
    CHECK_EQUAL( token[0], 0 );
    CHECK_EQUAL( net_state( client ), NETCODE_CLIENT_STATE_SENDING_CONNECTION_REQUEST );
    CHECK( net_run_until( client, NETCODE_CLIENT_STATE_CONNECTED ) );
    net_destroy( net );
}

int main( int argc, char ** argv )
{
    tests_begin( argc, argv );
    netcode_set_assert_function( net_assert_handler );
    netcode_init();
    TEST( stale_bytes_of_an_ipv4_address_do_not_make_it_another );
    TEST( removing_one_mapping_does_not_lose_another );
    TEST( equal_expiry_and_timeout_do_not_hide_the_error );
    TEST( short_ports_and_link_local_addresses_are_read );
    TEST( a_token_for_0_or_minus_1_or_33_or_40_servers_is_refused );
    TEST( a_config_of_zeros_makes_a_working_client_and_server );
    TEST( a_token_is_read_before_the_connection_before_it_ends );
    netcode_term();
    return tests_done();
}
