/*
 * Packets of every type with each bit flipped, cut to each length, and lengthened to each.
 */
#include "attack.h"

#define MAX_DATAGRAM_BYTES 65507        /* the largest that UDP has over IPv4 */
#define LONGEST_TRIED_ONE_BY_ONE NET_DATAGRAM_BYTES

/* What was tried, by the type of the packet that it was made of. */

static struct { long long packets, flips, lengths; } tried[NET_TYPES];

static uint8_t long_data[MAX_DATAGRAM_BYTES];

/* As net_process, for any size. */

static void process_long( struct net_endpoint * target, const struct netcode_address_t * from, int bytes )
{
    struct netcode_address_t source = *from;
    net_traffic.datagrams_in++;
    net_traffic.bytes_in += bytes;
    if ( target->server )
        netcode_server_process_packet( target->server, &source, long_data, bytes );
    else
        netcode_client_process_packet( target->client, &source, long_data, bytes );
}

static void flip_every_bit( struct net_endpoint * target, const struct net_datagram * genuine )
{
    struct net_datagram changed = *genuine;
    int bit;
    for ( bit = 0; bit < 8 * genuine->bytes; bit++ )
    {
        changed.data[bit / 8] ^= (uint8_t) ( 1 << bit % 8 );
        net_process( target, &genuine->from, changed.data, changed.bytes );
        changed.data[bit / 8] ^= (uint8_t) ( 1 << bit % 8 );
        tried[net_type( genuine )].flips++;
    }
}

/* Cut short, or followed by zeros, by ones, or by the packet once more. */

static void try_every_length( struct net_endpoint * target, const struct net_datagram * genuine )
{
    static const int long_ones[] = { 1500, 2048, 2156, 4096, 9000, 32768, 65506, MAX_DATAGRAM_BYTES };
    uint8_t data[LONGEST_TRIED_ONE_BY_ONE];
    int bytes, tail, i;
    long long * count = &tried[net_type( genuine )].lengths;
    for ( tail = 0; tail < 3; tail++ )
    {
        for ( i = 0; i < LONGEST_TRIED_ONE_BY_ONE; i++ )
            data[i] = i < genuine->bytes || tail == 2 ? genuine->data[i % genuine->bytes] : tail == 0 ? 0 : 0xFF;
        for ( bytes = tail == 0 ? 0 : genuine->bytes + 1; bytes <= LONGEST_TRIED_ONE_BY_ONE; bytes++ )
        {
            if ( bytes == genuine->bytes )
                continue;
            /* sizes that no datagram of the protocol has may be reported as misuse */
            net_tolerate_asserts( 1 );
            net_process( target, &genuine->from, data, bytes );
            net_tolerate_asserts( 0 );
            ( *count )++;
        }
    }
    for ( i = 0; i < (int) ( sizeof( long_ones ) / sizeof( long_ones[0] ) ); i++ )
    {
        memset( long_data, 0, sizeof( long_data ) );
        memcpy( long_data, genuine->data, (size_t) genuine->bytes );
        net_tolerate_asserts( 1 );
        process_long( target, &genuine->from, long_ones[i] );
        net_tolerate_asserts( 0 );
        ( *count )++;
    }
}

/* `genuine` has not been delivered yet. */

static void check_only_the_genuine_counts( struct net_endpoint * target, const struct net_datagram * genuine )
{
    struct snapshot before = snapshot_of( target );
    REQUIRE( genuine->bytes > 0 );
    tried[net_type( genuine )].packets++;
    flip_every_bit( target, genuine );
    CHECK( untouched( target, &before ) );
    try_every_length( target, genuine );
    CHECK( untouched( target, &before ) );
}

