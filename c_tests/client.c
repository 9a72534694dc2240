/*
 * The client: its states and what leads from one to another, its timers to the exact boundary, what it
 * sends, accepts and ignores, and what it answers while its callback runs.
 */
#include "net.h"
#include "seal.h"

#define NOBODY "10.9.9.1:40000"         /* an address where no endpoint listens */
#define NOBODY_ELSE "10.9.9.2:40000"
#define OTHER_SERVER "10.0.0.2:40000"
#define THIRD_SERVER "10.0.0.3:40000"
#define STRANGER "10.0.0.1:40001"       /* the server's host, another port */

/* A client that was told to connect to `address` with these seconds. */

struct attempt
{
    struct net * net;
    struct net_endpoint * client;
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
};

static void attempt_open( struct attempt * attempt, const char * address, int expire_seconds, int timeout_seconds )
{
    attempt->net = net_create();
    attempt->client = net_client( attempt->net, NET_CLIENT );
    net_token_to( attempt->net, attempt->token, address, expire_seconds, timeout_seconds, 1000 );
    netcode_client_connect( attempt->client->client, attempt->token );
}

/* A server, and a client that is brought to a state; with a confirmed connection if that is CONNECTED. */

struct scene
{
    struct net * net;
    struct net_endpoint * server, * client;
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    struct seal_session session;
};

static void scene_open( struct scene * scene, int state, int expire_seconds, int timeout_seconds )
{
    /* with a timeout of zero a server waits for the response only as long as its clock stands still */
    double dt = timeout_seconds == 0 ? 0.0 : NET_TICK;
    int i;
    scene->net = net_create();
    scene->server = net_server( scene->net, NET_SERVER, 4 );
    scene->client = net_client( scene->net, NET_CLIENT );
    net_token_to( scene->net, scene->token, NET_SERVER, expire_seconds, timeout_seconds, 1000 );
    scene->session = seal_session_of( scene->net, scene->token );
    if ( state == NETCODE_CLIENT_STATE_DISCONNECTED )
        return;
    scene->server->drop = state == NETCODE_CLIENT_STATE_SENDING_CONNECTION_REQUEST ? NET_ALL : 0;
    scene->client->drop = state == NETCODE_CLIENT_STATE_SENDING_CONNECTION_RESPONSE ? 1 << NET_RESPONSE : 0;
    netcode_client_connect( scene->client->client, scene->token );
    for ( i = 0; i < NET_MAX_STEPS && ( i == 0 || net_state( scene->client ) != state ); i++ )
        net_step( scene->net, dt );
    CHECK_EQUAL( net_state( scene->client ), state );
    if ( state == NETCODE_CLIENT_STATE_CONNECTED )
        net_settle( scene->net );
}

/* An update of the client alone in which it receives the server's next keep-alive; from then on it hears nothing. */

static void scene_last_word_of_the_server( struct scene * scene )
{
    int handed;
    net_update( scene->client, scene->net->time );
    handed = scene->client->handed[NET_KEEP_ALIVE];
    net_update( scene->server, scene->net->time + 1 );
    net_update( scene->client, scene->net->time );
    CHECK_EQUAL( scene->client->handed[NET_KEEP_ALIVE], handed + 1 );
    scene->server->drop = NET_ALL;
}

static void send_to_client( struct net_endpoint * server, int slot, int bytes, int seed )
{
    uint8_t payload[NETCODE_MAX_PACKET_SIZE];
    net_fill( payload, bytes, seed );
    netcode_server_send_packet( server->server, slot, payload, bytes );
}

static void check_reset( struct net_endpoint * client )
{
    CHECK_EQUAL( netcode_client_next_packet_sequence( client->client ), 0 );
    CHECK_EQUAL( netcode_client_index( client->client ), 0 );
    CHECK_EQUAL( netcode_client_max_clients( client->client ), 0 );
    CHECK_EQUAL( netcode_client_server_address( client->client )->type, NETCODE_ADDRESS_NONE );
}

static void check_reset_in_event( const struct net_event * event )
{
    if ( !CHECK( event != NULL ) )
        return;
    CHECK_EQUAL( event->next_sequence, 0 );
    CHECK_EQUAL( event->index, 0 );
    CHECK_EQUAL( event->max_clients, 0 );
    CHECK_EQUAL( event->server_address.type, NETCODE_ADDRESS_NONE );
}

static void check_nothing_to_receive( struct net_endpoint * client )
{
    int bytes = -77;
    uint64_t sequence = 77;
    CHECK( netcode_client_receive_packet( client->client, &bytes, &sequence ) == NULL );
    CHECK_EQUAL( bytes, -77 );
    CHECK_EQUAL( sequence, 77 );
    CHECK( netcode_client_receive_packet( client->client, &bytes, NULL ) == NULL );
    CHECK_EQUAL( bytes, -77 );
}

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

/* The 10 Hz timer: strictly later than 0.1 s after the last packet */

static void check_sends_at_ten_hertz( struct net_endpoint * client, int type, double last )
{
    int n = client->sent[type], total = net_total_sent( client );
    net_update( client, last );
    CHECK_EQUAL( client->sent[type], n );
    net_update( client, last + 0.05 );
    CHECK_EQUAL( client->sent[type], n );
    net_update( client, last + 0.1 );
    CHECK_EQUAL( client->sent[type], n );
    last = last + 0.1 + NET_TINY;
    net_update( client, last );
    CHECK_EQUAL( client->sent[type], n + 1 );
    net_update( client, last + 0.1 );
    CHECK_EQUAL( client->sent[type], n + 1 );

    /* one at a time, however late */
    last += 20.0;
    net_update( client, last );
    CHECK_EQUAL( client->sent[type], n + 2 );
    net_update( client, last + 0.1 );
    CHECK_EQUAL( client->sent[type], n + 2 );
    CHECK_EQUAL( net_total_sent( client ), total + 2 );
}

static void requests_go_out_at_ten_hertz( void )
{
    struct attempt attempt;
    attempt_open( &attempt, NOBODY, NET_LIFETIME, -1 );
    net_update( attempt.client, NET_START_TIME );
    CHECK_EQUAL( attempt.client->sent[NET_REQUEST], 1 );
    check_sends_at_ten_hertz( attempt.client, NET_REQUEST, NET_START_TIME );
    net_destroy( attempt.net );
}

static void responses_go_out_at_ten_hertz( void )
{
    struct scene scene;
    scene_open( &scene, NETCODE_CLIENT_STATE_SENDING_CONNECTION_RESPONSE, NET_LIFETIME, -1 );
    check_sends_at_ten_hertz( scene.client, NET_RESPONSE, scene.net->time );
    net_destroy( scene.net );
}

static void keep_alives_go_out_at_ten_hertz( void )
{
    struct scene scene;
    uint8_t plain[NET_DATAGRAM_BYTES];
    const struct net_datagram * record;
    scene_open( &scene, NETCODE_CLIENT_STATE_CONNECTED, NET_LIFETIME, -1 );
    net_update( scene.client, scene.net->time + 1.0 );
    check_sends_at_ten_hertz( scene.client, NET_KEEP_ALIVE, scene.net->time );

    record = net_last_record( scene.client, NET_KEEP_ALIVE );
    REQUIRE( record != NULL );
    CHECK_EQUAL( seal_open_packet( record, plain, scene.session.protocol_id, scene.session.client_key ), 8 );
    CHECK_EQUAL( net_read_little_endian( plain, 8 ), 0 );
    net_destroy( scene.net );
}

static void a_payload_puts_the_keep_alive_off( void )
{
    struct scene scene;
    uint8_t payload = 1;
    double last;
    scene_open( &scene, NETCODE_CLIENT_STATE_CONNECTED, NET_LIFETIME, -1 );
    net_update( scene.client, scene.net->time + 1.0 );
    last = scene.net->time + 0.0625;
    net_update( scene.client, last );
    net_forget( scene.net );

    netcode_client_send_packet( scene.client->client, &payload, 1 );
    CHECK( net_sent_types_are( scene.client, "5" ) );
    net_update( scene.client, last + 0.1 );
    CHECK( net_sent_types_are( scene.client, "5" ) );
    net_update( scene.client, last + 0.1 + NET_TINY );
    CHECK( net_sent_types_are( scene.client, "54" ) );
    net_destroy( scene.net );
}

