/*
 * Datagrams that no client or server has made: of every size and with every first byte, from the right source
 * and from wrong ones, alone and between good ones; and storms of recorded datagrams taken apart.
 */
#include "attack.h"

/* Junk of every size */

static void check_junk_is_ignored( struct net_endpoint * target, const struct netcode_address_t * source )
{
    uint8_t junk[NET_DATAGRAM_BYTES];
    uint64_t random = 0x123456789;
    int bytes, kind, first, i;
    struct snapshot before = snapshot_of( target );

    /* sizes below 1 may be reported as misuse */
    net_tolerate_asserts( 1 );
    for ( bytes = 0; bytes <= MAX_BYTES; bytes++ )
    {
        for ( kind = 0; kind < 3 + NET_DISCONNECT; kind++ )
        {
            for ( i = 0; i < bytes; i++ )
                junk[i] = kind == 0 ? 0 : kind == 1 ? 0xFF : (uint8_t) net_random( &random );
            /* the first byte as of every encrypted type, with as many sequence bytes as fit the dice */
            if ( kind > 2 && bytes > 0 )
                junk[0] = (uint8_t) ( ( 1 + net_random( &random ) % 8 ) << 4 | (unsigned) ( kind - 2 ) );
            net_process( target, source, junk, bytes );
        }
    }
    CHECK( untouched( target, &before ) );

    /* every first byte, at the sizes that packets have and next to them */
    for ( first = 0; first < 256; first++ )
    {
        static const int sizes[] = { 1, 2, 17, 18, 19, 25, 26, 27, 33, 34, 325, 326, 327, 332, 333, 334, 1077, 1078, 1079, 1217, 1218, 1225, 1226, 1299, 1300 };
        for ( i = 0; i < (int) ( sizeof( sizes ) / sizeof( sizes[0] ) ); i++ )
        {
            junk[0] = (uint8_t) first;
            net_process( target, source, junk, sizes[i] );
        }
    }
    net_tolerate_asserts( 0 );
    CHECK( untouched( target, &before ) );
}

static void junk_does_not_impress_a_server( void )
{
    struct net_pair pair = net_pair_open( 4 );
    struct netcode_address_t stranger = net_address( STRANGER ), pending = net_address( ANOTHER_CLIENT ), none;
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES], request[NET_REQUEST_BYTES];
    memset( &none, 0, sizeof( none ) );
    net_token_for( pair.server, token, -1, 2000 );
    net_process( pair.server, &pending, request, net_request( token, request ) );
    net_forget( pair.net );

    check_junk_is_ignored( pair.server, &stranger );
    check_junk_is_ignored( pair.server, &pending );
    check_junk_is_ignored( pair.server, &pair.client->address );
    check_junk_is_ignored( pair.server, &pair.server->address );
    check_junk_is_ignored( pair.server, &none );
    none.type = 0x77;
    check_junk_is_ignored( pair.server, &none );
    check_undisturbed( &pair );

    /* the handshake that was under way is as well */
    net_process( pair.server, &pending, request, NET_REQUEST_BYTES );
    CHECK_EQUAL( pair.server->sent[NET_CHALLENGE], 1 );
    net_pair_close( &pair );
}

static void junk_does_not_impress_a_client( void )
{
    static const int states[] = { NETCODE_CLIENT_STATE_DISCONNECTED, NETCODE_CLIENT_STATE_SENDING_CONNECTION_REQUEST, NETCODE_CLIENT_STATE_SENDING_CONNECTION_RESPONSE, NETCODE_CLIENT_STATE_CONNECTED };
    int i;
    for ( i = 0; i < 4; i++ )
    {
        struct net * net = net_create();
        struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
        struct net_endpoint * client = net_client( net, NET_CLIENT );
        struct netcode_address_t stranger = net_address( STRANGER ), none;
        uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
        memset( &none, 0, sizeof( none ) );
        net_token_for( server, token, NET_TIMEOUT, 1000 );
        if ( states[i] != NETCODE_CLIENT_STATE_DISCONNECTED )
            netcode_client_connect( client->client, token );
        CHECK( net_run_until( client, states[i] ) );
        net_forget( net );

        check_junk_is_ignored( client, &stranger );
        check_junk_is_ignored( client, &server->address );
        check_junk_is_ignored( client, &none );

        if ( states[i] == NETCODE_CLIENT_STATE_DISCONNECTED )
            netcode_client_connect( client->client, token );
        CHECK( net_run_until( client, NETCODE_CLIENT_STATE_CONNECTED ) );
        net_destroy( net );
    }
}

