/*
 * What goes to and fro between a server and its clients: keep-alives at 10 Hz and before the first payloads, payloads
 * of all sizes with their sequences and queues, and feeding a server by hand.
 */
#include "server.h"

/* Keep-alives */

static void keep_alives_go_out_at_ten_hertz( void )
{
    struct net_pair pair = net_pair_open( 4 );
    double last = pair.net->time + 1.0;
    net_update( pair.server, last );
    net_forget( pair.net );
    net_update( pair.server, last );
    net_update( pair.server, last + 0.05 );
    net_update( pair.server, last + 0.1 - NET_TINY );
    CHECK_EQUAL( net_total_sent( pair.server ), 0 );
    net_update( pair.server, last + 0.1 );
    CHECK_EQUAL( pair.server->sent[NET_KEEP_ALIVE], 1 );
    last = last + 0.1;
    net_update( pair.server, last + 0.1 - NET_TINY );
    CHECK_EQUAL( pair.server->sent[NET_KEEP_ALIVE], 1 );

    /* one at a time, however late */
    last += 2.0;
    net_update( pair.server, last );
    CHECK_EQUAL( pair.server->sent[NET_KEEP_ALIVE], 2 );
    net_update( pair.server, last );
    CHECK_EQUAL( net_total_sent( pair.server ), 2 );
    net_pair_close( &pair );
}

static void the_first_keep_alive_starts_the_timer( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
    struct net_endpoint * client = net_client( net, NET_CLIENT );
    double connected;
    CHECK( net_connect( client, server, 1000 ) );
    connected = net_event( server, 0 ) ? net_event( server, 0 )->time : 0.0;
    CHECK_EQUAL( server->sent[NET_KEEP_ALIVE], 1 );
    net_update( server, connected + 0.1 - NET_TINY );
    CHECK_EQUAL( server->sent[NET_KEEP_ALIVE], 1 );
    net_update( server, connected + 0.1 );
    CHECK_EQUAL( server->sent[NET_KEEP_ALIVE], 2 );
    net_destroy( net );
}

static void a_payload_puts_the_keep_alive_off( void )
{
    struct net_pair pair = net_pair_open( 4 );
    double last = pair.net->time + 1.0;
    net_update( pair.server, last );
    last += 0.0625;
    net_update( pair.server, last );
    net_forget( pair.net );
    send_payload( pair.server, 0, 1, 1 );
    net_update( pair.server, last + 0.1 - NET_TINY );
    CHECK( net_sent_types_are( pair.server, "5" ) );
    net_update( pair.server, last + 0.1 );
    CHECK( net_sent_types_are( pair.server, "54" ) );
    net_pair_close( &pair );
}

/* Sending */

static void a_keep_alive_precedes_payloads_until_confirmed( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
    struct net_endpoint * client = net_client( net, NET_CLIENT );
    uint64_t sequence;
    CHECK( net_connect( client, server, 1000 ) );
    client->drop = 1 << NET_KEEP_ALIVE;
    net_drain( server );
    net_forget( net );
    sequence = netcode_server_next_packet_sequence( server->server, 0 );
    send_payload( server, 0, 10, 1 );
    send_payload( server, 0, 10, 2 );
    CHECK( net_sent_types_are( server, "4545" ) );
    CHECK_EQUAL( netcode_server_next_packet_sequence( server->server, 0 ), sequence + 4 );

    /* a payload of the client confirms it */
    net_forget( net );
    send_payload( client, 0, 10, 1 );
    net_update( server, net->time );
    send_payload( server, 0, 10, 3 );
    CHECK( net_sent_types_are( server, "5" ) );
    CHECK_EQUAL( netcode_server_next_packet_sequence( server->server, 0 ), sequence + 5 );
    net_destroy( net );
}

static void a_keep_alive_confirms_too( void )
{
    struct net_pair pair = net_pair_open( 4 );
    net_forget( pair.net );
    send_payload( pair.server, 0, 10, 1 );
    CHECK( net_sent_types_are( pair.server, "5" ) );
    net_pair_close( &pair );
}

