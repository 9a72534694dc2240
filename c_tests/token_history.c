/*
 * A connect token from its first use to its last: who may use it and how often, how many a server remembers, and
 * what it does about those that it cannot know any more after a restart.
 */
#include "token_ask.h"

#define HISTORY 2048
#define OTHER_SERVER "10.0.0.2:40000"

/* Pending, consumed */

static void a_pending_token_admits_its_own_source_again( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    int i;
    net_token_for( server, token, NET_TIMEOUT, 1000 );
    for ( i = 0; i < 20; i++ )
    {
        CHECK_EQUAL( ask( server, token, SOURCE ), CHALLENGED );
        net_update( server, net->time + 0.1 );
    }
    CHECK( respond( server, token, SOURCE, 20 ) );
    CHECK( net_history_is( server, "+0" ) );
    net_destroy( net );
}

static void a_pending_token_admits_no_other_source( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    net_token_for( server, token, NET_TIMEOUT, 1000 );
    CHECK_EQUAL( ask( server, token, SOURCE ), CHALLENGED );
    CHECK_EQUAL( ask( server, token, OTHER_PORT ), SILENCE );
    CHECK_EQUAL( ask( server, token, OTHER_HOST ), SILENCE );
    CHECK_EQUAL( ask( server, token, "[2001:db8::1]:50000" ), SILENCE );
    CHECK_EQUAL( ask( server, token, SOURCE ), CHALLENGED );

    /* also long after the mapping of the first source is gone */
    net_update( server, net->time + 1000.0 );
    CHECK_EQUAL( ask( server, token, OTHER_HOST ), SILENCE );
    CHECK_EQUAL( ask( server, token, SOURCE ), CHALLENGED );
    net_destroy( net );
}

static void an_ipv6_source_owns_its_token_too( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    net_token_for( server, token, NET_TIMEOUT, 1000 );
    CHECK_EQUAL( ask( server, token, "[2001:db8::1]:50000" ), CHALLENGED );
    CHECK_EQUAL( ask( server, token, "[2001:db8::2]:50000" ), SILENCE );
    CHECK_EQUAL( ask( server, token, "[2001:db8::1]:50001" ), SILENCE );
    CHECK_EQUAL( ask( server, token, SOURCE ), SILENCE );
    CHECK_EQUAL( ask( server, token, "[2001:db8::1]:50000" ), CHALLENGED );
    net_destroy( net );
}

static void a_consumed_token_admits_nobody( void )
{
    struct net_pair pair = net_pair_open( 4 );
    CHECK_EQUAL( ask( pair.server, pair.token, NET_CLIENT ), SILENCE );
    CHECK_EQUAL( ask( pair.server, pair.token, OTHER_HOST ), SILENCE );
    net_pair_close( &pair );
}

static void client_is_sent_away( struct net_pair * pair )
{
    netcode_server_disconnect_client( pair->server->server, 0 );
    net_update( pair->client, pair->net->time );
}

static void client_times_out( struct net_pair * pair )
{
    net_drain( pair->server );
    net_update( pair->server, pair->net->time + 10.0 * NET_TIMEOUT );
    net_drain( pair->client );
    net_update( pair->client, pair->net->time );
    net_drain( pair->server );
}

static void a_token_stays_consumed_after_its_client_has_left( void )
{
    void (*ways[])( struct net_pair * ) = { client_leaves, client_is_sent_away, client_times_out };
    int i;
    for ( i = 0; i < 3; i++ )
    {
        struct net_pair pair = net_pair_open( 4 );
        ways[i]( &pair );
        CHECK_EQUAL( netcode_server_num_connected_clients( pair.server->server ), 0 );
        CHECK( net_state( pair.client ) <= 0 );
        CHECK_EQUAL( ask( pair.server, pair.token, NET_CLIENT ), SILENCE );
        CHECK_EQUAL( ask( pair.server, pair.token, OTHER_HOST ), SILENCE );
        net_step( pair.net, 10000.0 );
        CHECK_EQUAL( ask( pair.server, pair.token, NET_CLIENT ), SILENCE );

        /* a client with it knocks in vain */
        CHECK( !net_connect_with( pair.client, pair.token ) );
        CHECK_EQUAL( net_state( pair.client ), NETCODE_CLIENT_STATE_SENDING_CONNECTION_REQUEST );

        /* a new token for the same client is fine */
        CHECK( net_connect( pair.client, pair.server, NET_PAIR_ID ) );
        net_pair_close( &pair );
    }
}

