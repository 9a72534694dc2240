/*
 * What went wrong in other implementations, where it takes the system to show it: replies to link-local IPv6
 * addresses, which need the interface as well, and a random generator that fails. The other regressions are in
 * regressions.c.
 */
#if !defined( _DEFAULT_SOURCE )
#define _DEFAULT_SOURCE
#endif
#if !defined( _DARWIN_C_SOURCE )
#define _DARWIN_C_SOURCE
#endif

#include "net.h"
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __linux__
#include <errno.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

#define PATIENCE 2000                   /* updates with a millisecond between them */

/* ---- the random generator ---- */

/* From here on this process, a child of the test, gets no random bytes from the system. */

static int take_randomness_away( void )
{
#if defined( __linux__ ) && defined( SYS_getrandom ) && defined( SYS_openat )
    struct sock_filter code[] =
    {
        BPF_STMT( BPF_LD | BPF_W | BPF_ABS, offsetof( struct seccomp_data, nr ) ),
        BPF_JUMP( BPF_JMP | BPF_JEQ | BPF_K, SYS_getrandom, 1, 0 ),
        BPF_JUMP( BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 1 ),    /* of the generator's device */
        BPF_STMT( BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EIO ),
        BPF_STMT( BPF_RET | BPF_K, SECCOMP_RET_ALLOW )
    };
    struct sock_fprog program;
    char byte;
    program.len = sizeof( code ) / sizeof( code[0] );
    program.filter = code;
    return prctl( PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0 ) == 0
        && prctl( PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program ) == 0
        && syscall( SYS_getrandom, &byte, 1, 0 ) == -1;
#else
    return 0;
#endif
}

#define NO_WAY 77                       /* exit status of a child that could not be robbed */

/* What became of a child that runs this: its exit status, or minus the signal that ended it. */

static int in_a_child( int (*function)( void ) )
{
    int status = 0;
    pid_t child;
    fflush( stdout );
    child = fork();
    if ( child == 0 )
        _exit( function() );
    if ( !CHECK( child > 0 && waitpid( child, &status, 0 ) == child ) )
        return -1000;
    return WIFSIGNALED( status ) ? -WTERMSIG( status ) : WEXITSTATUS( status );
}

static int draw_random_bytes( void )
{
    uint8_t bytes[32];
    if ( !take_randomness_away() )
        return NO_WAY;
    netcode_random_bytes( bytes, sizeof( bytes ) );
    return 1;                           /* there is nothing that it could have returned with */
}

static int nothing_sent;

static void send_nothing( void * context, struct netcode_address_t * to, const uint8_t * data, int bytes )
{
    (void) context; (void) to; (void) data; (void) bytes;
    nothing_sent++;
}

static int receive_nothing( void * context, struct netcode_address_t * from, uint8_t * data, int max_bytes )
{
    (void) context; (void) from; (void) data; (void) max_bytes;
    return 0;
}

static int make_tokens_and_start_servers( void )
{
    static const uint8_t key[NETCODE_KEY_BYTES] = { 1 };
    const char * address = NET_SERVER;
    struct netcode_server_config_t config;
    struct netcode_server_t * idle, * running;
    struct netcode_address_t source;
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES], good[NETCODE_CONNECT_TOKEN_BYTES], request[NET_REQUEST_BYTES];
    memset( &config, 0, sizeof( config ) );
    netcode_default_server_config( &config );
    config.protocol_id = 2;
    memcpy( config.private_key, key, sizeof( key ) );
    config.override_send_and_receive = 1;
    config.send_packet_override = send_nothing;
    config.receive_packet_override = receive_nothing;
    idle = netcode_server_create( NET_SERVER, &config, 0.0 );
    running = netcode_server_create( NET_SERVER, &config, 0.0 );
    if ( !idle || !running || netcode_generate_connect_token( 1, &address, &address, NET_LIFETIME, 5, 1, 2, key, NULL, good ) != NETCODE_OK )
        return 1;
    netcode_server_start( running, 4 );
    if ( !netcode_server_running( running ) )
        return 2;
    if ( netcode_parse_address( NET_CLIENT, &source ) != NETCODE_OK || !take_randomness_away() )
        return NO_WAY;

    if ( netcode_generate_connect_token( 1, &address, &address, 30, 5, 1, 2, key, NULL, token ) != NETCODE_ERROR )
        return 3;
    netcode_server_start( idle, 4 );
    if ( netcode_server_running( idle ) )
        return 4;
    /* one that has its secrets goes on... */
    net_request( good, request );
    netcode_server_process_packet( running, &source, request, NET_REQUEST_BYTES );
    if ( !netcode_server_running( running ) || nothing_sent != 1 )
        return 5;
    /* ...but does not keep them over a start */
    netcode_server_start( running, 4 );
    if ( netcode_server_running( running ) || netcode_server_max_clients( running ) != 0 )
        return 6;
    net_request( good, request );
    netcode_server_process_packet( running, &source, request, NET_REQUEST_BYTES );
    if ( nothing_sent != 1 )
        return 7;
    netcode_server_update( running, 1.0 );
    netcode_server_destroy( running );
    netcode_server_destroy( idle );
    return 0;
}