static void payload_sizes_and_slots_are_checked( void )
{
    static const int bad[] = { 0, -1, -1200, 1201, 65536, 0x7FFFFFFF };
    static uint8_t payload[NETCODE_MAX_PACKET_SIZE + 1];
    struct net_pair pair = net_pair_open( 4 );
    uint64_t sequence = netcode_server_next_packet_sequence( pair.server->server, 0 );
    int i;
    net_forget( pair.net );
    net_tolerate_asserts( 1 );
    for ( i = 0; i < (int) ( sizeof( bad ) / sizeof( bad[0] ) ); i++ )
        netcode_server_send_packet( pair.server->server, 0, payload, bad[i] );
    for ( i = 0; i < OUTSIDE; i++ )
        netcode_server_send_packet( pair.server->server, outside[i], payload, 10 );
    for ( i = 1; i < 4; i++ )
        netcode_server_send_packet( pair.server->server, i, payload, 10 );
    CHECK_EQUAL( net_total_sent( pair.server ), 0 );
    CHECK_EQUAL( netcode_server_next_packet_sequence( pair.server->server, 0 ), sequence );
    netcode_server_send_packet( pair.server->server, 0, payload, 1 );
    netcode_server_send_packet( pair.server->server, 0, payload, NETCODE_MAX_PACKET_SIZE );
    CHECK( net_sent_types_are( pair.server, "55" ) );
    CHECK_EQUAL( netcode_server_next_packet_sequence( pair.server->server, 0 ), sequence + 2 );

    netcode_server_stop( pair.server->server );
    net_forget( pair.net );
    netcode_server_send_packet( pair.server->server, 0, payload, 10 );
    CHECK_EQUAL( net_total_sent( pair.server ), 0 );
    net_pair_close( &pair );
}

static void every_packet_to_a_client_has_its_own_sequence( void )
{
    struct net_pair pair = net_pair_open( 4 );
    struct net_endpoint * other = net_client( pair.net, ANOTHER_CLIENT );
    uint64_t expected = 0;
    int i;
    CHECK( net_connect( other, pair.server, 2000 ) );
    for ( i = 0; i < 20; i++ )
    {
        send_payload( pair.server, i % 2, 10, i );
        net_step( pair.net, NET_TICK );
    }
    CHECK_EQUAL( netcode_server_next_packet_sequence( pair.server->server, 2 ), 0 );
    netcode_server_disconnect_client( pair.server->server, 0 );
    for ( i = 0; i < pair.net->num_records; i++ )
    {
        const struct net_datagram * record = pair.net->records[i];
        struct netcode_address_t to = record->to;
        if ( record->sender == pair.server && net_type( record ) >= NET_KEEP_ALIVE && netcode_address_equal( &to, &pair.client->address ) )
        {
            CHECK_EQUAL( net_sequence( record ), expected );
            expected++;
        }
    }
    CHECK( expected > 20 );
    net_pair_close( &pair );
}

/* Receiving */

static void payloads_of_every_size_arrive_whole_both_ways( void )
{
    struct net_pair pair = net_pair_open( 4 );
    int size, behind = 0;
    for ( size = 1; size <= NETCODE_MAX_PACKET_SIZE; size++ )
    {
        uint64_t to_client = netcode_server_next_packet_sequence( pair.server->server, 0 );
        uint64_t to_server = netcode_client_next_packet_sequence( pair.client->client );
        uint64_t sequence = 0;
        int bytes = 0, i;
        uint8_t * packet;
        send_payload( pair.client, 0, size, 1 );
        send_payload( pair.server, 0, size, 2 );
        net_update( pair.client, pair.net->time );
        net_update( pair.server, pair.net->time );

        packet = netcode_server_receive_packet( pair.server->server, 0, &bytes, &sequence );
        REQUIRE( packet != NULL );
        CHECK_EQUAL( bytes, size );
        CHECK_EQUAL( sequence, to_server );
        CHECK( net_filled( packet, size, 1 ) );
        /* bit readers load eight bytes at a time; memory checkers watch this */
        for ( i = 0; i < 8; i++ )
            behind |= packet[size + i];
        netcode_server_free_packet( pair.server->server, packet );

        packet = netcode_client_receive_packet( pair.client->client, &bytes, &sequence );
        REQUIRE( packet != NULL );
        CHECK_EQUAL( bytes, size );
        CHECK_EQUAL( sequence, to_client );
        CHECK( net_filled( packet, size, 2 ) );
        for ( i = 0; i < 8; i++ )
            behind |= packet[size + i];
        netcode_client_free_packet( pair.client->client, packet );
    }
    check_nothing_to_receive( pair.server, 0 );
    CHECK( behind <= 0xFF );
    net_pair_close( &pair );
}

