/*
 * A connect token from its first sight to its last: who may use it, when, where and how often; and what
 * the server keeps of a handshake in between (token history, encryption mappings, challenges).
 *
 * Most of this is asked with bare connection requests, made from the token and handed to process_packet
 * from any source the test likes: the server answers with a challenge, a denial, or not at all.
 */
#include "net.h"
#include "seal.h"

#define HISTORY 2048
#define MAPPINGS 1024
#define SOURCE "10.7.0.1:50000"
#define OTHER_PORT "10.7.0.1:50001"
#define OTHER_HOST "10.7.0.2:50000"
#define OTHER_SERVER "10.0.0.2:40000"
#define PUBLIC_ADDRESS "203.0.113.5:40000"

enum answer { SILENCE, CHALLENGED, DENIED, CONFUSED };

static int sent_since( struct net_endpoint * server, const int * before, int type )
{
    return server->sent[type] - before[type];
}

/* What the server says to this request from this source. */

static enum answer ask_from( struct net_endpoint * server, const uint8_t * token, struct netcode_address_t * source )
{
    uint8_t request[NET_REQUEST_BYTES];
    int before[NET_TYPES], total = net_total_sent( server );
    memcpy( before, server->sent, sizeof( before ) );
    net_process( server, source, request, net_request( token, request ) );
    total = net_total_sent( server ) - total;
    if ( total == 0 )
        return SILENCE;
    if ( total == 1 && sent_since( server, before, NET_CHALLENGE ) == 1 )
        return CHALLENGED;
    if ( total == 1 && sent_since( server, before, NET_DENIED ) == 1 )
        return DENIED;
    return CONFUSED;
}

static enum answer ask( struct net_endpoint * server, const uint8_t * token, const char * source )
{
    struct netcode_address_t from = net_address( source );
    return ask_from( server, token, &from );
}

/* The n-th of many sources. */

static enum answer ask_from_nth( struct net_endpoint * server, const uint8_t * token, int n )
{
    char text[64];
    return ask( server, token, net_client_address( n, text, sizeof( text ) ) );
}

/* Answers the last challenge that the server sent, by hand, as the client with this token; 1 if that connected it. */

static int respond( struct net_endpoint * server, const uint8_t * token, const char * source, uint64_t sequence )
{
    struct net * net = server->net;
    struct netcode_address_t from = net_address( source );
    const struct net_datagram * challenge = net_last_record( server, NET_CHALLENGE );
    uint8_t plain[NET_DATAGRAM_BYTES], packet[NET_DATAGRAM_BYTES];
    int connected = netcode_server_num_connected_clients( server->server ), bytes;
    if ( !CHECK( challenge != NULL ) )
        return 0;
    CHECK_EQUAL( seal_open_packet( challenge, plain, net->protocol_id, seal_server_key( token ) ), SEAL_CHALLENGE_BYTES );
    bytes = seal_packet( packet, NET_RESPONSE, sequence, plain, SEAL_CHALLENGE_BYTES, net->protocol_id, seal_client_key( token ) );
    net_process( server, &from, packet, bytes );
    return netcode_server_num_connected_clients( server->server ) > connected;
}

/* The packet that `respond` would hand over. */

static int make_response( struct net_endpoint * server, const uint8_t * token, uint8_t * packet )
{
    struct net * net = server->net;
    const struct net_datagram * challenge = net_last_record( server, NET_CHALLENGE );
    uint8_t plain[NET_DATAGRAM_BYTES];
    if ( !CHECK( challenge != NULL ) )
        return 0;
    CHECK_EQUAL( seal_open_packet( challenge, plain, net->protocol_id, seal_server_key( token ) ), SEAL_CHALLENGE_BYTES );
    return seal_packet( packet, NET_RESPONSE, 7, plain, SEAL_CHALLENGE_BYTES, net->protocol_id, seal_client_key( token ) );
}

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

