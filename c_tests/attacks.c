/*
 * Hostile datagrams: of every size and with every first byte, changed, cut, lengthened, replayed, out of
 * order, from the right source and from wrong ones, sealed by somebody who holds the keys and means ill.
 * None of them may change anything, be answered with more than came in, or disturb a connection.
 */
#include "net.h"
#include "seal.h"

#define STRANGER "10.66.6.6:6666"
#define ANOTHER_CLIENT "10.0.1.2:50000"
#define MAX_BYTES 1300

/* What an attack must leave as it is. */

struct snapshot
{
    int events, sent, state, connected;
};

static struct snapshot snapshot_of( struct net_endpoint * target )
{
    struct snapshot snapshot;
    memset( &snapshot, 0, sizeof( snapshot ) );
    snapshot.events = net_num_events( target );
    snapshot.sent = net_total_sent( target );
    if ( target->server )
        snapshot.connected = netcode_server_num_connected_clients( target->server );
    else
        snapshot.state = net_state( target );
    return snapshot;
}

static int untouched( struct net_endpoint * target, const struct snapshot * before )
{
    struct snapshot now = snapshot_of( target );
    int slot, bytes;
    if ( memcmp( &now, before, sizeof( now ) ) != 0 )
        return 0;
    if ( target->client )
        return netcode_client_receive_packet( target->client, &bytes, NULL ) == NULL;
    for ( slot = 0; slot < netcode_server_max_clients( target->server ); slot++ )
    {
        if ( netcode_server_receive_packet( target->server, slot, &bytes, NULL ) != NULL )
            return 0;
    }
    return 1;
}

/* The connection still carries payloads, and nobody noticed anything. */

static void check_undisturbed( struct net_pair * pair )
{
    static const uint8_t payload[4] = "abc";
    CHECK( net_history_is( pair->client, "" ) );
    CHECK( net_history_is( pair->server, "" ) );
    netcode_client_send_packet( pair->client->client, payload, sizeof( payload ) );
    netcode_server_send_packet( pair->server->server, 0, payload, sizeof( payload ) );
    net_steps( pair->net, 2, NET_TICK );
    CHECK_EQUAL( net_discard_payloads( pair->server, 0 ), 1 );
    CHECK_EQUAL( net_discard_payloads( pair->client, 0 ), 1 );
    CHECK( net_history_is( pair->client, "" ) );
    CHECK( net_history_is( pair->server, "" ) );
    CHECK_EQUAL( net_state( pair->client ), NETCODE_CLIENT_STATE_CONNECTED );
}

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

/* Changed, cut and lengthened packets. `genuine` has not been delivered yet. */

static void check_only_the_genuine_counts( struct net_endpoint * target, const struct net_datagram * genuine )
{
    uint8_t data[NET_DATAGRAM_BYTES];
    struct snapshot before = snapshot_of( target );
    int i, bit, bytes = genuine->bytes, bits = bytes > 400 ? 1 : 8;
    memset( data, 0, sizeof( data ) );
    memcpy( data, genuine->data, (size_t) bytes );
    for ( i = 0; i < bytes; i++ )
    {
        for ( bit = 0; bit < bits; bit++ )
        {
            uint8_t mask = (uint8_t) ( bits == 1 ? 1 << i % 8 : 1 << bit );
            data[i] ^= mask;
            net_process( target, &genuine->from, data, bytes );
            data[i] ^= mask;
        }
    }
    CHECK( untouched( target, &before ) );

    net_tolerate_asserts( 1 );
    for ( i = 0; i < bytes; i++ )
        net_process( target, &genuine->from, data, i );
    net_tolerate_asserts( 0 );
    CHECK( untouched( target, &before ) );

    for ( i = bytes + 1; i <= MAX_BYTES; i++ )
        net_process( target, &genuine->from, data, i );
    memset( data + bytes, 0xFF, sizeof( data ) - (size_t) bytes );
    for ( i = bytes + 1; i <= MAX_BYTES; i++ )
        net_process( target, &genuine->from, data, i );
    CHECK( untouched( target, &before ) );
}

/* The datagram of this type that `sender` has last sent and that did not get through. */

