/*
 * Virtual time that jumps: backwards, to NaN and the infinities, and far ahead, for a client and for a server
 * in each of their states.
 *
 * What is defined: a time that is not finite is ignored. After a step backwards nothing has happened, and the
 * timers go on from the new time. A step forwards brings about what waiting as long without a datagram would
 * have, and no more: one packet for each peer at most, and each timeout once.
 */
#include "net.h"
#include <float.h>
#include <math.h>

#define AT 1000000.0            /* when the jumps start */
#define BYTES 100
#define NOWHERE "10.0.9.9:9"

#define SINCE ( 5 * NET_TICK )  /* what led to the state began so long before, at most */

/* Times beyond this are so coarse that a timeout is lost in them: t + 5 is t. A server's clients then time out at
   once, since their timeout ends when so much time has passed; a client's when more has. */
#define COARSE 1e17
#define FINE ( 2.0 * YEARS )
#define YEARS 1e9

struct jump
{
    const char * name;
    double to;
    int forwards;
};

static struct jump jumps[16];
static int num_jumps;

static void add_jump( const char * name, double to )
{
    struct jump * jump = &jumps[num_jumps++];
    jump->name = name;
    jump->to = to;
    jump->forwards = isfinite( to ) && to > AT;
}

static void make_jumps( void )
{
    double infinity = strtod( "inf", NULL );
    add_jump( "nan", strtod( "nan", NULL ) );
    add_jump( "infinity", infinity );
    add_jump( "-infinity", -infinity );
    add_jump( "standing still", AT );
    add_jump( "a second back", AT - 1.0 );
    add_jump( "an hour back", AT - 3600.0 );
    add_jump( "zero", 0.0 );
    add_jump( "below zero", -YEARS );
    add_jump( "far below zero", -1e300 );
    add_jump( "lowest", -DBL_MAX );
    add_jump( "a minute ahead", AT + 60.0 );
    add_jump( "longer than a token lives", AT + NET_LIFETIME );
    add_jump( "years ahead", AT + YEARS );
    add_jump( "far ahead", 1e300 );
    add_jump( "highest", DBL_MAX );
}

/* ---- figures ---- */

static int updates, most_sent;
static double slowest;

static void jump_to( struct net_endpoint * endpoint, double time )
{
    int before = net_total_sent( endpoint );
    double start = netcode_time(), took;
    net_update( endpoint, time );
    took = netcode_time() - start;
    slowest = took > slowest ? took : slowest;
    most_sent = net_total_sent( endpoint ) - before > most_sent ? net_total_sent( endpoint ) - before : most_sent;
    updates++;
}

/* Where the clock stands after the jump, for somebody who ignores what is no time. */
static double after( const struct jump * jump )
{
    return isfinite( jump->to ) ? jump->to : AT;
}

static void check_payloads( struct net_endpoint * server, struct net_endpoint * client )
{
    uint8_t data[BYTES];
    uint8_t * packet;
    int bytes = 0, slot = -1, i;
    for ( i = 0; i < netcode_server_max_clients( server->server ); i++ )
        slot = netcode_server_client_id( server->server, i ) == 77 ? i : slot;
    REQUIRE( slot >= 0 );
    net_discard_payloads( client, 0 );
    net_discard_payloads( server, slot );
    net_fill( data, BYTES, 1 );
    netcode_client_send_packet( client->client, data, BYTES );
    netcode_server_send_packet( server->server, slot, data, BYTES );
    net_steps( client->net, 2, NET_TICK );
    packet = netcode_client_receive_packet( client->client, &bytes, NULL );
    REQUIRE( packet != NULL );
    CHECK( bytes == BYTES && net_filled( packet, BYTES, 1 ) );
    netcode_client_free_packet( client->client, packet );
    packet = netcode_server_receive_packet( server->server, slot, &bytes, NULL );
    REQUIRE( packet != NULL );
    CHECK( bytes == BYTES && net_filled( packet, BYTES, 1 ) );
    netcode_server_free_packet( server->server, packet );
}