static void changed_handshake_packets_are_ignored( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 1 );
    struct net_endpoint * client = net_client( net, NET_CLIENT );
    struct net_datagram genuine;
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    net_token_for( server, token, -1, 1000 );
    netcode_client_connect( client->client, token );
    client->drop = server->drop = NET_ALL;

    net_step( net, NET_TICK );
    genuine = withheld( client, NET_REQUEST );
    check_only_the_genuine_counts( server, &genuine );
    net_process( server, &genuine.from, genuine.data, genuine.bytes );
    CHECK_EQUAL( server->sent[NET_CHALLENGE], 1 );

    /* now that its token is known */
    check_only_the_genuine_counts( server, &genuine );
    net_process( server, &genuine.from, genuine.data, genuine.bytes );
    CHECK_EQUAL( server->sent[NET_CHALLENGE], 2 );

    genuine = withheld( server, NET_CHALLENGE );
    check_only_the_genuine_counts( client, &genuine );
    net_process( client, &genuine.from, genuine.data, genuine.bytes );
    CHECK_EQUAL( net_state( client ), NETCODE_CLIENT_STATE_SENDING_CONNECTION_RESPONSE );

    net_step( net, NET_TICK );
    genuine = withheld( client, NET_RESPONSE );
    check_only_the_genuine_counts( server, &genuine );
    net_process( server, &genuine.from, genuine.data, genuine.bytes );
    CHECK( net_history_is( server, "+0" ) );

    genuine = withheld( server, NET_KEEP_ALIVE );
    check_only_the_genuine_counts( client, &genuine );
    net_process( client, &genuine.from, genuine.data, genuine.bytes );
    CHECK( net_history_is( client, "0>1 1>2 2>3" ) );
    net_destroy( net );
}

static void changed_denials_are_ignored( void )
{
    struct net_pair pair = net_pair_open( 1 );
    struct net_endpoint * late = net_client( pair.net, ANOTHER_CLIENT );
    struct net_datagram genuine;
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    net_token_for( pair.server, token, -1, 2000 );
    netcode_client_connect( late->client, token );
    pair.server->drop = 1 << NET_DENIED;
    net_step( pair.net, NET_TICK );
    genuine = withheld( pair.server, NET_DENIED );
    check_only_the_genuine_counts( late, &genuine );
    net_update( late, pair.net->time );
    CHECK_EQUAL( net_state( late ), NETCODE_CLIENT_STATE_SENDING_CONNECTION_REQUEST );
    net_process( late, &genuine.from, genuine.data, genuine.bytes );
    net_update( late, pair.net->time );
    CHECK_EQUAL( net_state( late ), NETCODE_CLIENT_STATE_CONNECTION_DENIED );
    net_pair_close( &pair );
}

static void changed_packets_of_a_connection_are_ignored( void )
{
    static const int sizes[] = { 1, 2, 100, NETCODE_MAX_PACKET_SIZE };
    struct net_pair pair = net_pair_open( 4 );
    struct net_datagram genuine;
    uint8_t payload[NETCODE_MAX_PACKET_SIZE];
    int i;
    net_update( pair.client, pair.net->time );
    net_update( pair.server, pair.net->time );
    pair.client->drop = pair.server->drop = NET_ALL;
    net_forget( pair.net );
    for ( i = 0; i < 4; i++ )
    {
        net_fill( payload, sizes[i], i );
        netcode_client_send_packet( pair.client->client, payload, sizes[i] );
        genuine = withheld( pair.client, NET_PAYLOAD );
        check_only_the_genuine_counts( pair.server, &genuine );
        net_process( pair.server, &genuine.from, genuine.data, genuine.bytes );
        CHECK_EQUAL( net_discard_payloads( pair.server, 0 ), 1 );

        netcode_server_send_packet( pair.server->server, 0, payload, sizes[i] );
        genuine = withheld( pair.server, NET_PAYLOAD );
        check_only_the_genuine_counts( pair.client, &genuine );
        net_process( pair.client, &genuine.from, genuine.data, genuine.bytes );
        CHECK_EQUAL( net_discard_payloads( pair.client, 0 ), 1 );
    }

    net_step( pair.net, 1.0 );
    genuine = withheld( pair.client, NET_KEEP_ALIVE );
    check_only_the_genuine_counts( pair.server, &genuine );
    genuine = withheld( pair.server, NET_KEEP_ALIVE );
    check_only_the_genuine_counts( pair.client, &genuine );
    CHECK( net_history_is( pair.client, "" ) );
    CHECK( net_history_is( pair.server, "" ) );

    netcode_server_disconnect_client( pair.server->server, 0 );
    genuine = withheld( pair.server, NET_DISCONNECT );
    check_only_the_genuine_counts( pair.client, &genuine );
    net_update( pair.client, pair.net->time );
    CHECK( net_history_is( pair.client, "" ) );
    net_process( pair.client, &genuine.from, genuine.data, genuine.bytes );
    net_update( pair.client, pair.net->time );
    CHECK( net_history_is( pair.client, "3>0" ) );
    net_pair_close( &pair );
}

