/*
 * A client that connects: its creation, the handshake as it sees it, connect tokens that do not read, a server that
 * denies, and which address it says it is connecting to.
 */
#include "client.h"

/* Creation */

static void a_new_client_is_disconnected_and_empty( void )
{
    struct net * net = net_create();
    struct net_endpoint * client = net_client( net, NET_CLIENT );
    CHECK_EQUAL( netcode_client_create_error(), NETCODE_CLIENT_CREATE_ERROR_NONE );
    CHECK_EQUAL( net_state( client ), NETCODE_CLIENT_STATE_DISCONNECTED );
    check_reset( client );
    check_nothing_to_receive( client );
    CHECK_EQUAL( netcode_client_loopback( client->client ), 0 );
    CHECK_EQUAL( netcode_client_get_port( client->client ), 0 );
    net_steps( net, 10, 1.0 );
    CHECK_EQUAL( net_total_sent( client ), 0 );
    CHECK( net_history_is( client, "" ) );
    CHECK_EQUAL( net_state( client ), NETCODE_CLIENT_STATE_DISCONNECTED );
    net_destroy( net );
}

static void create_says_what_was_wrong( void )
{
    struct net * net = net_create();
    struct net_endpoint * client = net_client( net, NET_CLIENT );
    struct netcode_client_config_t config;
    netcode_default_client_config( &config );
    net_client_config( client, &config );

    CHECK( netcode_client_create( "not an address", &config, 0.0 ) == NULL );
    CHECK_EQUAL( netcode_client_create_error(), NETCODE_CLIENT_CREATE_ERROR_PARSE_ADDRESS_FAILED );
    CHECK( netcode_client_create( "10.0.0.1:65536", &config, 0.0 ) == NULL );
    CHECK_EQUAL( netcode_client_create_error(), NETCODE_CLIENT_CREATE_ERROR_PARSE_ADDRESS_FAILED );
    CHECK( netcode_client_create_dual( NET_CLIENT, "not an address", &config, 0.0 ) == NULL );
    CHECK_EQUAL( netcode_client_create_error(), NETCODE_CLIENT_CREATE_ERROR_PARSE_ADDRESS2_FAILED );
    CHECK( netcode_client_create_dual( "not an address", "[::1]:50000", &config, 0.0 ) == NULL );
    CHECK_EQUAL( netcode_client_create_error(), NETCODE_CLIENT_CREATE_ERROR_PARSE_ADDRESS_FAILED );
    net_destroy( net );
}

static void overrides_come_in_pairs( void )
{
    struct net * net = net_create();
    struct net_endpoint * client = net_client( net, NET_CLIENT );
    struct netcode_client_config_t config;

    netcode_default_client_config( &config );
    net_client_config( client, &config );
    config.send_packet_override = NULL;
    net_tolerate_asserts( 1 );
    CHECK( netcode_client_create( NET_CLIENT, &config, 0.0 ) == NULL );
    CHECK_EQUAL( netcode_client_create_error(), NETCODE_CLIENT_CREATE_ERROR_MISSING_OVERRIDE_CALLBACK );

    net_client_config( client, &config );
    config.receive_packet_override = NULL;
    CHECK( netcode_client_create( NET_CLIENT, &config, 0.0 ) == NULL );
    CHECK_EQUAL( netcode_client_create_error(), NETCODE_CLIENT_CREATE_ERROR_MISSING_OVERRIDE_CALLBACK );
    net_destroy( net );
}

static void the_config_is_copied( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 1 );
    struct net_endpoint * client = net_endpoint( net, NET_CLIENT );
    struct netcode_client_config_t config;
    netcode_default_client_config( &config );
    net_client_config( client, &config );
    client->client = netcode_client_create( NET_CLIENT, &config, net->time );
    REQUIRE( client->client != NULL );
    memset( &config, 0xEE, sizeof( config ) );
    CHECK( net_connect( client, server, 1000 ) );
    CHECK( net_history_is( client, "0>1 1>2 2>3" ) );
    net_destroy( net );
}

