/*
 * What a client accepts and ignores, from where and in which state; its payloads both ways; and feeding it by hand.
 */
#include "client.h"

#define STRANGER "10.0.0.1:40001"       /* the server's host, another port */

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

int main( int argc, char ** argv )
{
    tests_begin( argc, argv );

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

    return tests_done();
}