/* From now on nothing gets through. Returns the time at which the two may last have heard of each other. */
static double fall_silent( struct net_pair * pair )
{
    net_steps( pair->net, 3, NET_TICK );
    pair->client->drop = pair->server->drop = NET_ALL;
    net_step( pair->net, NET_TICK );
    net_forget( pair->net );
    return pair->net->time;
}

/* Nothing shows that a keep-alive was taken but this: the connection lives longer. */
static void changed_keep_alives_do_not_keep_a_connection( void )
{
    struct net_pair pair = net_pair_open( 4 );
    struct net_datagram of_client, of_server;
    double last;
    last = fall_silent( &pair );

    net_step( pair.net, 0.5 * NET_TIMEOUT );
    of_client = withheld( pair.client, NET_KEEP_ALIVE );
    of_server = withheld( pair.server, NET_KEEP_ALIVE );
    check_only_the_genuine_counts( pair.server, &of_client );
    check_only_the_genuine_counts( pair.client, &of_server );

    net_step( pair.net, last + NET_TIMEOUT + NET_TICK - pair.net->time );
    CHECK( net_history_is( pair.server, "-0:1" ) );
    CHECK( net_history_is( pair.client, "3>-4" ) );
    net_pair_close( &pair );

    /* and a genuine one does */
    pair = net_pair_open( 4 );
    last = fall_silent( &pair );
    net_step( pair.net, 0.5 * NET_TIMEOUT );
    of_client = withheld( pair.client, NET_KEEP_ALIVE );
    of_server = withheld( pair.server, NET_KEEP_ALIVE );
    net_process( pair.server, &of_client.from, of_client.data, of_client.bytes );
    net_process( pair.client, &of_server.from, of_server.data, of_server.bytes );
    net_step( pair.net, last + NET_TIMEOUT + NET_TICK - pair.net->time );
    CHECK( net_history_is( pair.server, "" ) );
    CHECK( net_history_is( pair.client, "" ) );
    net_pair_close( &pair );
}

static void changed_disconnects_do_not_end_a_connection( void )
{
    struct net_pair pair = net_pair_open( 4 );
    struct net_datagram genuine;
    net_update( pair.server, pair.net->time );
    pair.client->drop = pair.server->drop = NET_ALL;
    net_forget( pair.net );
    netcode_client_disconnect( pair.client->client );
    genuine = withheld( pair.client, NET_DISCONNECT );
    check_only_the_genuine_counts( pair.server, &genuine );
    CHECK( net_history_is( pair.server, "" ) );
    net_process( pair.server, &genuine.from, genuine.data, genuine.bytes );
    CHECK( net_history_is( pair.server, "-0:2" ) );
    net_pair_close( &pair );
}

static void every_type_of_packet_has_been_tried( void )
{
    static const char * const names[] = { "request", "denied", "challenge", "response", "keep-alive", "payload", "disconnect" };
    int type;
    for ( type = NET_REQUEST; type <= NET_DISCONNECT; type++ )
    {
        CHECK( tried[type].packets > 0 );
        CHECK( tried[type].flips >= 8 * 18 );
        CHECK( tried[type].lengths >= LONGEST_TRIED_ONE_BY_ONE );
        printf( FIGURES "%s: %lld packets, %lld bits flipped, %lld other lengths\n", names[type], tried[type].packets, tried[type].flips, tried[type].lengths );
        attack_cases += tried[type].flips + tried[type].lengths;
    }
}

int main( int argc, char ** argv )
{
    tests_begin( argc, argv );
    TEST( changed_handshake_packets_are_ignored );
    TEST( changed_denials_are_ignored );
    TEST( changed_packets_of_a_connection_are_ignored );
    TEST( changed_keep_alives_do_not_keep_a_connection );
    TEST( changed_disconnects_do_not_end_a_connection );
    if ( !test_filter )
        TEST( every_type_of_packet_has_been_tried );
    return attack_done();
}