static struct net_datagram withheld( struct net_endpoint * sender, int type )
{
    const struct net_datagram * record = net_last_record( sender, type );
    struct net_datagram copy;
    memset( &copy, 0, sizeof( copy ) );
    if ( CHECK( record != NULL ) )
        copy = *record;
    return copy;
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

/* Replays */

/* Everything recorded so far, once more to where it went; the records themselves stay. */

static void replay_everything( struct net * net )
{
    int i, n = net->num_records;
    for ( i = 0; i < n; i++ )
        net_replay( net, net->records[i] );
}

static void a_replayed_session_changes_nothing( void )
{
    static const uint8_t payload[4] = "abc";
    struct net_pair pair = net_pair_open( 4 );
    int i, records, events;
    for ( i = 0; i < 10; i++ )
    {
        netcode_client_send_packet( pair.client->client, payload, sizeof( payload ) );
        netcode_server_send_packet( pair.server->server, 0, payload, sizeof( payload ) );
        net_steps( pair.net, 3, NET_TICK );
    }
    net_step( pair.net, 0.0 );
    net_step( pair.net, 0.0 );
    CHECK_EQUAL( net_discard_payloads( pair.server, 0 ), 10 );
    CHECK_EQUAL( net_discard_payloads( pair.client, 0 ), 10 );

    /* while it lasts; at one instant, so that no timer sends anything */
    records = pair.net->num_records;
    replay_everything( pair.net );
    net_update( pair.client, pair.net->time );
    net_update( pair.server, pair.net->time );
    CHECK_EQUAL( pair.net->num_records, records );
    CHECK_EQUAL( net_discard_payloads( pair.server, 0 ), 0 );
    CHECK_EQUAL( net_discard_payloads( pair.client, 0 ), 0 );
    CHECK( net_history_is( pair.client, "0>1 1>2 2>3" ) );
    CHECK( net_history_is( pair.server, "+0" ) );

    /* when it is over */
    netcode_client_disconnect( pair.client->client );
    net_update( pair.server, pair.net->time );
    CHECK( net_history_is( pair.server, "+0 -0:2" ) );
    records = pair.net->num_records;
    replay_everything( pair.net );
    net_update( pair.client, pair.net->time );
    net_update( pair.server, pair.net->time );
    CHECK_EQUAL( pair.net->num_records, records );
    CHECK( net_history_is( pair.server, "+0 -0:2" ) );

    /* and in the next one, between the same addresses in the same slot */
    CHECK( net_connect( pair.client, pair.server, NET_PAIR_ID ) );
    net_settle( pair.net );
    events = pair.net->num_events;
    net_step( pair.net, 0.0 );
    net_step( pair.net, 0.0 );
    for ( i = 0; i < records; i++ )
        net_replay( pair.net, pair.net->records[i] );
    records = pair.net->num_records;
    net_update( pair.client, pair.net->time );
    net_update( pair.server, pair.net->time );
    CHECK_EQUAL( pair.net->num_records, records );
    CHECK_EQUAL( pair.net->num_events, events );
    CHECK_EQUAL( net_discard_payloads( pair.server, 0 ), 0 );
    CHECK_EQUAL( net_discard_payloads( pair.client, 0 ), 0 );
    net_pair_close( &pair );
}

static void replays_do_not_keep_a_client_alive( void )
{
    struct net_pair pair = net_pair_open( 4 );
    double last;
    net_update( pair.client, pair.net->time + 1.0 );
    net_update( pair.server, pair.net->time );
    last = pair.net->time;
    pair.client->drop = NET_ALL;
    while ( pair.net->time < last + NET_TIMEOUT - 0.5 )
    {
        replay_everything( pair.net );
        net_drain( pair.client );
        net_update( pair.server, pair.net->time + 0.25 );
    }
    replay_everything( pair.net );
    net_update( pair.server, last + NET_TIMEOUT - NET_TINY );
    CHECK( net_history_is( pair.server, "+0" ) );
    replay_everything( pair.net );
    net_update( pair.server, last + NET_TIMEOUT );
    CHECK( net_history_is( pair.server, "+0 -0:1" ) );
    net_pair_close( &pair );
}

static void replays_do_not_keep_a_server_alive( void )
{
    struct net_pair pair = net_pair_open( 4 );
    double last;
    net_update( pair.server, pair.net->time + 1.0 );
    net_update( pair.client, pair.net->time );
    last = pair.net->time;
    pair.server->drop = NET_ALL;
    while ( pair.net->time < last + NET_TIMEOUT - 0.5 )
    {
        replay_everything( pair.net );
        net_drain( pair.server );
        net_update( pair.client, pair.net->time + 0.25 );
    }
    replay_everything( pair.net );
    net_update( pair.client, last + NET_TIMEOUT );
    CHECK( net_history_is( pair.client, "0>1 1>2 2>3" ) );
    replay_everything( pair.net );
    net_update( pair.client, last + NET_TIMEOUT + NET_TINY );
    CHECK( net_history_is( pair.client, "0>1 1>2 2>3 3>-4" ) );
    net_pair_close( &pair );
}

/* The replay window. Sends a payload with this sequence to one side; 1 if it came through. */

struct window
{
    struct net_pair * pair;
    struct seal_session session;
    int to_server;
};

static int passes( struct window * window, uint64_t sequence )
{
    struct net_pair * pair = window->pair;
    if ( window->to_server )
    {
        seal_from_client( &window->session, pair->client, pair->server, NET_PAYLOAD, sequence, (const uint8_t *) "w", 1 );
        net_feed( pair->server );
        return net_discard_payloads( pair->server, 0 ) == 1;
    }
    seal_from_server( &window->session, pair->client, pair->server, NET_PAYLOAD, sequence, (const uint8_t *) "w", 1 );
    net_feed( pair->client );
    return net_discard_payloads( pair->client, 0 ) == 1;
}

static void check_window( int to_server )
{
    static const uint64_t far[] = { 1ULL << 32, 1ULL << 48, 1ULL << 63, 0xFFFFFFFFFFFFFF00ULL };
    struct net_pair pair = net_pair_open( 4 );
    struct window window;
    uint8_t forged[NET_DATAGRAM_BYTES];
    uint64_t i;
    int bytes;
    window.pair = &pair;
    window.session = seal_session_of( pair.net, pair.token );
    window.to_server = to_server;
    net_drain( pair.client );
    net_drain( pair.server );

    /* 256 back from the newest, and each once */
    CHECK( passes( &window, 255 ) );
    CHECK( passes( &window, 100 ) );
    CHECK( !passes( &window, 100 ) );
    CHECK( !passes( &window, 255 ) );
    CHECK( passes( &window, 1000 ) );
    CHECK( !passes( &window, 1000 ) );
    CHECK( !passes( &window, 744 ) );
    CHECK( !passes( &window, 101 ) );
    CHECK( passes( &window, 745 ) );
    CHECK( !passes( &window, 745 ) );
    for ( i = 999; i > 745; i-- )
        CHECK( passes( &window, i ) );
    for ( i = 0; i <= 1000; i++ )
        CHECK( !passes( &window, i ) );
    CHECK( passes( &window, 1001 ) );
    CHECK( !passes( &window, 745 ) );

    /* a forgery does not move it */
    bytes = seal_packet( forged, NET_PAYLOAD, 1000000, (const uint8_t *) "f", 1, pair.net->protocol_id, to_server ? window.session.server_key : window.session.client_key );
    net_process( to_server ? pair.server : pair.client, to_server ? &pair.client->address : &pair.server->address, forged, bytes );
    CHECK( passes( &window, 1002 ) );

    /* to the end of the numbers */
    for ( i = 0; i < 4; i++ )
    {
        CHECK( passes( &window, far[i] ) );
        CHECK( !passes( &window, far[i] ) );
        CHECK( !passes( &window, far[i] - 256 ) );
        CHECK( passes( &window, far[i] - 255 ) );
        CHECK( passes( &window, far[i] + 1 ) );
        CHECK( !passes( &window, 1003 ) );
    }
    net_pair_close( &pair );
}

static void the_replay_window_is_exact( void )
{
    check_window( 1 );
    check_window( 0 );
}

static void the_window_spans_all_types_of_a_connection( void )
{
    struct net_pair pair = net_pair_open( 4 );
    struct seal_session session = seal_session_of( pair.net, pair.token );
    uint8_t plain[8] = { 0 };
    net_forget( pair.net );
    seal_from_client( &session, pair.client, pair.server, NET_KEEP_ALIVE, 500, plain, 8 );
    seal_from_client( &session, pair.client, pair.server, NET_PAYLOAD, 500, plain, 8 );
    seal_from_client( &session, pair.client, pair.server, NET_DISCONNECT, 500, plain, 0 );
    seal_from_client( &session, pair.client, pair.server, NET_DISCONNECT, 244, plain, 0 );
    seal_from_server( &session, pair.client, pair.server, NET_KEEP_ALIVE, 500, plain, 8 );
    seal_from_server( &session, pair.client, pair.server, NET_PAYLOAD, 500, plain, 8 );
    seal_from_server( &session, pair.client, pair.server, NET_DISCONNECT, 500, plain, 0 );
    seal_from_server( &session, pair.client, pair.server, NET_DISCONNECT, 244, plain, 0 );
    net_feed( pair.server );
    net_feed( pair.client );
    net_update( pair.client, pair.net->time );
    CHECK_EQUAL( net_discard_payloads( pair.server, 0 ), 0 );
    CHECK_EQUAL( net_discard_payloads( pair.client, 0 ), 0 );
    CHECK( net_history_is( pair.server, "" ) );
    CHECK( net_history_is( pair.client, "" ) );
    net_pair_close( &pair );
}

static void the_last_sequence_of_all_harms_only_its_sender( void )
{
    struct net_pair pair = net_pair_open( 4 );
    struct net_endpoint * other = net_client( pair.net, ANOTHER_CLIENT );
    struct seal_session session = seal_session_of( pair.net, pair.token );
    uint8_t plain[8] = { 0 };
    uint64_t back;
    CHECK( net_connect( other, pair.server, 2000 ) );
    net_settle( pair.net );
    for ( back = 0; back < 300; back++ )
    {
        seal_from_client( &session, pair.client, pair.server, NET_KEEP_ALIVE, 0xFFFFFFFFFFFFFFFFULL - back, plain, 8 );
        seal_from_client( &session, pair.client, pair.server, NET_PAYLOAD, 0xFFFFFFFFFFFFFFFFULL - back, plain, 8 );
        seal_from_server( &session, pair.client, pair.server, NET_PAYLOAD, 0xFFFFFFFFFFFFFFFFULL - back, plain, 8 );
    }
    net_settle( pair.net );
    net_discard_payloads( pair.server, 0 );
    net_discard_payloads( pair.client, 0 );
    netcode_client_send_packet( other->client, plain, 8 );
    net_update( pair.server, pair.net->time );
    CHECK_EQUAL( net_discard_payloads( pair.server, netcode_client_index( other->client ) ), 1 );
    net_pair_close( &pair );
}

/* Those who hold the keys */

struct ill_formed
{
    int type, bytes;
};

static const struct ill_formed ill_formed[] =
{
    { NET_REQUEST, 0 }, { NET_REQUEST, 8 }, { NET_DENIED, 1 }, { NET_DENIED, 8 },
    { NET_CHALLENGE, 0 }, { NET_CHALLENGE, 300 }, { NET_CHALLENGE, 307 }, { NET_CHALLENGE, 309 },
    { NET_RESPONSE, 0 }, { NET_RESPONSE, 300 }, { NET_RESPONSE, 307 }, { NET_RESPONSE, 308 }, { NET_RESPONSE, 309 }, { NET_RESPONSE, 1200 },
    { NET_KEEP_ALIVE, 0 }, { NET_KEEP_ALIVE, 7 }, { NET_KEEP_ALIVE, 9 }, { NET_KEEP_ALIVE, 1200 },
    { NET_PAYLOAD, 0 }, { NET_PAYLOAD, 1201 }, { NET_PAYLOAD, 1270 },
    { NET_DISCONNECT, 1 }, { NET_DISCONNECT, 8 }, { NET_DISCONNECT, 1200 },
    { 7, 0 }, { 7, 8 }, { 8, 8 }, { 15, 0 }, { 15, 8 }, { 15, 308 }
};

#define ILL_FORMED ( (int) ( sizeof( ill_formed ) / sizeof( ill_formed[0] ) ) )

static void ill_formed_packets_of_a_client_are_ignored( void )
{
    struct net_pair pair = net_pair_open( 4 );
    struct seal_session session = seal_session_of( pair.net, pair.token );
    static const uint8_t plain[MAX_BYTES] = { 0 };
    int i, sequence_bytes;
    struct snapshot before;
    net_drain( pair.server );
    net_forget( pair.net );
    before = snapshot_of( pair.server );
    for ( i = 0; i < ILL_FORMED; i++ )
        seal_from_client( &session, pair.client, pair.server, ill_formed[i].type, 100 + (uint64_t) i, plain, ill_formed[i].bytes );

    /* of types that only servers send */
    seal_from_client( &session, pair.client, pair.server, NET_CHALLENGE, 190, plain, SEAL_CHALLENGE_BYTES );
    seal_from_client( &session, pair.client, pair.server, NET_DENIED, 191, plain, 0 );
    net_feed( pair.server );
    CHECK( untouched( pair.server, &before ) );

    /* with a number of sequence bytes that there is not: 0, and 9 to 15 */
    for ( sequence_bytes = 0; sequence_bytes < 16; sequence_bytes += sequence_bytes == 0 ? 9 : 1 )
    {
        uint8_t packet[NET_DATAGRAM_BYTES];
        int present = sequence_bytes < 8 ? sequence_bytes : 8;
        int bytes = seal_packet_with_prefix( packet, (uint8_t) ( sequence_bytes << 4 | NET_PAYLOAD ), present, 0, plain, 40, session.protocol_id, session.client_key );
        net_process( pair.server, &pair.client->address, packet, bytes );
    }
    CHECK( untouched( pair.server, &before ) );
    check_undisturbed( &pair );
    net_pair_close( &pair );
}

static void ill_formed_packets_of_a_server_are_ignored( void )
{
    static const int states[] = { NETCODE_CLIENT_STATE_SENDING_CONNECTION_REQUEST, NETCODE_CLIENT_STATE_SENDING_CONNECTION_RESPONSE, NETCODE_CLIENT_STATE_CONNECTED };
    static const uint8_t plain[MAX_BYTES] = { 0 };
    int i, j;
    for ( i = 0; i < 3; i++ )
    {
        struct net * net = net_create();
        struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
        struct net_endpoint * client = net_client( net, NET_CLIENT );
        uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
        struct seal_session session;
        struct snapshot before;
        net_token_for( server, token, NET_TIMEOUT, 1000 );
        session = seal_session_of( net, token );
        netcode_client_connect( client->client, token );
        CHECK( net_run_until( client, states[i] ) );
        net_drain( client );
        before = snapshot_of( client );
        for ( j = 0; j < ILL_FORMED; j++ )
            seal_from_server( &session, client, server, ill_formed[j].type, 100 + (uint64_t) j, plain, ill_formed[j].bytes );
        seal_from_server( &session, client, server, NET_RESPONSE, 190, plain, SEAL_CHALLENGE_BYTES );
        net_feed( client );
        CHECK( untouched( client, &before ) );
        CHECK( net_run_until( client, NETCODE_CLIENT_STATE_CONNECTED ) );
        net_destroy( net );
    }
}

static void odd_slots_in_a_keep_alive_are_harmless( void )
{
    static const uint32_t numbers[] = { 0xFFFFFFFF, 0x80000000, 0x7FFFFFFF, 256, 0 };
    int i;
    for ( i = 0; i < 5; i++ )
    {
        struct net * net = net_create();
        struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
        struct net_endpoint * client = net_client( net, NET_CLIENT );
        uint8_t token[NETCODE_CONNECT_TOKEN_BYTES], plain[8];
        struct seal_session session;
        net_token_for( server, token, NET_TIMEOUT, 1000 );
        session = seal_session_of( net, token );
        server->drop = 1 << NET_KEEP_ALIVE;
        netcode_client_connect( client->client, token );
        CHECK( net_run_until( client, NETCODE_CLIENT_STATE_SENDING_CONNECTION_RESPONSE ) );
        net_write_little_endian( plain, 4, numbers[i] );
        net_write_little_endian( plain + 4, 4, numbers[4 - i] );
        seal_from_server( &session, client, server, NET_KEEP_ALIVE, 100, plain, 8 );
        net_steps( net, 4, NET_TICK );
        netcode_client_disconnect( client->client );
        CHECK_EQUAL( netcode_client_index( client->client ), 0 );
        CHECK_EQUAL( netcode_client_max_clients( client->client ), 0 );
        net_destroy( net );
    }
}

/* Amplification */

static void sum_up_bytes( struct net_endpoint * self, const struct net_datagram * datagram )
{
    *(int *) self->user += datagram->bytes;
}

static void check_reply_is_no_larger( struct net_endpoint * server, const struct net_datagram * datagram )
{
    int sent = net_total_sent( server ), reply_bytes = 0;
    server->user = &reply_bytes;
    server->on_send = sum_up_bytes;
    net_process( server, &datagram->from, datagram->data, datagram->bytes );
    CHECK( net_total_sent( server ) - sent <= 1 );
    CHECK( reply_bytes <= datagram->bytes );
    server->on_send = NULL;
}

static void no_reply_is_larger_than_what_it_answers( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 1 );
    struct net_endpoint * clients[3];
    char address[64];
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    struct net_datagram datagram;
    int i, type;