static void no_callback_is_needed( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 1 );
    struct net_endpoint * client = net_endpoint( net, NET_CLIENT );
    struct netcode_client_config_t config;
    netcode_default_client_config( &config );
    net_client_config( client, &config );
    config.state_change_callback = NULL;
    client->client = netcode_client_create( NET_CLIENT, &config, net->time );
    REQUIRE( client->client != NULL );
    CHECK( net_connect( client, server, 1000 ) );
    netcode_client_disconnect( client->client );
    CHECK_EQUAL( net_state( client ), NETCODE_CLIENT_STATE_DISCONNECTED );
    net_destroy( net );
}

/* Connecting */

static void connecting_goes_through_request_and_response( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 8 );
    struct net_endpoint * client = net_client( net, NET_CLIENT );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES], request[NET_REQUEST_BYTES];
    const struct net_datagram * record;
    net_token_for( server, token, NET_TIMEOUT, 1000 );

    netcode_client_connect( client->client, token );
    CHECK( net_history_is( client, "0>1" ) );
    CHECK_EQUAL( net_state( client ), NETCODE_CLIENT_STATE_SENDING_CONNECTION_REQUEST );
    CHECK( net_address_is( netcode_client_server_address( client->client ), NET_SERVER ) );
    CHECK_EQUAL( net_total_sent( client ), 0 );

    net_step( net, NET_TICK );
    CHECK_EQUAL( net_state( client ), NETCODE_CLIENT_STATE_SENDING_CONNECTION_REQUEST );
    net_step( net, NET_TICK );
    CHECK_EQUAL( net_state( client ), NETCODE_CLIENT_STATE_SENDING_CONNECTION_RESPONSE );
    net_step( net, NET_TICK );
    CHECK_EQUAL( net_state( client ), NETCODE_CLIENT_STATE_CONNECTED );
    CHECK( net_history_is( client, "0>1 1>2 2>3" ) );
    CHECK( net_sent_types_are( client, "03" ) );
    CHECK_EQUAL( netcode_client_index( client->client ), 0 );
    CHECK_EQUAL( netcode_client_max_clients( client->client ), 8 );
    CHECK( net_address_is( netcode_client_server_address( client->client ), NET_SERVER ) );

    net_request( token, request );
    record = net_record( client, NET_REQUEST, 0 );
    REQUIRE( record != NULL );
    CHECK_EQUAL( record->bytes, NET_REQUEST_BYTES );
    CHECK( memcmp( record->data, request, NET_REQUEST_BYTES ) == 0 );
    net_destroy( net );
}

static void the_callback_runs_before_the_state_is_reported( void )
{
    struct scene scene;
    const struct net_event * event;
    scene_open( &scene, NETCODE_CLIENT_STATE_CONNECTED, NET_LIFETIME, NET_TIMEOUT );
    netcode_client_disconnect( scene.client->client );
    CHECK( net_history_is( scene.client, "0>1 1>2 2>3 3>0" ) );

    event = net_event( scene.client, 0 );
    REQUIRE( event != NULL );
    CHECK_EQUAL( event->state, NETCODE_CLIENT_STATE_DISCONNECTED );
    event = net_event( scene.client, 1 );
    REQUIRE( event != NULL );
    CHECK_EQUAL( event->state, NETCODE_CLIENT_STATE_SENDING_CONNECTION_REQUEST );
    CHECK_EQUAL( event->max_clients, 0 );

    /* index and max clients are there before the state says so */
    event = net_event( scene.client, 2 );
    REQUIRE( event != NULL );
    CHECK_EQUAL( event->state, NETCODE_CLIENT_STATE_SENDING_CONNECTION_RESPONSE );
    CHECK_EQUAL( event->index, 0 );
    CHECK_EQUAL( event->max_clients, 4 );

    event = net_event( scene.client, 3 );
    REQUIRE( event != NULL );
    CHECK_EQUAL( event->state, NETCODE_CLIENT_STATE_CONNECTED );
    check_reset_in_event( event );
    net_destroy( scene.net );
}