static void junk_in_the_queue_does_not_hold_anything_up( void )
{
    struct net_pair pair = net_pair_open( 4 );
    struct netcode_address_t stranger = net_address( STRANGER );
    uint64_t random = 0xABCDEF;
    int round, i, bytes;
    net_forget( pair.net );
    for ( round = 0; round < 50; round++ )
    {
        for ( i = 0; i < 40; i++ )
        {
            uint8_t junk[NET_DATAGRAM_BYTES];
            for ( bytes = 0; bytes < NET_DATAGRAM_BYTES; bytes++ )
                junk[bytes] = (uint8_t) net_random( &random );
            bytes = 1 + (int) ( net_random( &random ) % MAX_BYTES );
            net_inject( pair.net, i % 2 ? &stranger : &pair.client->address, &pair.server->address, junk, bytes );
            net_inject( pair.net, i % 2 ? &stranger : &pair.server->address, &pair.client->address, junk, bytes );
        }
        check_undisturbed( &pair );
    }
    net_pair_close( &pair );
}

/* Takes one of the recorded datagrams apart and lets it loose again. */

static void inject_something_like( struct net_pair * pair, uint64_t * random, struct netcode_address_t * sources, int num_sources )
{
    struct net * net = pair->net;
    struct net_datagram datagram = *net->records[net_random( random ) % (uint64_t) net->num_records];
    const struct net_datagram * other = net->records[net_random( random ) % (uint64_t) net->num_records];
    int n, at = (int) ( net_random( random ) % (uint64_t) datagram.bytes );
    switch ( net_random( random ) % 6 )
    {
        case 0:     /* as it was */
            break;
        case 1:     /* bits flipped */
            for ( n = 1 + (int) ( net_random( random ) % 8 ); n > 0; n-- )
                datagram.data[net_random( random ) % (uint64_t) datagram.bytes] ^= (uint8_t) ( 1 << net_random( random ) % 8 );
            break;
        case 2:     /* cut */
            datagram.bytes = at > 0 ? at : 1;
            break;
        case 3:     /* lengthened */
            datagram.bytes += (int) ( net_random( random ) % (uint64_t) ( MAX_BYTES + 1 - datagram.bytes ) );
            break;
        case 4:     /* head of one, tail of another */
            if ( other->bytes > at )
            {
                memcpy( datagram.data + at, other->data + at, (size_t) ( other->bytes - at ) );
                datagram.bytes = other->bytes;
            }
            break;
        default:    /* another first byte */
            datagram.data[0] = (uint8_t) net_random( random );
            break;
    }
    if ( net_random( random ) % 2 )
        datagram.from = sources[net_random( random ) % (uint64_t) num_sources];
    if ( net_random( random ) % 8 == 0 )
        datagram.to = datagram.sender->is_server ? pair->server->address : pair->client->address;
    net_replay( net, &datagram );
}

static void a_storm_of_variations_loses_nobody_a_payload( void )
{
    struct net_pair pair = net_pair_open( 4 );
    struct netcode_address_t sources[4];
    uint64_t random = 0x9E3779B97F4A7C15ULL;
    int round, i;
    sources[0] = pair.client->address;
    sources[1] = pair.server->address;
    sources[2] = net_address( STRANGER );
    sources[3] = net_address( "[2001:db8::66]:6666" );
    pair.net->num_events = 0;
    for ( round = 0; round < 600; round++ )
    {
        uint8_t payload[2];
        int bytes = 0;
        uint8_t * packet;
        net_write_little_endian( payload, 2, (uint64_t) round );
        for ( i = 0; i < 8; i++ )
            inject_something_like( &pair, &random, sources, 4 );
        netcode_client_send_packet( pair.client->client, payload, 2 );
        netcode_server_send_packet( pair.server->server, 0, payload, 2 );
        for ( i = 0; i < 8; i++ )
            inject_something_like( &pair, &random, sources, 4 );
        net_update( pair.client, pair.net->time + 0.01 );
        net_update( pair.server, pair.net->time );

        /* exactly this one came through, on both sides */
        packet = netcode_server_receive_packet( pair.server->server, 0, &bytes, NULL );
        REQUIRE( packet != NULL );
        CHECK( bytes == 2 && memcmp( packet, payload, 2 ) == 0 );
        netcode_server_free_packet( pair.server->server, packet );
        packet = netcode_client_receive_packet( pair.client->client, &bytes, NULL );
        REQUIRE( packet != NULL );
        CHECK( bytes == 2 && memcmp( packet, payload, 2 ) == 0 );
        netcode_client_free_packet( pair.client->client, packet );
        CHECK_EQUAL( net_discard_payloads( pair.server, 0 ), 0 );
        CHECK_EQUAL( net_discard_payloads( pair.client, 0 ), 0 );
    }
    CHECK( net_history_is( pair.client, "" ) );
    CHECK( net_history_is( pair.server, "" ) );
    net_pair_close( &pair );
}