    /* three handshakes at once for one slot: challenges, one connection, denials */
    for ( i = 0; i < 3; i++ )
    {
        clients[i] = net_client( net, net_client_address( i, address, sizeof( address ) ) );
        net_token_for( server, token, -1, 1000 + (uint64_t) i );
        netcode_client_connect( clients[i]->client, token );
        clients[i]->drop = NET_ALL;
    }
    for ( type = NET_REQUEST; type <= NET_RESPONSE; type += NET_RESPONSE )
    {
        net_step( net, NET_TICK );
        for ( i = 0; i < 3; i++ )
        {
            datagram = withheld( clients[i], type );
            check_reply_is_no_larger( server, &datagram );
            check_reply_is_no_larger( server, &datagram );
        }
    }
    CHECK_EQUAL( server->sent[NET_CHALLENGE], 6 );
    CHECK_EQUAL( server->sent[NET_DENIED], 4 );
    CHECK_EQUAL( server->sent[NET_KEEP_ALIVE], 1 );
    for ( i = 0; i < 3; i++ )
    {
        datagram = withheld( clients[i], NET_REQUEST );
        check_reply_is_no_larger( server, &datagram );
    }
    CHECK_EQUAL( server->sent[NET_DENIED], 6 );
    net_destroy( net );
}

