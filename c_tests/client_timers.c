/*
 * The client's timers, to the exact boundary: the 10 Hz of what it sends, its timeouts, and the lifetime of its
 * connect token.
 */
#include "client.h"

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

int main( int argc, char ** argv )
{
    tests_begin( argc, argv );

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

    return tests_done();
}