static void timers_start_from_the_last_update( void )
{
    struct attempt attempt;
    struct attempt late;
    attempt_open( &attempt, NOBODY, NET_LIFETIME, 5 );
    net_update( attempt.client, NET_START_TIME + 5.0 );
    CHECK_EQUAL( net_state( attempt.client ), NETCODE_CLIENT_STATE_SENDING_CONNECTION_REQUEST );
    net_destroy( attempt.net );

    /* connected after a long pause: times out in its first update, which still sends */
    attempt_open( &late, NOBODY, NET_LIFETIME, 5 );
    net_update( late.client, NET_START_TIME + 5.0 + NET_TINY );
    CHECK_EQUAL( net_state( late.client ), NETCODE_CLIENT_STATE_CONNECTION_REQUEST_TIMED_OUT );
    CHECK_EQUAL( late.client->sent[NET_REQUEST], 1 );

    /* an update moves the clock for the next connect */
    net_update( late.client, NET_START_TIME + 1000.0 );
    netcode_client_connect( late.client->client, late.token );
    net_update( late.client, NET_START_TIME + 1005.0 );
    CHECK_EQUAL( net_state( late.client ), NETCODE_CLIENT_STATE_SENDING_CONNECTION_REQUEST );
    net_update( late.client, NET_START_TIME + 1005.0 + NET_TINY );
    CHECK_EQUAL( net_state( late.client ), NETCODE_CLIENT_STATE_CONNECTION_REQUEST_TIMED_OUT );
    net_destroy( late.net );
}

/* Timeouts: strictly later than the timeout after the last packet */

static void check_times_out( struct net_endpoint * client, double last, double timeout, int error )
{
    int before = net_state( client ), events = net_num_events( client );
    const struct net_event * event;
    net_update( client, last + timeout );
    CHECK_EQUAL( net_state( client ), before );
    CHECK_EQUAL( net_num_events( client ), events );
    net_update( client, last + timeout + NET_TINY );
    CHECK_EQUAL( net_state( client ), error );
    CHECK_EQUAL( net_num_events( client ), events + 1 );
    check_reset( client );
    event = net_last_event( client );
    if ( CHECK( event != NULL ) )
    {
        CHECK_EQUAL( event->previous, before );
        CHECK_EQUAL( event->current, error );
        CHECK_EQUAL( event->state, before );
    }
    check_reset_in_event( event );
    CHECK_EQUAL( client->sent[NET_DISCONNECT], 0 );

    /* and then it is silent */
    net_forget( client->net );
    net_update( client, last + timeout + 10.0 );
    CHECK_EQUAL( net_total_sent( client ), 0 );
    CHECK_EQUAL( net_num_events( client ), 0 );
    CHECK_EQUAL( net_state( client ), error );
}

static void a_request_without_answer_times_out( void )
{
    static const int timeouts[] = { 1, 5, 60 };
    int i;
    for ( i = 0; i < 3; i++ )
    {
        struct attempt attempt;
        attempt_open( &attempt, NOBODY, NET_LIFETIME, timeouts[i] );
        net_update( attempt.client, NET_START_TIME );
        check_times_out( attempt.client, NET_START_TIME, timeouts[i], NETCODE_CLIENT_STATE_CONNECTION_REQUEST_TIMED_OUT );
        net_destroy( attempt.net );
    }
}

static void a_response_without_answer_times_out( void )
{
    struct scene scene;
    scene_open( &scene, NETCODE_CLIENT_STATE_SENDING_CONNECTION_RESPONSE, NET_LIFETIME, 5 );
    check_times_out( scene.client, scene.net->time, 5, NETCODE_CLIENT_STATE_CONNECTION_RESPONSE_TIMED_OUT );
    net_destroy( scene.net );
}

static void more_challenges_do_not_put_the_response_timeout_off( void )
{
    struct scene scene;
    const struct net_datagram * challenge;
    double last;
    scene_open( &scene, NETCODE_CLIENT_STATE_SENDING_CONNECTION_RESPONSE, NET_LIFETIME, 5 );
    last = scene.net->time;
    challenge = net_record( scene.server, NET_CHALLENGE, 0 );
    REQUIRE( challenge != NULL );
    net_update( scene.client, last + 4.0 );
    net_replay( scene.net, challenge );
    net_update( scene.client, last + 4.5 );
    check_times_out( scene.client, last, 5, NETCODE_CLIENT_STATE_CONNECTION_RESPONSE_TIMED_OUT );
    net_destroy( scene.net );
}

static void a_silent_server_times_out( void )
{
    struct scene scene;
    scene_open( &scene, NETCODE_CLIENT_STATE_CONNECTED, NET_LIFETIME, 5 );
    scene_last_word_of_the_server( &scene );
    check_times_out( scene.client, scene.net->time, 5, NETCODE_CLIENT_STATE_CONNECTION_TIMED_OUT );
    check_nothing_to_receive( scene.client );
    net_destroy( scene.net );
}

static void a_payload_puts_the_timeout_off( void )
{
    struct scene scene;
    double last;
    scene_open( &scene, NETCODE_CLIENT_STATE_CONNECTED, NET_LIFETIME, 5 );
    scene_last_word_of_the_server( &scene );
    last = scene.net->time + 4.0;
    seal_from_server( &scene.session, scene.client, scene.server, NET_PAYLOAD, 200, (const uint8_t *) "x", 1 );
    net_update( scene.client, last );
    net_update( scene.client, last + 4.0 );
    CHECK_EQUAL( net_discard_payloads( scene.client, 0 ), 1 );
    check_times_out( scene.client, last, 5, NETCODE_CLIENT_STATE_CONNECTION_TIMED_OUT );
    net_destroy( scene.net );
}

static void what_arrives_just_in_time_prevents_the_timeout( void )
{
    struct scene scene;
    double late;
    scene_open( &scene, NETCODE_CLIENT_STATE_CONNECTED, NET_LIFETIME, 5 );
    scene_last_word_of_the_server( &scene );
    late = scene.net->time + 6.0;
    seal_from_server( &scene.session, scene.client, scene.server, NET_KEEP_ALIVE, 200, (const uint8_t *) "\0\0\0\0\0\0\0\0", 8 );
    net_update( scene.client, late );
    CHECK_EQUAL( net_state( scene.client ), NETCODE_CLIENT_STATE_CONNECTED );
    check_times_out( scene.client, late, 5, NETCODE_CLIENT_STATE_CONNECTION_TIMED_OUT );
    net_destroy( scene.net );
}

static void without_a_positive_timeout_nothing_times_out( void )
{
    static const int timeouts[] = { 0, -1, -1000 };
    static const int states[] = { NETCODE_CLIENT_STATE_SENDING_CONNECTION_REQUEST, NETCODE_CLIENT_STATE_SENDING_CONNECTION_RESPONSE, NETCODE_CLIENT_STATE_CONNECTED };
    int i, j;
    for ( i = 0; i < 3; i++ )
    {
        for ( j = 0; j < 3; j++ )
        {
            struct scene scene;
            scene_open( &scene, states[j], -1, timeouts[i] );
            scene.server->drop = NET_ALL;
            net_drain( scene.client );
            net_update( scene.client, scene.net->time + 1.0e6 );
            CHECK_EQUAL( net_state( scene.client ), states[j] );
            net_destroy( scene.net );
        }
    }
}

/* The token's lifetime: at or past expire - create seconds after connect */

static void a_token_expires_after_its_lifetime( void )
{
    struct attempt attempt;
    attempt_open( &attempt, NOBODY, 4, -1 );
    net_update( attempt.client, NET_START_TIME + 3.9 );
    net_update( attempt.client, NET_START_TIME + 4.0 - NET_TINY );
    CHECK_EQUAL( net_state( attempt.client ), NETCODE_CLIENT_STATE_SENDING_CONNECTION_REQUEST );
    net_update( attempt.client, NET_START_TIME + 4.0 );
    CHECK_EQUAL( net_state( attempt.client ), NETCODE_CLIENT_STATE_CONNECT_TOKEN_EXPIRED );
    CHECK( net_history_is( attempt.client, "0>1 1>-6" ) );
    check_reset( attempt.client );
    check_reset_in_event( net_last_event( attempt.client ) );
    CHECK_EQUAL( attempt.client->sent[NET_DISCONNECT], 0 );
    net_destroy( attempt.net );
}