/* Floods */

static void a_request_repeated_from_spoofed_sources_stays_unanswered( void )
{
    struct net_pair pair = net_pair_open( 4 );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES], request[NET_REQUEST_BYTES];
    struct netcode_address_t owner = net_address( ANOTHER_CLIENT );
    int i;
    net_token_for( pair.server, token, NET_TIMEOUT, 2000 );
    net_request( token, request );
    net_forget( pair.net );
    net_process( pair.server, &owner, request, sizeof( request ) );
    for ( i = 0; i < 5000; i++ )
    {
        struct netcode_address_t spoofed;
        memset( &spoofed, 0, sizeof( spoofed ) );
        spoofed.type = i % 2 ? NETCODE_ADDRESS_IPV4 : NETCODE_ADDRESS_IPV6;
        spoofed.port = (uint16_t) ( 1 + i );
        spoofed.data.ipv4[0] = 10;
        net_process( pair.server, &spoofed, request, sizeof( request ) );
    }
    CHECK_EQUAL( net_total_sent( pair.server ), 1 );
    net_process( pair.server, &owner, request, sizeof( request ) );
    CHECK_EQUAL( net_total_sent( pair.server ), 2 );
    check_undisturbed( &pair );
    net_pair_close( &pair );
}

static void forged_requests_leave_no_trace( void )
{
    struct net_pair pair = net_pair_open( 4 );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES], request[NET_REQUEST_BYTES], mac[NETCODE_MAC_BYTES];
    struct netcode_address_t owner = net_address( ANOTHER_CLIENT );
    uint64_t random = 99;
    int i, j;
    net_token_for( pair.server, token, NET_TIMEOUT, 2000 );
    net_forget( pair.net );
    net_process( pair.server, &owner, request, net_request( token, request ) );
    CHECK_EQUAL( net_total_sent( pair.server ), 1 );
    memcpy( mac, request + NET_REQUEST_BYTES - NETCODE_MAC_BYTES, sizeof( mac ) );

    /* more than history and mappings could hold; every third with the tag of a token that is known */
    for ( i = 0; i < 3000; i++ )
    {
        char text[64];
        struct netcode_address_t source = net_address( net_client_address( i, text, sizeof( text ) ) );
        for ( j = NET_REQUEST_BYTES - 1024; j < NET_REQUEST_BYTES; j++ )
            request[j] = (uint8_t) net_random( &random );
        if ( i % 3 == 0 )
            memcpy( request + NET_REQUEST_BYTES - NETCODE_MAC_BYTES, mac, sizeof( mac ) );
        net_process( pair.server, i % 2 ? &source : &owner, request, sizeof( request ) );
    }
    CHECK_EQUAL( net_total_sent( pair.server ), 1 );
    net_process( pair.server, &owner, request, net_request( token, request ) );
    CHECK_EQUAL( net_total_sent( pair.server ), 2 );
    for ( i = 0; i < 100; i++ )
    {
        char text[64];
        struct netcode_address_t source = net_address( net_client_address( i, text, sizeof( text ) ) );
        net_token_for( pair.server, token, NET_TIMEOUT, 3000 + (uint64_t) i );
        net_process( pair.server, &source, request, net_request( token, request ) );
    }
    CHECK_EQUAL( net_total_sent( pair.server ), 102 );
    check_undisturbed( &pair );
    net_pair_close( &pair );
}