/* With clocks in order again, all is as before: the client connects, and payloads arrive. */
static void check_recovery( struct net_endpoint * server, struct net_endpoint * client )
{
    struct net * net = server->net;
    client->drop = server->drop = 0;
    net->time = AT;
    if ( netcode_client_loopback( client->client ) )
        netcode_client_disconnect_loopback( client->client );
    netcode_client_disconnect( client->client );
    if ( !netcode_server_running( server->server ) )
        netcode_server_start( server->server, 4 );
    net_settle( net );
    net_steps( net, 2, 2.0 * NET_TIMEOUT ); /* the server forgets a client whose farewell was lost */
    CHECK( net_connect( client, server, 77 ) );
    net_settle( net );
    check_payloads( server, client );
}

/* ---- clients ---- */

enum { IDLE, REQUESTING, RESPONDING, CONNECTED, FAILED, ON_LOOPBACK, CLIENT_STATES };

static void ignore_loopback( void * context, int slot, const uint8_t * data, int bytes, uint64_t sequence )
{
    (void) context; (void) slot; (void) data; (void) bytes; (void) sequence;
}

static int drive_client_to( struct net_endpoint * client, struct net_endpoint * server, int state )
{
    struct net * net = client->net;
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES] = { 0 };
    static const int expected[CLIENT_STATES] = { 0, 1, 2, 3, NETCODE_CLIENT_STATE_INVALID_CONNECT_TOKEN, 3 };
    if ( state == FAILED )
        netcode_client_connect( client->client, token );
    else if ( state == ON_LOOPBACK )
        netcode_client_connect_loopback( client->client, 0, 4 );
    else if ( state != IDLE )
    {
        client->drop = state == REQUESTING ? 1 << NET_REQUEST : state == RESPONDING ? 1 << NET_RESPONSE : 0;
        net_token_for( server, token, NET_TIMEOUT, 1 );
        netcode_client_connect( client->client, token );
        net_settle( net );
    }
    net_drain( client );
    return netcode_client_state( client->client ) == expected[state];
}

static int state_after( int state, const struct jump * jump, int before )
{
    int expired = jump->forwards && jump->to - AT >= NET_LIFETIME;
    if ( !jump->forwards )
        return before;
    switch ( state )
    {
        case REQUESTING: return expired ? NETCODE_CLIENT_STATE_CONNECT_TOKEN_EXPIRED : NETCODE_CLIENT_STATE_CONNECTION_REQUEST_TIMED_OUT;
        case RESPONDING: return expired ? NETCODE_CLIENT_STATE_CONNECT_TOKEN_EXPIRED : NETCODE_CLIENT_STATE_CONNECTION_RESPONSE_TIMED_OUT;
        case CONNECTED: return NETCODE_CLIENT_STATE_CONNECTION_TIMED_OUT;
        default: return before;
    }
}

/* Ten times a second from the new time on, and no longer than the timeout. */
static void check_client_timers( struct net_endpoint * client, int state, double from )
{
    int type = state == REQUESTING ? NET_REQUEST : state == RESPONDING ? NET_RESPONSE : NET_KEEP_ALIVE, i, before;
    net_update( client, from + NET_TICK * 2 );
    before = client->sent[type];
    for ( i = 1; i <= 16; i++ )
        net_update( client, from + NET_TICK * ( 2 + i ) );
    CHECK_EQUAL( client->sent[type] - before, 8 );
    net_update( client, from + NET_TIMEOUT - SINCE );
    CHECK( netcode_client_state( client->client ) > 0 );
    net_update( client, from + NET_TIMEOUT + NET_TICK );
    CHECK( netcode_client_state( client->client ) < 0 );
}