static void a_token_expires_in_the_response_stage( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 1 );
    struct net_endpoint * client = net_client( net, NET_CLIENT );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    client->drop = 1 << NET_RESPONSE;
    net_token_for( server, token, -1, 1000 );
    netcode_client_connect( client->client, token );
    CHECK( net_run_until( client, NETCODE_CLIENT_STATE_SENDING_CONNECTION_RESPONSE ) );
    net_update( client, NET_START_TIME + NET_LIFETIME - NET_TINY );
    CHECK_EQUAL( net_state( client ), NETCODE_CLIENT_STATE_SENDING_CONNECTION_RESPONSE );
    net_update( client, NET_START_TIME + NET_LIFETIME );
    CHECK( net_history_is( client, "0>1 1>2 2>-6" ) );
    net_destroy( net );
}

static void a_connected_client_outlives_its_token( void )
{
    struct scene scene;
    scene_open( &scene, NETCODE_CLIENT_STATE_CONNECTED, NET_LIFETIME, -1 );
    net_step( scene.net, 2.0 * NET_LIFETIME );
    net_settle( scene.net );
    CHECK_EQUAL( net_state( scene.client ), NETCODE_CLIENT_STATE_CONNECTED );
    net_destroy( scene.net );
}

static void a_token_without_lifetime_sends_one_request( void )
{
    struct attempt attempt;
    attempt_open( &attempt, NOBODY, 0, NET_TIMEOUT );
    CHECK_EQUAL( net_state( attempt.client ), NETCODE_CLIENT_STATE_SENDING_CONNECTION_REQUEST );
    net_update( attempt.client, NET_START_TIME );
    CHECK_EQUAL( net_state( attempt.client ), NETCODE_CLIENT_STATE_CONNECT_TOKEN_EXPIRED );
    CHECK( net_sent_types_are( attempt.client, "0" ) );
    net_destroy( attempt.net );
}

static void expiry_comes_before_timeout_and_next_address( void )
{
    static const char * addresses[] = { NOBODY, NOBODY_ELSE };
    struct attempt attempt;
    attempt_open( &attempt, NOBODY, 4, 3 );
    net_update( attempt.client, NET_START_TIME + 10.0 );
    CHECK( net_history_is( attempt.client, "0>1 1>-6" ) );

    net_forget( attempt.net );
    net_token( attempt.net, attempt.token, 2, addresses, addresses, 4, 3, 1000, NULL );
    netcode_client_connect( attempt.client->client, attempt.token );
    net_update( attempt.client, attempt.net->time + 10.0 );
    CHECK( net_history_is( attempt.client, "-6>1 1>-6" ) );
    net_destroy( attempt.net );
}

static void expiry_comes_before_a_denial( void )
{
    struct attempt attempt;
    struct seal_session session;
    struct net_endpoint * server;
    attempt_open( &attempt, NET_SERVER, 4, -1 );
    server = net_server( attempt.net, NET_SERVER, 0 );
    session = seal_session_of( attempt.net, attempt.token );
    net_update( attempt.client, NET_START_TIME );
    seal_from_server( &session, attempt.client, server, NET_DENIED, 1ULL << 63, NULL, 0 );
    net_update( attempt.client, NET_START_TIME + 4.0 );
    CHECK( net_history_is( attempt.client, "0>1 1>-6" ) );
    net_destroy( attempt.net );
}

static void a_denial_comes_before_the_timeout( void )
{
    struct attempt attempt;
    struct seal_session session;
    struct net_endpoint * server;
    attempt_open( &attempt, NET_SERVER, NET_LIFETIME, 5 );
    server = net_server( attempt.net, NET_SERVER, 0 );
    session = seal_session_of( attempt.net, attempt.token );
    net_update( attempt.client, NET_START_TIME );
    seal_from_server( &session, attempt.client, server, NET_DENIED, 1ULL << 63, NULL, 0 );
    net_update( attempt.client, NET_START_TIME + 50.0 );
    CHECK( net_history_is( attempt.client, "0>1 1>-1" ) );

    /* what was due to be sent was sent first */
    CHECK( net_sent_types_are( attempt.client, "00" ) );
    net_destroy( attempt.net );
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

/* Disconnected by the server */

static void the_server_disconnects_the_client( void )
{
    struct scene scene;
    scene_open( &scene, NETCODE_CLIENT_STATE_CONNECTED, NET_LIFETIME, NET_TIMEOUT );
    net_forget( scene.net );
    send_to_client( scene.server, 0, 10, 1 );
    netcode_server_disconnect_client( scene.server->server, 0 );
    net_update( scene.client, scene.net->time );
    CHECK( net_history_is( scene.client, "3>0" ) );
    CHECK_EQUAL( scene.client->sent[NET_DISCONNECT], 0 );
    check_reset( scene.client );
    check_reset_in_event( net_last_event( scene.client ) );
    check_nothing_to_receive( scene.client );
    net_destroy( scene.net );
}

static void one_disconnect_packet_is_enough( void )
{
    struct scene scene;
    scene_open( &scene, NETCODE_CLIENT_STATE_CONNECTED, NET_LIFETIME, NET_TIMEOUT );
    seal_from_server( &scene.session, scene.client, scene.server, NET_DISCONNECT, 250, NULL, 0 );
    net_update( scene.client, scene.net->time );
    CHECK_EQUAL( net_state( scene.client ), NETCODE_CLIENT_STATE_DISCONNECTED );
    net_destroy( scene.net );
}

static void being_disconnected_does_not_lead_to_the_next_address( void )
{
    static const char * addresses[] = { NET_SERVER, OTHER_SERVER };
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 1 );
    struct net_endpoint * other = net_server( net, OTHER_SERVER, 1 );
    struct net_endpoint * client = net_client( net, NET_CLIENT );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    net_token( net, token, 2, addresses, addresses, NET_LIFETIME, NET_TIMEOUT, 1000, NULL );
    CHECK( net_connect_with( client, token ) );
    netcode_server_disconnect_client( server->server, 0 );
    net_steps( net, 20, NET_TICK );
    CHECK( net_history_is( client, "0>1 1>2 2>3 3>0" ) );
    CHECK_EQUAL( net_total_sent( other ), 0 );
    net_destroy( net );
}

static void a_connection_that_timed_out_does_not_lead_to_the_next_address( void )
{
    static const char * addresses[] = { NET_SERVER, OTHER_SERVER };
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 1 );
    struct net_endpoint * other = net_server( net, OTHER_SERVER, 1 );
    struct net_endpoint * client = net_client( net, NET_CLIENT );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    net_token( net, token, 2, addresses, addresses, NET_LIFETIME, NET_TIMEOUT, 1000, NULL );
    CHECK( net_connect_with( client, token ) );
    server->drop = NET_ALL;
    net_steps( net, 10, 1.0 );
    CHECK( net_history_is( client, "0>1 1>2 2>3 3>-4" ) );
    CHECK_EQUAL( net_total_sent( other ), 0 );
    net_destroy( net );
}

/* Several servers */