static void a_flood_of_genuine_handshakes_does_not_disturb_those_before( void )
{
    struct net_pair pair = net_pair_open( 4 );
    struct net_endpoint * early = net_client( pair.net, ANOTHER_CLIENT );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES], request[NET_REQUEST_BYTES];
    char text[64];
    int i;
    net_token_for( pair.server, token, NET_TIMEOUT, 2000 );
    early->drop = 1 << NET_RESPONSE;
    netcode_client_connect( early->client, token );
    CHECK( net_run_until( early, NETCODE_CLIENT_STATE_SENDING_CONNECTION_RESPONSE ) );
    for ( i = 0; i < 1500; i++ )
    {
        struct netcode_address_t source = net_address( net_client_address( i, text, sizeof( text ) ) );
        net_token_for( pair.server, token, NET_TIMEOUT, 3000 + (uint64_t) i );
        net_process( pair.server, &source, request, net_request( token, request ) );
    }
    early->drop = 0;
    CHECK( net_run_until( early, NETCODE_CLIENT_STATE_CONNECTED ) );
    net_settle( pair.net );
    net_forget( pair.net );
    check_undisturbed( &pair );
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

/* Odd behaviour of the receive override */

struct script
{
    const int * returns;                /* what one call after the other returns; then 0 for ever */
    int length, calls;
    struct netcode_address_t from;
};

