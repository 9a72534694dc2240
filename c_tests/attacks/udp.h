/*
 * Plain UDP sockets on the loopback interface, beside those of the library. A program that includes this defines
 * _DEFAULT_SOURCE first.
 */
#ifndef NETCODE_C_TESTS_UDP_H
#define NETCODE_C_TESTS_UDP_H

#include "test.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#define UDP_MAX_DESCRIPTORS 1024
#define UDP_MAX_BYTES 65507             /* the largest datagram over IPv4 */

static inline struct sockaddr_in udp_loopback( int port )
{
    struct sockaddr_in address;
    memset( &address, 0, sizeof( address ) );
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl( INADDR_LOOPBACK );
    address.sin_port = htons( (uint16_t) port );
    return address;
}

/* Bound to this port, or with 0 to one of the system's choice; -1 if that cannot be. */

static inline int udp_open( int port )
{
    struct sockaddr_in address = udp_loopback( port );
    int descriptor = socket( AF_INET, SOCK_DGRAM, 0 );
    if ( descriptor >= 0 && bind( descriptor, (struct sockaddr *) &address, sizeof( address ) ) != 0 )
    {
        close( descriptor );
        return -1;
    }
    return descriptor;
}

/* Of an IPv4 socket; 0 for anything else. */

static inline int udp_port( int descriptor )
{
    struct sockaddr_in address;
    socklen_t size = sizeof( address );
    memset( &address, 0, sizeof( address ) );
    if ( getsockname( descriptor, (struct sockaddr *) &address, &size ) != 0 || address.sin_family != AF_INET )
        return 0;
    return ntohs( address.sin_port );
}

/* Which socket of this process has that port; -1 if none. */

static inline int udp_descriptor( int port )
{
    int i;
    for ( i = 0; i < UDP_MAX_DESCRIPTORS; i++ )
    {
        if ( fcntl( i, F_GETFD ) != -1 && udp_port( i ) == port )
            return i;
    }
    return -1;
}

/* 1 if the system took it. */

static inline int udp_send( int descriptor, int port, const void * data, int bytes )
{
    struct sockaddr_in address = udp_loopback( port );
    return sendto( descriptor, data, (size_t) bytes, 0, (struct sockaddr *) &address, sizeof( address ) ) == bytes;
}

/* A port where nobody listens: of a socket that is closed again. */

static inline int udp_closed_port( void )
{
    int descriptor = udp_open( 0 ), port = descriptor >= 0 ? udp_port( descriptor ) : 0;
    CHECK( port != 0 );
    if ( descriptor >= 0 )
        close( descriptor );
    return port;
}

/* How many datagrams the kernel has thrown away, by its own count: because the receive buffer of the socket with
   one of these ports was full, or the queue between sending and receiving. -1 where it does not say. */

static inline long udp_dropped( const int * ports, int num_ports )
{
    char line[512];
    long total = 0;
    FILE * file = fopen( "/proc/net/udp", "r" );
    if ( !file )
        return -1;
    while ( fgets( line, sizeof( line ), file ) )
    {
        unsigned port;
        const char * drops = strrchr( line, ' ' );
        int i;
        /* lines end in blanks */
        while ( drops && drops > line && strspn( drops, " \n" ) == strlen( drops ) )
        {
            line[drops - line] = 0;
            drops = strrchr( line, ' ' );
        }
        if ( !drops || sscanf( line, " %*d: %*x:%x", &port ) != 1 )
            continue;
        for ( i = 0; i < num_ports; i++ )
            total += (unsigned) ports[i] == port ? atol( drops ) : 0;
    }
    fclose( file );
    file = fopen( "/proc/net/softnet_stat", "r" );
    while ( file && fgets( line, sizeof( line ), file ) )
    {
        unsigned dropped;
        if ( sscanf( line, "%*x %x", &dropped ) == 1 )
            total += dropped;
    }
    if ( file )
        fclose( file );
    return total;
}

#endif
