/*
 * What a server keeps of a handshake between request and response: encryption mappings and challenges.
 */
#include "token_ask.h"

#define MAPPINGS 1024

/* The n-th of many sources. */

static enum answer ask_from_nth( struct net_endpoint * server, const uint8_t * token, int n )
{
    char text[64];
    return ask( server, token, net_client_address( n, text, sizeof( text ) ) );
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