static int scripted_receive( void * context, struct netcode_address_t * from, uint8_t * data, int max_bytes )
{
    struct script * script = (struct script *) ( (struct net_endpoint *) context )->user;
    int result = script->calls < script->length ? script->returns[script->calls] : 0;
    script->calls++;
    CHECK_EQUAL( max_bytes, MAX_BYTES );
    if ( result > 0 )
    {
        *from = script->from;
        memset( data, 0x15, (size_t) ( result < max_bytes ? result : max_bytes ) );
    }
    return result;
}

/* Updates of a server with a handshake under way, then of its client, all fed by the script. */

static void run_script( const int * returns, int length, int expected_calls )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_endpoint( net, NET_SERVER );
    struct net_endpoint * client = net_endpoint( net, NET_CLIENT );
    struct netcode_server_config_t server_config;
    struct netcode_client_config_t client_config;
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES], request[NET_REQUEST_BYTES];
    struct script script;
    int as_client, update;

    netcode_default_server_config( &server_config );
    net_server_config( server, &server_config );
    server_config.receive_packet_override = scripted_receive;
    server->is_server = 1;
    server->server = netcode_server_create( NET_SERVER, &server_config, net->time );
    netcode_default_client_config( &client_config );
    net_client_config( client, &client_config );
    client_config.receive_packet_override = scripted_receive;
    client->client = netcode_client_create( NET_CLIENT, &client_config, net->time );
    REQUIRE( server->server && client->client );
    netcode_server_start( server->server, 1 );
    net_token_for( server, token, -1, 1000 );

    /* so that the server has keys to try on what comes from there */
    net_process( server, &client->address, request, net_request( token, request ) );
    net_drain( client );
    net_forget( net );
    netcode_client_connect( client->client, token );

    for ( as_client = 0; as_client <= 1; as_client++ )
    {
        for ( update = 0; update < 3; update++ )
        {
            script.returns = returns;
            script.length = length;
            script.calls = 0;
            script.from = as_client ? server->address : client->address;
            client->user = server->user = &script;
            net_update( as_client ? client : server, net->time + 1.0 );
            CHECK_EQUAL( script.calls, expected_calls );
        }
    }
    CHECK( net_history_is( client, "0>1" ) );
    CHECK( net_history_is( server, "" ) );
    CHECK_EQUAL( net_total_sent( server ), 0 );
    client->user = server->user = &script;
    net_destroy( net );
}