static void index_and_max_clients_are_those_of_the_slot( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 7 );
    char address[64];
    int i;
    for ( i = 0; i < 7; i++ )
    {
        struct net_endpoint * client = net_client( net, net_client_address( i, address, sizeof( address ) ) );
        CHECK( net_connect( client, server, 1000 + (uint64_t) i ) );
        CHECK_EQUAL( netcode_client_index( client->client ), i );
        CHECK_EQUAL( netcode_client_max_clients( client->client ), 7 );
        CHECK_EQUAL( net_slot( server, 1000 + (uint64_t) i ), i );
    }
    net_destroy( net );
}

static void the_first_response_leaves_in_the_update_that_brings_the_challenge( void )
{
    struct attempt attempt;
    struct net_endpoint * server;
    double last;
    attempt_open( &attempt, NET_SERVER, NET_LIFETIME, NET_TIMEOUT );
    server = net_server( attempt.net, NET_SERVER, 4 );
    net_step( attempt.net, 0.0 );
    CHECK_EQUAL( server->sent[NET_CHALLENGE], 1 );

    /* long before the 10 Hz timer of the request would allow it */
    last = attempt.net->time + 0.01;
    net_update( attempt.client, last );
    CHECK_EQUAL( net_state( attempt.client ), NETCODE_CLIENT_STATE_SENDING_CONNECTION_RESPONSE );
    CHECK_EQUAL( attempt.client->sent[NET_RESPONSE], 1 );
    CHECK_EQUAL( attempt.client->sent[NET_REQUEST], 1 );

    net_update( attempt.client, last + 0.1 );
    CHECK_EQUAL( attempt.client->sent[NET_RESPONSE], 1 );
    net_update( attempt.client, last + 0.1 + NET_TINY );
    CHECK_EQUAL( attempt.client->sent[NET_RESPONSE], 2 );
    net_destroy( attempt.net );
}

static void an_ipv6_server_is_reached( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, "[2001:db8::1]:40000", 4 );
    struct net_endpoint * client = net_client( net, "[2001:db8::2]:50000" );
    CHECK( net_connect( client, server, 1000 ) );
    CHECK( net_address_is( netcode_client_server_address( client->client ), "[2001:db8::1]:40000" ) );
    net_destroy( net );
}

static void a_lossy_handshake_still_succeeds( void )
{
    struct scene scene;
    scene_open( &scene, NETCODE_CLIENT_STATE_SENDING_CONNECTION_REQUEST, NET_LIFETIME, NET_TIMEOUT );
    scene.server->drop = 0;
    scene.client->drop = 1 << NET_RESPONSE;
    CHECK( net_run_until( scene.client, NETCODE_CLIENT_STATE_SENDING_CONNECTION_RESPONSE ) );
    net_steps( scene.net, 8, NET_TICK );
    scene.client->drop = 0;
    scene.server->drop = 1 << NET_KEEP_ALIVE;
    net_steps( scene.net, 8, NET_TICK );
    scene.server->drop = 0;
    CHECK( net_run_until( scene.client, NETCODE_CLIENT_STATE_CONNECTED ) );
    CHECK( net_history_is( scene.client, "0>1 1>2 2>3" ) );
    CHECK( net_history_is( scene.server, "+0" ) );
    net_destroy( scene.net );
}

/* Tokens that do not read */

static void check_token_does_not_read( struct attempt * attempt, const uint8_t * token )
{
    uint8_t copy[NETCODE_CONNECT_TOKEN_BYTES];
    int sent = net_total_sent( attempt->client );
    memcpy( copy, token, sizeof( copy ) );
    netcode_client_connect( attempt->client->client, copy );
    CHECK_EQUAL( net_state( attempt->client ), NETCODE_CLIENT_STATE_INVALID_CONNECT_TOKEN );
    net_steps( attempt->net, 4, 1.0 );
    CHECK_EQUAL( net_state( attempt->client ), NETCODE_CLIENT_STATE_INVALID_CONNECT_TOKEN );
    CHECK_EQUAL( net_total_sent( attempt->client ), sent );
    check_reset( attempt->client );
}