static void check_client_jump( int state, const struct jump * jump )
{
    struct netcode_client_config_t config;
    struct net * net = net_create();
    struct net_endpoint * server, * client;
    int before, calls, events, active = state == REQUESTING || state == RESPONDING || state == CONNECTED;
    net->time = AT - SINCE;
    netcode_default_client_config( &config );
    config.send_loopback_packet_callback = ignore_loopback;
    server = net_server( net, NET_SERVER, 4 );
    client = net_client_with( net, NET_CLIENT, config );
    if ( CHECK( drive_client_to( client, server, state ) ) )
    {
        net_update( client, AT );
        before = netcode_client_state( client->client );
        net_drain( client );
        calls = client->receive_calls;
        events = net_num_events( client );
        jump_to( client, jump->to );
        CHECK_EQUAL( netcode_client_state( client->client ), state_after( state, jump, before ) );
        CHECK_EQUAL( net_num_events( client ) - events, state_after( state, jump, before ) != before );
        CHECK( client->receive_calls <= calls + 1 );
        if ( active && !jump->forwards && fabs( after( jump ) ) <= FINE )
            check_client_timers( client, state, after( jump ) );
        check_recovery( server, client );
    }
    net_destroy( net );
}

static void a_jump_does_to_a_client_what_waiting_would( void )
{
    int state, i, failed;
    for ( state = 0; state < CLIENT_STATES; state++ )
    {
        for ( i = 0; i < num_jumps; i++ )
        {
            failed = test_failed_checks;
            check_client_jump( state, &jumps[i] );
            if ( test_failed_checks != failed )
                printf( "    in client state %d, jumping to %s\n", state, jumps[i].name );
        }
    }
}

/* ---- servers ---- */

enum { STOPPED, EMPTY, CHALLENGED, UNCONFIRMED, CONFIRMED, HEARD, WITH_LOOPBACK, SERVER_STATES };

static void drive_server_to( struct net_endpoint * server, struct net_endpoint * client, int state )
{
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    if ( state == STOPPED )
        netcode_server_stop( server->server );
    if ( state == WITH_LOOPBACK )
        netcode_server_connect_loopback_client( server->server, 0, 5, NULL );
    if ( state == CHALLENGED || state == UNCONFIRMED || state == CONFIRMED || state == HEARD )
    {
        net_token_for( server, token, NET_TIMEOUT, 1 );
        netcode_client_connect( client->client, token );
        client->drop = state == CHALLENGED ? 1 << NET_RESPONSE : state == UNCONFIRMED ? 1 << NET_KEEP_ALIVE : 0;
        net_settle( server->net );
    }
}

static void check_server_jump( int state, const struct jump * jump )
{
    struct netcode_server_config_t config;
    struct net * net = net_create();
    struct net_endpoint * server, * client;
    int connected, stays, calls;
    net->time = AT - SINCE;
    memset( &config, 0, sizeof( config ) );
    netcode_default_server_config( &config );
    config.send_loopback_packet_callback = ignore_loopback;
    server = net_server_with( net, NET_SERVER, 4, config );
    client = net_client( net, NET_CLIENT );
    drive_server_to( server, client, state );
    net_step( net, NET_TICK );
    net_update( server, AT );
    net_drain( server );
    connected = state == UNCONFIRMED || state == CONFIRMED || state == HEARD;
    if ( state == HEARD )
    {
        uint8_t data[BYTES] = { 0 };
        netcode_client_send_packet( client->client, data, BYTES );
    }
    CHECK_EQUAL( netcode_server_num_connected_clients( server->server ), connected || state == WITH_LOOPBACK );
    calls = server->receive_calls;
    jump_to( server, jump->to );
    /* what has come in counts before the timeout does */
    stays = state == WITH_LOOPBACK
         || ( connected && ( !jump->forwards || state == HEARD ) && fabs( after( jump ) ) < COARSE );
    CHECK_EQUAL( netcode_server_num_connected_clients( server->server ), stays );
    CHECK( server->receive_calls <= calls + 2 );
    if ( connected && !stays )
        CHECK_EQUAL( netcode_server_client_disconnect_reason( server->server, 0 ), NETCODE_SERVER_CLIENT_DISCONNECT_REASON_TIMED_OUT );
    if ( stays && connected && fabs( after( jump ) ) <= FINE )
    {
        /* the timers go on from there */
        int i, before = server->sent[NET_KEEP_ALIVE];
        for ( i = 1; i <= 16; i++ )
            net_update( server, after( jump ) + NET_TICK * i );
        CHECK_EQUAL( server->sent[NET_KEEP_ALIVE] - before, 8 );
        net_update( server, after( jump ) + NET_TIMEOUT - SINCE );
        CHECK_EQUAL( netcode_server_num_connected_clients( server->server ), 1 );
        net_update( server, after( jump ) + NET_TIMEOUT + NET_TICK );
        CHECK_EQUAL( netcode_server_num_connected_clients( server->server ), 0 );
    }
    if ( state == CHALLENGED && fabs( after( jump ) ) <= FINE )
    {
        /* an answer counts unless it comes too late */
        client->drop = 0;
        net_update( client, AT + 2 * NET_TICK );
        net_update( server, after( jump ) );
        CHECK_EQUAL( netcode_server_num_connected_clients( server->server ), !jump->forwards );
    }
    check_recovery( server, client );
    net_destroy( net );
}