static void client_leaves( struct net_pair * pair )
{
    netcode_client_disconnect( pair->client->client );
    net_update( pair->server, pair->net->time );
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

/* What makes a token unfit */

static void the_wrong_private_key_is_ignored( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    int byte;
    for ( byte = 0; byte < NETCODE_KEY_BYTES; byte++ )
    {
        net->private_key[byte] ^= 0x80;
        net_token_for( server, token, NET_TIMEOUT, 1000 );
        net->private_key[byte] ^= 0x80;
        CHECK_EQUAL( ask( server, token, SOURCE ), SILENCE );
    }
    net_destroy( net );
}

static void the_wrong_protocol_id_is_ignored( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    int bit;
    for ( bit = 0; bit < 64; bit += 9 )
    {
        net->protocol_id ^= 1ULL << bit;
        net_token_for( server, token, NET_TIMEOUT, 1000 );
        net->protocol_id ^= 1ULL << bit;
        CHECK_EQUAL( ask( server, token, SOURCE ), SILENCE );

        /* and cannot be corrected afterwards, for it is sealed in */
        net_write_little_endian( token + NET_TOKEN_PROTOCOL_ID, 8, net->protocol_id );
        CHECK_EQUAL( ask( server, token, SOURCE ), SILENCE );
    }
    net_destroy( net );
}

static void a_changed_request_is_ignored( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    int i;
    net_token_for( server, token, NET_TIMEOUT, 1000 );
    for ( i = 0; i < NET_TOKEN_TIMEOUT; i++ )
    {
        if ( i >= NET_TOKEN_CREATE && i < NET_TOKEN_EXPIRE )
            continue;                   /* not part of the request */
        token[i] ^= 1;
        CHECK_EQUAL( ask( server, token, SOURCE ), SILENCE );
        token[i] ^= 1;
    }
    CHECK_EQUAL( ask( server, token, SOURCE ), CHALLENGED );
    net_destroy( net );
}

static void an_expired_token_is_ignored( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    net_token_to( net, token, NET_SERVER, 0, NET_TIMEOUT, 1000 );
    CHECK_EQUAL( ask( server, token, SOURCE ), SILENCE );
    net_destroy( net );
}

static void a_token_for_another_server_is_ignored( void )
{
    static const char * wrong[] = { "10.0.0.1:40001", "10.0.0.2:40000", "10.0.0.1", "[::ffff:10.0.0.1]:40000", "127.0.0.1:40000" };
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    int i;
    for ( i = 0; i < (int) ( sizeof( wrong ) / sizeof( wrong[0] ) ); i++ )
    {
        net_token_to( net, token, wrong[i], NET_LIFETIME, NET_TIMEOUT, 1000 );
        CHECK_EQUAL( ask( server, token, SOURCE ), SILENCE );
    }
    net_destroy( net );
}

static void the_server_may_be_any_of_thirty_two_addresses( void )
{
    static char text[NETCODE_MAX_SERVERS_PER_CONNECT][32];
    const char * addresses[NETCODE_MAX_SERVERS_PER_CONNECT];
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    int i, place;
    for ( i = 0; i < NETCODE_MAX_SERVERS_PER_CONNECT; i++ )
        snprintf( text[i], sizeof( text[i] ), i % 2 ? "[2001:db8::%x]:40000" : "10.8.0.%d:40000", i + 1 );
    for ( place = 0; place < NETCODE_MAX_SERVERS_PER_CONNECT; place++ )
    {
        for ( i = 0; i < NETCODE_MAX_SERVERS_PER_CONNECT; i++ )
            addresses[i] = i == place ? NET_SERVER : text[i];
        net_token( net, token, NETCODE_MAX_SERVERS_PER_CONNECT, addresses, addresses, NET_LIFETIME, NET_TIMEOUT, 1000, NULL );
        CHECK_EQUAL( ask( server, token, SOURCE ), CHALLENGED );
    }
    net_destroy( net );
}

static void the_internal_address_counts_not_the_public_one( void )
{
    const char * public_address = PUBLIC_ADDRESS, * internal_address = NET_SERVER;
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    net_token( net, token, 1, &internal_address, &public_address, NET_LIFETIME, NET_TIMEOUT, 1000, NULL );
    CHECK_EQUAL( ask( server, token, SOURCE ), SILENCE );
    net_token( net, token, 1, &public_address, &internal_address, NET_LIFETIME, NET_TIMEOUT, 1000, NULL );
    CHECK_EQUAL( ask( server, token, SOURCE ), CHALLENGED );
    net_destroy( net );
}

/* Clients reach the server under its public address, as through a router. */

static int translate_addresses( struct net * net, struct net_datagram * datagram )
{
    struct netcode_address_t public_address = net_address( PUBLIC_ADDRESS );
    struct netcode_address_t internal_address = net_address( NET_SERVER );
    (void) net;
    if ( netcode_address_equal( &datagram->to, &public_address ) )
        datagram->to = internal_address;
    if ( netcode_address_equal( &datagram->from, &internal_address ) )
        datagram->from = public_address;
    return 1;
}

static void a_client_connects_to_the_public_address( void )
{
    const char * public_address = PUBLIC_ADDRESS, * internal_address = NET_SERVER;
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
    struct net_endpoint * client = net_client( net, NET_CLIENT );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    net->filter = translate_addresses;
    net_token( net, token, 1, &public_address, &internal_address, NET_LIFETIME, NET_TIMEOUT, 1000, NULL );
    netcode_client_connect( client->client, token );
    CHECK( net_address_is( netcode_client_server_address( client->client ), PUBLIC_ADDRESS ) );
    CHECK( net_run_until( client, NETCODE_CLIENT_STATE_CONNECTED ) );
    CHECK( net_history_is( server, "+0" ) );
    net_destroy( net );
}

static void a_dual_server_answers_to_both_its_addresses( void )
{
    static const char * right[] = { NET_SERVER, "[2001:db8::1]:40000" };
    static const char * wrong[] = { "10.0.0.1:40001", "[2001:db8::1]:40001", "[2001:db8::2]:40000" };
    struct net * net = net_create();
    struct net_endpoint * server = net_endpoint( net, NET_SERVER );
    struct netcode_server_config_t config;
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    int i;
    netcode_default_server_config( &config );
    net_server_config( server, &config );
    server->is_server = 1;
    server->server = netcode_server_create_dual( right[0], right[1], &config, net->time );
    REQUIRE( server->server != NULL );
    netcode_server_start( server->server, 4 );
    for ( i = 0; i < 2; i++ )
    {
        net_token_to( net, token, right[i], NET_LIFETIME, NET_TIMEOUT, 1000 );
        CHECK_EQUAL( ask( server, token, i ? "[2001:db8::9]:50000" : SOURCE ), CHALLENGED );
        CHECK( respond( server, token, i ? "[2001:db8::9]:50000" : SOURCE, 1 ) );
        netcode_server_disconnect_all_clients( server->server );
    }
    for ( i = 0; i < 3; i++ )
    {
        net_token_to( net, token, wrong[i], NET_LIFETIME, NET_TIMEOUT, 1000 );
        CHECK_EQUAL( ask( server, token, OTHER_HOST ), SILENCE );
    }
    net_destroy( net );
}

/* Sealed with the right key, by someone who has it and gets it wrong. */

static void a_private_part_that_does_not_read_is_ignored( void )
{
    static const int counts[] = { 0, 33, 0x7FFFFFFF, -1 };
    static const int types[] = { 0, 3, 0xFF };
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    int i;
    for ( i = 0; i < 4; i++ )
    {
        net_token_for( server, token, NET_TIMEOUT, 1000 );
        REQUIRE( seal_open_token( token, net->private_key ) );
        net_write_little_endian( token + NET_TOKEN_PRIVATE + SEAL_PRIVATE_NUM_ADDRESSES, 4, (uint32_t) counts[i] );
        seal_close_token( token, net->private_key );
        CHECK_EQUAL( ask( server, token, SOURCE ), SILENCE );
    }
    for ( i = 0; i < 3; i++ )
    {
        net_token_for( server, token, NET_TIMEOUT, 1000 );
        REQUIRE( seal_open_token( token, net->private_key ) );
        token[NET_TOKEN_PRIVATE + SEAL_PRIVATE_ADDRESSES] = (uint8_t) types[i];
        seal_close_token( token, net->private_key );
        CHECK_EQUAL( ask( server, token, SOURCE ), SILENCE );
    }

    /* opened, left alone and sealed again it is good, or the above would prove nothing */
    net_token_for( server, token, NET_TIMEOUT, 1000 );
    REQUIRE( seal_open_token( token, net->private_key ) );
    CHECK_EQUAL( net_read_little_endian( token + NET_TOKEN_PRIVATE + SEAL_PRIVATE_ID, 8 ), 1000 );
    seal_close_token( token, net->private_key );
    CHECK_EQUAL( ask( server, token, SOURCE ), CHALLENGED );
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

/* Mappings */

static void check_mappings( int max_clients )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, max_clients );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES], refused[NETCODE_CONNECT_TOKEN_BYTES];
    int i, challenged = 0;
    net_update( server, net->time );
    for ( i = 0; i < MAPPINGS; i++ )
    {
        net_token_for( server, token, NET_TIMEOUT, 1000 + (uint64_t) i );
        challenged += ask_from_nth( server, token, i ) == CHALLENGED;
    }
    CHECK_EQUAL( challenged, MAPPINGS );

    /* the last source renews its own; a new source finds no room */
    CHECK_EQUAL( ask_from_nth( server, token, MAPPINGS - 1 ), CHALLENGED );
    net_token_for( server, refused, NET_TIMEOUT, 5000 );
    CHECK_EQUAL( ask_from_nth( server, refused, MAPPINGS ), SILENCE );

    /* up to and including the timeout they are kept */
    net_update( server, NET_START_TIME + NET_TIMEOUT );
    CHECK_EQUAL( ask_from_nth( server, refused, MAPPINGS ), SILENCE );
    net_update( server, NET_START_TIME + NET_TIMEOUT + NET_TINY );
    CHECK_EQUAL( ask_from_nth( server, refused, MAPPINGS ), CHALLENGED );
    net_destroy( net );
}