static void a_full_queue_drops_the_newest( void )
{
    struct net_pair pair = net_pair_open( 4 );
    uint64_t first, sequence = 0;
    uint8_t * packet;
    int i, bytes = 0;
    net_update( pair.server, pair.net->time );
    first = netcode_client_next_packet_sequence( pair.client->client );
    for ( i = 0; i < 300; i++ )
        send_payload( pair.client, 0, 4 + i % 3, i );
    net_update( pair.server, pair.net->time );

    /* one taken out makes room for one */
    packet = netcode_server_receive_packet( pair.server->server, 0, &bytes, &sequence );
    REQUIRE( packet != NULL );
    CHECK_EQUAL( sequence, first );
    netcode_server_free_packet( pair.server->server, packet );
    send_payload( pair.client, 0, 4 + 300 % 3, 300 );
    send_payload( pair.client, 0, 4 + 301 % 3, 301 );
    net_update( pair.server, pair.net->time );
    for ( i = 1; i <= 256; i++ )
    {
        int seed = i == 256 ? 300 : i;
        packet = netcode_server_receive_packet( pair.server->server, 0, &bytes, &sequence );
        REQUIRE( packet != NULL );
        CHECK_EQUAL( sequence, first + (uint64_t) seed );
        CHECK_EQUAL( bytes, 4 + seed % 3 );
        CHECK( net_filled( packet, bytes, seed ) );
        netcode_server_free_packet( pair.server->server, packet );
    }
    check_nothing_to_receive( pair.server, 0 );
    CHECK_EQUAL( netcode_server_client_connected( pair.server->server, 0 ), 1 );
    net_pair_close( &pair );
}

static void one_full_queue_does_not_crowd_out_others( void )
{
    struct net_pair pair = net_pair_open( 4 );
    struct net_endpoint * quiet = net_client( pair.net, ANOTHER_CLIENT );
    int i;
    CHECK( net_connect( quiet, pair.server, 2000 ) );
    for ( i = 0; i < 400; i++ )
        send_payload( pair.client, 0, 100, i );
    send_payload( quiet, 0, 100, 1 );
    net_update( pair.server, pair.net->time );
    CHECK_EQUAL( net_discard_payloads( pair.server, 0 ), 256 );
    CHECK_EQUAL( net_discard_payloads( pair.server, 1 ), 1 );
    net_pair_close( &pair );
}

static uint8_t * receive_one( struct net_pair * pair, int seed )
{
    uint8_t * packet;
    int bytes = 0;
    send_payload( pair->client, 0, 600, seed );
    net_update( pair->server, pair->net->time );
    packet = netcode_server_receive_packet( pair->server->server, 0, &bytes, NULL );
    CHECK( packet && bytes == 600 );
    return packet;
}

static void packets_in_hand_survive_the_slot_and_the_stop( void )
{
    struct net_pair pair = net_pair_open( 4 );
    uint8_t * first = receive_one( &pair, 1 ), * second = receive_one( &pair, 2 ), * third;
    REQUIRE( first && second );
    send_payload( pair.client, 0, 600, 9 );
    net_update( pair.server, pair.net->time );

    netcode_server_disconnect_client( pair.server->server, 0 );
    CHECK( net_filled( first, 600, 1 ) );
    netcode_server_free_packet( pair.server->server, first );

    net_step( pair.net, NET_TICK );
    CHECK( net_connect( pair.client, pair.server, 2000 ) );
    third = receive_one( &pair, 3 );
    REQUIRE( third != NULL );
    netcode_server_stop( pair.server->server );
    CHECK( net_filled( second, 600, 2 ) );
    CHECK( net_filled( third, 600, 3 ) );
    netcode_server_free_packet( pair.server->server, second );
    netcode_server_start( pair.server->server, 1 );
    netcode_server_free_packet( pair.server->server, third );
    net_pair_close( &pair );
}

