/*
 * The wall clock, set back and forth while a server runs. Connect tokens go by it; sessions do not.
 *
 * This program's own clock_gettime takes the place of the C library's, so it can set the clock without
 * touching the machine's.
 */
#if !defined( _GNU_SOURCE )
#define _GNU_SOURCE
#endif

#include "net.h"
#include <time.h>

#if defined( __linux__ )

#include <limits.h>
#include <sys/syscall.h>
#include <unistd.h>

static long wall_offset; /* seconds by which the clock is wrong */

#if defined( __cplusplus )
extern "C"
#endif
int clock_gettime( clockid_t clock, struct timespec * time )
{
    int result = (int) syscall( SYS_clock_gettime, clock, time );
    if ( result == 0 && clock == CLOCK_REALTIME )
        time->tv_sec += wall_offset;
    return result;
}

/* What 32-bit systems have beside it, for after 2038. */
#if LONG_MAX <= 0x7FFFFFFFL && defined( SYS_clock_gettime64 )
struct timespec64
{
    int64_t tv_sec;
    int64_t tv_nsec;
};

#if defined( __cplusplus )
extern "C"
#endif
int __clock_gettime64( clockid_t clock, struct timespec64 * time );

int __clock_gettime64( clockid_t clock, struct timespec64 * time )
{
    int result = (int) syscall( SYS_clock_gettime64, clock, time );
    if ( result == 0 && clock == CLOCK_REALTIME )
        time->tv_sec += wall_offset;
    return result;
}
#endif

#define HOUR 3600
#define LIFETIME 30             /* seconds a token lives, and may live */

static const struct { const char * name; long offset; } moves[] =
{
    { "not at all", 0 }, { "a second back", -1 }, { "a minute back", -60 }, { "an hour back", -HOUR }, { "a year back", -365L * 24 * HOUR },
    { "a minute on", 60 }, { "an hour on", HOUR }
#if LONG_MAX > 0x7FFFFFFFL
    , { "a century on", 36500L * 24 * HOUR }
#endif
};
#define MOVES ( (int) ( sizeof( moves ) / sizeof( moves[0] ) ) )

static long requests_made, requests_refused;

static void short_lived_token( struct net_endpoint * server, uint8_t * token, uint64_t id )
{
    char address[NETCODE_MAX_ADDRESS_STRING_LENGTH];
    net_token_to( server->net, token, netcode_address_to_string( &server->address, address ), LIFETIME, NET_TIMEOUT, id );
}

/* Whether the server answers a request with this token from there. */
static int is_answered( struct net_endpoint * server, const uint8_t * token, const char * source )
{
    uint8_t packet[NET_REQUEST_BYTES];
    struct netcode_address_t from = net_address( source );
    int before = server->sent[NET_CHALLENGE] + server->sent[NET_DENIED], answered;
    net_inject( server->net, &from, &server->address, packet, net_request( token, packet ) );
    net_step( server->net, NET_TICK );
    answered = server->sent[NET_CHALLENGE] + server->sent[NET_DENIED] != before;
    requests_made++;
    requests_refused += !answered;
    return answered;
}

static void the_clock_of_this_program_is_the_librarys( void )
{
    struct net_pair pair = net_pair_open( 4 );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    long now = (long) time( NULL );
    wall_offset = -HOUR;
    short_lived_token( pair.server, token, 9 );
    now -= (long) net_read_little_endian( token + NET_TOKEN_CREATE, 8 );
    wall_offset = 0;
    CHECK( now > HOUR - 5 && now < HOUR + 5 );
    net_pair_close( &pair );
}

static void a_used_token_stays_used_wherever_the_clock_goes( void )
{
    int i, left;
    for ( left = 0; left <= 1; left++ )
    {
        struct net_pair pair = net_pair_open( 4 );
        struct net_endpoint * guest = net_client( pair.net, "10.0.1.2:50000" );
        uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
        short_lived_token( pair.server, token, 2 );
        CHECK( net_connect_with( guest, token ) );
        if ( left )
        {
            netcode_client_disconnect( guest->client );
            net_settle( pair.net );
        }
        for ( i = 0; i < 2 * MOVES; i++ )
        {
            wall_offset = moves[i % MOVES].offset;
            CHECK( !is_answered( pair.server, token, "10.0.1.2:50000" ) );
            CHECK( !is_answered( pair.server, token, "10.0.1.3:50000" ) );
        }
        wall_offset = 0;
        CHECK_EQUAL( netcode_server_num_connected_clients( pair.server->server ), left ? 1 : 2 );
        net_pair_close( &pair );
    }
}

