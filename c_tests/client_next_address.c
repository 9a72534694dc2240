/*
 * Connect tokens of several servers: what leads a client to the next address, what does not, and how it ends after
 * the last.
 */
#include "client.h"

#define OTHER_SERVER "10.0.0.2:40000"
#define THIRD_SERVER "10.0.0.3:40000"

/* What does not lead to the next address */

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

int main( int argc, char ** argv )
{
    tests_begin( argc, argv );

    TEST( being_disconnected_does_not_lead_to_the_next_address );
    TEST( a_connection_that_timed_out_does_not_lead_to_the_next_address );

    TEST( the_next_address_follows_a_dead_one_and_a_full_one );
    TEST( a_late_denial_from_the_old_address_changes_nothing );
    TEST_REPEATING_NONCES( the_response_stage_falls_back_to_the_next_address );
    TEST( the_last_address_decides_how_it_failed );
    TEST( the_lifetime_counts_anew_for_each_address );
    TEST( all_thirty_two_addresses_are_tried );

    return tests_done();
}