static void without_random_bytes_everything_fails_closed( void )
{
    int drawn = in_a_child( draw_random_bytes ), made = in_a_child( make_tokens_and_start_servers );
    CHECK( drawn == NO_WAY || drawn == -SIGABRT );
    CHECK( made == NO_WAY || made == 0 );
    if ( made != NO_WAY && made != 0 )
        printf( "    the child ended with %d\n", made );
    if ( drawn == NO_WAY || made == NO_WAY )
        printf( "SKIPPED %s: this system does not let us take its random bytes away\n", __func__ );
}

/* ---- link-local addresses ---- */

/* Any link-local address of this host, with its interface. */

static int find_link_local( struct sockaddr_in6 * found )
{
    struct ifaddrs * all, * one;
    int ok = 0;
    if ( getifaddrs( &all ) != 0 )
        return 0;
    for ( one = all; one && !ok; one = one->ifa_next )
    {
        if ( !one->ifa_addr || one->ifa_addr->sa_family != AF_INET6 || !( one->ifa_flags & IFF_UP ) )
            continue;
        memcpy( found, one->ifa_addr, sizeof( *found ) );
        ok = IN6_IS_ADDR_LINKLOCAL( &found->sin6_addr ) && found->sin6_scope_id != 0;
    }
    freeifaddrs( all );
    return ok;
}

/* Moves this process into a network of its own, whose loopback interface has such an address. */

static void make_link_local( void )
{
#ifdef __linux__
    struct { struct in6_addr address; uint32_t prefix; int interface_index; } request;  /* in6_ifreq of the kernel */
    struct ifreq flags;
    int control;
    if ( syscall( SYS_unshare, CLONE_NEWNET ) != 0 && syscall( SYS_unshare, CLONE_NEWUSER | CLONE_NEWNET ) != 0 )
        return;
    control = socket( AF_INET6, SOCK_DGRAM, 0 );
    if ( control < 0 )
        return;
    memset( &flags, 0, sizeof( flags ) );
    strcpy( flags.ifr_name, "lo" );
    flags.ifr_flags = IFF_UP;
    ioctl( control, SIOCSIFFLAGS, &flags );
    memset( &request, 0, sizeof( request ) );
    inet_pton( AF_INET6, "fe80::1", &request.address );
    request.prefix = 64;
    request.interface_index = (int) if_nametoindex( "lo" );
    ioctl( control, SIOCSIFADDR, &request );
    close( control );
#endif
}

/* Linux finds link-local addresses of its own without the scope, too. So that is asked for where datagrams leave:
   the library's sends to such addresses come through here, unless the system links in another way. */

static int relay_socket = -1;           /* this one is not the library's */
static int scoped_sends, unscoped_sends;

#ifdef __linux__
#ifdef __cplusplus
extern "C"
#endif
ssize_t sendto( int descriptor, const void * data, size_t bytes, int flags, const struct sockaddr * to, socklen_t size )
{
    struct sockaddr_in6 address;
    if ( to && size >= sizeof( address ) && to->sa_family == AF_INET6 && descriptor != relay_socket )
    {
        memcpy( &address, to, sizeof( address ) );
        if ( IN6_IS_ADDR_LINKLOCAL( &address.sin6_addr ) )
            *( address.sin6_scope_id ? &scoped_sends : &unscoped_sends ) += 1;
    }
    return syscall( SYS_sendto, descriptor, data, bytes, flags, to, size );
}
#endif

/* Stands between a client and a server: to the server it is the client, at a link-local address. */

struct relay
{
    int front, back;
    struct sockaddr_in client;          /* whoever sent to the front last */
    struct sockaddr_in6 server;
    int up, down;
};

static int open_relay( struct relay * relay, const struct sockaddr_in6 * link_local, int server_port )
{
    struct sockaddr_in6 own = *link_local;
    struct sockaddr_in front;
    memset( relay, 0, sizeof( *relay ) );
    memset( &front, 0, sizeof( front ) );
    front.sin_family = AF_INET;
    front.sin_addr.s_addr = htonl( INADDR_LOOPBACK );
    relay->server = *link_local;
    relay->server.sin6_port = htons( (uint16_t) server_port );
    own.sin6_port = 0;
    relay->front = socket( AF_INET, SOCK_DGRAM, 0 );
    relay->back = socket( AF_INET6, SOCK_DGRAM, 0 );
    return relay->front >= 0 && relay->back >= 0
        && bind( relay->front, (struct sockaddr *) &front, sizeof( front ) ) == 0
        && bind( relay->back, (struct sockaddr *) &own, sizeof( own ) ) == 0;
}

static void pump( struct relay * relay )
{
    uint8_t data[2048];
    socklen_t size = sizeof( relay->client );
    ssize_t bytes;
    while ( ( bytes = recvfrom( relay->front, data, sizeof( data ), MSG_DONTWAIT, (struct sockaddr *) &relay->client, &size ) ) >= 0 )
        relay->up += sendto( relay->back, data, (size_t) bytes, 0, (struct sockaddr *) &relay->server, sizeof( relay->server ) ) == bytes;
    while ( ( bytes = recv( relay->back, data, sizeof( data ), MSG_DONTWAIT ) ) >= 0 )
        relay->down += sendto( relay->front, data, (size_t) bytes, 0, (struct sockaddr *) &relay->client, sizeof( relay->client ) ) == bytes;
}