static void a_token_that_does_not_read_is_invalid( void )
{
    static const int counts[] = { 0, 33, 34, 0x7FFFFFFF, -1 };
    static const int types[] = { NETCODE_ADDRESS_NONE, 3, 4, 0x80, 0xFF };
    struct attempt attempt;
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    int i;
    attempt_open( &attempt, NOBODY, NET_LIFETIME, NET_TIMEOUT );
    netcode_client_disconnect( attempt.client->client );

    for ( i = 0; i < SEAL_VERSION_BYTES; i++ )
    {
        memcpy( token, attempt.token, sizeof( token ) );
        token[NET_TOKEN_VERSION + i] ^= 1;
        check_token_does_not_read( &attempt, token );
    }
    for ( i = 0; i < (int) ( sizeof( counts ) / sizeof( counts[0] ) ); i++ )
    {
        memcpy( token, attempt.token, sizeof( token ) );
        net_write_little_endian( token + NET_TOKEN_NUM_ADDRESSES, 4, (uint32_t) counts[i] );
        check_token_does_not_read( &attempt, token );
    }
    for ( i = 0; i < (int) ( sizeof( types ) / sizeof( types[0] ) ); i++ )
    {
        memcpy( token, attempt.token, sizeof( token ) );
        token[NET_TOKEN_ADDRESSES] = (uint8_t) types[i];
        check_token_does_not_read( &attempt, token );
    }
    memset( token, 0, sizeof( token ) );
    check_token_does_not_read( &attempt, token );
    memset( token, 0xFF, sizeof( token ) );
    check_token_does_not_read( &attempt, token );
    net_destroy( attempt.net );
}

static void every_address_of_a_token_must_read( void )
{
    static const char * addresses[] = { NOBODY, "[2001:db8::1]:40000", NOBODY_ELSE };
    static const int offsets[] = { 0, 7, 7 + 19 };
    struct attempt attempt;
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    int i;
    attempt_open( &attempt, NOBODY, NET_LIFETIME, NET_TIMEOUT );
    for ( i = 0; i < 3; i++ )
    {
        net_token( attempt.net, token, 3, addresses, addresses, NET_LIFETIME, NET_TIMEOUT, 1000, NULL );
        CHECK_EQUAL( token[NET_TOKEN_ADDRESSES + offsets[i]], i == 1 ? NETCODE_ADDRESS_IPV6 : NETCODE_ADDRESS_IPV4 );
        token[NET_TOKEN_ADDRESSES + offsets[i]] = 0;
        net_forget( attempt.net );
        netcode_client_connect( attempt.client->client, token );
        CHECK_EQUAL( net_state( attempt.client ), NETCODE_CLIENT_STATE_INVALID_CONNECT_TOKEN );
    }
    net_destroy( attempt.net );
}

static void a_token_created_after_its_expiry_is_invalid( void )
{
    struct attempt attempt;
    uint64_t create;
    attempt_open( &attempt, NOBODY, NET_LIFETIME, -1 );
    netcode_client_disconnect( attempt.client->client );
    create = net_read_little_endian( attempt.token + NET_TOKEN_CREATE, 8 );

    net_write_little_endian( attempt.token + NET_TOKEN_EXPIRE, 8, create - 1 );
    check_token_does_not_read( &attempt, attempt.token );
    net_write_little_endian( attempt.token + NET_TOKEN_EXPIRE, 8, 0 );
    check_token_does_not_read( &attempt, attempt.token );

    net_write_little_endian( attempt.token + NET_TOKEN_EXPIRE, 8, create );
    netcode_client_connect( attempt.client->client, attempt.token );
    CHECK_EQUAL( net_state( attempt.client ), NETCODE_CLIENT_STATE_SENDING_CONNECTION_REQUEST );
    net_destroy( attempt.net );
}