static void an_abandoned_handshake_can_be_taken_up_again( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
    struct net_endpoint * client = net_client( net, NET_CLIENT );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    net_token_for( server, token, NET_TIMEOUT, 1000 );
    client->drop = 1 << NET_RESPONSE;
    netcode_client_connect( client->client, token );
    CHECK( net_run_until( client, NETCODE_CLIENT_STATE_SENDING_CONNECTION_RESPONSE ) );
    netcode_client_disconnect( client->client );
    net_steps( net, 20, 1.0 );
    client->drop = 0;
    CHECK( net_connect_with( client, token ) );
    CHECK( net_history_is( server, "+0" ) );
    net_destroy( net );
}

static void a_request_refused_for_its_client_leaves_no_trace( void )
{
    /* the checks for a connected source and a connected id come before the history */
    struct net_pair pair = net_pair_open( 4 );
    uint8_t same_id[NETCODE_CONNECT_TOKEN_BYTES], same_source[NETCODE_CONNECT_TOKEN_BYTES];
    net_token_for( pair.server, same_id, NET_TIMEOUT, NET_PAIR_ID );
    net_token_for( pair.server, same_source, NET_TIMEOUT, 2000 );
    CHECK_EQUAL( ask( pair.server, same_id, SOURCE ), SILENCE );
    CHECK_EQUAL( ask( pair.server, same_source, NET_CLIENT ), SILENCE );
    client_leaves( &pair );
    CHECK_EQUAL( ask( pair.server, same_id, OTHER_HOST ), CHALLENGED );
    CHECK_EQUAL( ask( pair.server, same_source, OTHER_PORT ), CHALLENGED );
    net_pair_close( &pair );
}

static void a_denied_token_belongs_to_its_source( void )
{
    struct net_pair pair = net_pair_open( 1 );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    net_token_for( pair.server, token, NET_TIMEOUT, 2000 );
    CHECK_EQUAL( ask( pair.server, token, SOURCE ), DENIED );
    CHECK_EQUAL( ask( pair.server, token, SOURCE ), DENIED );
    CHECK_EQUAL( ask( pair.server, token, OTHER_HOST ), SILENCE );
    client_leaves( &pair );
    CHECK_EQUAL( ask( pair.server, token, OTHER_HOST ), SILENCE );
    CHECK_EQUAL( ask( pair.server, token, SOURCE ), CHALLENGED );
    CHECK( respond( pair.server, token, SOURCE, 1 ) );
    net_pair_close( &pair );
}

static void one_source_may_hold_several_tokens( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
    uint8_t first[NETCODE_CONNECT_TOKEN_BYTES], second[NETCODE_CONNECT_TOKEN_BYTES];
    uint8_t response[NET_DATAGRAM_BYTES];
    struct netcode_address_t source = net_address( SOURCE );
    int bytes;
    net_token_for( server, first, NET_TIMEOUT, 1000 );
    net_token_for( server, second, NET_TIMEOUT, 2000 );
    CHECK_EQUAL( ask( server, first, SOURCE ), CHALLENGED );
    bytes = make_response( server, first, response );
    CHECK_EQUAL( ask( server, second, SOURCE ), CHALLENGED );

    /* the source's mapping now has the keys of the second: the first's answer does not open */
    net_process( server, &source, response, bytes );
    CHECK( net_history_is( server, "" ) );
    CHECK_EQUAL( ask( server, first, SOURCE ), CHALLENGED );
    net_process( server, &source, response, bytes );
    CHECK( net_history_is( server, "+0" ) );
    CHECK_EQUAL( netcode_server_client_id( server->server, 0 ), 1000 );
    net_destroy( net );
}

static void a_token_works_once_on_each_of_its_servers( void )
{
    const char * addresses[] = { NET_SERVER, OTHER_SERVER };
    struct net * net = net_create();
    struct net_endpoint * first = net_server( net, NET_SERVER, 4 );
    struct net_endpoint * second = net_server( net, OTHER_SERVER, 4 );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    net_token( net, token, 2, addresses, addresses, NET_LIFETIME, NET_TIMEOUT, 1000, NULL );
    CHECK_EQUAL( ask( first, token, SOURCE ), CHALLENGED );
    CHECK( respond( first, token, SOURCE, 1 ) );
    CHECK_EQUAL( ask( second, token, OTHER_HOST ), CHALLENGED );
    CHECK( respond( second, token, OTHER_HOST, 1 ) );
    CHECK_EQUAL( ask( first, token, OTHER_PORT ), SILENCE );
    CHECK_EQUAL( ask( second, token, OTHER_PORT ), SILENCE );
    net_destroy( net );
}