static void the_next_address_follows_a_dead_one_and_a_full_one( void )
{
    static const char * addresses[] = { NOBODY, OTHER_SERVER, THIRD_SERVER };
    struct net * net = net_create();
    struct net_endpoint * full = net_server( net, OTHER_SERVER, 1 );
    struct net_endpoint * good = net_server( net, THIRD_SERVER, 3 );
    struct net_endpoint * occupant = net_client( net, "10.0.1.9:50000" );
    struct net_endpoint * client = net_client( net, NET_CLIENT );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    const struct net_event * event;
    uint64_t sequence;
    double moved;
    net_token_for( full, token, -1, 77 );
    CHECK( net_connect_with( occupant, token ) );
    net_update( client, net->time );
    net_token( net, token, 3, addresses, addresses, NET_LIFETIME, 5, 1000, NULL );

    netcode_client_connect( client->client, token );
    CHECK( net_address_is( netcode_client_server_address( client->client ), NOBODY ) );
    moved = net->time;
    net_update( client, moved );
    net_update( client, moved + 1.0 );
    CHECK_EQUAL( netcode_client_next_packet_sequence( client->client ), 2 );

    /* the update in which it moves on has sent to the old address before */
    moved += 5.0 + NET_TINY;
    net_update( client, moved );
    CHECK( net_history_is( client, "0>1 1>1" ) );
    CHECK( net_address_is( netcode_client_server_address( client->client ), OTHER_SERVER ) );
    event = net_last_event( client );
    REQUIRE( event != NULL );
    CHECK_EQUAL( event->state, NETCODE_CLIENT_STATE_SENDING_CONNECTION_REQUEST );
    sequence = netcode_client_next_packet_sequence( client->client );
    CHECK_EQUAL( sequence, 3 );

    /* the first request to the new address does not wait for the 10 Hz timer */
    net_update( client, moved + 0.01 );
    CHECK_EQUAL( full->queued, 1 );
    CHECK_EQUAL( netcode_client_next_packet_sequence( client->client ), sequence + 1 );

    net_update( full, moved + 0.01 );
    CHECK_EQUAL( full->sent[NET_DENIED], 1 );
    net_update( client, moved + 0.02 );
    CHECK( net_history_is( client, "0>1 1>1 1>1" ) );
    CHECK( net_address_is( netcode_client_server_address( client->client ), THIRD_SERVER ) );
    sequence = netcode_client_next_packet_sequence( client->client );
    CHECK_EQUAL( sequence, 4 );

    CHECK( net_run_until( client, NETCODE_CLIENT_STATE_CONNECTED ) );
    CHECK( net_history_is( client, "0>1 1>1 1>1 1>2 2>3" ) );
    CHECK( net_history_is( good, "+0" ) );
    CHECK_EQUAL( netcode_client_max_clients( client->client ), 3 );
    CHECK( net_address_is( netcode_client_server_address( client->client ), THIRD_SERVER ) );
    CHECK( netcode_client_next_packet_sequence( client->client ) > sequence );
    net_destroy( net );
}

static void a_late_denial_from_the_old_address_changes_nothing( void )
{
    static const char * addresses[] = { OTHER_SERVER, NET_SERVER };
    struct net_pair pair = net_pair_open( 4 );
    struct net_endpoint * full = net_server( pair.net, OTHER_SERVER, 1 );
    struct net_endpoint * occupant = net_client( pair.net, "10.0.1.9:50000" );
    struct net_endpoint * client = net_client( pair.net, "10.0.1.2:50000" );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    const struct net_datagram * denied;
    CHECK( net_connect( occupant, full, 77 ) );
    net_token( pair.net, token, 2, addresses, addresses, NET_LIFETIME, 5, 2000, NULL );
    netcode_client_connect( client->client, token );
    net_step( pair.net, 0.0 );
    denied = net_record( full, NET_DENIED, 0 );
    REQUIRE( denied != NULL );

    /* twice in the same update moves on once, and once more later not at all */
    net_replay( pair.net, denied );
    net_update( client, pair.net->time );
    CHECK( net_history_is( client, "0>1 1>1" ) );
    CHECK( net_address_is( netcode_client_server_address( client->client ), NET_SERVER ) );
    net_replay( pair.net, denied );
    CHECK( net_run_until( client, NETCODE_CLIENT_STATE_CONNECTED ) );
    CHECK( net_history_is( client, "0>1 1>1 1>2 2>3" ) );
    net_pair_close( &pair );
}

static void the_response_stage_falls_back_to_the_next_address( void )
{
    static const char * addresses[] = { NET_SERVER, OTHER_SERVER };
    struct net * net = net_create();
    struct net_endpoint * first = net_server( net, NET_SERVER, 1 );
    struct net_endpoint * second = net_server( net, OTHER_SERVER, 1 );
    struct net_endpoint * client = net_client( net, NET_CLIENT );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    struct seal_session session;
    net_token( net, token, 2, addresses, addresses, NET_LIFETIME, 5, 1000, NULL );
    session = seal_session_of( net, token );
    first->drop = 1 << NET_KEEP_ALIVE;
    netcode_client_connect( client->client, token );
    CHECK( net_run_until( client, NETCODE_CLIENT_STATE_SENDING_CONNECTION_RESPONSE ) );

    /* far ahead in the first server's window, which must not hold against the second server */
    seal_from_server( &session, client, first, NET_PAYLOAD, 100000, (const uint8_t *) "x", 1 );
    net_update( client, net->time );
    CHECK_EQUAL( net_state( client ), NETCODE_CLIENT_STATE_SENDING_CONNECTION_RESPONSE );

    client->drop = NET_ALL;
    net_update( client, net->time + 5.5 );
    CHECK( net_history_is( client, "0>1 1>2 2>1" ) );
    client->drop = 0;
    CHECK( net_run_until( client, NETCODE_CLIENT_STATE_CONNECTED ) );
    CHECK( net_history_is( client, "0>1 1>2 2>1 1>2 2>3" ) );
    CHECK( net_history_is( second, "+0" ) );
    net_destroy( net );
}

static void the_last_address_decides_how_it_failed( void )
{
    static const char * addresses[] = { NOBODY, NOBODY_ELSE };
    static const char * denied_last[] = { NOBODY, NET_SERVER };
    struct net_pair pair = net_pair_open( 1 );
    struct net_endpoint * client = net_client( pair.net, "10.0.1.2:50000" );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    net_token( pair.net, token, 2, addresses, addresses, NET_LIFETIME, 1, 2000, NULL );
    CHECK( !net_connect_with( client, token ) );
    CHECK( net_history_is( client, "0>1 1>1 1>-2" ) );
    check_reset( client );

    net_forget( pair.net );
    net_token( pair.net, token, 2, denied_last, denied_last, NET_LIFETIME, 1, 2000, NULL );
    CHECK( !net_connect_with( client, token ) );
    CHECK( net_history_is( client, "-2>1 1>1 1>-1" ) );
    net_pair_close( &pair );
}

static void the_lifetime_counts_anew_for_each_address( void )
{
    static const char * addresses[] = { NOBODY, NOBODY_ELSE };
    struct attempt attempt;
    double moved;
    attempt_open( &attempt, NOBODY, NET_LIFETIME, NET_TIMEOUT );
    netcode_client_disconnect( attempt.client->client );
    net_forget( attempt.net );
    net_token( attempt.net, attempt.token, 2, addresses, addresses, 4, 3, 1000, NULL );
    netcode_client_connect( attempt.client->client, attempt.token );

    moved = NET_START_TIME + 3.5;
    net_update( attempt.client, moved );
    CHECK( net_history_is( attempt.client, "0>1 1>1" ) );
    net_update( attempt.client, NET_START_TIME + 4.5 );
    net_update( attempt.client, moved + 3.0 );
    CHECK( net_history_is( attempt.client, "0>1 1>1" ) );
    net_update( attempt.client, moved + 3.0 + NET_TINY );
    CHECK( net_history_is( attempt.client, "0>1 1>1 1>-2" ) );
    net_destroy( attempt.net );
}