static void a_full_mapping_table_ignores_new_sources( void )
{
    check_mappings( 1 );
    check_mappings( 256 );
}

static void no_mapping_outlives_its_client( void )
{
    /* these would never expire by themselves */
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 256 );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    char text[64];
    int i, connected = 0;
    for ( i = 0; i < 128; i++ )
    {
        net_forget( net );
        net_token_for( server, token, -1, 1000 + (uint64_t) i );
        net_client_address( i, text, sizeof( text ) );
        connected += ask( server, token, text ) == CHALLENGED && respond( server, token, text, 1 );
    }
    CHECK_EQUAL( connected, 128 );
    netcode_server_disconnect_all_clients( server->server );
    for ( i = 0; i < MAPPINGS; i++ )
    {
        net_token_for( server, token, NET_TIMEOUT, 5000 + (uint64_t) i );
        if ( !CHECK_EQUAL( ask_from_nth( server, token, 1000 + i ), CHALLENGED ) )
            break;
    }
    net_destroy( net );
}

/* 1 if the response still connects when it comes `delay` after the request. */

static int response_after( int timeout_seconds, double delay )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    int connected;
    net_token_to( net, token, NET_SERVER, -1, timeout_seconds, 1000 );
    net_update( server, NET_START_TIME );
    CHECK_EQUAL( ask( server, token, SOURCE ), CHALLENGED );
    net_update( server, NET_START_TIME + delay );
    connected = respond( server, token, SOURCE, 1 );
    net_destroy( net );
    return connected;
}