/* The restart rule */

static struct net_endpoint * server_with_lifetime( struct net * net, int max_connect_token_lifetime )
{
    struct netcode_server_config_t config;
    netcode_default_server_config( &config );
    config.max_connect_token_lifetime = max_connect_token_lifetime;
    return net_server_with( net, NET_SERVER, 4, config );
}

static void a_token_that_could_predate_the_start_is_ignored( void )
{
    static const int lifetimes[] = { 30, 10, 100, 0, -1, -1000, 100000 };
    static const int effective[] = { 30, 10, 100, 30, 30, 30, 100000 };
    int i;
    for ( i = 0; i < 7; i++ )
    {
        struct net * net = net_create();
        struct net_endpoint * server = server_with_lifetime( net, lifetimes[i] );
        uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
        net_token_to( net, token, NET_SERVER, effective[i] - 5, NET_TIMEOUT, 1000 );
        CHECK_EQUAL( ask( server, token, SOURCE ), SILENCE );
        net_token_to( net, token, NET_SERVER, effective[i] + 5, NET_TIMEOUT, 1000 );
        CHECK_EQUAL( ask( server, token, SOURCE ), CHALLENGED );
        net_token_to( net, token, NET_SERVER, -1, NET_TIMEOUT, 1000 );
        CHECK_EQUAL( ask( server, token, SOURCE ), CHALLENGED );
        net_destroy( net );
    }
}

static void the_restart_rule_is_exact_to_the_second( void )
{
    /* only tells something if no second passes between start and tokens; in a few tries it will not */
    int try_, decided = 0;
    for ( try_ = 0; try_ < 20 && !decided; try_++ )
    {
        struct net * net = net_create();
        struct net_endpoint * server;
        uint8_t just[NETCODE_CONNECT_TOKEN_BYTES], early[NETCODE_CONNECT_TOKEN_BYTES];
        uint64_t before = net_wall_seconds( net );
        server = server_with_lifetime( net, 100 );
        net_token_to( net, early, NET_SERVER, 99, NET_TIMEOUT, 1000 );
        net_token_to( net, just, NET_SERVER, 100, NET_TIMEOUT, 2000 );
        if ( net_wall_seconds( net ) == before )
        {
            decided = 1;
            CHECK_EQUAL( ask( server, early, SOURCE ), SILENCE );
            CHECK_EQUAL( ask( server, just, OTHER_HOST ), CHALLENGED );
        }
        net_destroy( net );
    }
    CHECK( decided );
}

static void a_token_created_after_the_start_is_always_good_enough( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    net_token_to( net, token, NET_SERVER, NETCODE_DEFAULT_MAX_CONNECT_TOKEN_LIFETIME, NET_TIMEOUT, 1000 );
    CHECK_EQUAL( ask( server, token, SOURCE ), CHALLENGED );
    net_destroy( net );
}

static void a_restart_applies_the_rule_anew_and_forgets_the_rest( void )
{
    struct net_pair pair = net_pair_open( 4 );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    net_token_for( pair.server, token, NET_TIMEOUT, 2000 );
    CHECK_EQUAL( ask( pair.server, token, SOURCE ), CHALLENGED );
    CHECK_EQUAL( ask( pair.server, token, OTHER_HOST ), SILENCE );

    /* the history is gone; for these long-lived tokens, which the rule lets pass, that is the price */
    netcode_server_start( pair.server->server, 4 );
    CHECK_EQUAL( ask( pair.server, token, OTHER_HOST ), CHALLENGED );
    CHECK_EQUAL( ask( pair.server, token, SOURCE ), SILENCE );
    CHECK_EQUAL( ask( pair.server, pair.token, NET_CLIENT ), CHALLENGED );
    CHECK( respond( pair.server, pair.token, NET_CLIENT, 100 ) );
    net_pair_close( &pair );
}

/* The history's size */