static void a_second_invalid_token_calls_back_once_more( void )
{
    struct attempt attempt;
    uint8_t bad[NETCODE_CONNECT_TOKEN_BYTES];
    const struct net_event * event;
    attempt_open( &attempt, NOBODY, NET_LIFETIME, NET_TIMEOUT );
    netcode_client_disconnect( attempt.client->client );
    net_forget( attempt.net );
    memset( bad, 0, sizeof( bad ) );

    netcode_client_connect( attempt.client->client, bad );
    netcode_client_connect( attempt.client->client, bad );
    CHECK( net_history_is( attempt.client, "0>-5 -5>-5" ) );
    event = net_event( attempt.client, 0 );
    REQUIRE( event != NULL );
    CHECK_EQUAL( event->state, NETCODE_CLIENT_STATE_DISCONNECTED );
    check_reset_in_event( event );

    /* a good one recovers from it */
    netcode_client_connect( attempt.client->client, attempt.token );
    CHECK( net_history_is( attempt.client, "0>-5 -5>-5 -5>1" ) );
    CHECK( net_address_is( netcode_client_server_address( attempt.client->client ), NOBODY ) );
    net_destroy( attempt.net );
}

static void an_invalid_token_first_ends_what_was_there( void )
{
    struct scene scene;
    uint8_t bad[NETCODE_CONNECT_TOKEN_BYTES];
    memset( bad, 0, sizeof( bad ) );
    scene_open( &scene, NETCODE_CLIENT_STATE_CONNECTED, NET_LIFETIME, NET_TIMEOUT );
    net_forget( scene.net );
    netcode_client_connect( scene.client->client, bad );
    CHECK( net_history_is( scene.client, "3>0 0>-5" ) );
    CHECK_EQUAL( scene.client->sent[NET_DISCONNECT], 10 );
    CHECK_EQUAL( net_total_sent( scene.client ), 10 );
    check_reset( scene.client );
    net_step( scene.net, NET_TICK );
    CHECK( net_history_is( scene.server, "-0:2" ) );
    net_destroy( scene.net );
}

/* Denied */

static void a_full_server_denies_the_request( void )
{
    struct net_pair pair = net_pair_open( 1 );
    struct net_endpoint * late = net_client( pair.net, "10.0.1.2:50000" );
    CHECK( !net_connect( late, pair.server, 2000 ) );
    CHECK_EQUAL( net_state( late ), NETCODE_CLIENT_STATE_CONNECTION_DENIED );
    CHECK( net_history_is( late, "0>1 1>-1" ) );
    check_reset( late );
    check_reset_in_event( net_last_event( late ) );
    CHECK_EQUAL( late->sent[NET_DISCONNECT], 0 );
    net_settle( pair.net );
    CHECK_EQUAL( net_state( pair.client ), NETCODE_CLIENT_STATE_CONNECTED );
    net_pair_close( &pair );
}

static void a_server_that_fills_up_denies_the_response( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 1 );
    struct net_endpoint * first = net_client( net, NET_CLIENT );
    struct net_endpoint * second = net_client( net, "10.0.1.2:50000" );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    net_token_for( server, token, NET_TIMEOUT, 1000 );
    netcode_client_connect( first->client, token );
    net_token_for( server, token, NET_TIMEOUT, 2000 );
    netcode_client_connect( second->client, token );
    net_settle( net );
    CHECK( net_history_is( first, "0>1 1>2 2>3" ) );
    CHECK( net_history_is( second, "0>1 1>2 2>-1" ) );
    CHECK( net_history_is( server, "+0" ) );
    check_reset( second );
    net_destroy( net );
}

/* Which address it is connecting to */