static void a_mapping_lasts_for_the_timeout( void )
{
    CHECK( response_after( 5, 0.0 ) );
    CHECK( response_after( 5, 4.9 ) );
    CHECK( response_after( 5, 5.0 ) );
    CHECK( !response_after( 5, 5.0 + NET_TINY ) );
    CHECK( !response_after( 5, 1000.0 ) );
    CHECK( response_after( 1, 1.0 ) );
    CHECK( !response_after( 1, 1.0 + NET_TINY ) );
    CHECK( response_after( 0x7FFFFFFF, 1.0e6 ) );
}

static void with_timeout_zero_a_mapping_lasts_for_one_server_time( void )
{
    CHECK( response_after( 0, 0.0 ) );
    CHECK( !response_after( 0, NET_TINY ) );
    CHECK( !response_after( 0, 1.0 ) );
}

static void with_a_negative_timeout_a_mapping_lasts( void )
{
    CHECK( response_after( -1, 1.0e6 ) );
    CHECK( response_after( -0x7FFFFFFF - 1, 1.0e6 ) );
}

static void only_another_request_renews_a_mapping( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES], packet[NET_DATAGRAM_BYTES];
    uint8_t keep_alive[NET_DATAGRAM_BYTES], plain[8] = { 0 };
    struct netcode_address_t source = net_address( SOURCE );
    int bytes, keep_alive_bytes;
    net_token_for( server, token, 5, 1000 );
    net_update( server, NET_START_TIME );
    CHECK_EQUAL( ask( server, token, SOURCE ), CHALLENGED );
    bytes = make_response( server, token, packet );

    /* used, with a packet that opens and one that does not, but not renewed */
    net_update( server, NET_START_TIME + 4.0 );
    packet[bytes - 1] ^= 1;
    net_process( server, &source, packet, bytes );
    packet[bytes - 1] ^= 1;
    keep_alive_bytes = seal_packet( keep_alive, NET_KEEP_ALIVE, 3, plain, 8, net->protocol_id, seal_client_key( token ) );
    net_process( server, &source, keep_alive, keep_alive_bytes );
    net_update( server, NET_START_TIME + 5.0 + NET_TINY );
    net_process( server, &source, packet, bytes );
    CHECK( net_history_is( server, "" ) );

    /* renewed at 6, renewed again at 10: good until 15 */
    net_update( server, NET_START_TIME + 6.0 );
    CHECK_EQUAL( ask( server, token, SOURCE ), CHALLENGED );
    net_update( server, NET_START_TIME + 10.0 );
    CHECK_EQUAL( ask( server, token, SOURCE ), CHALLENGED );
    net_update( server, NET_START_TIME + 15.0 );
    net_process( server, &source, packet, bytes );
    CHECK( net_history_is( server, "+0" ) );
    net_destroy( net );
}