static void a_full_history_refuses_new_tokens_and_keeps_the_old( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES], first[NETCODE_CONNECT_TOKEN_BYTES], last[NETCODE_CONNECT_TOKEN_BYTES];
    int i, challenged = 0;

    /* all from one source, for which one mapping is enough */
    for ( i = 0; i < HISTORY; i++ )
    {
        net_token_for( server, token, NET_TIMEOUT, 1000 + (uint64_t) i );
        challenged += ask( server, token, SOURCE ) == CHALLENGED;
        if ( i == 0 )
            memcpy( first, token, sizeof( first ) );
    }
    CHECK_EQUAL( challenged, HISTORY );
    memcpy( last, token, sizeof( last ) );

    for ( i = 0; i < 10; i++ )
    {
        net_token_for( server, token, NET_TIMEOUT, 5000 + (uint64_t) i );
        CHECK_EQUAL( ask( server, token, i % 2 ? SOURCE : OTHER_HOST ), SILENCE );
    }

    /* nobody was evicted */
    CHECK_EQUAL( ask( server, first, OTHER_HOST ), SILENCE );
    CHECK_EQUAL( ask( server, last, OTHER_HOST ), SILENCE );
    CHECK_EQUAL( ask( server, last, SOURCE ), CHALLENGED );
    CHECK_EQUAL( ask( server, first, SOURCE ), CHALLENGED );
    CHECK( respond( server, first, SOURCE, 1 ) );
    netcode_server_disconnect_client( server->server, 0 );
    CHECK_EQUAL( ask( server, first, SOURCE ), SILENCE );
    CHECK_EQUAL( ask( server, token, OTHER_HOST ), SILENCE );

    netcode_server_start( server->server, 4 );
    CHECK_EQUAL( ask( server, token, OTHER_HOST ), CHALLENGED );
    net_destroy( net );
}

static void consumed_tokens_fill_the_history_as_well( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 1 );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    int i, connected = 0;
    for ( i = 0; i < HISTORY; i++ )
    {
        net_forget( net );
        net_token_for( server, token, NET_TIMEOUT, 1000 + (uint64_t) i );
        connected += ask( server, token, SOURCE ) == CHALLENGED && respond( server, token, SOURCE, 1 );
        netcode_server_disconnect_client( server->server, 0 );
    }
    CHECK_EQUAL( connected, HISTORY );
    net_token_for( server, token, NET_TIMEOUT, 9999 );
    CHECK_EQUAL( ask( server, token, SOURCE ), SILENCE );
    net_destroy( net );
}

/* The one test that lets real seconds pass: up to about two. */

static void expired_tokens_make_room_in_the_history( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = server_with_lifetime( net, 1 );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES], lasting[NETCODE_CONNECT_TOKEN_BYTES];
    int i;
    net_token_for( server, lasting, NET_TIMEOUT, 1 );
    CHECK_EQUAL( ask( server, lasting, SOURCE ), CHALLENGED );
    for ( i = 1; i < HISTORY; i++ )
    {
        net_token_to( net, token, NET_SERVER, 2, NET_TIMEOUT, 1000 + (uint64_t) i );
        ask( server, token, SOURCE );
    }
    net_wait_for_second( net, net_wall_seconds( net ) + 2 );
    CHECK_EQUAL( ask( server, token, SOURCE ), SILENCE );

    for ( i = 1; i < HISTORY; i++ )
    {
        net_token_for( server, token, NET_TIMEOUT, 5000 + (uint64_t) i );
        if ( !CHECK_EQUAL( ask( server, token, SOURCE ), CHALLENGED ) )
            break;
    }
    net_token_for( server, token, NET_TIMEOUT, 9999 );
    CHECK_EQUAL( ask( server, token, SOURCE ), SILENCE );
    CHECK_EQUAL( ask( server, lasting, OTHER_HOST ), SILENCE );
    net_destroy( net );
}

int main( int argc, char ** argv )
{
    tests_begin( argc, argv );

    TEST( a_pending_token_admits_its_own_source_again );
    TEST( a_pending_token_admits_no_other_source );
    TEST( an_ipv6_source_owns_its_token_too );
    TEST( a_consumed_token_admits_nobody );
    TEST( a_token_stays_consumed_after_its_client_has_left );
    TEST( an_abandoned_handshake_can_be_taken_up_again );
    TEST( a_request_refused_for_its_client_leaves_no_trace );
    TEST( a_denied_token_belongs_to_its_source );
    TEST( one_source_may_hold_several_tokens );
    TEST_REPEATING_NONCES( a_token_works_once_on_each_of_its_servers );

    TEST( a_token_that_could_predate_the_start_is_ignored );
    TEST( the_restart_rule_is_exact_to_the_second );
    TEST( a_token_created_after_the_start_is_always_good_enough );
    TEST_REPEATING_NONCES( a_restart_applies_the_rule_anew_and_forgets_the_rest );

    TEST( a_full_history_refuses_new_tokens_and_keeps_the_old );
    TEST( consumed_tokens_fill_the_history_as_well );
    TEST( expired_tokens_make_room_in_the_history );

    return tests_done();
}