static void all_thirty_two_addresses_are_tried( void )
{
    static char text[NETCODE_MAX_SERVERS_PER_CONNECT][32];
    const char * addresses[NETCODE_MAX_SERVERS_PER_CONNECT];
    struct attempt attempt;
    const struct net_event * event;
    int i;
    attempt_open( &attempt, NOBODY, NET_LIFETIME, NET_TIMEOUT );
    netcode_client_disconnect( attempt.client->client );
    net_forget( attempt.net );
    for ( i = 0; i < NETCODE_MAX_SERVERS_PER_CONNECT; i++ )
    {
        if ( i % 2 )
            snprintf( text[i], sizeof( text[i] ), "[2001:db8::%x]:%d", i + 1, 40000 + i );
        else
            snprintf( text[i], sizeof( text[i] ), "10.9.0.%d:%d", i + 1, 40000 + i );
        addresses[i] = text[i];
    }
    net_token( attempt.net, attempt.token, NETCODE_MAX_SERVERS_PER_CONNECT, addresses, addresses, -1, 1, 1000, NULL );
    netcode_client_connect( attempt.client->client, attempt.token );
    for ( i = 0; i < NETCODE_MAX_SERVERS_PER_CONNECT; i++ )
    {
        const struct net_datagram * record;
        CHECK( net_address_is( netcode_client_server_address( attempt.client->client ), addresses[i] ) );
        CHECK_EQUAL( net_state( attempt.client ), NETCODE_CLIENT_STATE_SENDING_CONNECTION_REQUEST );
        net_update( attempt.client, attempt.net->time + 0.5 );
        record = net_last_record( attempt.client, NET_REQUEST );
        if ( CHECK( record != NULL ) )
        {
            struct netcode_address_t to = record->to;
            CHECK( net_address_is( &to, addresses[i] ) );
        }
        net_update( attempt.client, attempt.net->time + 1.0 );
    }
    CHECK_EQUAL( net_num_events( attempt.client ), 1 + NETCODE_MAX_SERVERS_PER_CONNECT );
    event = net_last_event( attempt.client );
    REQUIRE( event != NULL );
    CHECK_EQUAL( event->current, NETCODE_CLIENT_STATE_CONNECTION_REQUEST_TIMED_OUT );
    net_destroy( attempt.net );
}

/* Disconnecting */

static void check_disconnect_sends_ten_packets( int state )
{
    struct scene scene;
    const struct net_event * event;
    char expected[16];
    scene_open( &scene, state, NET_LIFETIME, NET_TIMEOUT );
    net_forget( scene.net );
    netcode_client_disconnect( scene.client->client );
    snprintf( expected, sizeof( expected ), "%d>0", state );
    CHECK( net_history_is( scene.client, expected ) );
    CHECK( net_sent_types_are( scene.client, "6666666666" ) );
    check_reset( scene.client );
    event = net_event( scene.client, 0 );
    check_reset_in_event( event );
    CHECK( event && event->state == state );

    /* and nothing more, now or later */
    netcode_client_disconnect( scene.client->client );
    net_steps( scene.net, 4, 1.0 );
    CHECK_EQUAL( net_num_events( scene.client ), 1 );
    CHECK_EQUAL( net_total_sent( scene.client ), 10 );
    CHECK_EQUAL( net_state( scene.client ), NETCODE_CLIENT_STATE_DISCONNECTED );
    net_destroy( scene.net );
}

static void disconnect_sends_ten_packets_in_every_active_state( void )
{
    check_disconnect_sends_ten_packets( NETCODE_CLIENT_STATE_SENDING_CONNECTION_REQUEST );
    check_disconnect_sends_ten_packets( NETCODE_CLIENT_STATE_SENDING_CONNECTION_RESPONSE );
    check_disconnect_sends_ten_packets( NETCODE_CLIENT_STATE_CONNECTED );
}

static void count_disconnects_already_sent( struct net_endpoint * self, const struct net_event * event )
{
    if ( event->current == NETCODE_CLIENT_STATE_DISCONNECTED )
        *(int *) self->user = self->sent[NET_DISCONNECT];
}

static void the_disconnect_packets_precede_the_callback( void )
{
    struct scene scene;
    int sent_before_callback = 0;
    scene_open( &scene, NETCODE_CLIENT_STATE_CONNECTED, NET_LIFETIME, NET_TIMEOUT );
    scene.client->user = &sent_before_callback;
    scene.client->on_event = count_disconnects_already_sent;
    netcode_client_disconnect( scene.client->client );
    CHECK_EQUAL( sent_before_callback, 10 );
    net_destroy( scene.net );
}

static void disconnect_empties_the_queue( void )
{
    struct scene scene;
    scene_open( &scene, NETCODE_CLIENT_STATE_CONNECTED, NET_LIFETIME, NET_TIMEOUT );
    send_to_client( scene.server, 0, 100, 1 );
    send_to_client( scene.server, 0, 100, 2 );
    net_update( scene.client, scene.net->time );
    netcode_client_disconnect( scene.client->client );
    check_nothing_to_receive( scene.client );
    net_destroy( scene.net );
}

static void a_packet_in_hand_survives_disconnect( void )
{
    struct scene scene;
    uint8_t * packet;
    int bytes = 0;
    scene_open( &scene, NETCODE_CLIENT_STATE_CONNECTED, NET_LIFETIME, NET_TIMEOUT );
    send_to_client( scene.server, 0, 100, 1 );
    net_update( scene.client, scene.net->time );
    packet = netcode_client_receive_packet( scene.client->client, &bytes, NULL );
    REQUIRE( packet != NULL );
    CHECK_EQUAL( bytes, 100 );
    netcode_client_disconnect( scene.client->client );
    CHECK( net_filled( packet, 100, 1 ) );
    netcode_client_free_packet( scene.client->client, packet );
    net_destroy( scene.net );
}

static void disconnect_keeps_an_error_state( void )
{
    struct attempt attempt;
    attempt_open( &attempt, NOBODY, NET_LIFETIME, 1 );
    net_update( attempt.client, NET_START_TIME + 2.0 );
    CHECK_EQUAL( net_state( attempt.client ), NETCODE_CLIENT_STATE_CONNECTION_REQUEST_TIMED_OUT );
    net_forget( attempt.net );
    netcode_client_disconnect( attempt.client->client );
    CHECK_EQUAL( net_state( attempt.client ), NETCODE_CLIENT_STATE_CONNECTION_REQUEST_TIMED_OUT );
    CHECK_EQUAL( net_num_events( attempt.client ), 0 );
    CHECK_EQUAL( net_total_sent( attempt.client ), 0 );
    net_destroy( attempt.net );
}

static void destroy_disconnects_first( void )
{
    struct scene scene;
    scene_open( &scene, NETCODE_CLIENT_STATE_CONNECTED, NET_LIFETIME, NET_TIMEOUT );
    send_to_client( scene.server, 0, 100, 1 );
    net_update( scene.client, scene.net->time );
    net_forget( scene.net );
    net_destroy_endpoint( scene.client );
    CHECK( net_sent_types_are( scene.client, "6666666666" ) );
    CHECK( net_history_is( scene.client, "3>0" ) );
    check_reset_in_event( net_event( scene.client, 0 ) );
    net_step( scene.net, NET_TICK );
    CHECK( net_history_is( scene.server, "-0:2" ) );
    net_destroy( scene.net );
}

static void destroying_an_idle_client_is_silent( void )
{
    struct scene scene;
    scene_open( &scene, NETCODE_CLIENT_STATE_DISCONNECTED, NET_LIFETIME, NET_TIMEOUT );
    net_destroy_endpoint( scene.client );
    CHECK_EQUAL( net_total_sent( scene.client ), 0 );
    CHECK_EQUAL( net_num_events( scene.client ), 0 );
    net_destroy( scene.net );
}

/* Connecting again */

static void connect_while_connected_disconnects_first( void )
{
    struct scene scene;
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    scene_open( &scene, NETCODE_CLIENT_STATE_CONNECTED, NET_LIFETIME, NET_TIMEOUT );
    net_forget( scene.net );
    net_token_for( scene.server, token, NET_TIMEOUT, 1000 );
    netcode_client_connect( scene.client->client, token );
    CHECK( net_history_is( scene.client, "3>0 0>1" ) );
    CHECK( net_sent_types_are( scene.client, "6666666666" ) );
    check_reset_in_event( net_event( scene.client, 0 ) );
    CHECK( net_run_until( scene.client, NETCODE_CLIENT_STATE_CONNECTED ) );
    CHECK( net_history_is( scene.client, "3>0 0>1 1>2 2>3" ) );
    CHECK( net_history_is( scene.server, "-0:2 +0" ) );
    net_destroy( scene.net );
}

static void connect_while_connecting_disconnects_first( void )
{
    struct attempt attempt;
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    attempt_open( &attempt, NOBODY, NET_LIFETIME, NET_TIMEOUT );
    net_forget( attempt.net );
    net_token_to( attempt.net, token, NOBODY_ELSE, NET_LIFETIME, NET_TIMEOUT, 1000 );
    netcode_client_connect( attempt.client->client, token );
    CHECK( net_history_is( attempt.client, "1>0 0>1" ) );
    CHECK_EQUAL( attempt.client->sent[NET_DISCONNECT], 10 );
    CHECK( net_address_is( netcode_client_server_address( attempt.client->client ), NOBODY_ELSE ) );
    net_destroy( attempt.net );
}