/* Challenges */

static void challenges_count_from_zero_on_every_start( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES], plain[NET_DATAGRAM_BYTES];
    int start, i;
    for ( start = 0; start < 3; start++ )
    {
        netcode_server_start( server->server, 4 );
        for ( i = 0; i < 5; i++ )
        {
            const struct net_datagram * challenge;
            net_token_for( server, token, NET_TIMEOUT, 1000 + (uint64_t) i );
            CHECK_EQUAL( ask( server, token, SOURCE ), CHALLENGED );
            challenge = net_last_record( server, NET_CHALLENGE );
            REQUIRE( challenge != NULL );
            CHECK_EQUAL( challenge->bytes, 333 );
            CHECK_EQUAL( seal_open_packet( challenge, plain, net->protocol_id, seal_server_key( token ) ), SEAL_CHALLENGE_BYTES );
            CHECK_EQUAL( net_read_little_endian( plain, 8 ), i );
        }
    }
    net_destroy( net );
}

static void the_global_sequence_is_in_the_top_half_and_random( void )
{
    enum { STARTS = 16 };
    uint64_t first[STARTS];
    struct net * net = net_create();
    struct net_endpoint * server = NULL;
    int start, i, spread = 0;
    for ( start = 0; start < STARTS; start++ )
    {
        /* every other time a server of its own, else the same one started again */
        char address[64];
        uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
        if ( start % 2 == 0 )
            server = net_server( net, net_client_address( 5000 + start, address, sizeof( address ) ), 4 );
        else
            netcode_server_start( server->server, 4 );
        for ( i = 0; i < 4; i++ )
        {
            const struct net_datagram * challenge;
            net_token_for( server, token, NET_TIMEOUT, 1000 );
            CHECK_EQUAL( ask( server, token, SOURCE ), CHALLENGED );
            challenge = net_last_record( server, NET_CHALLENGE );
            REQUIRE( challenge != NULL );
            CHECK_EQUAL( challenge->data[0], 0x82 );
            if ( i == 0 )
                first[start] = net_sequence( challenge );
            CHECK( net_sequence( challenge ) == first[start] + (uint64_t) i );
        }
        CHECK( first[start] >> 62 == 2 );
        spread |= 1 << ( first[start] >> 60 & 3 );
        for ( i = 0; i < start; i++ )
            CHECK( ( first[start] > first[i] ? first[start] - first[i] : first[i] - first[start] ) > 1 << 20 );
    }

    /* 16 throws over four quarters miss two of them once in a few thousand million runs */
    CHECK( spread != 1 && spread != 2 && spread != 4 && spread != 8 );
    net_destroy( net );
}