static void a_jump_does_to_a_server_what_waiting_would( void )
{
    int state, i, failed;
    for ( state = 0; state < SERVER_STATES; state++ )
    {
        for ( i = 0; i < num_jumps; i++ )
        {
            failed = test_failed_checks;
            check_server_jump( state, &jumps[i] );
            if ( test_failed_checks != failed )
                printf( "    in server state %d, jumping to %s\n", state, jumps[i].name );
        }
    }
}

/* ---- everybody, at random ---- */

#define CROWD 6
#define ROUNDS 400

static void clocks_at_random_end_in_order( void )
{
    uint64_t random = 88172645463325252ull;
    struct net * net = net_create();
    struct net_endpoint * server, * clients[CROWD];
    char address[64];
    int i, round;
    net->time = AT;
    server = net_server( net, NET_SERVER, CROWD );
    for ( i = 0; i < CROWD; i++ )
        clients[i] = net_client( net, net_client_address( i, address, sizeof( address ) ) );
    for ( round = 0; round < ROUNDS; round++ )
    {
        for ( i = 0; i < CROWD; i++ )
        {
            uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
            if ( net_state( clients[i] ) <= 0 && net_random( &random ) % 4 == 0 )
            {
                net_token_for( server, token, (int) ( net_random( &random ) % 3 ) * 3 - 1, 1 + (uint64_t) i );
                netcode_client_connect( clients[i]->client, token );
            }
            jump_to( clients[i], net_random( &random ) % 3 ? AT + round * NET_TICK : jumps[net_random( &random ) % (uint64_t) num_jumps].to );
        }
        jump_to( server, net_random( &random ) % 3 ? AT + round * NET_TICK : jumps[net_random( &random ) % (uint64_t) num_jumps].to );
        CHECK( netcode_server_num_connected_clients( server->server ) <= CROWD );
    }
    for ( i = 0; i < CROWD; i++ )
        netcode_client_disconnect( clients[i]->client );
    netcode_server_stop( server->server );
    check_recovery( server, clients[0] );
    net_destroy( net );
}

int main( int argc, char ** argv )
{
    tests_begin( argc, argv );
    make_jumps();
    TEST( a_jump_does_to_a_client_what_waiting_would );
    CHECK( most_sent <= 1 );
    TEST( a_jump_does_to_a_server_what_waiting_would );
    CHECK( most_sent <= 1 );
    TEST( clocks_at_random_end_in_order );
    CHECK( most_sent <= CROWD * 2 + 1 );
    printf( FIGURES "clock: %d kinds of jumps in %d states, %d updates, at most %d packets sent in one, the slowest %.3f ms\n",
            num_jumps, CLIENT_STATES + SERVER_STATES, updates, most_sent, slowest * 1000.0 );
    return tests_done();
}