static void connecting_succeeds_in_the_middle_of_a_storm( void )
{
    struct net_pair pair = net_pair_open( 4 );
    struct netcode_address_t sources[3];
    uint64_t random = 0x1234567887654321ULL;
    int round, i;
    sources[0] = pair.server->address;
    sources[1] = net_address( STRANGER );
    sources[2] = net_address( ANOTHER_CLIENT );
    for ( round = 0; round < 10; round++ )
    {
        uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
        netcode_client_disconnect( pair.client->client );
        net_step( pair.net, NET_TICK );
        net_token_for( pair.server, token, NET_TIMEOUT, 2000 + (uint64_t) round );
        netcode_client_connect( pair.client->client, token );
        for ( i = 0; i < NET_MAX_STEPS && net_state( pair.client ) != NETCODE_CLIENT_STATE_CONNECTED; i++ )
        {
            int n;
            for ( n = 0; n < 20; n++ )
                inject_something_like( &pair, &random, sources, 3 );
            net_step( pair.net, NET_TICK );
        }
        CHECK_EQUAL( net_state( pair.client ), NETCODE_CLIENT_STATE_CONNECTED );
        CHECK( net_slot( pair.server, 2000 + (uint64_t) round ) >= 0 );
    }
    net_pair_close( &pair );
}

static void empty_datagrams_are_skipped( void )
{
    struct net_pair pair = net_pair_open( 4 );
    struct netcode_address_t stranger = net_address( STRANGER );
    int round, i;
    net_forget( pair.net );
    for ( round = 0; round < 100; round++ )
    {
        net_tolerate_asserts( 1 );
        for ( i = 0; i < 8; i++ )
        {
            net_process( pair.server, i % 2 ? &stranger : &pair.client->address, NULL, 0 );
            net_process( pair.client, i % 2 ? &stranger : &pair.server->address, NULL, 0 );
        }
        net_tolerate_asserts( 0 );
        net_step( pair.net, NET_TICK );
    }
    check_undisturbed( &pair );
    net_pair_close( &pair );
}

/* Loopback clients have no address, and must not be reachable through one */

static void ignore_loopback_packet( void * context, int slot, const uint8_t * data, int bytes, uint64_t sequence )
{
    (void) context; (void) slot; (void) data; (void) bytes; (void) sequence;
}

static void no_datagram_reaches_a_loopback_client( void )
{
    struct net * net = net_create();
    struct net_endpoint * server;
    struct netcode_server_config_t config;
    struct netcode_address_t none;
    netcode_default_server_config( &config );
    config.send_loopback_packet_callback = ignore_loopback_packet;
    server = net_server_with( net, NET_SERVER, 2, config );
    netcode_server_connect_loopback_client( server->server, 0, 1000, NULL );
    memset( &none, 0, sizeof( none ) );
    check_junk_is_ignored( server, &none );
    CHECK_EQUAL( netcode_server_client_connected( server->server, 0 ), 1 );
    net_destroy( net );
}

int main( int argc, char ** argv )
{
    tests_begin( argc, argv );
    TEST( junk_does_not_impress_a_server );
    TEST( junk_does_not_impress_a_client );
    TEST( junk_in_the_queue_does_not_hold_anything_up );
    TEST( a_storm_of_variations_loses_nobody_a_payload );
    TEST( connecting_succeeds_in_the_middle_of_a_storm );
    TEST( empty_datagrams_are_skipped );
    TEST( no_datagram_reaches_a_loopback_client );
    return attack_done();
}