static void a_challenge_of_another_token_is_ignored( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
    uint8_t own[NETCODE_CONNECT_TOKEN_BYTES], other[NETCODE_CONNECT_TOKEN_BYTES];
    uint8_t plain[NET_DATAGRAM_BYTES], packet[NET_DATAGRAM_BYTES];
    struct netcode_address_t source = net_address( SOURCE );
    const struct net_datagram * challenge;
    int bytes;
    net_token_for( server, own, NET_TIMEOUT, 1000 );
    net_token_for( server, other, NET_TIMEOUT, 2000 );

    /* holding both tokens, it answers with the challenge of one under the keys of the other */
    CHECK_EQUAL( ask( server, other, SOURCE ), CHALLENGED );
    challenge = net_last_record( server, NET_CHALLENGE );
    REQUIRE( challenge != NULL );
    CHECK_EQUAL( seal_open_packet( challenge, plain, net->protocol_id, seal_server_key( other ) ), SEAL_CHALLENGE_BYTES );
    CHECK_EQUAL( ask( server, own, SOURCE ), CHALLENGED );
    bytes = seal_packet( packet, NET_RESPONSE, 1, plain, SEAL_CHALLENGE_BYTES, net->protocol_id, seal_client_key( own ) );
    net_process( server, &source, packet, bytes );
    CHECK( net_history_is( server, "" ) );

    /* with its own challenge it is welcome */
    CHECK( respond( server, own, SOURCE, 2 ) );
    CHECK_EQUAL( netcode_server_client_id( server->server, 0 ), 1000 );
    net_destroy( net );
}

static void a_challenge_with_other_user_data_is_ignored( void )
{
    const char * address = NET_SERVER;
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
    uint8_t own[NETCODE_CONNECT_TOKEN_BYTES], other[NETCODE_CONNECT_TOKEN_BYTES];
    uint8_t plain[NET_DATAGRAM_BYTES], packet[NET_DATAGRAM_BYTES], user_data[NETCODE_USER_DATA_BYTES];
    struct netcode_address_t source = net_address( SOURCE );
    const struct net_datagram * challenge;
    int bytes;

    /* two tokens of one client, of which the older grants what the newer does not */
    memset( user_data, 0, sizeof( user_data ) );
    net_token( net, own, 1, &address, &address, NET_LIFETIME, NET_TIMEOUT, 1000, user_data );
    user_data[NETCODE_USER_DATA_BYTES - 1] = 1;
    net_token( net, other, 1, &address, &address, NET_LIFETIME, NET_TIMEOUT, 1000, user_data );
    CHECK_EQUAL( ask( server, other, SOURCE ), CHALLENGED );
    challenge = net_last_record( server, NET_CHALLENGE );
    REQUIRE( challenge != NULL );
    CHECK_EQUAL( seal_open_packet( challenge, plain, net->protocol_id, seal_server_key( other ) ), SEAL_CHALLENGE_BYTES );
    CHECK_EQUAL( ask( server, own, SOURCE ), CHALLENGED );
    bytes = seal_packet( packet, NET_RESPONSE, 1, plain, SEAL_CHALLENGE_BYTES, net->protocol_id, seal_client_key( own ) );
    net_process( server, &source, packet, bytes );
    CHECK( net_history_is( server, "" ) );
    net_destroy( net );
}

