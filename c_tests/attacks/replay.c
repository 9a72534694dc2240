/*
 * Packets that come again: while their session lasts, when it is over, in other sessions and after a restart.
 * And the window that tells them from new ones.
 */
#include "attack.h"

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

/* Several sessions at once, then new ones between the same addresses. */

#define PLAYERS 4
#define SOURCES ( PLAYERS + 3 )

struct party
{
    struct net * net;
    struct net_endpoint * server, * clients[PLAYERS];
    struct netcode_address_t sources[SOURCES];
};

/* Everybody joins with a new token, and says something. */

static void party_meets( struct party * party, uint64_t first_id )
{
    static const uint8_t payload[4] = "abc";
    int i;
    for ( i = 0; i < PLAYERS; i++ )
        CHECK( net_connect( party->clients[i], party->server, first_id + (uint64_t) i ) );
    net_settle( party->net );
    for ( i = 0; i < PLAYERS; i++ )
    {
        netcode_client_send_packet( party->clients[i]->client, payload, sizeof( payload ) );
        netcode_server_send_packet( party->server->server, i, payload, sizeof( payload ) );
    }
    net_settle( party->net );
    net_step( party->net, 0.0 );
    net_step( party->net, 0.0 );
    for ( i = 0; i < PLAYERS; i++ )
    {
        CHECK_EQUAL( net_discard_payloads( party->server, i ), 1 );
        CHECK_EQUAL( net_discard_payloads( party->clients[i], 0 ), 1 );
    }
}

/* The first `records` records, from each source to each endpoint: not one may do anything. */

static void replay_across( struct party * party, int records )
{
    struct net * net = party->net;
    int sent = net->num_records, events = net->num_events, i, source, target;
    for ( i = 0; i < records; i++ )
    {
        for ( source = 0; source < SOURCES; source++ )
        {
            for ( target = 0; target <= PLAYERS; target++ )
            {
                net_process( target < PLAYERS ? party->clients[target] : party->server, &party->sources[source], net->records[i]->data, net->records[i]->bytes );
                attack_cases++;
            }
        }
    }
    net_step( net, 0.0 );
    CHECK_EQUAL( net->num_records, sent );
    CHECK_EQUAL( net->num_events, events );
    for ( i = 0; i < PLAYERS; i++ )
    {
        CHECK_EQUAL( net_discard_payloads( party->server, i ), 0 );
        CHECK_EQUAL( net_discard_payloads( party->clients[i], 0 ), 0 );
    }
}

static void no_packet_of_a_session_is_good_in_another( void )
{
    struct party party;
    char text[64];
    int i;
    party.net = net_create();
    party.server = net_server( party.net, NET_SERVER, PLAYERS );
    for ( i = 0; i < PLAYERS; i++ )
    {
        party.clients[i] = net_client( party.net, net_client_address( i, text, sizeof( text ) ) );
        party.sources[i] = party.clients[i]->address;
    }
    party.sources[PLAYERS] = party.server->address;
    party.sources[PLAYERS + 1] = net_address( STRANGER );
    party.sources[PLAYERS + 2] = net_address( "[2001:db8::66]:6666" );

    party_meets( &party, 1000 );
    replay_across( &party, party.net->num_records );

    /* they meet again, in the same slots */
    for ( i = 0; i < PLAYERS; i++ )
        netcode_client_disconnect( party.clients[i]->client );
    net_step( party.net, NET_TICK );
    CHECK_EQUAL( netcode_server_num_connected_clients( party.server->server ), 0 );
    replay_across( &party, party.net->num_records );
    party_meets( &party, 1000 );
    replay_across( &party, party.net->num_records );

    /* and once more after a restart; requests of before are good then, as their tokens are still valid: that is
       what the configured lifetime of tokens is for, and the program of tokens tries it */
    netcode_server_start( party.server->server, PLAYERS );
    net_step( party.net, NET_TICK );
    party_meets( &party, 1000 );
    replay_across( &party, party.net->num_records );
    printf( FIGURES "%d recorded packets replayed from %d sources to %d endpoints\n", party.net->num_records, SOURCES, PLAYERS + 1 );
    net_destroy( party.net );
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

#define LAST_SEQUENCE 0xFFFFFFFFFFFFFFFFULL

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
    static const uint64_t far[] = { 1ULL << 32, 1ULL << 48, 1ULL << 63, 0xFFFFFFFFFFFFFE00ULL };
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

    /* where adding to a number goes past zero */
    CHECK( passes( &window, LAST_SEQUENCE - 1 ) );
    CHECK( passes( &window, LAST_SEQUENCE ) );
    CHECK( !passes( &window, LAST_SEQUENCE ) );
    CHECK( !passes( &window, LAST_SEQUENCE - 1 ) );
    CHECK( !passes( &window, LAST_SEQUENCE - 256 ) );
    for ( i = 2; i < 256; i++ )
    {
        CHECK( passes( &window, LAST_SEQUENCE - i ) );
        CHECK( !passes( &window, LAST_SEQUENCE - i ) );
    }
    for ( i = 0; i <= 1003; i++ )
        CHECK( !passes( &window, i ) );
    net_pair_close( &pair );
}

static void the_replay_window_is_exact_up_to_the_last_sequence_of_all( void )
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

int main( int argc, char ** argv )
{
    tests_begin( argc, argv );
    TEST( a_replayed_session_changes_nothing );
    TEST( no_packet_of_a_session_is_good_in_another );
    TEST( replays_do_not_keep_a_client_alive );
    TEST( replays_do_not_keep_a_server_alive );
    TEST( the_replay_window_is_exact_up_to_the_last_sequence_of_all );
    TEST( the_window_spans_all_types_of_a_connection );
    TEST( the_last_sequence_of_all_harms_only_its_sender );
    return attack_done();
}