static void a_new_token_starts_the_sequence_anew( void )
{
    struct scene scene;
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    scene_open( &scene, NETCODE_CLIENT_STATE_CONNECTED, NET_LIFETIME, NET_TIMEOUT );
    CHECK( netcode_client_next_packet_sequence( scene.client->client ) > 2 );
    netcode_client_disconnect( scene.client->client );
    net_token_for( scene.server, token, NET_TIMEOUT, 1000 );
    netcode_client_connect( scene.client->client, token );
    CHECK_EQUAL( netcode_client_next_packet_sequence( scene.client->client ), 0 );
    net_destroy( scene.net );
}

static void a_long_session_does_not_spoil_the_next( void )
{
    struct scene scene;
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    int i;
    scene_open( &scene, NETCODE_CLIENT_STATE_CONNECTED, NET_LIFETIME, NET_TIMEOUT );
    for ( i = 0; i < 1000; i++ )
    {
        send_to_client( scene.server, 0, 1, i );
        net_update( scene.client, scene.net->time );
        CHECK_EQUAL( net_discard_payloads( scene.client, 0 ), 1 );
    }

    /* both sides count from zero again, far behind where the old window stood */
    net_token_for( scene.server, token, NET_TIMEOUT, 1000 );
    CHECK( net_connect_with( scene.client, token ) );
    net_settle( scene.net );
    send_to_client( scene.server, 0, 1, i );
    net_update( scene.client, scene.net->time );
    CHECK_EQUAL( net_discard_payloads( scene.client, 0 ), 1 );
    net_destroy( scene.net );
}

static void the_same_token_continues_its_sequence( void )
{
    struct attempt attempt;
    int i;
    attempt_open( &attempt, NOBODY, NET_LIFETIME, 5 );
    for ( i = 0; i < 5; i++ )
        net_update( attempt.client, attempt.net->time + 0.5 );
    CHECK_EQUAL( netcode_client_next_packet_sequence( attempt.client->client ), 5 );
    netcode_client_disconnect( attempt.client->client );
    CHECK_EQUAL( netcode_client_next_packet_sequence( attempt.client->client ), 0 );
    netcode_client_connect( attempt.client->client, attempt.token );
    CHECK_EQUAL( netcode_client_next_packet_sequence( attempt.client->client ), 15 );

    /* without a disconnect in between, and after a failure, too */
    netcode_client_connect( attempt.client->client, attempt.token );
    CHECK_EQUAL( netcode_client_next_packet_sequence( attempt.client->client ), 25 );
    net_update( attempt.client, attempt.net->time + 20.0 );
    CHECK_EQUAL( net_state( attempt.client ), NETCODE_CLIENT_STATE_CONNECTION_REQUEST_TIMED_OUT );
    CHECK_EQUAL( netcode_client_next_packet_sequence( attempt.client->client ), 0 );
    netcode_client_connect( attempt.client->client, attempt.token );
    CHECK_EQUAL( netcode_client_next_packet_sequence( attempt.client->client ), 26 );
    net_destroy( attempt.net );
}

static void no_sequence_of_a_token_is_used_twice( void )
{
    struct scene scene;
    int round, i;
    uint8_t used[512];
    memset( used, 0, sizeof( used ) );
    scene_open( &scene, NETCODE_CLIENT_STATE_DISCONNECTED, NET_LIFETIME, NET_TIMEOUT );
    for ( round = 0; round < 4; round++ )
    {
        scene.client->drop = round < 3 ? 1 << NET_RESPONSE : 0;
        netcode_client_connect( scene.client->client, scene.token );
        net_steps( scene.net, 10, NET_TICK );
        CHECK_EQUAL( net_state( scene.client ), round < 3 ? NETCODE_CLIENT_STATE_SENDING_CONNECTION_RESPONSE : NETCODE_CLIENT_STATE_CONNECTED );
        netcode_client_disconnect( scene.client->client );
        net_step( scene.net, NET_TICK );
    }
    for ( i = 0; i < scene.net->num_records; i++ )
    {
        const struct net_datagram * record = scene.net->records[i];
        uint64_t sequence = net_sequence( record );
        if ( record->sender != scene.client || net_type( record ) == NET_REQUEST )
            continue;
        if ( CHECK( sequence < sizeof( used ) ) )
            CHECK( !used[sequence]++ );
    }
    net_destroy( scene.net );
}

static void a_failed_attempt_can_be_repeated( void )
{
    struct scene scene;
    scene_open( &scene, NETCODE_CLIENT_STATE_SENDING_CONNECTION_REQUEST, NET_LIFETIME, 1 );
    net_steps( scene.net, 4, 1.0 );
    CHECK_EQUAL( net_state( scene.client ), NETCODE_CLIENT_STATE_CONNECTION_REQUEST_TIMED_OUT );
    scene.server->drop = 0;
    CHECK( net_connect_with( scene.client, scene.token ) );
    CHECK( net_history_is( scene.client, "0>1 1>-2 -2>1 1>2 2>3" ) );
    net_destroy( scene.net );
}

/* What is ignored */

static void copy_from_a_stranger_first( struct net_endpoint * self, const struct net_datagram * datagram )
{
    struct netcode_address_t stranger = net_address( STRANGER );
    net_inject( self->net, &stranger, &datagram->to, datagram->data, datagram->bytes );
}

static void copies_from_other_sources_do_no_harm( void )
{
    struct scene scene;
    int i;
    scene_open( &scene, NETCODE_CLIENT_STATE_DISCONNECTED, NET_LIFETIME, NET_TIMEOUT );
    scene.server->on_send = copy_from_a_stranger_first;
    CHECK( net_connect_with( scene.client, scene.token ) );
    net_settle( scene.net );

    /* the genuine ones still count, although a copy came before */
    for ( i = 0; i < 10; i++ )
        send_to_client( scene.server, 0, 50, i );
    net_update( scene.client, scene.net->time );
    CHECK_EQUAL( net_discard_payloads( scene.client, 0 ), 10 );
    netcode_server_disconnect_client( scene.server->server, 0 );
    net_update( scene.client, scene.net->time );
    CHECK( net_history_is( scene.client, "0>1 1>2 2>3 3>0" ) );
    net_destroy( scene.net );
}

static void datagrams_from_other_sources_are_ignored( void )
{
    static const int states[] = { NETCODE_CLIENT_STATE_SENDING_CONNECTION_REQUEST, NETCODE_CLIENT_STATE_SENDING_CONNECTION_RESPONSE, NETCODE_CLIENT_STATE_CONNECTED };
    int i, type;
    for ( i = 0; i < 3; i++ )
    {
        struct scene scene;
        struct netcode_address_t stranger = net_address( STRANGER );
        scene_open( &scene, states[i], NET_LIFETIME, NET_TIMEOUT );
        net_drain( scene.client );
        scene.server->drop = NET_ALL;
        net_forget( scene.net );
        for ( type = NET_DENIED; type <= NET_DISCONNECT; type++ )
        {
            uint8_t plain[SEAL_CHALLENGE_BYTES], packet[NET_DATAGRAM_BYTES];
            int bytes = type == NET_CHALLENGE || type == NET_RESPONSE ? SEAL_CHALLENGE_BYTES : type == NET_DENIED || type == NET_DISCONNECT ? 0 : 8;
            memset( plain, 1, sizeof( plain ) );
            bytes = seal_packet( packet, type, 200, plain, bytes, scene.session.protocol_id, scene.session.server_key );
            net_inject( scene.net, &stranger, &scene.client->address, packet, bytes );
            net_update( scene.client, scene.net->time + NET_TICK );
            net_process( scene.client, &stranger, packet, bytes );
            net_update( scene.client, scene.net->time + NET_TICK );
            CHECK_EQUAL( net_state( scene.client ), states[i] );
            check_nothing_to_receive( scene.client );
        }
        CHECK_EQUAL( net_num_events( scene.client ), 0 );
        net_destroy( scene.net );
    }
}