static void an_older_challenge_of_the_same_token_is_good( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES], packet[NET_DATAGRAM_BYTES];
    struct netcode_address_t source = net_address( SOURCE );
    int bytes;
    net_token_for( server, token, NET_TIMEOUT, 1000 );
    CHECK_EQUAL( ask( server, token, SOURCE ), CHALLENGED );
    bytes = make_response( server, token, packet );
    CHECK_EQUAL( ask( server, token, SOURCE ), CHALLENGED );
    net_process( server, &source, packet, bytes );
    CHECK( net_history_is( server, "+0" ) );
    net_destroy( net );
}

static void a_challenge_does_not_survive_a_restart( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES], packet[NET_DATAGRAM_BYTES];
    struct netcode_address_t source = net_address( SOURCE );
    int bytes;
    net_token_for( server, token, NET_TIMEOUT, 1000 );
    CHECK_EQUAL( ask( server, token, SOURCE ), CHALLENGED );
    bytes = make_response( server, token, packet );
    netcode_server_start( server->server, 4 );

    /* neither without a mapping, nor with a new one: the challenge key is another */
    net_process( server, &source, packet, bytes );
    CHECK_EQUAL( ask( server, token, SOURCE ), CHALLENGED );
    net_process( server, &source, packet, bytes );
    CHECK( net_history_is( server, "" ) );
    CHECK( respond( server, token, SOURCE, 8 ) );
    net_destroy( net );
}

static void a_response_from_another_source_is_ignored( void )
{
    static const char * others[] = { OTHER_PORT, OTHER_HOST, "[2001:db8::1]:50000" };
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES], packet[NET_DATAGRAM_BYTES];
    int bytes, i;
    net_token_for( server, token, NET_TIMEOUT, 1000 );
    CHECK_EQUAL( ask( server, token, SOURCE ), CHALLENGED );
    bytes = make_response( server, token, packet );
    for ( i = 0; i < 3; i++ )
    {
        struct netcode_address_t other = net_address( others[i] );
        net_process( server, &other, packet, bytes );
    }
    CHECK( net_history_is( server, "" ) );
    CHECK_EQUAL( net_total_sent( server ), 1 );
    CHECK( respond( server, token, SOURCE, 1 ) );
    net_destroy( net );
}

static void a_replayed_response_is_ignored( void )
{
    struct net_pair pair = net_pair_open( 4 );
    const struct net_datagram * response = net_record( pair.client, NET_RESPONSE, 0 );
    int i;
    REQUIRE( response != NULL );
    for ( i = 0; i < 3; i++ )
    {
        int sent = net_total_sent( pair.server );
        net_process( pair.server, &pair.client->address, response->data, response->bytes );
        CHECK_EQUAL( net_total_sent( pair.server ), sent );
    }
    CHECK( net_history_is( pair.server, "+0" ) );

    /* not even when its client has left, in time for the mapping it had */
    client_leaves( &pair );
    net_process( pair.server, &pair.client->address, response->data, response->bytes );
    CHECK( net_history_is( pair.server, "+0 -0:2" ) );
    CHECK_EQUAL( netcode_server_num_connected_clients( pair.server->server ), 0 );
    net_pair_close( &pair );
}