static void receive_is_called_until_nothing_waits( void )
{
    static const int nothing[] = { 0 };
    static const int three[] = { 100, 18, 1300 };
    static const int pause[] = { 20, 0, 20, 20 };
    run_script( nothing, 1, 1 );
    run_script( three, 3, 4 );
    run_script( pause, 4, 2 );
}

static void a_negative_return_ends_receiving_as_well( void )
{
    static const int error[] = { -1, -1, -1, -1 };
    static const int later[] = { 50, -1000, 50 };
    static const int lowest[] = { -0x7FFFFFFF - 1, -1 };
    run_script( error, 4, 1 );
    run_script( later, 3, 2 );
    run_script( lowest, 2, 1 );
}

static void a_return_beyond_the_buffer_is_clamped( void )
{
    static const int beyond[] = { 1301, 65536, 0x7FFFFFFF, 30 };
    run_script( beyond, 4, 5 );
}

static void overrides_are_drained_without_bound( void )
{
    static int many[20000];
    int i;
    for ( i = 0; i < 20000; i++ )
        many[i] = 20;
    run_script( many, 20000, 20001 );
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

    TEST( changed_handshake_packets_are_ignored );
    TEST( changed_denials_are_ignored );
    TEST( changed_packets_of_a_connection_are_ignored );
    TEST( changed_disconnects_do_not_end_a_connection );

    TEST( a_replayed_session_changes_nothing );
    TEST( replays_do_not_keep_a_client_alive );
    TEST( replays_do_not_keep_a_server_alive );
    TEST( the_replay_window_is_exact );
    TEST( the_window_spans_all_types_of_a_connection );
    TEST( the_last_sequence_of_all_harms_only_its_sender );

    TEST( ill_formed_packets_of_a_client_are_ignored );
    TEST( ill_formed_packets_of_a_server_are_ignored );
    TEST( odd_slots_in_a_keep_alive_are_harmless );

    TEST( no_reply_is_larger_than_what_it_answers );
    TEST( a_request_repeated_from_spoofed_sources_stays_unanswered );
    TEST( forged_requests_leave_no_trace );
    TEST( a_flood_of_genuine_handshakes_does_not_disturb_those_before );
    TEST( a_storm_of_variations_loses_nobody_a_payload );
    TEST( connecting_succeeds_in_the_middle_of_a_storm );

    TEST( receive_is_called_until_nothing_waits );
    TEST( a_negative_return_ends_receiving_as_well );
    TEST( a_return_beyond_the_buffer_is_clamped );
    TEST( overrides_are_drained_without_bound );
    TEST( empty_datagrams_are_skipped );
    TEST( no_datagram_reaches_a_loopback_client );

    return tests_done();
}