static void strangers_do_not_put_the_timeout_off( void )
{
    struct scene scene;
    struct netcode_address_t stranger = net_address( STRANGER );
    uint8_t packet[NET_DATAGRAM_BYTES];
    double last;
    int bytes;
    scene_open( &scene, NETCODE_CLIENT_STATE_CONNECTED, NET_LIFETIME, 5 );
    scene_last_word_of_the_server( &scene );
    last = scene.net->time;
    bytes = seal_packet( packet, NET_KEEP_ALIVE, 200, (const uint8_t *) "\0\0\0\0\0\0\0\0", 8, scene.session.protocol_id, scene.session.server_key );
    net_inject( scene.net, &stranger, &scene.client->address, packet, bytes );
    net_update( scene.client, last + 4.0 );
    check_times_out( scene.client, last, 5, NETCODE_CLIENT_STATE_CONNECTION_TIMED_OUT );
    net_destroy( scene.net );
}

/* Sealed rightly, from the right source, and still not for this state. */

static void what_a_state_does_not_expect_is_ignored( void )
{
    static const int states[] = { NETCODE_CLIENT_STATE_SENDING_CONNECTION_REQUEST, NETCODE_CLIENT_STATE_SENDING_CONNECTION_RESPONSE, NETCODE_CLIENT_STATE_CONNECTED };
    static const char * unexpected[] = { "3456", "2356", "0123" };
    int i;
    for ( i = 0; i < 3; i++ )
    {
        const char * digit;
        struct scene scene;
        scene_open( &scene, states[i], NET_LIFETIME, -1 );
        net_drain( scene.client );
        net_forget( scene.net );
        scene.server->drop = NET_ALL;
        for ( digit = unexpected[i]; *digit; digit++ )
        {
            int type = *digit - '0';
            uint8_t plain[SEAL_CHALLENGE_BYTES];
            int bytes = type == NET_CHALLENGE || type == NET_RESPONSE ? SEAL_CHALLENGE_BYTES : type == NET_KEEP_ALIVE || type == NET_PAYLOAD ? 8 : 0;
            memset( plain, 1, sizeof( plain ) );
            seal_from_server( &scene.session, scene.client, scene.server, type, 200 + (uint64_t) type, plain, bytes );
            net_update( scene.client, scene.net->time + NET_TICK );
            CHECK_EQUAL( net_state( scene.client ), states[i] );
            check_nothing_to_receive( scene.client );
        }
        CHECK_EQUAL( net_num_events( scene.client ), 0 );

        /* and the way on is still open */
        scene.server->drop = 0;
        scene.client->drop = 0;
        CHECK( net_run_until( scene.client, NETCODE_CLIENT_STATE_CONNECTED ) );
        net_settle( scene.net );
        send_to_client( scene.server, 0, 9, 3 );
        net_update( scene.client, scene.net->time );
        CHECK_EQUAL( net_discard_payloads( scene.client, 0 ), 1 );
        net_destroy( scene.net );
    }
}

static void nothing_is_received_while_disconnected( void )
{
    struct scene scene;
    const struct net_datagram * challenge;
    scene_open( &scene, NETCODE_CLIENT_STATE_SENDING_CONNECTION_RESPONSE, NET_LIFETIME, NET_TIMEOUT );
    netcode_client_disconnect( scene.client->client );
    challenge = net_record( scene.server, NET_CHALLENGE, 0 );
    REQUIRE( challenge != NULL );
    net_forget( scene.net );
    seal_from_server( &scene.session, scene.client, scene.server, NET_DENIED, 1, NULL, 0 );
    seal_from_server( &scene.session, scene.client, scene.server, NET_DISCONNECT, 2, NULL, 0 );
    seal_from_server( &scene.session, scene.client, scene.server, NET_PAYLOAD, 3, (const uint8_t *) "x", 1 );
    net_update( scene.client, scene.net->time + 1.0 );
    CHECK_EQUAL( net_num_events( scene.client ), 0 );
    CHECK_EQUAL( net_total_sent( scene.client ), 0 );
    check_nothing_to_receive( scene.client );
    net_destroy( scene.net );
}

/* Payloads */

static void a_full_queue_drops_the_newest( void )
{
    struct scene scene;
    uint8_t * packet;
    uint64_t sequence = 0, first = 0;
    int i, bytes;
    scene_open( &scene, NETCODE_CLIENT_STATE_CONNECTED, NET_LIFETIME, NET_TIMEOUT );
    net_update( scene.client, scene.net->time );
    first = netcode_server_next_packet_sequence( scene.server->server, 0 );
    for ( i = 0; i < 300; i++ )
        send_to_client( scene.server, 0, 4 + i % 3, i );
    net_update( scene.client, scene.net->time );

    /* one taken out makes room for one */
    packet = netcode_client_receive_packet( scene.client->client, &bytes, &sequence );
    REQUIRE( packet != NULL );
    CHECK_EQUAL( sequence, first );
    CHECK( bytes == 4 && net_filled( packet, bytes, 0 ) );
    netcode_client_free_packet( scene.client->client, packet );
    send_to_client( scene.server, 0, 4 + 300 % 3, 300 );
    send_to_client( scene.server, 0, 4 + 301 % 3, 301 );
    net_update( scene.client, scene.net->time );

    for ( i = 1; i <= 256; i++ )
    {
        int seed = i == 256 ? 300 : i;
        packet = netcode_client_receive_packet( scene.client->client, &bytes, &sequence );
        REQUIRE( packet != NULL );
        CHECK_EQUAL( sequence, first + (uint64_t) seed );
        CHECK_EQUAL( bytes, 4 + seed % 3 );
        CHECK( net_filled( packet, bytes, seed ) );
        netcode_client_free_packet( scene.client->client, packet );
    }
    check_nothing_to_receive( scene.client );
    net_destroy( scene.net );
}

static void payload_sizes_are_checked( void )
{
    static const int bad[] = { 0, -1, -1200, 1201, 65536, 0x7FFFFFFF };
    struct scene scene;
    static uint8_t payload[NETCODE_MAX_PACKET_SIZE + 1];
    uint64_t sequence;
    int i;
    scene_open( &scene, NETCODE_CLIENT_STATE_CONNECTED, NET_LIFETIME, NET_TIMEOUT );
    net_forget( scene.net );
    sequence = netcode_client_next_packet_sequence( scene.client->client );
    net_tolerate_asserts( 1 );
    for ( i = 0; i < (int) ( sizeof( bad ) / sizeof( bad[0] ) ); i++ )
        netcode_client_send_packet( scene.client->client, payload, bad[i] );
    net_tolerate_asserts( 0 );
    CHECK_EQUAL( net_total_sent( scene.client ), 0 );
    CHECK_EQUAL( netcode_client_next_packet_sequence( scene.client->client ), sequence );

    netcode_client_send_packet( scene.client->client, payload, 1 );
    CHECK_EQUAL( netcode_client_next_packet_sequence( scene.client->client ), sequence + 1 );
    netcode_client_send_packet( scene.client->client, payload, NETCODE_MAX_PACKET_SIZE );
    CHECK_EQUAL( netcode_client_next_packet_sequence( scene.client->client ), sequence + 2 );
    REQUIRE( net_sent_types_are( scene.client, "55" ) );
    CHECK_EQUAL( net_sequence( net_record( scene.client, NET_PAYLOAD, 0 ) ), sequence );
    CHECK_EQUAL( net_sequence( net_record( scene.client, NET_PAYLOAD, 1 ) ), sequence + 1 );
    net_destroy( scene.net );
}

static void a_payload_goes_out_at_once( void )
{
    struct scene scene;
    uint8_t payload[33], plain[NET_DATAGRAM_BYTES];
    const struct net_datagram * record;
    struct netcode_address_t to;
    scene_open( &scene, NETCODE_CLIENT_STATE_CONNECTED, NET_LIFETIME, NET_TIMEOUT );
    net_forget( scene.net );
    net_fill( payload, sizeof( payload ), 9 );
    netcode_client_send_packet( scene.client->client, payload, sizeof( payload ) );
    record = net_record( scene.client, NET_PAYLOAD, 0 );
    REQUIRE( record != NULL );
    to = record->to;
    CHECK( net_address_is( &to, NET_SERVER ) );
    CHECK_EQUAL( seal_open_packet( record, plain, scene.session.protocol_id, scene.session.client_key ), (int) sizeof( payload ) );
    CHECK( memcmp( plain, payload, sizeof( payload ) ) == 0 );
    net_destroy( scene.net );
}