static void reordered_payloads_arrive_and_doubled_ones_once( void )
{
    static const uint64_t order[] = { 205, 203, 204, 202 };
    struct net_pair pair = net_pair_open( 4 );
    struct seal_session session = session_of( &pair );
    uint64_t sequence = 0;
    int i, bytes;
    for ( i = 0; i < 8; i++ )
        seal_from_client( &session, pair.client, pair.server, NET_PAYLOAD, order[i / 2], (const uint8_t *) "abc", 3 );
    net_update( pair.server, pair.net->time );
    for ( i = 0; i < 4; i++ )
    {
        uint8_t * packet = netcode_server_receive_packet( pair.server->server, 0, &bytes, &sequence );
        REQUIRE( packet != NULL );
        CHECK_EQUAL( sequence, order[i] );
        netcode_server_free_packet( pair.server->server, packet );
    }
    check_nothing_to_receive( pair.server, 0 );
    net_pair_close( &pair );
}

static void clients_are_kept_apart( void )
{
    enum { CLIENTS = 8, PACKETS = 20 };
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, CLIENTS );
    struct net_endpoint * clients[CLIENTS];
    char address[64];
    int i, n;
    for ( i = 0; i < CLIENTS; i++ )
    {
        clients[i] = net_client( net, net_client_address( i, address, sizeof( address ) ) );
        CHECK( net_connect( clients[i], server, 1000 + (uint64_t) i ) );
    }
    net_settle( net );
    for ( n = 0; n < PACKETS; n++ )
    {
        for ( i = 0; i < CLIENTS; i++ )
        {
            send_payload( clients[i], 0, 10 + n, i );
            send_payload( server, i, 10 + n, 100 + i );
        }
        net_step( net, NET_TICK );
    }
    net_step( net, 0.0 );
    for ( n = 0; n < PACKETS; n++ )
    {
        for ( i = 0; i < CLIENTS; i++ )
        {
            int bytes = 0;
            uint8_t * packet = netcode_server_receive_packet( server->server, i, &bytes, NULL );
            REQUIRE( packet != NULL );
            CHECK( bytes == 10 + n && net_filled( packet, bytes, i ) );
            netcode_server_free_packet( server->server, packet );
            packet = netcode_client_receive_packet( clients[i]->client, &bytes, NULL );
            REQUIRE( packet != NULL );
            CHECK( bytes == 10 + n && net_filled( packet, bytes, 100 + i ) );
            netcode_client_free_packet( clients[i]->client, packet );
        }
    }
    net_destroy( net );
}

static void a_server_can_be_fed_by_hand( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
    struct net_endpoint * client = net_client( net, NET_CLIENT );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    int i;
    net_token_for( server, token, NET_TIMEOUT, 1000 );
    net_update( server, net->time );
    netcode_client_connect( client->client, token );
    for ( i = 0; i < 3; i++ )
    {
        net_update( client, net->time + NET_TICK );
        net_feed( server );
    }
    CHECK( net_history_is( client, "0>1 1>2 2>3" ) );
    CHECK( net_history_is( server, "+0" ) );
    send_payload( client, 0, 30, 1 );
    net_feed( server );
    CHECK_EQUAL( net_discard_payloads( server, 0 ), 1 );

    /* its clock is that of the last update: the client came in at NET_START_TIME */
    client->drop = NET_ALL;
    net_update( server, NET_START_TIME + NET_TIMEOUT - NET_TINY );
    CHECK( net_history_is( server, "+0" ) );
    net_update( server, NET_START_TIME + NET_TIMEOUT );
    CHECK( net_history_is( server, "+0 -0:1" ) );
    net_destroy( net );
}

int main( int argc, char ** argv )
{
    tests_begin( argc, argv );

    TEST( keep_alives_go_out_at_ten_hertz );
    TEST( the_first_keep_alive_starts_the_timer );
    TEST( a_payload_puts_the_keep_alive_off );

    TEST( a_keep_alive_precedes_payloads_until_confirmed );
    TEST( a_keep_alive_confirms_too );
    TEST( payload_sizes_and_slots_are_checked );
    TEST( every_packet_to_a_client_has_its_own_sequence );

    TEST( payloads_of_every_size_arrive_whole_both_ways );
    TEST( a_full_queue_drops_the_newest );
    TEST( one_full_queue_does_not_crowd_out_others );
    TEST( packets_in_hand_survive_the_slot_and_the_stop );
    TEST( reordered_payloads_arrive_and_doubled_ones_once );
    TEST( clients_are_kept_apart );
    TEST( a_server_can_be_fed_by_hand );

    return tests_done();
}