static void a_doubled_response_connects_once( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    net_token_for( server, token, NET_TIMEOUT, 1000 );
    CHECK_EQUAL( ask( server, token, SOURCE ), CHALLENGED );
    CHECK( respond( server, token, SOURCE, 1 ) );
    CHECK( !respond( server, token, SOURCE, 2 ) );
    CHECK( net_history_is( server, "+0" ) );
    CHECK_EQUAL( server->sent[NET_KEEP_ALIVE], 1 );
    net_destroy( net );
}

static void a_response_with_a_changed_challenge_is_ignored( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES], plain[NET_DATAGRAM_BYTES], packet[NET_DATAGRAM_BYTES];
    struct netcode_address_t source = net_address( SOURCE );
    const struct net_datagram * challenge;
    int i, bytes;
    net_token_for( server, token, NET_TIMEOUT, 1000 );
    CHECK_EQUAL( ask( server, token, SOURCE ), CHALLENGED );
    challenge = net_last_record( server, NET_CHALLENGE );
    REQUIRE( challenge != NULL );
    CHECK_EQUAL( seal_open_packet( challenge, plain, net->protocol_id, seal_server_key( token ) ), SEAL_CHALLENGE_BYTES );

    /* its sequence number, every encrypted byte, and the tag; rightly sealed as a packet each time */
    for ( i = 0; i < SEAL_CHALLENGE_BYTES; i++ )
    {
        plain[i] ^= 0x40;
        bytes = seal_packet( packet, NET_RESPONSE, 1 + (uint64_t) i, plain, SEAL_CHALLENGE_BYTES, net->protocol_id, seal_client_key( token ) );
        net_process( server, &source, packet, bytes );
        plain[i] ^= 0x40;
    }
    CHECK( net_history_is( server, "" ) );
    CHECK_EQUAL( net_total_sent( server ), 1 );
    CHECK( respond( server, token, SOURCE, 1000 ) );
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

    TEST( the_wrong_private_key_is_ignored );
    TEST( the_wrong_protocol_id_is_ignored );
    TEST( a_changed_request_is_ignored );
    TEST( an_expired_token_is_ignored );
    TEST( a_token_for_another_server_is_ignored );
    TEST( the_server_may_be_any_of_thirty_two_addresses );
    TEST( the_internal_address_counts_not_the_public_one );
    TEST( a_client_connects_to_the_public_address );
    TEST( a_dual_server_answers_to_both_its_addresses );
    TEST( a_private_part_that_does_not_read_is_ignored );

    TEST( a_token_that_could_predate_the_start_is_ignored );
    TEST( the_restart_rule_is_exact_to_the_second );
    TEST( a_token_created_after_the_start_is_always_good_enough );
    TEST_REPEATING_NONCES( a_restart_applies_the_rule_anew_and_forgets_the_rest );

    TEST( a_full_history_refuses_new_tokens_and_keeps_the_old );
    TEST( consumed_tokens_fill_the_history_as_well );
    TEST( expired_tokens_make_room_in_the_history );

    TEST( a_full_mapping_table_ignores_new_sources );
    TEST( no_mapping_outlives_its_client );
    TEST( a_mapping_lasts_for_the_timeout );
    TEST( with_timeout_zero_a_mapping_lasts_for_one_server_time );
    TEST( with_a_negative_timeout_a_mapping_lasts );
    TEST( only_another_request_renews_a_mapping );

    TEST( challenges_count_from_zero_on_every_start );
    TEST( the_global_sequence_is_in_the_top_half_and_random );
    TEST( a_challenge_of_another_token_is_ignored );
    TEST( a_challenge_with_other_user_data_is_ignored );
    TEST( an_older_challenge_of_the_same_token_is_good );
    TEST( a_challenge_does_not_survive_a_restart );
    TEST( a_response_from_another_source_is_ignored );
    TEST( a_replayed_response_is_ignored );
    TEST( a_doubled_response_connects_once );
    TEST( a_response_with_a_changed_challenge_is_ignored );

    return tests_done();
}