static void only_a_connected_client_sends_payloads( void )
{
    static const int states[] = { NETCODE_CLIENT_STATE_DISCONNECTED, NETCODE_CLIENT_STATE_SENDING_CONNECTION_REQUEST, NETCODE_CLIENT_STATE_SENDING_CONNECTION_RESPONSE };
    uint8_t payload[8] = { 0 };
    int i;
    for ( i = 0; i < 3; i++ )
    {
        struct scene scene;
        uint64_t sequence;
        scene_open( &scene, states[i], NET_LIFETIME, NET_TIMEOUT );
        net_forget( scene.net );
        sequence = netcode_client_next_packet_sequence( scene.client->client );
        netcode_client_send_packet( scene.client->client, payload, sizeof( payload ) );
        CHECK_EQUAL( net_total_sent( scene.client ), 0 );
        CHECK_EQUAL( netcode_client_next_packet_sequence( scene.client->client ), sequence );
        net_destroy( scene.net );
    }
}

static void every_packet_counts_in_the_sequence( void )
{
    struct scene scene;
    uint64_t sequence;
    uint8_t payload[8] = { 0 };
    int i, n = 0;
    scene_open( &scene, NETCODE_CLIENT_STATE_CONNECTED, NET_LIFETIME, NET_TIMEOUT );
    for ( i = 0; i < 10; i++ )
    {
        netcode_client_send_packet( scene.client->client, payload, sizeof( payload ) );
        net_steps( scene.net, 3, NET_TICK );
    }
    sequence = netcode_client_next_packet_sequence( scene.client->client );
    CHECK_EQUAL( sequence, net_total_sent( scene.client ) );
    for ( i = 0; i < scene.net->num_records; i++ )
    {
        const struct net_datagram * record = scene.net->records[i];
        if ( record->sender != scene.client )
            continue;
        if ( net_type( record ) != NET_REQUEST )
            CHECK_EQUAL( net_sequence( record ), n );
        n++;
    }
    net_destroy( scene.net );
}

static void reordered_payloads_arrive_and_doubled_ones_once( void )
{
    struct scene scene;
    uint64_t sequence = 0, expected[] = { 205, 203, 204, 202 };
    int i, bytes;
    uint8_t * packet;
    scene_open( &scene, NETCODE_CLIENT_STATE_CONNECTED, NET_LIFETIME, NET_TIMEOUT );
    for ( i = 0; i < 4; i++ )
    {
        int copies = 2;
        while ( copies-- )
            seal_from_server( &scene.session, scene.client, scene.server, NET_PAYLOAD, expected[i], (const uint8_t *) "abc", 3 );
    }
    net_update( scene.client, scene.net->time );
    for ( i = 0; i < 4; i++ )
    {
        packet = netcode_client_receive_packet( scene.client->client, &bytes, &sequence );
        REQUIRE( packet != NULL );
        CHECK_EQUAL( sequence, expected[i] );
        netcode_client_free_packet( scene.client->client, packet );
    }
    check_nothing_to_receive( scene.client );
    net_destroy( scene.net );
}

/* process_packet */

static void a_client_can_be_fed_by_hand( void )
{
    struct scene scene;
    double last;
    scene_open( &scene, NETCODE_CLIENT_STATE_DISCONNECTED, NET_LIFETIME, 5 );
    netcode_client_connect( scene.client->client, scene.token );
    net_step( scene.net, 0.0 );
    net_feed( scene.client );
    CHECK_EQUAL( net_state( scene.client ), NETCODE_CLIENT_STATE_SENDING_CONNECTION_RESPONSE );
    net_step( scene.net, 0.0 );
    net_feed( scene.client );
    CHECK_EQUAL( net_state( scene.client ), NETCODE_CLIENT_STATE_CONNECTED );
    CHECK( net_history_is( scene.client, "0>1 1>2 2>3" ) );
    net_settle( scene.net );
    send_to_client( scene.server, 0, 20, 1 );
    net_feed( scene.client );
    CHECK_EQUAL( net_discard_payloads( scene.client, 0 ), 1 );

    /* its clock is that of the last update, whatever time it is now */
    last = scene.net->time + 1.0;
    net_update( scene.client, last );
    scene.net->time = last + 3.0;
    send_to_client( scene.server, 0, 20, 2 );
    scene.server->drop = NET_ALL;
    net_feed( scene.client );
    check_times_out( scene.client, last, 5, NETCODE_CLIENT_STATE_CONNECTION_TIMED_OUT );
    net_destroy( scene.net );
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

    TEST( requests_go_out_at_ten_hertz );
    TEST( responses_go_out_at_ten_hertz );
    TEST( keep_alives_go_out_at_ten_hertz );
    TEST( a_payload_puts_the_keep_alive_off );
    TEST( timers_start_from_the_last_update );

    TEST( a_request_without_answer_times_out );
    TEST( a_response_without_answer_times_out );
    TEST( more_challenges_do_not_put_the_response_timeout_off );
    TEST( a_silent_server_times_out );
    TEST( a_payload_puts_the_timeout_off );
    TEST( what_arrives_just_in_time_prevents_the_timeout );
    TEST( without_a_positive_timeout_nothing_times_out );

    TEST( a_token_expires_after_its_lifetime );
    TEST( a_token_expires_in_the_response_stage );
    TEST( a_connected_client_outlives_its_token );
    TEST( a_token_without_lifetime_sends_one_request );
    TEST( expiry_comes_before_timeout_and_next_address );
    TEST( expiry_comes_before_a_denial );
    TEST( a_denial_comes_before_the_timeout );

    TEST( a_full_server_denies_the_request );
    TEST( a_server_that_fills_up_denies_the_response );
    TEST( the_server_disconnects_the_client );
    TEST( one_disconnect_packet_is_enough );
    TEST( being_disconnected_does_not_lead_to_the_next_address );
    TEST( a_connection_that_timed_out_does_not_lead_to_the_next_address );

    TEST( the_next_address_follows_a_dead_one_and_a_full_one );
    TEST( a_late_denial_from_the_old_address_changes_nothing );
    TEST_REPEATING_NONCES( the_response_stage_falls_back_to_the_next_address );
    TEST( the_last_address_decides_how_it_failed );
    TEST( the_lifetime_counts_anew_for_each_address );
    TEST( all_thirty_two_addresses_are_tried );

    TEST( disconnect_sends_ten_packets_in_every_active_state );
    TEST( the_disconnect_packets_precede_the_callback );
    TEST( disconnect_empties_the_queue );
    TEST( a_packet_in_hand_survives_disconnect );
    TEST( disconnect_keeps_an_error_state );
    TEST( destroy_disconnects_first );
    TEST( destroying_an_idle_client_is_silent );

    TEST( connect_while_connected_disconnects_first );
    TEST( connect_while_connecting_disconnects_first );
    TEST( a_new_token_starts_the_sequence_anew );
    TEST( a_long_session_does_not_spoil_the_next );
    TEST( the_same_token_continues_its_sequence );
    TEST( no_sequence_of_a_token_is_used_twice );
    TEST( a_failed_attempt_can_be_repeated );

    TEST( copies_from_other_sources_do_no_harm );
    TEST( datagrams_from_other_sources_are_ignored );
    TEST( strangers_do_not_put_the_timeout_off );
    TEST( what_a_state_does_not_expect_is_ignored );
    TEST( nothing_is_received_while_disconnected );

    TEST( a_full_queue_drops_the_newest );
    TEST( payload_sizes_are_checked );
    TEST( a_payload_goes_out_at_once );
    TEST( only_a_connected_client_sends_payloads );
    TEST( every_packet_counts_in_the_sequence );
    TEST( reordered_payloads_arrive_and_doubled_ones_once );
    TEST( a_client_can_be_fed_by_hand );
    TEST( the_server_address_is_none_unless_active );
    TEST( a_client_that_turns_to_loopback_while_connecting_has_no_server_address );

    return tests_done();
}