static void a_pending_token_stays_its_sources( void )
{
    int i;
    struct net_pair pair = net_pair_open( 4 );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    short_lived_token( pair.server, token, 2 );
    CHECK( is_answered( pair.server, token, "10.0.1.2:50000" ) );
    for ( i = 0; i < MOVES; i++ )
    {
        wall_offset = moves[i].offset;
        CHECK( !is_answered( pair.server, token, "10.0.1.3:50000" ) );
        /* asking again is fine for as long as the clock says so */
        CHECK_EQUAL( is_answered( pair.server, token, "10.0.1.2:50000" ), moves[i].offset <= 0 );
    }
    wall_offset = 0;
    net_pair_close( &pair );
}

/* A server that is started again forgets its tokens, and goes by its clock: it refuses what expires before a token
   could that is issued at the start. */
static void after_a_restart_tokens_are_refused_by_the_new_clock( void )
{
    int i;
    for ( i = 0; i < MOVES; i++ )
    {
        struct net_pair pair = net_pair_open( 4 );
        struct net_endpoint * guest = net_client( pair.net, "10.0.1.2:50000" );
        uint8_t token[NETCODE_CONNECT_TOKEN_BYTES], later[NETCODE_CONNECT_TOKEN_BYTES];
        int failed = test_failed_checks, is_back = moves[i].offset < 0;
        short_lived_token( pair.server, token, 2 );
        CHECK( net_connect_with( guest, token ) );
        netcode_client_disconnect( guest->client );
        net_settle( pair.net );
        wall_offset = moves[i].offset + ( is_back ? 0 : 2 ); /* a token of the very second of the start is let in */
        netcode_server_start( pair.server->server, 4 );
        if ( !is_back )
            CHECK( !is_answered( pair.server, token, "10.0.1.2:50000" ) );
        /* set back, the clock says that it cannot have been used before: once, and from one source */
        else if ( moves[i].offset < -2 )
        {
            CHECK( is_answered( pair.server, token, "10.0.1.2:50000" ) );
            CHECK( !is_answered( pair.server, token, "10.0.1.3:50000" ) );
        }
        short_lived_token( pair.server, later, 3 );
        CHECK( is_answered( pair.server, later, "10.0.1.4:50000" ) );
        wall_offset = 0;
        if ( test_failed_checks != failed )
            printf( "    with the clock moved %s\n", moves[i].name );
        net_pair_close( &pair );
    }
}

static void sessions_do_not_go_by_the_wall_clock( void )
{
    struct net_pair pair = net_pair_open( 4 );
    uint8_t data[100];
    int i, n;
    net_forget( pair.net );
    for ( i = 0; i < MOVES; i++ )
    {
        wall_offset = moves[i].offset;
        for ( n = 0; n < 20; n++ )
        {
            net_fill( data, 100, n );
            netcode_client_send_packet( pair.client->client, data, 100 );
            netcode_server_send_packet( pair.server->server, 0, data, 100 );
            net_step( pair.net, NET_TICK );
        }
        net_step( pair.net, NET_TICK );
        CHECK_EQUAL( net_discard_payloads( pair.client, 0 ), 20 );
        CHECK_EQUAL( net_discard_payloads( pair.server, 0 ), 20 );
    }
    wall_offset = 0;
    CHECK( net_history_is( pair.client, "" ) );
    CHECK( net_history_is( pair.server, "" ) );
    net_pair_close( &pair );
}

/* Before 1970, and beyond what a date can say: tokens may be worthless then, nothing else. */
static void clocks_beyond_reason_are_harmless( void )
{
#if LONG_MAX > 0x7FFFFFFFL
    static const long beyond[] = { -4000000000l, -100000000000l, 100000000000l, 4000000000000l };
#else
    static const long beyond[] = { -LONG_MAX };
#endif
    int i;
    for ( i = 0; i < (int) ( sizeof( beyond ) / sizeof( beyond[0] ) ); i++ )
    {
        struct net_pair pair;
        struct net_endpoint * guest;
        uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
        wall_offset = beyond[i];
        pair = net_pair_open( 4 );
        guest = net_client( pair.net, "10.0.1.2:50000" );
        short_lived_token( pair.server, token, 2 );
        CHECK( net_connect_with( guest, token ) );
        wall_offset = 0;
        net_settle( pair.net );
        CHECK_EQUAL( netcode_server_num_connected_clients( pair.server->server ), 2 );
        net_pair_close( &pair );
    }
}

int main( int argc, char ** argv )
{
    tests_begin( argc, argv );
    TEST( the_clock_of_this_program_is_the_librarys );
    TEST( a_used_token_stays_used_wherever_the_clock_goes );
    TEST( a_pending_token_stays_its_sources );
    TEST( after_a_restart_tokens_are_refused_by_the_new_clock );
    TEST( sessions_do_not_go_by_the_wall_clock );
    TEST( clocks_beyond_reason_are_harmless );
    printf( FIGURES "wall clock: %d moves, %ld requests, %ld refused\n", MOVES, requests_made, requests_refused );
    return tests_done();
}

#else

int main( void )
{
    printf( "skipped: only where a program can put its clock_gettime in the place of the system's\n" );
    return 0;
}

#endif