static void replies_to_a_link_local_address_keep_its_scope( void )
{
    static const uint8_t key[NETCODE_KEY_BYTES] = { 9 };
    struct netcode_server_config_t server_config;
    struct netcode_client_config_t client_config;
    struct netcode_server_t * server;
    struct netcode_client_t * client;
    struct netcode_address_t * seen;
    struct sockaddr_in6 link_local;
    struct sockaddr_in front;
    struct relay relay;
    socklen_t size = sizeof( front );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES], * packet;
    char public_text[32], internal_text[32];
    const char * public_address = public_text, * internal_address = internal_text;
    double time = NET_START_TIME;
    int i, bytes, down = 0;
    if ( !find_link_local( &link_local ) )
    {
        make_link_local();
        if ( !find_link_local( &link_local ) )
        {
            printf( "SKIPPED %s: this host has no link-local address, and gives us none\n", __func__ );
            CHECK( 1 );
            return;
        }
    }
    memset( &server_config, 0, sizeof( server_config ) );
    netcode_default_server_config( &server_config );
    memcpy( server_config.private_key, key, sizeof( key ) );
    netcode_default_client_config( &client_config );
    server = netcode_server_create( "[::1]:0", &server_config, time );
    client = netcode_client_create( "127.0.0.1:0", &client_config, time );
    REQUIRE( server && client );
    netcode_server_start( server, 1 );
    REQUIRE( open_relay( &relay, &link_local, netcode_server_get_port( server ) ) );
    relay_socket = relay.back;
    REQUIRE( getsockname( relay.front, (struct sockaddr *) &front, &size ) == 0 );
    snprintf( public_text, sizeof( public_text ), "127.0.0.1:%d", ntohs( front.sin_port ) );
    snprintf( internal_text, sizeof( internal_text ), "[::1]:%d", netcode_server_get_port( server ) );
    CHECK_EQUAL( netcode_generate_connect_token( 1, &public_address, &internal_address, NET_LIFETIME, 2, 1000, 0, key, NULL, token ), NETCODE_OK );

    netcode_client_connect( client, token );
    for ( i = 0; i < PATIENCE && ( netcode_client_state( client ) != NETCODE_CLIENT_STATE_CONNECTED || time < NET_START_TIME + 5.0 ); i++ )
    {
        time += 0.01;
        netcode_client_update( client, time );
        pump( &relay );
        netcode_server_update( server, time );
        pump( &relay );
        if ( netcode_client_state( client ) < NETCODE_CLIENT_STATE_DISCONNECTED )
            break;
        netcode_sleep( 0.0005 );
    }
    /* challenge, keep-alives for longer than the timeout, payloads, and the end of it */
    CHECK_EQUAL( netcode_client_state( client ), NETCODE_CLIENT_STATE_CONNECTED );
    CHECK_EQUAL( netcode_server_num_connected_clients( server ), 1 );
    seen = netcode_server_client_address( server, 0 );
    CHECK( seen && seen->type == NETCODE_ADDRESS_IPV6 && seen->data.ipv6[0] == 0xFE80 );
    for ( i = 0; i < 20; i++ )
        netcode_server_send_packet( server, 0, (const uint8_t *) "scope", 6 );
    for ( i = 0; i < PATIENCE && down < 20; i++ )
    {
        pump( &relay );
        netcode_client_update( client, time );
        while ( ( packet = netcode_client_receive_packet( client, &bytes, NULL ) ) != NULL )
        {
            down += bytes == 6 && strcmp( (const char *) packet, "scope" ) == 0;
            netcode_client_free_packet( client, packet );
        }
        netcode_sleep( 0.0005 );
    }
    CHECK_EQUAL( down, 20 );
    netcode_server_stop( server );
    for ( i = 0; i < PATIENCE && netcode_client_state( client ) == NETCODE_CLIENT_STATE_CONNECTED; i++ )
    {
        pump( &relay );
        netcode_client_update( client, time );
        netcode_sleep( 0.0005 );
    }
    CHECK_EQUAL( netcode_client_state( client ), NETCODE_CLIENT_STATE_DISCONNECTED );
    CHECK( relay.up > 0 && relay.down > 0 );
    CHECK_EQUAL( unscoped_sends, 0 );
#ifdef __linux__
    CHECK( scoped_sends >= relay.down );
#endif
    netcode_client_destroy( client );
    netcode_server_destroy( server );
    close( relay.front );
    close( relay.back );
}

int main( int argc, char ** argv )
{
    tests_begin( argc, argv );
    netcode_set_assert_function( net_assert_handler );
    netcode_init();
    TEST( without_random_bytes_everything_fails_closed );
    /* last: it may move this process into another network */
    TEST( replies_to_a_link_local_address_keep_its_scope );
    netcode_term();
    return tests_done();
}