static void the_server_address_is_none_unless_active( void )
{
    struct scene scene;
    scene_open( &scene, NETCODE_CLIENT_STATE_DISCONNECTED, NET_LIFETIME, NET_TIMEOUT );
    CHECK_EQUAL( netcode_client_server_address( scene.client->client )->type, NETCODE_ADDRESS_NONE );
    netcode_client_connect( scene.client->client, scene.token );
    CHECK( net_address_is( netcode_client_server_address( scene.client->client ), NET_SERVER ) );
    CHECK( net_run_until( scene.client, NETCODE_CLIENT_STATE_SENDING_CONNECTION_RESPONSE ) );
    CHECK( net_address_is( netcode_client_server_address( scene.client->client ), NET_SERVER ) );
    CHECK( net_run_until( scene.client, NETCODE_CLIENT_STATE_CONNECTED ) );
    CHECK( net_address_is( netcode_client_server_address( scene.client->client ), NET_SERVER ) );
    netcode_client_disconnect( scene.client->client );
    CHECK_EQUAL( netcode_client_server_address( scene.client->client )->type, NETCODE_ADDRESS_NONE );
    net_destroy( scene.net );
}

static void ignore_loopback_packet( void * context, int slot, const uint8_t * data, int bytes, uint64_t sequence )
{
    (void) context; (void) slot; (void) data; (void) bytes; (void) sequence;
}

static void loop_back_on_request( struct net_endpoint * self, const struct net_event * event )
{
    if ( event->previous == NETCODE_CLIENT_STATE_DISCONNECTED && event->current == NETCODE_CLIENT_STATE_SENDING_CONNECTION_REQUEST )
        netcode_client_connect_loopback( self->client, 1, 2 );
}

static void a_client_that_turns_to_loopback_while_connecting_has_no_server_address( void )
{
    struct net * net = net_create();
    struct netcode_client_config_t config;
    struct net_endpoint * client;
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    netcode_default_client_config( &config );
    config.send_loopback_packet_callback = ignore_loopback_packet;
    client = net_client_with( net, NET_CLIENT, config );
    client->on_event = loop_back_on_request;
    net_token_to( net, token, NOBODY, NET_LIFETIME, NET_TIMEOUT, 1000 );
    netcode_client_connect( client->client, token );
    CHECK_EQUAL( netcode_client_loopback( client->client ), 1 );
    CHECK_EQUAL( net_state( client ), NETCODE_CLIENT_STATE_CONNECTED );
    CHECK_EQUAL( netcode_client_server_address( client->client )->type, NETCODE_ADDRESS_NONE );
    net_steps( net, 10, 1.0 );
    CHECK_EQUAL( net_total_sent( client ), 0 );
    CHECK_EQUAL( netcode_client_server_address( client->client )->type, NETCODE_ADDRESS_NONE );
    net_destroy( net );
}

int main( int argc, char ** argv )
{
    tests_begin( argc, argv );

    TEST( a_new_client_is_disconnected_and_empty );
    TEST( create_says_what_was_wrong );
    TEST( overrides_come_in_pairs );
    TEST( the_config_is_copied );
    TEST( no_callback_is_needed );

    TEST( connecting_goes_through_request_and_response );
    TEST( the_callback_runs_before_the_state_is_reported );
    TEST( index_and_max_clients_are_those_of_the_slot );
    TEST( the_first_response_leaves_in_the_update_that_brings_the_challenge );
    TEST( an_ipv6_server_is_reached );
    TEST( a_lossy_handshake_still_succeeds );

    TEST( a_token_that_does_not_read_is_invalid );
    TEST( every_address_of_a_token_must_read );
    TEST( a_token_created_after_its_expiry_is_invalid );
    TEST( a_second_invalid_token_calls_back_once_more );
    TEST( an_invalid_token_first_ends_what_was_there );

    TEST( a_full_server_denies_the_request );
    TEST( a_server_that_fills_up_denies_the_response );

    TEST( the_server_address_is_none_unless_active );
    TEST( a_client_that_turns_to_loopback_while_connecting_has_no_server_address );

    return tests_done();
}
